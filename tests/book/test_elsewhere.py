"""What opens the repository elsewhere: files that its services can read, and links that come from one address."""

import json
import re
import stat

import pytest
import yaml
from companion.elsewhere import COLAB_CELL, services

from tests.book.conftest import REPOSITORY


def test_the_container_is_described_as_its_format_wants():
    described = json.loads((REPOSITORY / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    dockerfile = (REPOSITORY / ".devcontainer" / described["build"]["dockerfile"]).read_text(encoding="utf-8")
    assert re.match(r"(#.*\n)*FROM python:3\.1[1-4]", dockerfile) and "make" in dockerfile
    assert described["postCreateCommand"].startswith("make install") and described["name"]


def test_binder_installs_the_pins_and_the_library():
    folder = REPOSITORY / ".binder"
    assert re.fullmatch(r"python-3\.1[1-4]\n", (folder / "runtime.txt").read_text())
    (required,) = (folder / "requirements.txt").read_text().split("\n")[:-1]
    assert (folder / required.removeprefix("-r ")).resolve() == REPOSITORY / "requirements.lock"
    script = folder / "postBuild"
    assert script.read_text().startswith("#!/usr/bin/env bash\n") and script.stat().st_mode & stat.S_IXUSR
    assert "pip install --quiet --no-deps -e ." in script.read_text()


@pytest.mark.parametrize("address", ["https://github.com/some-one/a.book", "https://github.com/some-one/a.book.git"])
def test_every_link_comes_from_the_address(address: str):
    links = services(address, "main")
    assert list(links) == ["GitHub Codespaces", "Binder", "Colab"]
    assert all("some-one/a.book" in link and ".git" not in link.replace("github", "") for link in links.values())
    for link in links.values():
        if found := re.search(r"(?:lab/tree|blob/main)/(\S+)$", link):
            source = found[1].replace("book/pages", "notebooks").replace(".ipynb", ".md")
            assert (REPOSITORY / source).is_file(), "links lead to a notebook that there is"


@pytest.mark.parametrize("address", ["", "git@github.com:a/b.git", "https://example.org/a/b", "https://github.com/a"])
def test_an_address_that_these_services_cannot_open_makes_no_link(address: str):
    assert services(address, "main") == {}


def test_colab_gets_the_pins_of_a_reader():
    assert "-r requirements.lock" in COLAB_CELL and "git clone --depth 1 {address}" in COLAB_CELL


def test_the_citation_names_the_repository_that_the_book_leads_to():
    address = yaml.safe_load((REPOSITORY / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation.get("repository-code", "") == address, "one address: write it to both"
