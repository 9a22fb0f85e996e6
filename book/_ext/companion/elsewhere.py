"""Where else the book's notebooks run: links and commands with the repository's address, which is set in one place."""

import re
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
COLAB_CELL = """\
!git clone --depth 1 {address} companion
%cd companion
!pip install -q -r requirements.lock && pip install -q --no-deps -e ."""
UNSET = (
    "The address of the repository is not set, so this copy of the book leads nowhere: write it to `url` under "
    "`repository` in `_config.yml`, and build again. The files of each service are in the repository all the same."
)


def services(address: str, branch: str) -> dict[str, str]:
    """Links by service; empty for a repository that these services cannot open by its address."""
    found = GITHUB.fullmatch(address)
    if not found:
        return {}
    name = found[1]
    return {
        "GitHub Codespaces": f"https://codespaces.new/{name}?ref={branch}",
        "Binder": f"https://mybinder.org/v2/gh/{name}/{branch}?urlpath=lab/tree/notebooks/background.md",
        "Colab": f"https://colab.research.google.com/github/{name}/blob/{branch}/book/pages/background.ipynb",
    }


class Elsewhere(Directive):
    """Links to the services that open the repository, and the first cell of a notebook on Colab."""

    def run(self) -> list[nodes.Node]:
        """Return them, or how to set the address."""
        options: dict[str, Any] = self.state.document.settings.env.config.html_theme_options
        address = str(options.get("repository_url") or "").strip()
        if not address:
            return [nodes.note("", nodes.paragraph("", "", *_with_code(UNSET)))]
        links = nodes.bullet_list()
        for service, link in services(address, str(options.get("repository_branch") or "main")).items():
            links += nodes.list_item("", nodes.paragraph("", "", nodes.reference("", service, refuri=link)))
        links += nodes.list_item("", nodes.paragraph("", "", nodes.literal(text=f"git clone {address}")))
        cell = COLAB_CELL.format(address=address)
        return [
            links,
            nodes.paragraph(text="On Colab this is the first cell, after which a page's own cells run:"),
            nodes.literal_block(cell, cell, language="none"),
        ]


def _with_code(text: str) -> list[nodes.Node]:
    """Text whose parts between backticks are code."""
    return [nodes.literal(text=part) if odd % 2 else nodes.Text(part) for odd, part in enumerate(text.split("`"))]
