"""What a notebook declares is what it can be asked for: no other name, type or value gets through."""

import json
import math
import os
import shutil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_notebook
from papermill.translators import translate_parameters

from analysis_lib.run.execute import read_declared, read_notebook
from analysis_lib.run.kinds import check_writable
from analysis_lib.run.parameters import (
    UNWANTED,
    ParameterError,
    complete_parameters,
    parameter_table,
    read_parameters,
    try_kinds,
)


def declare(*lines: str):
    cell = new_code_cell("\n".join(lines), metadata={"tags": ["parameters"]})
    return read_parameters(new_notebook(cells=[new_code_cell("other: int = 1"), cell]))


EVERYTHING = declare(
    "n_questions: int = 1000  # questions per task [1..]",
    'mode: str = "joint"  # how the flow is fitted {cartesian, joint, marginal}',
    "share: float = 0.9  # share kept (0..1]",
    "verbose: bool = False",
    'tasks: list[str] = ["a # b"]',
    "layers: list[int] | None = None  # layers, none for all [0..8]",
    "limit: Optional[float] = None",
    "rate = 0.5  # not annotated",
)


def test_names_types_defaults_and_help_are_read_in_order():
    assert [(p.name, str(p.type), p.default, p.help) for p in EVERYTHING.values()] == [
        ("n_questions", "int", 1000, "questions per task"),
        ("mode", "str", "joint", "how the flow is fitted"),
        ("share", "float", 0.9, "share kept"),
        ("verbose", "bool", False, ""),
        ("tasks", "list[str]", ["a # b"], ""),
        ("layers", "list[int] | None", None, "layers, none for all"),
        ("limit", "float | None", None, ""),
        ("rate", "float", 0.5, "not annotated"),
    ]


def test_a_notebook_without_the_cell_takes_nothing():
    assert read_parameters(new_notebook(cells=[new_code_cell("seed: int = 0")])) == {}
    with pytest.raises(ParameterError, match="no cell is tagged"):
        complete_parameters({}, {"seed": 1})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("n_questions", "7", 7),
        ("share", "1e-3", 0.001),
        ("share", "1", 1.0),
        ("verbose", "TRUE", True),
        ("verbose", "no", False),
        ("mode", "marginal", "marginal"),
        ("tasks", "a,b", ["a", "b"]),
        ("tasks", "[a, 'b, c']", ["a", "b, c"]),
        ("tasks", "[1e3, 0123]", ["1e3", "0123"]),
        ("tasks", "[]", []),
        ("layers", "0,8", [0, 8]),
        ("layers", "none", None),
        ("layers", ["1", "2"], [1, 2]),
        ("limit", "null", None),
    ],
)
def test_text_is_read_by_the_declared_type(name, text, value):
    read = complete_parameters(EVERYTHING, {name: text}, from_text=True)[name]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("n_questions", "many"),
        ("n_questions", "1e3"),
        ("n_questions", "1.0"),
        ("n_questions", "none"),
        ("n_questions", "0"),
        ("n_questions", ["1"]),
        ("n_questions", {"a": "1"}),
        ("share", "0"),
        ("share", "1.01"),
        ("share", "nan"),
        ("share", "inf"),
        ("verbose", "1"),
        ("mode", "Joint"),
        ("mode", ""),
        ("layers", "0,9"),
        ("layers", "[[1], [2]]"),
        ("layers", "[1"),
        ("layers", "a: 1"),
        ("layers", {"a": "1"}),
    ],
)
def test_text_of_another_type_or_out_of_range_is_refused_with_what_was_expected(name, text):
    with pytest.raises(ParameterError, match=rf"{name}: expected {EVERYTHING[name].type}") as refusal:
        complete_parameters(EVERYTHING, {name: text}, from_text=True)
    assert parameter_table(EVERYTHING) in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_questions", True), ("n_questions", "7"), ("n_questions", 7.0), ("verbose", 1), ("tasks", "ab"), ("tasks", [1]),
     ("share", math.nan), ("mode", None), ("layers", [True])],
)  # fmt: skip
def test_python_values_of_another_type_are_refused(name, value):
    with pytest.raises(ParameterError, match=f"{name}: expected"):
        complete_parameters(EVERYTHING, {name: value})


def test_a_choice_made_twice_is_refused_and_free_text_may_repeat():
    declared = declare('definitions: list[str] = ["mmi"]  # which {mmi, idep}', 'words: list[str] = ["a", "a"]')
    assert complete_parameters(declared, {"definitions": ["mmi", "idep"]})["words"] == ["a", "a"]
    for chosen in (["mmi", "idep", "mmi"], "[idep, idep]"):
        with pytest.raises(ParameterError, match="chosen more than once; leave one of them"):
            complete_parameters(declared, {"definitions": chosen}, from_text=isinstance(chosen, str))


def test_the_full_set_comes_out_whatever_was_given():
    assert complete_parameters(EVERYTHING, {}) == {p.name: p.default for p in EVERYTHING.values()}
    assert list(complete_parameters(EVERYTHING, {"rate": 1})) == list(EVERYTHING)


def test_all_problems_are_named_at_once_and_close_names_suggested():
    with pytest.raises(ParameterError) as refusal:
        complete_parameters(EVERYTHING, {"n_question": 1, "mode": "both", "share": 2.0})
    message = str(refusal.value)
    assert "did you mean `n_questions`?" in message
    assert "expected str {cartesian, joint, marginal}, got 'both'" in message
    assert "expected float (0..1], got 2.0" in message


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("sizes: dict = {}", "its type `dict`"),
        ("nested: list[list[int]] = []", "its type"),
        ("either: int | str = 1", "its type"),
        ("unknown = None", "annotate it"),
        ("empty = []", "annotate it"),
        ("computed: int = 2 * three", "no plain number"),
        ("n: int = 0  # count [1..]", "its default contradicts it"),
        ("n: int = '1'", "its default contradicts it"),
        ("n: int = 1  # count [one..]", "not made of numbers"),
        ("n: str = ''  # a name <nothing known>", "is none of task, condition"),
    ],
)
def test_a_declaration_that_cannot_be_kept_is_refused(line, reason):
    with pytest.raises(ParameterError, match=reason):
        declare(line)


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6), value=st.floats(-3e6, 3e6))
def test_a_range_admits_what_lies_in_it_and_brackets_decide_on_its_ends(low, width, value):
    high = low + width
    closed = declare(f"x: float = {low!r}  # x [{low!r}..{high!r}]")["x"].limits
    opened = declare(f"x: float = {(low + high) / 2!r}  # x ({low!r}..{high!r})")["x"].limits
    assert closed.admit(value) == (low <= value <= high)
    assert opened.admit(value) == (low < value < high)
    assert closed.admit(low) and closed.admit(high) and not opened.admit(low) and not opened.admit(high)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20), max_size=4))
def test_text_values_survive_unchanged_or_are_refused_for_a_control_character(values):
    declared = declare('name: str = ""', "names: list[str] = []")
    for given_one in [("names", values), ("names", json.dumps(values)), *(("name", value) for value in values)]:
        name, text = given_one
        wanted = values if name == "names" else text
        if any(UNWANTED.search(value) for value in (values if name == "names" else [text])):
            with pytest.raises(ParameterError, match="control character .*; remove it"):
                complete_parameters(declared, {name: text}, from_text=True)
        else:
            assert complete_parameters(declared, {name: text}, from_text=True)[name] == wanted


PLAIN = st.text(st.characters(codec="utf-8"), max_size=30).filter(lambda text: not UNWANTED.search(text))


@given(text=PLAIN, texts=st.lists(PLAIN, max_size=3), number=st.floats(allow_nan=False, allow_infinity=False))
@example(text="x' ; import os #", texts=['"""', "\\", "{x}", "%env", "\n!touch f"], number=-0.0)
@example(text="a\u0085!touch f\n%cd /", texts=["$GQA", "\r\n?"], number=1e300)
def test_a_value_reaches_the_cell_as_it_was_given(text, texts, number):
    """Through papermill's cell and what IPython makes of it, no text becomes code."""
    if UNWANTED.search(text):  # the examples that this package refuses
        return
    values = {"text": text, "texts": texts, "number": number}
    cell = TransformerManager().transform_cell(translate_parameters("python3", "python", values, "Parameters"))
    found: dict[str, object] = {}
    exec(cell, found)
    assert {name: found[name] for name in values} == values


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("n_questions", "1_000", "expected int"),
        ("n_questions", "\uff11\uff12", "expected int"),
        ("n_questions", "9" * 5000, "expected int"),
        ("share", "1_0e-1", "expected float"),
        ("tasks", "[a\nb]", "expected list"),
        ("tasks", "[*a]", "expected list"),
        ("tasks", "[!!python/name:os.system x]", "expected list"),
        ("tasks", "[" * 1000, "expected list"),
        ("tasks", "[a #b]", "expected list"),
        ("mode", "x" * 200_000, "expected str"),
        ("tasks", ["x" * 200_000], "200,000 characters; give at most"),
        ("tasks", ["a\x00"], "control character"),
        ("tasks", ["\ud800"], "control character"),
    ],
)
def test_what_could_be_meant_otherwise_is_refused_in_few_words(name, text, reason):
    with pytest.raises(ParameterError, match=reason) as refusal:
        complete_parameters(EVERYTHING, {name: text}, from_text=True)
    assert len(str(refusal.value)) < 2000


@pytest.mark.parametrize("name", ["", " mode", "m\u043ede", "mode\n", "mode=1", "__class__", "mode; import os"])
def test_a_name_that_only_looks_like_one_is_no_parameter(name):
    with pytest.raises(ParameterError, match="there is no such parameter"):
        complete_parameters(EVERYTHING, {name: "joint"}, from_text=True)


def test_text_in_a_list_of_the_workflow_keeps_its_marks():
    texts = ["strict, random edges 0", "image->last", "a: b", "#", "\U0001f600", '"', "1e3", "null", " ", "{x}", "*a"]
    assert complete_parameters(EVERYTHING, {"tasks": json.dumps(texts)}, from_text=True)["tasks"] == texts


@pytest.mark.parametrize(
    ("kind", "good", "bad", "reason"),
    [
        ("task", "ChooseCat", "ChooseCats", "the tasks are ChooseAttr"),
        ("condition", "strict@2-4, random layers 1", "stritc", "the presets are baseline"),
        ("condition", "only image->last", "only picture->last", "the spans are"),
        ("prompt", "<image>\n{question}", "vicuna", "must contain <image>"),
        ("model", "mini-llava-1.5", "mini-llava", "a folder in transformers format"),
        ("model", "llava-hf/llava-1.5-7b-hf@main", "/absent/model", "a folder in transformers format"),
        ("source", "minigqa", "null", "is not a folder; give minigqa"),
        ("store", "stored", "absent", "run notebooks/extract.md first"),
        ("folder", "anything", "file", "is not a folder"),
        ("file to write", "a/b/new.parquet", "stored", "is a folder, not a file"),
        ("file to write", "file", "file/new.parquet", "a part of its path is a file"),
        ("file to write", "x.parquet", "x" * 300, "the name is too long"),
        ("file to write", "x.parquet", "loop", "round in a circle"),
        ("folder to write", "a/store", "file", "is a file, not a folder"),
        ("folder to write", "~store", "~/store", "begins with ~"),
        ("folder to write", "stored", "", "got nothing"),
        ("folder to write", "stored", "pipe", "is a device or a pipe"),
    ],
)
def test_a_kind_is_looked_up_or_tried(tmp_path, kind, good, bad, reason):
    (tmp_path / "stored").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    declared = declare(f'one: str = "x"  # one of them <{kind}>', f"some: list[str] | None = None  # several <{kind}>")
    for value, known in [(good, True), (bad, False)]:
        for values in [{"one": value, "some": None}, {"one": good, "some": [value]}]:
            if known:
                try_kinds(declared, values, tmp_path)
            else:
                with pytest.raises(ParameterError, match=reason):
                    try_kinds(declared, values, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop", "pipe", "stored"], "nothing was made"


def test_a_place_beside_the_caller_alone_is_refused(tmp_path, monkeypatch):
    (tmp_path / "here" / "data").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    declared = declare('one: str = "x"  # a folder <folder>')
    with pytest.raises(ParameterError, match=f"parameters count from .*; give {tmp_path}/here/data"):
        try_kinds(declared, {"one": "data"}, tmp_path)


def test_a_full_disk_and_a_read_only_one_are_told_with_figures_and_cure(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=3 * 2**20))
    with pytest.raises(ValueError, match="new needs 64 MiB, and .* has 3 MiB free; free some"):
        check_writable(tmp_path / "new", folder=True)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ValueError, match="read-only; give another place"):
        check_writable(tmp_path / "new", folder=True)


def test_parameters_are_read_without_the_rest_of_a_notebook(tmp_path, repository):
    """As the whole would give them, though a cell in the prose before shows another, or there are none."""
    cell = "```{{code-cell}} ipython3\n:tags: [parameters]\n\n{}\n```\n"
    head = "---\nkernelspec:\n  name: python3\n  language: python\n  display_name: Python 3\n---\n\n"
    shown = "````md\n" + cell.format("n: int = 1  # shown") + "````\n\n"
    for text, names in (
        (cell.format("n: int = 2  # how many") + "\nAnd more.\n", ["n"]),
        (shown + cell.format("m: int = 3  # how many"), ["m"]),
        ("Prose alone.\n", []),
    ):
        path = tmp_path / "page.md"
        path.write_text(head + text)
        assert list(read_declared(path)) == names and read_declared(path) == read_notebook(path)[1]
    for path in sorted((repository / "notebooks").glob("*.md"))[::6]:
        assert read_declared(path) == read_notebook(path)[1]
