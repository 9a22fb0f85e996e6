"""Train the embedded models from scratch: ``python -m analysis_lib.worlds.mini.training``."""
