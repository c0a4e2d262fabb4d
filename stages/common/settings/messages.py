"""From pydantic's errors to sentences: dotted key, value, what is allowed."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import AfterValidator, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo

from stages.common.settings.base import Group
from stages.common.settings.distribution import FORMS, Within, parse

MANY = 12
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
    return list(dict.fromkeys(_sentence(item, root) for item in error.errors(include_url=False)))


def _sentence(item: Any, root: type[Group]) -> str:
    location = tuple(step for step in item["loc"] if step != "[key]")
    key = dotted(location)
    place = find(root, location)
    match item["type"]:
        case "extra_forbidden":
            return unknown(key, keys_beside(root, location))
        case "missing":
            return f"{key} is missing: give {allowed(place)}"
        case "value_error" if location == () or _is_group(place.annotation):
            return str(item["ctx"]["error"])
        case "value_error":
            return f"{key} is {shown(item['input'])}: {item['ctx']['error']}"
    return f"{key or 'the whole'} is {shown(item['input'])}: give {allowed(place)}"


def unknown(key: str, known: Iterable[str]) -> str:
    """The sentence for a key that is no setting.

    Args:
        key: dotted key as the user wrote it.
        known: keys that exist beside it, without their dotted parents.
    """
    parent, _, name = key.rpartition(".")
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        meant = f"{parent}.{close[0]}" if parent else close[0]
        return f"{key} is not a setting: did you mean {meant}?"
    return f"{key} is not a setting: {f'{parent} takes' if parent else 'there are'} {listed(names)}"


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


def keys_beside(root: type[Group], location: tuple[str | int, ...]) -> list[str]:
    """The settings that exist where the last step of ``location`` was looked up."""
    parent = find(root, location[:-1]).annotation
    return list(parent.model_fields) if _is_group(parent) else []


def _below(place: Place, step: str | int) -> Place:
    annotation = place.annotation
    if _is_group(annotation):
        field = annotation.model_fields.get(str(step))
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
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return Place(inner, tuple(metadata))
    return Place(annotation)


def _is_group(annotation: Any) -> bool:
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
