"""What a notebook declares is what it can be asked for: no other name, type or value gets through."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from analysis_lib.run.parameters import ParameterError, complete_parameters, parameter_table, read_parameters


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
def test_text_values_survive_unchanged(values):
    declared = declare('name: str = ""', "names: list[str] = []")
    assert complete_parameters(declared, {"names": values}, from_text=True)["names"] == values
    for value in values:
        assert complete_parameters(declared, {"name": value}, from_text=True)["name"] == value
