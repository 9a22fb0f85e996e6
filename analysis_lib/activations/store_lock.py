"""One writer per store: a lock that dies with its process."""

from analysis_lib.locks import writing

__all__ = ["writing"]
