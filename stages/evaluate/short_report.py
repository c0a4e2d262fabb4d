"""The short form of the report: ``report.md``, and the same beside a base branch for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from stages.evaluate.gate_report import BEGIN, END
from stages.evaluate.gate_report import markdown as decision_text
from stages.evaluate.truth import SIM

NOTHING_SIM = "Nothing was measured on renders."
NOTHING_REAL = "Nothing real was measured."

FIGURES = {
    "ap50": "AP50",
    "ap50_95": "AP50:95",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "false_positives_per_picture": "false positives a picture",
}
MOST_WORST = 5
"""Weak slices of a set that are named."""

MOST_SETTINGS = 60
"""Changed settings that are listed."""

LINK = re.compile(r"^\\\[|\\\]$|!\\\[|\\\](?:[(:]|\\\[)")
"""Escaped brackets that would be one of Markdown's links, alone or with what stands beside them in a line."""

PICTURES = "pictures/"
LEAST_DIFFERENCE = 5e-4
"""Smaller ones are shown as none."""


@dataclass(frozen=True)
class Change:
    """A setting that differs from the base: its dotted name, and both values in words; None where it is not there."""

    name: str
    before: str | None
    now: str | None


@dataclass(frozen=True)
class Base:
    """What the figures are compared with.

    Attributes:
        name: of the branch or revision.
        metrics: content of its ``metrics.json``; None where it has none.
        reason: why it has none.
        changes: of the settings; None where its settings are not known.
    """

    name: str
    metrics: Mapping[str, Any] | None
    reason: str = ""
    changes: Sequence[Change] | None = None


def short_report(
    details: Mapping[str, Any],
    base: Base | None = None,
    decision: Mapping[str, Any] | None = None,
    link: str = "",
) -> str:
    """GitHub's Markdown.

    Args:
        details: content of ``evaluation.json``.
        base: to compare with; None compares with nothing.
        decision: content of ``gate.json``, when it is about this model.
        link: address of the full report; empty names the file beside this one.
    """
    parts = [
        *_head(details),
        *_gate(decision),
        *_unmeasured(details),
        *_figures(details, base),
        *_settings(base),
        *_worst(details),
        *_pictures(details),
        _link(link),
    ]
    return "\n".join(parts).rstrip() + "\n"


def sets_of(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The sets of ``evaluation.json`` or ``metrics.json`` by name, the real ones first."""
    return {**content["real"], SIM: content["sim"]}


def plain(text: object) -> str:
    """Text without a meaning in Markdown or HTML, and without mentions: names of files and settings are anyone's.

    Brackets stay as they are where they can be no part of a link, so that the file reads well as text too.
    """
    made = literal(text)
    if LINK.search(made):
        return made
    return made.replace("\\[", "[").replace("\\]", "]")


def literal(text: object) -> str:
    """As :func:`plain`, with every bracket escaped: inside of brackets one that is not closed would mean something."""
    made = escape(" ".join(str(text).split()), quote=False)
    for letter in "\\`*[]|~#":
        made = made.replace(letter, f"\\{letter}")
    return made.replace("@", "@\u200b").replace("http", "http\u200b").replace("www.", "www\u200b.")


def sentence(text: object) -> str:
    """A sentence of ours, whose commands stand in backticks; the rest of it as :func:`plain` has it."""
    parts = " ".join(str(text).split()).split("`")
    if len(parts) % 2 == 0 or not all(part.strip() for part in parts[1::2]):
        return plain(text)
    return "".join(f"`{part}`" if number % 2 else _between(part) for number, part in enumerate(parts))


def _between(part: str) -> str:
    """What stands before, between or behind commands, with one blank at its ends where it has any."""
    return f"{' ' * part.startswith(' ')}{plain(part)}{' ' * (part.endswith(' ') and part != ' ')}"


def code(text: object) -> str:
    """A value as code inside of a table."""
    made = escape(" ".join(str(text).split()), quote=False)
    for letter in "\\`*_[]|~@":
        made = made.replace(letter, f"&#{ord(letter)};")
    return f"<code>{made}</code>"


def _head(details: Mapping[str, Any]) -> Iterator[str]:
    model = details["model"]
    usual = "" if model["threshold_chosen"] else " (the file names none, so it is the usual one)"
    run = f"; MLflow run `{model['run_id']}`" if model.get("run_id") else ""
    width, height = model["input_size"]
    yield f"# Evaluation of {plain(model['file'])}"
    yield ""
    yield (
        f"Classes {plain(', '.join(model['classes']))}; input {width} × {height} pixels; operating threshold "
        f"{model['threshold']:.3f}{usual}{run}."
    )
    yield ""


def _gate(decision: Mapping[str, Any] | None) -> Iterator[str]:
    yield BEGIN
    yield (
        decision_text(decision)
        if decision
        else ("The gate has not decided about this model yet: `python -m stages.evaluate promote`.")
    )
    yield END
    yield ""


def _unmeasured(details: Mapping[str, Any]) -> Iterator[str]:
    if not details["real"]:
        yield f"**{NOTHING_REAL}** real=none was chosen."
        yield ""
    for name, item in sets_of(details).items():
        if not item["pictures"]:
            headline = NOTHING_SIM if name == SIM else NOTHING_REAL
            yield f"**{headline}** {plain(name)}: {sentence(item['reason'])}."
            yield ""


def _figures(details: Mapping[str, Any], base: Base | None) -> Iterator[str]:
    known = {name: item for name, item in sets_of(details).items() if item["pictures"]}
    theirs = sets_of(base.metrics) if base and base.metrics else {}
    yield "## Figures"
    yield ""
    yield from _table_head("set")
    for name, item in known.items():
        yield _row(f"**{plain(name)}**", item, theirs.get(name))
        for publisher, other in item.get("published", {}).items():
            yield _published(publisher, other)
    yield ""
    yield " ".join(["Ranges are 95 % intervals over pictures.", *_compared(base, known, theirs)])
    yield ""
    for name, item in known.items():
        for note in item["notes"]:
            yield f"- {plain(name)}: {sentence(note)}"
    if any(item["notes"] for item in known.values()):
        yield ""
    yield "<details><summary>By class</summary>"
    yield ""
    for name, item in known.items():
        yield from _table_head(plain(name))
        before = (theirs.get(name) or {}).get("classes") or {}
        for label, figures in item["classes"].items():
            yield _row(plain(label), figures, before.get(label))
        yield ""
    yield "</details>"
    yield ""


def _compared(base: Base | None, known: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    if base is None:
        return
    if base.metrics is None:
        yield f"There is nothing to compare with: {plain(base.name)} has no figures ({sentence(base.reason)})."
        return
    which = "" if any("interval" in item for item in theirs.values()) else " of F1"  # metrics.json has no others
    bold = f"in bold where the two intervals{which} do not overlap"
    yield f"Signed numbers are differences to {plain(base.name)}, {bold}."
    other = [
        f"{plain(name)} has {item['objects']} objects here and {theirs[name].get('objects', 0)} there"
        for name, item in known.items()
        if name in theirs and theirs[name].get("objects", 0) != item["objects"]
    ]
    if other:
        yield f"The pictures are not the same: {'; '.join(other)}."


def _table_head(first: str) -> Iterator[str]:
    yield f"| {first} | objects | {' | '.join(FIGURES.values())} |"
    yield f"|---|---:|{'---:|' * len(FIGURES)}"


def _row(name: str, item: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    cells = [_cell(key, item, before or {}) for key in FIGURES]
    return f"| {name} | {item.get('objects', '')} | {' | '.join(cells)} |"


def _published(name: str, item: Mapping[str, Any]) -> str:
    """What others reached, and how far ahead of it the model is."""
    cells = []
    for key in FIGURES:
        lead = item["ahead"].get(key)
        if not lead or item.get(key) is None or lead["difference"] is None:
            cells.append("–")
            continue
        ends = lead.get("interval")
        between = f" ({_signed(ends[0], 2)} to {_signed(ends[1], 2)})" if ends else ""
        cells.append(f"{item[key]:.3f}<br><sub>we {_signed(lead['difference'], 3)}{between}</sub>")
    return f"| published by {plain(name)} | | {' | '.join(cells)} |"


def _signed(value: float, places: int) -> str:
    return f"{value:+.{places}f}".replace("-", "−")


def _cell(key: str, item: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    value, old = item.get(key), before.get(key)
    if not isinstance(value, int | float):
        return "–"
    ends, others = _ends(item, key), _ends(before, key)
    lines = [f"{value:.3f}", *([f"<sub>{ends[0]:.2f} to {ends[1]:.2f}</sub>"] if ends else [])]
    if isinstance(old, int | float):
        step = value - old
        same = abs(step) < LEAST_DIFFERENCE
        text = "±0" if same else _signed(step, 3)
        apart = not same and ends and others and (ends[0] > others[1] or ends[1] < others[0])
        lines.append(f"**{text}**" if apart else text)
    return "<br>".join(lines)


def _ends(item: Mapping[str, Any], key: str) -> tuple[float, float] | None:
    """A figure's interval, as ``evaluation.json`` or as ``metrics.json`` has it; None where there is none."""
    low, high = (item.get("interval") or {}).get(key) or (item.get(f"{key}_low"), item.get(f"{key}_high"))
    return None if low is None or high is None else (low, high)


def _settings(base: Base | None) -> Iterator[str]:
    if base is None:
        return
    yield "## Changed settings"
    yield ""
    if base.changes is None:
        yield f"{plain(base.name)} has no params.yaml to compare with."
    elif not base.changes:
        yield "None."
    else:
        yield f"| setting | {plain(base.name)} | here |"
        yield "|---|---|---|"
        for change in base.changes[:MOST_SETTINGS]:
            values = ("–" if value is None else code(value) for value in (change.before, change.now))
            yield f"| {code(change.name)} | {' | '.join(values)} |"
        if len(base.changes) > MOST_SETTINGS:
            yield ""
            yield f"{len(base.changes) - MOST_SETTINGS} more: `dvc params diff`."
    yield ""


def _worst(details: Mapping[str, Any]) -> Iterator[str]:
    found = [
        f"- {plain(name)}: {sentence(weak['sentence'])}"
        for name, item in sets_of(details).items()
        for weak in item.get("worst_slices", ())[:MOST_WORST]
    ]
    if found:
        yield "## Weakest slices"
        yield ""
        yield from found
        yield ""
        yield "What to change in the settings: `python -m stages.evaluate advise`."
        yield ""


def _pictures(details: Mapping[str, Any]) -> Iterator[str]:
    """The first of each kind, of the first set that has pictures."""
    with_pictures = (item["shown"] for item in sets_of(details).values() if item.get("shown"))
    shown: Sequence[Mapping[str, Any]] = next(with_pictures, ())
    first: dict[str, Mapping[str, Any]] = {}
    for view in shown:
        first.setdefault(view["kind"], view)
    if first:
        yield "## Pictures"
        yield ""
        yield "Green found, red wrong, orange missed, grey neither (ignore regions)."
        yield ""
    for kind, view in first.items():
        yield f"![{KINDS[kind]}: {literal(view['caption'])}]({PICTURES}{view['file']})"
        yield ""
        yield f"<sub>{KINDS[kind]}: {plain(view['caption'])}</sub>"
        yield ""


KINDS = {
    "worst": "most errors",
    "missed": "largest missed object",
    "wrong": "surest false positive",
    "hard": "hardest hit",
}
"""What the picture of each kind of :data:`~stages.evaluate.gallery.TITLES` shows."""


def _link(link: str) -> str:
    if not link:
        return "All of it, with curves, slices, the gap and more pictures: `report.html` beside this file."
    return f"All of it, with curves, slices, the gap and more pictures: [report.html]({link})."
