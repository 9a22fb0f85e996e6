"""Train the embedded models from scratch: ``python -m analysis_lib.models.training``."""
