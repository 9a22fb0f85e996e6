"""Malformed inputs: profiles, parameters, claims, notebooks, names and paths as nobody should write them.

`cases` draws as many as asked for, the same ones for the same number. Each knows what it has to name when it is refused
and what it has to come to when it is taken.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from analysis_lib.compare.claims import read_claims
from analysis_lib.run.__main__ import main
from analysis_lib.run.execute import read_notebook
from analysis_lib.run.parameters import complete_parameters, try_kinds
from analysis_lib.run.preflight import check_profile, fill_in_places
from analysis_lib.run.profile import profile_path, read_profile, read_text_mapping
from tests.faults.outcomes import Case

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = """\
models: {one: mini-llava-1.5}
tasks: [ChooseCat, QueryAttr]
seed: 7
offline: true
extract:
  conditions: [baseline, strict]
  windows_of: [paper]
  n_questions: 50
decompose:
  decomposed: [baseline, strict]
  bootstrap: 20
pages:
  method:
    layer: 2
"""
ODD = [
    "", " ", "null", "~", "none", "[]", "{}", "-1", "0", "1.5", "1e3", "1_000", "0x10", "9" * 40, str(2**64), "true",
    "yes", "nan", "inf", "x" * 3000, "a b", "a\tb", "'", '"', "$HOME", "$(id)", "`id`", "{x}", "%s", "#", "*a", "&a b",
    "- a", "a: b", "!!python/name:os.system", "\u202ebaseline", "bas\u0435line", "base\u200bline", "\x0b", "a\x00b",
    "\ud800", "\U0001f600", "../..", "/", "/dev/zero", "/proc/self/mem", "~/x", "\\", "x; touch made", "[[1]]", "NaN",
    "[a, [b]]", "{a: 1}", "[a, a]", "2024-13-45", "-", "--help", "=", "a=b",
]  # fmt: skip
"""What people, editors and programs put where a value should be."""
LINES = SMALL.splitlines()


def cases(folder: Path, count: int, seed: int = 0) -> Iterator[Case]:
    """``count`` malformed inputs, the kinds in turn; files are written into ``folder``."""
    rng = np.random.default_rng(seed)
    makers = list(MAKERS.items())
    for number in range(count):
        kind, make = makers[number % len(makers)]
        name, run, names, right = make(rng, folder / str(number))
        yield Case(kind, f"{number}: {name}", run, names, right)


Made = tuple[str, Callable[[], Any], tuple[str, ...], Callable[[Any], bool]]


def _pick(rng: np.random.Generator, among: Any) -> Any:
    return among[int(rng.integers(len(among)))]


def _checked(path: Path) -> dict[str, Any]:
    profile = fill_in_places(read_profile(profile_path(str(path))), path.stem, {})
    check_profile(profile, path.stem, REPOSITORY)
    return profile


def _plainly(text: str) -> Any:
    """What YAML's own loader makes of a text, without its guesses."""
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - what is compared with


def _same_profile(text: str) -> Callable[[Any], bool]:
    def same(found: Any) -> bool:
        content = _plainly(text)
        kept = {key: content[key] for key in ("models", "tasks", "seed")}
        good = re.fullmatch(r"[+]?[0-9]{1,10}", content["seed"]) and int(content["seed"]) < 2**32
        kept["extract"] = content["extract"] or {}
        return bool(good) and {key: found[key] for key in kept} == kept

    return same


def profile_values(rng: np.random.Generator, place: Path) -> Made:
    """A profile in which one value is another."""
    line = int(rng.integers(len(LINES)))
    value = _pick(rng, ODD)
    key, colon, _ = LINES[line].partition(":")
    text = "\n".join([*LINES[:line], f"{key}{colon} {value}", *LINES[line + 1 :]]) + "\n"
    return _profile(place, text, f"{key.strip()}: {value[:30]!r}")


def profile_lines(rng: np.random.Generator, place: Path) -> Made:
    """A profile with lines lost, doubled, swapped, misspelt or moved."""
    lines = list(LINES)
    at, other = (int(rng.integers(len(lines))) for _ in range(2))
    how = _pick(rng, ["lost", "doubled", "swapped", "misspelt", "moved", "commented"])
    if how == "lost":
        del lines[at]
    elif how == "doubled":
        lines.insert(other, lines[at])
    elif how == "swapped":
        lines[at], lines[other] = lines[other], lines[at]
    elif how == "misspelt":
        spot = int(rng.integers(len(lines[at])))
        lines[at] = lines[at][:spot] + _pick(rng, "xX_- :\t") + lines[at][spot + 1 :]
    else:
        lines[at] = ("\t" if how == "moved" else "#") + lines[at]
    return _profile(place, "\n".join(lines) + "\n", f"line {at + 1} {how}")


def _profile(place: Path, text: str, name: str) -> Made:
    place.mkdir(parents=True)
    path = place / "own.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return name, lambda: _checked(path), (str(path), "own"), _same_profile(text)


def files(rng: np.random.Generator, place: Path) -> Made:
    """A file of parameters or of claims in another encoding, cut, flipped, or that is no file."""
    place.mkdir(parents=True)
    path = place / "own.yml"
    claims = bool(rng.integers(2))
    text = (REPOSITORY / "book" / "claims.yml").read_text(encoding="utf-8") if claims else f"# Größe\n{SMALL}"
    content = text.encode()
    hows = ["utf-16", "utf-16-be", "utf-32", "latin-1", "utf-8-sig", "cut", "flip", "zeros", "empty", "folder", "pipe",
            "loop", "absent", "bomb", "deep", "tag", "large", "control"]  # fmt: skip
    how = _pick(rng, hows)
    if how in ("utf-16", "utf-16-be", "utf-32", "latin-1", "utf-8-sig"):
        content = (text + "# ö\n").encode(how, "replace")
    elif how == "cut":
        content = content[: int(rng.integers(1, len(content)))]
    elif how == "flip":
        at = int(rng.integers(len(content)))
        content = content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]
    elif how == "zeros":
        at = int(rng.integers(len(content)))
        content = content[:at] + bytes(64) + content[at + 64 :]
    elif how in ("empty", "bomb", "deep", "tag", "large", "control"):
        content = {
            "empty": b"", "bomb": b"a: &a [x]\n" + b"".join(b"k%d: [*a, *a]\n" % i for i in range(9)),
            "deep": b"[" * 5000, "tag": b"a: !!python/object/apply:os.system [id]\n", "large": content * 200,
            "control": content + b"a: \x07\n",
        }[how]  # fmt: skip
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "loop": lambda: path.symlink_to(path.name),
     "absent": lambda: None}.get(how, lambda: path.write_bytes(content))()  # fmt: skip

    def right(found: Any) -> bool:
        decoded = content.decode("utf-8-sig")
        if not claims:
            return bool(found == _plainly(decoded))
        return list(found.claims) == [one["id"] for one in yaml.safe_load(decoded)["claims"]]

    read: Callable[[Path], Any] = read_claims if claims else read_text_mapping
    return f"{read.__name__} {how}", lambda: read(path), (str(path),), right


def parameters(rng: np.random.Generator, place: Path) -> Made:
    """A parameter of a stage or a page with a value that was meant for something else."""
    notebook = _pick(rng, ["extract", "decompose", "method", "rehearsal", "background"])
    _, declared = read_notebook(REPOSITORY / "notebooks" / f"{notebook}.md")
    name, text = _pick(rng, list(declared)), _pick(rng, ODD)
    given = name if rng.integers(5) else _pick(rng, [name.upper(), name + " ", name[:-1], f"{name}\n", ""])

    def run() -> object:
        values = complete_parameters(declared, {given: text}, from_text=True)
        try_kinds({name: declared[name]}, values, place)
        return values[name]

    def right(found: object) -> bool:
        parameter = declared[name]
        if given != name:
            return False
        if found is None:
            return parameter.type.optional and text.strip().lower() in ("", "none", "null")
        if parameter.type.is_list:
            flow = text if text.startswith("[") else f"[{text}]"
            return [str(element) for element in found] == [str(element) for element in _plainly(flow)]  # type: ignore[attr-defined]
        if parameter.type.scalar == "bool":
            return found is (text.lower() in ("true", "yes"))
        if parameter.type.scalar in ("int", "float"):
            return "_" not in text and float(found) == float(text)  # type: ignore[arg-type]
        return found == text

    return f"{notebook}.{given[:20]!r} = {text[:30]!r}", run, (name, repr(given), ascii(given)), right


def outputs(rng: np.random.Generator, place: Path) -> Made:
    """An output, a notebook or a file of parameters on the command line that cannot be; nothing is run."""
    place.mkdir(parents=True)
    (place / "folder.ipynb").mkdir()
    (place / "file").touch()
    (place / "round").symlink_to("round")
    os.mkfifo(place / "pipe.ipynb")
    page, good = str(REPOSITORY / "notebooks" / "background.md"), str(place / "good.ipynb")
    bad = ["folder.ipynb", "file/x.ipynb", "round/x.ipynb", "pipe.ipynb", "x.md", "x", f"{'x' * 300}.ipynb", "\0.ipynb"]
    bad = [*(str(place / one) for one in bad), page, "/proc/x/y.ipynb", "/dev/null/x.ipynb", ""]
    lost = [str(place / one) for one in ("", "absent.md", "file", "pipe.ipynb", "round")] + ["/dev/zero"]
    how = _pick(rng, ["output", "output", "notebook", "file", "twice", "profile"])
    words = {
        "output": [page, "-o", _pick(rng, bad)],
        "notebook": [_pick(rng, lost), "-o", good],
        "file": [page, "-o", good, "-f", _pick(rng, lost)],
        "twice": [page, "-o", good, "-p", "seed", "1", "-p", "seed", "2"],
        "profile": [page, "-o", good, "--profile", _pick(rng, [*ODD[:20], "../x", "a/b", *lost])],
    }[how]

    def run() -> None:
        told = io.StringIO()
        with redirect_stderr(told), redirect_stdout(told):
            code = main(words)
        if code == 2:
            raise ValueError(told.getvalue())

    wrong = words[0] if how == "notebook" else words[-1]
    told = (wrong, repr(wrong), "-p seed", wrong[: 60 if "/" in wrong else 10]) if wrong else ("the output", "profile")
    return f"{how} {wrong[-30:]!r}", run, told, lambda found: False


def names(rng: np.random.Generator, place: Path) -> Made:
    """A name of something that is not called so."""
    declared = read_notebook(REPOSITORY / "notebooks" / "extract.md")[1]
    parameter = declared[_pick(rng, ["task", "model", "source", "conditions", "windows_of", "prompt"])]
    good = {"task": "ChooseCat", "model": "mini-llava-1.5", "source": "minigqa", "prompt": "vicuna-v1-short"}
    conditions = ["strict", "image->last", "strict@2-4", "only image->last", "paper, random edges 1"]
    start = good.get(parameter.name, _pick(rng, conditions))
    at = int(rng.integers(len(start)))
    before, after = start[:at], start[at:]
    hows = [before + after[1:], f"{before}\u0430{after[1:]}", f"{before}/{after}", f"{start}\u200b", f"{start} "]
    how = _pick(rng, [*hows, start[::-1], start.upper(), "", "a/../..", "@", f"{start}@{'9' * 30}"])
    value = [how] if parameter.type.is_list else how

    def run() -> object:
        checked = parameter.check(value)
        parameter.try_kind(checked, place)
        return checked

    def right(found: object) -> bool:
        # Hub names are taken as they are, and a window or a draw may be another one.
        return bool(re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w.-]+)?|(\w+|\w+->\w+)(@\d+)?(, random edges \d+)?", how, re.A))

    told = (how, repr(how), ascii(how)) if how else ("has a name", "got nothing", "the prompt", "unknown task")
    return f"{parameter.name} {how[:40]!r}", run, told, right


def lists(rng: np.random.Generator, place: Path) -> Made:
    """A list as text with marks in it, through the workflow's way and the command line's."""
    elements = [_pick(rng, ODD) for _ in range(int(rng.integers(1, 4)))]
    text = json.dumps(elements) if rng.integers(2) else f"[{', '.join(elements)}]"
    as_json = text == json.dumps(elements)
    declared = read_notebook(REPOSITORY / "notebooks" / "decompose.md")[1]
    parameter = declared["decomposed"]

    def right(found: object) -> bool:
        return found == elements if as_json else found == _plainly(text)

    return text[:40], lambda: parameter.read(text), ("list", "holds the control", "characters"), right


MAKERS = {
    "values of a profile": profile_values,
    "lines of a profile": profile_lines,
    "files of YAML": files,
    "parameters": parameters,
    "outputs and commands": outputs,
    "names": names,
    "lists": lists,
}
