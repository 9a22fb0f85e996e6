"""Begin something of your own: a page with a chart, a number and a test, which runs and builds as it is written.

``python -m analysis_lib.new page NAME`` writes the notebook and its test, and enters the page in a profile and in the
contents of the book.
"""

from .page import new_page

__all__ = ["new_page"]
