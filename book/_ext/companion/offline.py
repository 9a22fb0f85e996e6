"""Everything a page loads comes from the book itself: charts and formulas draw over file:// without a network."""

from importlib import metadata
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

from analysis_lib.files import write_atomically

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
MATHJAX_FILE = "tex-svg-full.js"  # one file: formulas as SVG, every TeX extension inside, no font to fetch

VEGA_FILE = "vega-bundle.js"


def provide_scripts(app: Sphinx, config: Config) -> None:
    """Write Vega (out of vl-convert) and MathJax (out of its pip package) into a static folder of this build."""
    static = Path(app.doctreedir).parent / "companion_static"
    vendor = static / "vendor"
    vendor.mkdir(parents=True, exist_ok=True)
    _write(vendor / MATHJAX_FILE, _mathjax().read_bytes())
    _write(vendor / VEGA_FILE, _vega().encode())
    config.html_static_path.append(str(static))
    config.mathjax_path = f"vendor/{MATHJAX_FILE}"
    app.add_css_file("companion.css")
    app.add_css_file("drawings.css")
    app.add_js_file("print.js", loading_method="defer")
    app.add_js_file("reach.js", loading_method="defer")
    app.add_js_file("selection.js", loading_method="defer")


def keep_local(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the chart scripts where there is a chart, and drop every script and style sheet from elsewhere."""
    if 'class="vl-figure"' in context.get("body", ""):
        app.add_js_file(f"vendor/{VEGA_FILE}", loading_method="defer", priority=850)
        app.add_js_file("charts.js", loading_method="defer", priority=860)
        app.add_js_file("under_figures.js", loading_method="defer", priority=861)
    for kind in ("script_files", "css_files"):
        context[kind] = [entry for entry in context.get(kind, []) if not _remote(entry)]


def _remote(entry: Any) -> bool:
    """Whether a script or style sheet comes from another host, or belongs to Thebe, which fetches from one."""
    name = str(getattr(entry, "filename", entry) or "")
    body = str(getattr(entry, "attributes", {}).get("body") or "")
    return "://" in name or name.startswith("//") or "thebe" in name.lower() or "THEBE" in body


def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one classic script that sets three names on the window and no others.

    The bundle declares short names at its top level, one of which the page's search script declares as well; inside a
    function they do not meet.
    """
    import vl_convert

    return f"(() => {{\n{vl_convert.javascript_bundle()}\n}})();\n"


def _mathjax() -> Path:
    try:
        files = metadata.distribution(MATHJAX_PACKAGE).files or []
    except metadata.PackageNotFoundError:
        raise ExtensionError(f"formulas need MathJax on this machine: pip install {MATHJAX_PACKAGE}") from None
    for file in files:
        if file.name == MATHJAX_FILE:
            return Path(str(file.locate()))
    raise ExtensionError(f"{MATHJAX_PACKAGE} is installed without {MATHJAX_FILE}; reinstall it")


def _write(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    write_atomically(path, content)
