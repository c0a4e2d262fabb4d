"""From pydantic's errors to sentences: dotted key, value, what is allowed."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

import annotated_types
from pydantic import AfterValidator, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo

from stages.common.settings.base import Group
from stages.common.settings.quantity import FORMS, Within, parse

MANY = 14
"""Longest list of names that is written out in a sentence."""


@dataclass(frozen=True)
class Place:
    """Where in the tree of settings a key points.

    Attributes:
        annotation: type of what belongs there, or None where nothing does.
        metadata: limits on it, as pydantic keeps them.
    """

    annotation: Any
    metadata: tuple[Any, ...] = ()


def sentences(error: ValidationError, root: type[Group]) -> list[str]:
    """One sentence for each mistake, in the order of the keys.

    Args:
        error: what pydantic raised.
        root: the model that was validated.

    Returns:
        Sentences such as ``train.epochs is 0: give a whole number of at least 1``.
    """
    texts = (_sentence(item, root) for item in error.errors(include_url=False))
    return list(dict.fromkeys(line for text in texts for line in text.splitlines()))


def _sentence(item: Any, root: type[Group]) -> str:
    location = tuple(step for step in item["loc"] if step != "[key]")
    key = dotted(location)
    place = find(root, location)
    match item["type"]:
        case "extra_forbidden":
            return unknown(".".join(map(str, location)), root)
        case "missing":
            return f"{key} is missing: give {allowed(place)}"
        case "value_error" if _is_group(place.annotation):
            return str(item["ctx"]["error"])
        case "value_error":
            return f"{key} is {shown(item['input'])}: {item['ctx']['error']}"
    return f"{key or 'the file'} is {shown(item['input'])}: give {allowed(place)}"


def unknown(key: str, root: type[Group]) -> str:
    """The sentence for a dotted key that is no setting: the nearest one, or those there are.

    Args:
        key: as the user wrote it.
        root: the model it was meant for.
    """
    steps = key.split(".")
    good = 0
    while good < len(steps) and find(root, steps[: good + 1]).annotation is not None:
        good += 1
    parent = find(root, steps[:good]).annotation
    if not _is_group(parent):
        return f"{key} is not a setting: {'.'.join(steps[:good])} holds no others, so give it a value or remove the key"
    siblings = [field.alias or name for name, field in parent.model_fields.items()]
    for name in difflib.get_close_matches(steps[good], siblings, n=3, cutoff=0.65):
        meant = [*steps[:good], name, *steps[good + 1 :]]
        if find(root, meant).annotation is not None:
            return f"{key} is not a setting: did you mean {'.'.join(meant)}?"
    elsewhere = [other for other in every_key(root) if other.rpartition(".")[2] == steps[-1]]
    if elsewhere:
        return f"{key} is not a setting: did you mean {' or '.join(elsewhere[:3])}?"
    where = f"{'.'.join(steps[:good])} takes" if good else "there are"
    return f"{key} is not a setting: {where} {listed(siblings)}"


def every_key(root: type[Group], prefix: str = "") -> Iterator[str]:
    """All dotted keys below ``root``, groups before what is in them."""
    for name, field in root.model_fields.items():
        yield prefix + name
        if _is_group(field.annotation):
            yield from every_key(field.annotation, f"{prefix}{name}.")


def nearest(name: str, names: Iterable[str]) -> str:
    """What to write instead of a name that does not exist: the nearest one, or those there are."""
    names = list(names)
    tails = [other for other in names if other.rpartition(".")[2] == name.rpartition(".")[2]]
    close = tails or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"choose from {listed(names)}"


def listed(names: Iterable[str]) -> str:
    """Names for a sentence, cut after :data:`MANY`."""
    names = list(names)
    return ", ".join(names[:MANY]) + (", ..." if len(names) > MANY else "")


def dotted(location: Iterable[str | int]) -> str:
    """``("a", "b", 0)`` as ``a.b[0]``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def shown(value: Any) -> str:
    """A value as short YAML."""
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case str():
            text = f"'{value}'"
        case dict():
            text = "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            text = "[" + ", ".join(shown(item) for item in value) + "]"
        case _:
            text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def find(root: type[Group], location: Iterable[str | int]) -> Place:
    """Follow ``location`` down from ``root``."""
    place = Place(root)
    for step in location:
        place = _below(place, step)
    return place


def _below(place: Place, step: str | int) -> Place:
    annotation = place.annotation
    if _is_group(annotation):
        fields = annotation.model_fields
        field = fields.get(str(step)) or next((item for item in fields.values() if item.alias == step), None)
        return _place(field) if field else Place(None)
    if get_origin(annotation) is list:
        return _unwrapped(get_args(annotation)[0])
    if get_origin(annotation) is dict:
        return _unwrapped(get_args(annotation)[1])
    return Place(None)


def _place(field: FieldInfo) -> Place:
    inner = _unwrapped(field.annotation)
    return Place(inner.annotation, (*field.metadata, *inner.metadata))


def _unwrapped(annotation: Any) -> Place:
    """A type without its limits, and without ``| None``: who wrote a wrong value wants to know the right ones."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        below = _unwrapped(inner)
        return Place(below.annotation, (*metadata, *below.metadata))
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        if len(parts) == 1:
            return _unwrapped(parts[0])
    return Place(annotation)


def _is_group(annotation: Any) -> TypeGuard[type[Group]]:
    return isinstance(annotation, type) and issubclass(annotation, Group)


NOUNS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def allowed(place: Place) -> str:
    """What belongs at a place, in words: ``a whole number of at least 1``."""
    annotation, metadata = place.annotation, place.metadata
    if any(isinstance(item, BeforeValidator) and item.func is parse for item in metadata):
        ranges = [item.func for item in metadata if isinstance(item, AfterValidator) and isinstance(item.func, Within)]
        return FORMS + (f", to {ranges[0]}" if ranges else "")
    if annotation in NOUNS:
        return NOUNS[annotation] + _limits(metadata)
    if _is_group(annotation):
        return f"a group of settings: {listed(annotation.model_fields)}"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}" if len(arguments) > 1 else str(arguments[0])
    if origin is list:
        one = " or more" if any(isinstance(item, annotated_types.MinLen) for item in metadata) else ""
        inner = _unwrapped(arguments[0])
        return f"a list{one and ' of one' + one}, each {allowed(inner)}"
    if origin is dict:
        return f"'name: value' pairs, each value {allowed(_unwrapped(arguments[1]))}"
    if origin in (Union, types.UnionType):
        return " or ".join(allowed(_unwrapped(part)) for part in arguments)
    return "another value"


def _limits(metadata: tuple[Any, ...]) -> str:
    words = []
    for item in metadata:
        match item:
            case annotated_types.Ge(number):
                words.append(f"of at least {number}")
            case annotated_types.Gt(number):
                words.append(f"above {number}")
            case annotated_types.Le(number):
                words.append(f"at most {number}")
            case annotated_types.Lt(number):
                words.append(f"below {number}")
            case annotated_types.MultipleOf(number):
                words.append(f"a multiple of {number}")
    return (" " + " and ".join(words)) if words else ""
