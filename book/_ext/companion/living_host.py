"""The living model's place on a page: its scripts where the workflow made them, else a note of why there are none.

``python -m analysis_lib.living`` writes them; `book/_static/living` is what makes a page of them.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.config import Config

from analysis_lib.report.page.markup import escape

MADE = Path("_build") / "living"
"""Where the workflow puts what it made, under the book's root."""
MANIFEST_FILE = "living.json"
PLACE = "vendor/living"
PARTS = (
    *("painting", "asking", "masks", "running", "controls"),
    *("scene_board", "question_line", "mask_board", "answer_charts", "map_chart", "living"),
)
"""The page's own scripts, in the order in which they are loaded."""
EXPLAINED = (
    "The model itself can run here, in the reader's browser; this book was built without what that takes. The pictures "
    "below tell the same story."
)


class LivingModel(Directive):
    """The living model, or a note that this book has none::

    ```{living-model}
    ```
    """

    def run(self) -> list[nodes.Node]:
        """Return its host, which scripts fill."""
        environment = self.state.document.settings.env
        told = manifest(Path(environment.srcdir))
        environment.note_dependency(str(Path(environment.srcdir) / MADE / MANIFEST_FILE))
        if not told.get("there"):
            why = escape(told.get("why", "`python -m analysis_lib.living _build/living` makes it"))
            return [nodes.raw("", f'<p class="living-absent">{EXPLAINED} <small>{why}</small></p>', format="html")]
        up = "../" * environment.docname.count("/")
        megabytes = round(sum(told["bytes"].values()) / 1e6)
        host = f'<div class="living-model" data-folder="{up}_static/{PLACE}" data-megabytes="{megabytes}">'
        return [nodes.raw("", f"{host}<p>With JavaScript the model runs here.</p></div>", format="html")]


def manifest(root: Path) -> dict[str, Any]:
    """What was made for a book; nothing where nothing was."""
    path = root / MADE / MANIFEST_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def take_along(app: Sphinx, config: Config) -> None:
    """Let the scripts lie where the book's page looks for them."""
    told = manifest(Path(app.srcdir))
    static = Path(app.doctreedir).parent / "companion_static"
    folder = static / PLACE
    folder.mkdir(parents=True, exist_ok=True)
    for name in told.get("bytes", {}):
        (folder / name).write_bytes((Path(app.srcdir) / MADE / name).read_bytes())


def load_parts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the page's own scripts where the living model is; its megabytes come when they are asked for."""
    if 'class="living-model"' in context.get("body", ""):
        app.add_css_file("living/living.css")
        for place, name in enumerate(PARTS):
            app.add_js_file(f"living/{name}.js", loading_method="defer", priority=870 + place)
