"""A profile says for each notebook what it may be asked for."""

import pytest

from analysis_lib.run import ParameterError
from analysis_lib.run.profile import notebook_parameters, profile_path, read_text_mapping


def test_values_of_a_file_stay_text(tmp_path):
    path = tmp_path / "choices.yaml"
    path.write_text("rate: 1e-3\nrevision: 0123456\nanswer: yes\nlayers: [1, 2]\n")
    assert read_text_mapping(path) == {"rate": "1e-3", "revision": "0123456", "answer": "yes", "layers": ["1", "2"]}


@pytest.mark.parametrize(
    ("content", "reason"), [("- a\n- b\n", "must be a mapping"), ("a: [1", "cannot be read"), (None, "cannot be read")]
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content, reason):
    path = tmp_path / "choices.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ParameterError, match=reason):
        read_text_mapping(path)


def test_an_unknown_profile_is_refused_with_those_there_are():
    with pytest.raises(ParameterError, match=r"no profile 'minni'.*mini, smoke"):
        profile_path("minni")


@pytest.mark.parametrize(
    ("asked", "missing"), [("decompose", "lacks decompose; it has extract"), ("method", "lacks seed and pages")]
)
def test_an_incomplete_profile_is_refused_with_what_it_has(asked, missing):
    with pytest.raises(ParameterError, match=missing):
        notebook_parameters({"extract": {}} | ({"seed": 0} if asked == "decompose" else {}), "own", asked)


def test_a_stage_gets_its_section_and_a_page_what_all_pages_get():
    pages = {"method": "", "setup": {"n": "1"}}
    profile = {"seed": "3", "extract": {"source": "minigqa"}, "decompose": "", "pages": pages}
    assert notebook_parameters(profile, "own", "extract") == {"seed": "3", "source": "minigqa"}
    assert notebook_parameters(profile, "own", "decompose") == {"seed": "3"}
    common = {"profile": "own", "results": "results", "seed": "3"}
    assert notebook_parameters(profile, "own", "method") == common
    assert notebook_parameters(profile, "own", "setup") == common | {"n": "1"}
    assert notebook_parameters(profile, "own", "a_page_of_mine") == common
