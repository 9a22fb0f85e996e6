"""The types and limits that a notebook parameter can declare, and how text is read by them."""

import ast
import json
import math
import re
from dataclasses import dataclass

from analysis_lib.reading import parse_yaml
from analysis_lib.run.kinds import KINDS

SCALARS = {"int": int, "float": float, "bool": bool, "str": str}
TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
NOTHING = ("none", "null", "")
# Narrower than Python's own reading, which takes 2024_11 for 202411 and the digits of every script.
WRITTEN = {
    "int": re.compile(r"[+-]?[0-9]{1,30}"),
    "float": re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?"),
}

RANGE = re.compile(r"(?P<open>[\[(])\s*(?P<low>[^\s,\[\]()]*?)\s*\.\.\s*(?P<high>[^\s,\[\]()]*)\s*(?P<close>[\])])\s*$")
CHOICE = re.compile(r"\{(?P<values>[^{}]+)\}\s*$")
KIND = re.compile(r"<(?P<kind>[a-z ]+)>\s*$")


@dataclass(frozen=True)
class ParameterType:
    """A scalar type, perhaps in a list, perhaps absent: ``int``, ``list[str]``, ``float | None``."""

    scalar: str
    is_list: bool = False
    optional: bool = False

    def __str__(self) -> str:
        name = f"list[{self.scalar}]" if self.is_list else self.scalar
        return f"{name} | None" if self.optional else name

    @classmethod
    def from_annotation(cls, node: ast.expr) -> "ParameterType":
        """Read the annotation of an assignment; raises ``ValueError`` for any type that a parameter cannot have.

        >>> str(ParameterType.from_annotation(ast.parse("list[int] | None", mode="eval").body))
        'list[int] | None'
        """
        match node:
            case ast.Name(id=name) if name in SCALARS:
                return cls(name)
            case ast.Subscript(value=ast.Name(id="list"), slice=ast.Name(id=name)) if name in SCALARS:
                return cls(name, is_list=True)
            case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
                return cls._optional(left)
            case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
                return cls._optional(inner)
        raise ValueError(f"its type `{ast.unparse(node)}` is none of int, float, bool, str, list[...], ... | None")

    @classmethod
    def _optional(cls, node: ast.expr) -> "ParameterType":
        inner = cls.from_annotation(node)
        return cls(inner.scalar, inner.is_list, optional=True)

    @classmethod
    def from_default(cls, value: object) -> "ParameterType":
        """Infer the type of an assignment without annotation; raises ``ValueError`` where the default does not tell."""
        first = value[0] if isinstance(value, list) and value else value
        if (name := type(first).__name__) not in SCALARS:
            raise ValueError(f"its default {value!r} does not tell its type; annotate it, as in `x: int | None = None`")
        return cls(name, is_list=isinstance(value, list))

    def from_text(self, text: str | list[str]) -> object:
        """Read a value typed on the command line or written in a YAML file; raises ``ValueError`` if it is of no use.

        Lists are written ``[a, b]`` or ``a,b``; absence is written ``none``.

        >>> ParameterType("int", is_list=True).from_text("1,2")
        [1, 2]
        >>> ParameterType("str").from_text("1e3")
        '1e3'
        """
        if self.optional and isinstance(text, str) and text.strip().lower() in NOTHING:
            return None
        if not self.is_list:
            if not isinstance(text, str):
                raise ValueError("one value is expected, not several")
            return self._scalar_from_text(text.strip() if self.scalar != "str" else text)
        elements = _list_from_text(text) if isinstance(text, str) else text
        if not isinstance(elements, list) or not all(isinstance(element, str) for element in elements):
            raise ValueError("a flat list is expected")
        return [self._scalar_from_text(element) for element in elements]

    def _scalar_from_text(self, text: str) -> object:
        if self.scalar == "bool":
            if text.lower() not in TRUTHS:
                raise ValueError("true or false is expected")
            return TRUTHS[text.lower()]
        if (pattern := WRITTEN.get(self.scalar)) and not pattern.fullmatch(text):
            raise ValueError("digits are expected")
        return SCALARS[self.scalar](text)

    def admits(self, value: object) -> bool:
        """Whether a Python value is of this type; whole numbers are good floats, truths are not numbers."""
        if value is None:
            return self.optional
        if self.is_list:
            return isinstance(value, list | tuple) and all(self._admits_scalar(element) for element in value)
        return self._admits_scalar(value)

    def _admits_scalar(self, value: object) -> bool:
        if isinstance(value, bool):
            return self.scalar == "bool"
        if self.scalar == "float":
            return isinstance(value, int | float) and math.isfinite(value)
        return isinstance(value, SCALARS[self.scalar])


def _list_from_text(text: str) -> object:
    """What ``[a, b]`` or ``a,b`` stands for, every element as written."""
    try:  # as the workflow and a stamp's command write it: whatever is in it, an element stays what it is
        elements = json.loads(text)
    except (ValueError, RecursionError):
        elements = None
    if isinstance(elements, list) and all(isinstance(element, str) for element in elements):
        return elements
    if "\n" in text or "\r" in text:
        raise ValueError("a list is written in one line")  # YAML would fold lines into one
    return parse_yaml(text if text.lstrip().startswith("[") else f"[{text}]", "the list")


@dataclass(frozen=True)
class Limits:
    """The values that a parameter's comment allows; equal to the empty limits where it names none.

    ``kind`` is a word for values that are looked up or tried before a run, one of `analysis_lib.run.kinds`.

    >>> help, limits = Limits.from_comment("share of the questions (0..1]")
    >>> help, str(limits), limits.admit(0.5), limits.admit(0)
    ('share of the questions', '(0..1]', True, False)
    """

    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    kind: str = ""
    text: str = ""

    def __str__(self) -> str:
        return self.text

    @classmethod
    def from_comment(cls, comment: str) -> tuple[str, "Limits"]:
        """Split a comment into its help and the limits at its end; raises ``ValueError`` where they cannot be read."""
        if found := CHOICE.search(comment):
            choices = tuple(choice.strip() for choice in found["values"].split(","))
            return comment[: found.start()].strip(), cls(choices=choices, text="{" + ", ".join(choices) + "}")
        if found := KIND.search(comment):
            if found["kind"] not in KINDS:
                raise ValueError(f"its kind `{found.group().strip()}` is none of {', '.join(KINDS)}")
            return comment[: found.start()].strip(), cls(kind=found["kind"], text=found.group().strip())
        if not (found := RANGE.search(comment)):
            return comment.strip(), cls()
        text = found.group().strip()
        try:
            low = float(found["low"]) if found["low"] else -math.inf
            high = float(found["high"]) if found["high"] else math.inf
        except ValueError:
            raise ValueError(f"its range `{text}` is not made of numbers, as in `[0..1]`") from None
        # An excluded end is the next representable number, so that comparing stays plain.
        if found["open"] == "(":
            low = math.nextafter(low, math.inf)
        if found["close"] == ")":
            high = math.nextafter(high, -math.inf)
        return comment[: found.start()].strip(), cls(low=low, high=high, text=text)

    def admit(self, value: object) -> bool:
        """Whether a value, or every element of a list, lies within the limits. Absence always does."""
        if value is None:
            return True
        if isinstance(value, list | tuple):
            return all(self.admit(element) for element in value)
        if self.choices:
            return str(value) in self.choices
        return not isinstance(value, int | float) or self.low <= value <= self.high
