"""Options of the check of own objects, as keys of an entry of ``assets``."""

from __future__ import annotations

import argparse
from typing import Any

from stages.common.errors import SettingsError
from stages.common.settings.imports import METRE_SIDES


def tried(args: argparse.Namespace) -> dict[str, Any]:
    """Keys of an entry that the command line gives.

    Raises:
        SettingsError: when one is not written as it should be, or there is no path that it is for.
    """
    given = {"class": args.class_name, "unit": args.unit, "up": args.up, "front": args.front}
    given |= {"size": args.size and _size(args.size), "rules": args.rules and dict(map(_rule, args.rules))}
    found = {key: value for key, value in given.items() if value}
    if found and args.source is None:
        option = {"rules": "rule"}.get(next(iter(found)), next(iter(found)))
        raise SettingsError(f"--{option} is for one object: give its PATH, too")
    return found


def _size(text: str) -> dict[str, float]:
    side, _, metres = text.replace(":", "=").partition("=")
    try:
        if side.strip() in METRE_SIDES:
            return {side.strip(): float(metres)}
    except ValueError:
        pass
    raise SettingsError(f"--size is '{text}': give one side in metres, as height=1.2, length=2 or width=0.7")


def _rule(text: str) -> tuple[str, str]:
    pattern, colon, name = text.rpartition(":")
    if not (colon and pattern.strip() and name.strip()):
        raise SettingsError(f"--rule is '{text}': give prims and their class, as '/World/Fork*: pallet_truck'")
    return pattern.strip(), name.strip()
