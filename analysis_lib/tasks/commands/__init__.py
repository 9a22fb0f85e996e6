"""The commands of ``python -m analysis_lib.tasks``, a module each: its arguments, and what it does, line by line."""
