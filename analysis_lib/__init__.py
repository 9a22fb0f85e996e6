"""The mechanisms of the companion: tasks -> models -> activations -> (arrays) pid -> (tables) report.

Each subpackage imports what it needs; this one imports nothing, so that ``import analysis_lib`` costs nothing.
"""

__version__ = "0.1.0"
