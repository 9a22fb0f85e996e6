"""Buttons that lead to the repository, to Binder and to Colab: all of them where its address is known, else none."""

from sphinx.application import Sphinx
from sphinx.config import Config

LAUNCHERS = {
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
    "notebook_interface": "jupyterlab",
}


def add_buttons(app: Sphinx, config: Config) -> None:
    """Turn the theme's buttons on if ``repository: url`` is set in `_config.yml`."""
    options = config.html_theme_options
    if options.get("repository_url"):
        options.update(use_repository_button=True, use_issues_button=True, launch_buttons=dict(LAUNCHERS))
