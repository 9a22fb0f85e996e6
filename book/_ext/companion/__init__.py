"""The book's own Sphinx extension: provenance and data on every page, everything offline, parameters, marked numbers.

All that ties the book to Sphinx lives here; pages are plain MyST Markdown and executed notebooks.
"""

from typing import Any

from sphinx.application import Sphinx

from companion import (
    accessible,
    chosen_contents,
    docstrings,
    elsewhere,
    living_host,
    offline,
    repository,
    rooms,
    stamp,
    under_figures,
)
from companion.directives import ParameterTable, given_role, paper_role


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the parts; Sphinx calls this."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("elsewhere", elsewhere.Elsewhere)
    app.add_directive("face", docstrings.Face)
    app.add_directive("living-model", living_host.LivingModel)
    app.add_directive("rooms", rooms.Rooms)
    app.add_directive("journey", rooms.Journey)
    app.add_directive("parameters", ParameterTable)
    app.add_role("paper", paper_role)
    app.add_role("given", given_role)
    app.connect("config-inited", offline.provide_scripts, priority=100)
    app.connect("config-inited", living_host.take_along, priority=110)
    app.connect("config-inited", repository.add_buttons)
    app.connect("autodoc-process-docstring", docstrings.rewrite)
    app.connect("autodoc-skip-member", docstrings.leave_out)
    app.connect("missing-reference", chosen_contents.link_to_left_out)
    app.connect("html-page-context", accessible.mend)
    app.connect("html-page-context", chosen_contents.unlink_left_out)
    app.connect("html-page-context", living_host.load_parts)
    app.connect("html-page-context", under_figures.add_rows, priority=890)
    # Late, so that scripts which other extensions add to a page are seen as well.
    app.connect("html-page-context", stamp.add_stamp, priority=900)
    app.connect("html-page-context", offline.keep_local, priority=910)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
