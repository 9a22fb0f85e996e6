"""What somebody else wrote is read as it was meant, or refused with file, line and cure."""

import os

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.reading import LARGEST_YAML, parse_yaml, read_text, read_yaml

LATIN = "Größe: 1\n"


def test_text_is_read_with_and_without_its_mark(tmp_path):
    path = tmp_path / "file"
    for start in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(start + LATIN.encode())
        assert read_text(path, 100) == LATIN
        assert read_yaml(path) == {"Größe": "1"}
    (tmp_path / "link").symlink_to(path)
    assert read_text(tmp_path / "link", 100) == LATIN


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (LATIN.encode("utf-16"), "UTF-16 or UTF-32; save it as UTF-8"),
        (LATIN.encode("utf-16-be"), "byte 0 is zero; if it was written as UTF-16, save it as UTF-8"),
        (LATIN.encode("utf-32"), "UTF-16 or UTF-32; save it as UTF-8"),
        (b"a: 1\n" + LATIN.encode("latin-1"), "line 2: byte 0xf6 is no text in UTF-8 .*'ö'.*; save the file as UTF-8"),
        (bytes(range(90)), "byte 0 is zero"),
        (b"x" * 101, "more than 100 bytes"),
    ],
)
def test_other_encodings_and_no_text_at_all_are_refused(tmp_path, content, reason):
    path = tmp_path / "file.yaml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"file.yaml.*{reason}"):
        read_text(path, 100)


@pytest.mark.timeout(20)
def test_nothing_waits_or_runs_away(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "file").touch()
    for path, reason in [
        (tmp_path / "pipe", "is a named pipe; give a file of text"),
        (tmp_path / "round", "links lead round in a circle"),
        (tmp_path, "is a folder; give a file"),
        (tmp_path / "file" / "below", "a part of the path is a file"),
        ("/dev/zero", "is a device"),
        (tmp_path / ("x" * 300), "the name is too long"),
        ("a\0b", "zero byte; give one without"),
    ]:
        with pytest.raises(ValueError, match=reason):
            read_text(path, 100)
    with pytest.raises(FileNotFoundError, match="there is no file .*absent; give"):
        read_text(tmp_path / "absent", 100)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, r"here, line 2: the alias \*a repeats another part; write"),
        ("a: &a\n  <<: *a\n", "the alias"),
        ("a: {<<: {b: 1}, b: 2}", "alias|<<"),
        ("a: !!python/object/apply:os.system [true]", "the tag .*python/object.*asks for an object"),
        ("a: !own 1", "the tag '!own'"),
        ("!!map {a: 1}", "the tag"),
        ("a: 1\nb: {c: 1,\n c: 2}", "here, line 3: the key 'c' stands twice"),
        ("a: 1\n'a': 2", "line 2: the key 'a' stands twice"),
        ("[" * 100 + "]" * 100, "nested deeper than 12 levels"),
        ("a:\n\t- b", "line 2: .*; write it as YAML"),
        ("a: b: c", "line 1: .*; write it as YAML"),
        ("a: [1, 2", "write it as YAML"),
        ("a: 1\n---\nb: 2", "line 2: .*; write it as YAML"),
        ("a: x\x07", r"is no YAML: .*'\\x07'.*; remove"),
        ("? [a, b]\n: c", "write it as YAML"),
        ("a: *b", "the alias"),
        ("%YAML 9.9\n---\na: 1", "write it as YAML"),
        ("`a`: 1", "write it as YAML"),
    ],
)
def test_what_no_person_means_is_refused(text, reason, typed):
    if "<<" in text and "*" not in text and not typed:
        assert parse_yaml(text, "here") == {"a": {"<<": {"b": "1"}, "b": "2"}}  # two keys like any other
        return
    with pytest.raises(ValueError, match=reason) as refusal:
        parse_yaml(text, "here", typed=typed)
    assert str(refusal.value).startswith("here")


def test_a_date_that_there_is_not_is_refused():
    assert parse_yaml("a: 2024-13-45", "here") == {"a": "2024-13-45"}
    with pytest.raises(ValueError, match="here has a value that cannot be read .*; put it in quotes"):
        parse_yaml("a: 2024-13-45", "here", typed=True)


def test_the_size_is_bounded_before_anything_is_parsed(tmp_path):
    path = tmp_path / "large.yaml"
    path.write_text("a: " + "x" * LARGEST_YAML)
    with pytest.raises(ValueError, match="large.yaml has more than 262,144 bytes"):
        read_yaml(path)


PLAIN = st.recursive(
    st.text(max_size=8) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_what_a_person_writes_is_read_as_by_the_library(content):
    text = yaml.safe_dump(content, allow_unicode=True)
    assert parse_yaml(text, "here", typed=True) == yaml.safe_load(text)
    assert parse_yaml(text, "here") == yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - what is compared with


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused_with_the_file(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    try:
        read_yaml(path)
    except ValueError as error:
        assert "any.yaml" in str(error) and ";" in str(error)
