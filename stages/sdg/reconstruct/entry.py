"""The entry of ``assets`` in ``conf/config.yaml``, added or replaced without touching anything else in that file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from stages.common.errors import InputError
from stages.common.files import atomic_write

KEY = re.compile(r"^assets:[ \t]*(?P<rest>[^#\n]*?)[ \t]*(?P<comment>#.*)?$", re.MULTILINE)


def lines_of(entry: dict[str, Any]) -> str:
    """An entry as lines of YAML, indented as an item of ``assets``."""
    text = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, default_flow_style=False)
    first, *others = text.splitlines()
    return "\n".join([f"  - {first}", *(f"    {line}" for line in others)]) + "\n"


def add_entry(path: Path, entry: dict[str, Any]) -> bool:
    """Add an entry, or bring the one of its name up to date, whose other keys stay.

    Args:
        path: of ``config.yaml``.
        entry: keys of an :class:`~stages.common.settings.imports.ImportedAsset`, ``name`` among them.

    Returns:
        Whether the file was changed; False when the entry was there as it is.

    Raises:
        InputError: when the file cannot be read, or is written in a way that cannot be added to safely.
    """
    by_hand = f"add this to its assets by hand:\n{lines_of(entry)}"
    try:
        text = path.read_text(encoding="utf-8")
        before = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}): {by_hand}") from error
    entries = list(before.get("assets") or []) if isinstance(before, dict) else []
    old: dict[str, Any] = next((item for item in entries if item.get("name") == entry["name"]), {})
    entry = {**old, **entry}
    if entry in entries:
        return False
    wanted = [item for item in entries if item.get("name") != entry["name"]] + [entry]
    made = _added(text, entry)
    try:
        after = yaml.safe_load(made) if made else None
    except yaml.YAMLError:
        after = None
    # whatever the way it is written, the result must say exactly this and no more
    if after != {**(before if isinstance(before, dict) else {}), "assets": wanted}:
        raise InputError(f"{path} has its assets in a form that is not added to: {by_hand}")
    with atomic_write(path) as stream:
        stream.write(made)
    return True


def _added(text: str, entry: dict[str, Any]) -> str | None:
    """The text with an entry, or None where the list of assets is not found or is written in one line."""
    keys = list(KEY.finditer(text))
    if not keys:
        return f"{text.rstrip()}\nassets:\n{lines_of(entry)}"
    if len(keys) > 1 or keys[0]["rest"] not in ("", "[]", "null", "~"):
        return None
    comment = f" {keys[0]['comment']}" if keys[0]["comment"] else ""
    head, rest = text[: keys[0].start()], text[keys[0].end() :].lstrip("\n")
    block = re.match(r"(?:(?:[ \t]+.*|-.*|#.*|[ \t]*)\n?)*", rest) if keys[0]["rest"] == "" else None
    items = block[0] if block else ""
    # comments and blank lines before the next key belong to it
    trailing = re.search(r"(?:^(?:#.*|[ \t]*)\n?)*\Z", items, re.MULTILINE)
    cut = trailing.start() if trailing else len(items)
    kept, after = _without(items[:cut], str(entry["name"])), items[cut:] + rest[len(items) :]
    added = lines_of(entry)
    if re.match(r"-", kept.lstrip("\n")):
        added = "".join(line[2:] for line in added.splitlines(keepends=True))
    return f"{head}assets:{comment}\n{kept}{added}{after}"


def _without(items: str, name: str) -> str:
    """Items of a list, without that of a name."""
    start = re.match(r"[ \t]*", next((line for line in items.splitlines() if line.strip().startswith("-")), ""))
    indent = start[0] if start else ""
    parts = re.split(rf"(?m)^(?={indent}- )", items)
    mark = re.compile(rf"(?m)^[ \t]*(?:- )?[ \t]*name:[ \t]*['\"]?{re.escape(name)}['\"]?[ \t]*(?:#.*)?$")
    made = "".join(part for part in parts if not mark.search(part))
    return made if not made or made.endswith("\n") else made + "\n"
