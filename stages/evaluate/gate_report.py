"""The gate's decision in words, and its part of the report."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from stages.common.files import atomic_write

NAME = "gate.json"
BEGIN, END = "<!-- gate -->", "<!-- /gate -->"
"""Around the part of the report, so that a later decision takes its place."""


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


def put_into_reports(folder: Path) -> None:
    """Put the decision of ``gate.json`` into the reports of the same folder, if they are about the model that it is on.

    A decision on another model is left out.
    """
    try:
        content = json.loads((folder / NAME).read_bytes())
        measured = json.loads((folder / "evaluation.json").read_bytes())["model"]["sha256"]
        known = {content["version"]["sha256"], content.get("file_sha256")}
    except (OSError, ValueError, KeyError, TypeError):
        return
    if measured not in known:
        return
    for name, part, heading in (
        ("report.md", markdown(content), "\n## "),
        ("report.html", html(content), "\n<h2>"),
    ):
        if not (folder / name).is_file():
            continue
        text = (folder / name).read_text(encoding="utf-8")
        text = re.sub(rf"{BEGIN}.*?{END}\n*", "", text, flags=re.DOTALL)
        before, found, after = text.partition(heading)
        with atomic_write(folder / name) as stream:
            stream.write(
                f"{before}\n{BEGIN}\n{part}\n{END}\n{found}{after}" if found else f"{text}{BEGIN}\n{part}\n{END}\n"
            )


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
    warned = ' class="warning"' if content["outcome"] in ("refused", "forced") else ""
    lines = [
        "<h2>Gate</h2>",
        f"<p{warned}><b>{escape(headline(content))}</b> ({escape(content['time'] + _on(content))}).</p>",
    ]
    lines += ["<ul>", *(f"<li>{escape(text)}</li>" for text in reasons(content)), "</ul>"]
    if rows := _rows(content):
        titles = "".join(
            f"<th>{name}</th>"
            for name in ("slice", "objects", "figure", "champion", "challenger", "difference", "limit")
        )
        cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        lines += [
            '<div class="wide"><table>',
            f"<tr>{titles}</tr>",
            *(f"<tr>{row}</tr>" for row in cells),
            "</table></div>",
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
