"""The gate's decision in words, and its part of the report."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from stages.common.files import atomic_write

NAME = "gate.json"
BEGIN, END = "<!-- gate -->", "<!-- /gate -->"
"""Around the part of the report, so that a later decision takes its place."""

CHAMPION = re.compile(r"<!-- champion (\S+) (\w+) -->.*?<!-- /champion \1 \2 -->", re.DOTALL)
"""Around the line about the champion in a tile of the verdict."""


def headline(content: Mapping[str, Any]) -> str:
    """What was decided, in a sentence."""
    number, before = content["version"]["number"], content["champion_before"]
    model, outcome = content["registered_model"], content["outcome"]
    if outcome == "rolled back":
        return f"Version {number} of {model} was rolled back; version {content['champion']['number']} is champion again"
    against = f" in place of version {before['number']}" if before else ", the first"
    if outcome == "refused":
        return (
            f"Version {number} of {model} stays challenger; version {before['number']} stays champion"
            if before
            else (f"Version {number} of {model} stays challenger; there is no champion")
        )
    return f"Version {number} of {model} is champion{against}{', forced' if outcome == 'forced' else ''}"


def reasons(content: Mapping[str, Any]) -> list[str]:
    """Why, in sentences."""
    told = list((content["decision"] or {}).get("reasons", ()))
    return [f"reason given: {content['reason_given']}", *told] if content["reason_given"] else told


def summary(content: Mapping[str, Any]) -> str:
    """Decision and reasons on one line."""
    on = f" on {content['set']}" if content["set"] else ""
    why = "; ".join(reasons(content))
    return f"{headline(content)}{f': {why}' if why else ''}{on if why else ''}"


def decision_about(folder: Path, sha256: str) -> dict[str, Any] | None:
    """Content of the folder's ``gate.json`` when it is about a model, by the digest of its file; else None."""
    try:
        content: dict[str, Any] = json.loads((folder / NAME).read_bytes())
        known = {content["version"]["sha256"], content.get("file_sha256")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return content if sha256 in known else None


def put_into_reports(folder: Path) -> None:
    """Put the decision of ``gate.json`` into the reports of the same folder, if they are about the model that it is on.

    A decision on another model is left out.
    """
    try:
        measured = json.loads((folder / "evaluation.json").read_bytes())["model"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    content = decision_about(folder, measured)
    if content is None:
        return
    for name, part, heading in (
        ("report.md", markdown(content), "\n## "),
        ("report.html", html(content), "\n<h2>"),
    ):
        if not (folder / name).is_file():
            continue
        text = (folder / name).read_text(encoding="utf-8")
        text = _replaced(text, f"{BEGIN}\n{part}\n{END}", heading)
        if name.endswith(".html"):
            text = CHAMPION.sub(partial(_beside_champion, content), text)
        with atomic_write(folder / name) as stream:
            stream.write(text)


def _replaced(text: str, block: str, heading: str) -> str:
    """A report with the block in the place that it has, or else before the first heading."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and end:
        return f"{before}{block}{after}"
    before, found, after = text.partition(heading)
    return f"{before}\n{block}\n{found}{after}" if found else f"{text}{block}\n"


def _beside_champion(content: Mapping[str, Any], place: re.Match[str]) -> str:
    """A line of a tile of the verdict: the champion's figure and the difference, on the set that decided."""
    where, figure = place.groups()
    begin, end = f"<!-- champion {where} {figure} -->", f"<!-- /champion {where} {figure} -->"
    item = (content["decision"] or {}).get("figures", {}).get(figure)
    before = content["champion_before"]
    if not item or item["difference"] is None or not before or content["set"] != where:
        return f"{begin}{end}"
    interval = item["interval"]
    kind = "unsure" if not item["sure"] else "better" if item["difference"] > 0 else "poorer"
    doubt = "" if item["sure"] else ", may be chance"
    text = (
        f"<li><b>champion, version {before['number']}</b> {item['second']:.3f} "
        f'<span class="lead {kind}">{_signed(item["difference"], 3)}</span> '
        f"<small>{_signed(interval[0], 2)} to {_signed(interval[1], 2)}{doubt}</small></li>"
        if interval
        else f"<li><b>champion, version {before['number']}</b> {item['second']:.3f} "
        f'<span class="lead unsure">{_signed(item["difference"], 3)}</span></li>'
    )
    return f"{begin}{text}{end}"


def _signed(value: float, places: int) -> str:
    return f"{value:+.{places}f}".replace("-", "−")


def markdown(content: Mapping[str, Any]) -> str:
    """The part of ``report.md``."""
    lines = ["## Gate", "", f"**{headline(content)}** ({content['time']}{_on(content)}).", ""]
    lines += [f"- {text}" for text in reasons(content)]
    if rows := _rows(content):
        lines += ["", "| slice | objects | figure | champion | challenger | difference | limit |"]
        lines += ["|---|---:|---|---:|---:|---:|---:|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def html(content: Mapping[str, Any]) -> str:
    """The part of ``report.html``."""
    kind = "warning" if content["outcome"] in ("refused", "forced") else "verdict passed"
    lines = [
        f'<p class="{kind}"><b>{escape(headline(content))}</b> ({escape(content["time"] + _on(content))}).</p>',
        "<ul>",
        *(f"<li>{escape(text)}</li>" for text in reasons(content)),
        "</ul>",
    ]
    if rows := _rows(content):
        titles = "".join(
            f"<th>{name}</th>"
            for name in ("slice", "objects", "figure", "champion", "challenger", "difference", "limit")
        )
        cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        lines += [
            f"<details><summary>Slices that were judged: {len(rows)}</summary>",
            '<div class="wide"><table>',
            f"<tr>{titles}</tr>",
            *(f"<tr>{row}</tr>" for row in cells),
            "</table></div></details>",
        ]
    return "\n".join(lines)


def _on(content: Mapping[str, Any]) -> str:
    return f", on {content['set']}" if content["set"] else ""


def _rows(content: Mapping[str, Any]) -> list[list[str]]:
    """Judged slices, the largest fall first."""
    slices = sorted((content["decision"] or {}).get("slices", ()), key=lambda item: float(item["difference"]))
    return [
        [
            f"{item['measure']} {item['bin']}",
            str(item["objects"]),
            item["figure"],
            f"{item['champion']:.3f}",
            f"{item['challenger']:.3f}",
            f"{item['difference']:+.3f}",
            f"-{item['limit']:g}",
        ]
        for item in slices
    ]
