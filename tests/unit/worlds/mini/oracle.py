"""Answers read off a scene graph by the question's words alone, written without the generator's code."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

KIND_OF_ATTRIBUTE = {
    **dict.fromkeys(("red", "green", "blue", "yellow", "purple", "white"), "color"),
    **dict.fromkeys(("plastic", "wood", "metal"), "material"),
    **dict.fromkeys(("small", "large"), "size"),
}


class Scene:
    """A scene graph in GQA's layout, looked up by object name."""

    def __init__(self, graph: dict[str, Any]) -> None:
        self.graph = graph
        names = [item["name"] for item in graph["objects"].values()]
        assert len(set(names)) == len(names), "two objects of one name: 'the box' would be ambiguous"
        self.ids = {item["name"]: key for key, item in graph["objects"].items()}

    def item(self, name: str) -> dict[str, Any]:
        return self.graph["objects"][self.ids[name]]

    def has(self, name: str, attribute: str) -> bool:
        return name in self.ids and attribute in self.item(name)["attributes"]

    def relates(self, name: str, relation: str, other: str) -> bool:
        return {"name": relation, "object": self.ids[other]} in self.item(name)["relations"]

    def side(self, name: str) -> set[str]:
        item, middle = self.item(name), self.graph["width"] / 2
        centre = item["x"] + item["w"] / 2
        return {"left"} if centre < middle else {"right"} if centre > middle else set()

    def third(self, name: str, start: str, extent: str, whole: str) -> int:
        """In which third of the picture the object's centre lies, from the left or from the top."""
        item = self.item(name)
        return int(3 * (item[start] + item[extent] / 2) / self.graph[whole])


def _attribute(scene: Scene, name: str, *options: str) -> set[str]:
    return {option for option in options if scene.has(name, option)}


def _category(scene: Scene, attribute: str, *options: str) -> set[str]:
    return {option for option in options if scene.has(option, attribute)}


def _across(scene: Scene, name: str, first: str, second: str, other: str) -> set[str]:
    assert {first, second} == {"left", "right"}
    return {side for side in (first, second) if scene.relates(name, f"to the {side} of", other)}


def _along(scene: Scene, name: str, first: str, second: str, other: str) -> set[str]:
    assert {first, second} == {"above", "below"}
    return {side for side in (first, second) if scene.relates(name, side, other)}


def _common(scene: Scene, first: str, second: str) -> set[str]:
    shared = set(scene.item(first)["attributes"]) & set(scene.item(second)["attributes"])
    return {KIND_OF_ATTRIBUTE[attribute] for attribute in shared}


def _exists(scene: Scene, first: str, second: str, attribute: str) -> set[str]:
    return {"yes" if scene.has(first, attribute) or scene.has(second, attribute) else "no"}


def _open(kind: str) -> Callable[..., set[str]]:
    def answer(scene: Scene, name: str) -> set[str]:
        return {attribute for attribute in scene.item(name)["attributes"] if KIND_OF_ATTRIBUTE[attribute] == kind}

    return answer


def _third(start: str, extent: str, whole: str) -> Callable[..., set[str]]:
    return lambda scene, name, *options: {options[scene.third(name, start, extent, whole)]}


_W = r"(\w+)"
_RULES: tuple[tuple[str, Callable[..., set[str]]], ...] = (
    (rf"Is the {_W} to the {_W} or to the {_W} of the {_W}\?", _across),
    (rf"Is the {_W} {_W} or {_W} the {_W}\?", _along),
    (rf"Is the {_W} made of {_W} or {_W}\?", _attribute),
    (rf"What is the {_W} made of, {_W} or {_W}\?", _attribute),
    (rf"Is the {_W} {_W} or {_W}\?", _attribute),
    (rf"Does the {_W} appear to be {_W} or {_W}\?", _attribute),
    (rf"(?:What type|Which kind) of object is {_W}, the {_W} or the {_W}\?", _category),
    (rf"What do both the {_W} and the {_W} have in common\?", _common),
    (rf"What is common to the {_W} and the {_W}\?", _common),
    (rf"(?:Is there|Do you see) either a {_W} or a {_W} that is (?:made of )?{_W}\?", _exists),
    (rf"On which side of the (?:photo|image) is the {_W}\?", lambda scene, name: scene.side(name)),
    (rf"What color is the {_W}\?", _open("color")),
    (rf"What is the {_W} made of\?", _open("material")),
    (rf"What size is the {_W}\?", _open("size")),
    (rf"What is the {_W} object\?", lambda scene, color: {name for name in scene.ids if scene.has(name, color)}),
    (rf"Is the {_W} on the (top), (middle) or (bottom)\?", _third("y", "h", "height")),
    (rf"Is the {_W} on the (left), (center) or (right)\?", _third("x", "w", "width")),
    (rf"Is the {_W} (?:made of )?{_W}\?", lambda scene, name, value: {"yes" if scene.has(name, value) else "no"}),
)


def right_answers(question: str, graph: dict[str, Any]) -> set[str]:
    """Every answer that the scene makes right; a good question has exactly one."""
    for pattern, rule in _RULES:
        match = re.fullmatch(pattern, question)
        if match:
            return rule(Scene(graph), *match.groups())
    raise AssertionError(f"no rule reads {question!r}")
