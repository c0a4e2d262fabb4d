"""The short report beside a base branch: what changed, and did it help."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.errors import InputError
from stages.common.files import atomic_write
from stages.evaluate.gate_report import decision_about
from stages.evaluate.short_report import Base, Change, short_report

METRICS = "reports/metrics.json"
PARAMS = "params.yaml"

MOST_CHARACTERS = 65_000
"""Of a comment: GitHub refuses more than 65,536, and CML adds a line of its own."""

HEADS = 12
"""Digits of a revision in the report."""


@dataclass(frozen=True)
class Source:
    """Where the base is.

    Attributes:
        revision: branch, tag or commit of this repository; empty when a folder says it all.
        folder: where the base was run, with its ``params.yaml`` and ``reports/metrics.json``; None takes both from the
            revision, the figures from Git or else from DVC's cache.
    """

    revision: str = ""
    folder: Path | None = None


def write_pull_request(reports: Path, params: Path, source: Source, out: Path, link: str, project: Path) -> str:
    """Write the Markdown of a pull request.

    Args:
        reports: folder of this branch's ``evaluation.json``, ``metrics.json`` and maybe ``gate.json``.
        params: this branch's settings.
        source: of the base.
        out: file to write.
        link: address of the full report; empty for none.
        project: top of the repository.

    Returns:
        One line for the user.

    Raises:
        InputError: when this branch has no figures or no settings, or the base is no revision of the repository.
    """
    details = _read_json(reports / "evaluation.json")
    now = _file(params)
    if now is None:
        raise InputError(f"'{params}' cannot be read; write it with `python -m stages.compose`")
    base = find_base(source, _settings(now, str(params)), details["schema"], project)
    decision = decision_about(reports, details["model"]["sha256"])
    text = short_report(details, base, decision, link)
    shown = shortened(text, link)
    with atomic_write(out) as stream:
        stream.write(shown)
    against = f"against {base.name}" if base.metrics else f"without a comparison ({base.reason})"
    changed = f"; {len(base.changes)} settings changed" if base.changes is not None else ""
    return f"pull-request: {out} {against}{changed}{'; cut to what a comment holds' if shown != text else ''}"


def find_base(source: Source, now: Mapping[str, str], schema: int, project: Path) -> Base:
    """The base's figures and what changed since.

    Args:
        source: where to look.
        now: this branch's settings by dotted name.
        schema: of this branch's figures; others are not compared.
        project: top of the repository.

    Raises:
        InputError: when the revision is none of this repository.
    """
    commit = _commit(source.revision, project) if source.revision else ""
    name = f"{source.revision} ({commit[:HEADS]})" if commit and source.revision != commit else commit[:HEADS]
    if source.folder is not None:
        name = name or str(source.folder)
        metrics, settings = _file(source.folder / METRICS), _file(source.folder / PARAMS)
        reason = f"'{source.folder / METRICS}' is not there"
    else:
        metrics, settings = _git_file(commit, METRICS, project), _git_file(commit, PARAMS, project)
        reason = ""
        if metrics is None:
            metrics, reason = _dvc_file(commit, project)
    before = _settings(settings, f"{PARAMS} of {name}") if settings is not None else None
    figures, reason = _figures(metrics, schema, reason)
    return Base(name, figures, reason, None if before is None else differences(before, now))


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[Change]:
    """Settings that are not the same, by name."""
    return [
        Change(name, before.get(name), now.get(name))
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def shortened(text: str, link: str, most: int = MOST_CHARACTERS) -> str:
    """Markdown that a comment holds: whole lines, folds closed, and a sentence that says what is left out.

    GitHub counts characters; bytes are counted here, of which there are never fewer.
    """
    if len(text.encode()) <= most:
        return text
    where = f"[the full report]({link})" if link else "report.html"
    end = f"\n\n**Cut here, since a comment holds no more: the rest is in {where}.**\n"
    room = most - len(end.encode()) - len("</details>\n") * 4
    kept: list[str] = []
    for line in text.split("\n"):
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    open_folds = sum(line.startswith("<details>") - line.startswith("</details>") for line in kept)
    return "\n".join(kept) + "\n" + "\n</details>" * open_folds + end


def _figures(text: str | None, schema: int, reason: str) -> tuple[Mapping[str, Any] | None, str]:
    if text is None:
        return None, reason
    try:
        content = json.loads(text)
        if content["schema"] != schema:
            return None, f"they are of schema {content['schema']}, these of {schema}"
        return {"sim": dict(content["sim"]), "real": dict(content["real"])}, ""
    except (ValueError, KeyError, TypeError) as error:
        return None, f"its metrics.json is damaged ({type(error).__name__})"


def _settings(text: str, what: str) -> dict[str, str]:
    """Settings by dotted name, in words.

    Raises:
        InputError: when the text is no YAML mapping.
    """
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        content = None
    if not isinstance(content, dict):
        raise InputError(f"'{what}' holds no settings; write it again with `python -m stages.compose`")
    return dict(_flat(content, ""))


def _flat(content: Mapping[Any, Any], prefix: str) -> list[tuple[str, str]]:
    made: list[tuple[str, str]] = []
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            made += _flat(value, f"{prefix}{key}.")
        else:
            made.append((f"{prefix}{key}", json.dumps(value, default=str, ensure_ascii=False)))
    return made


def _commit(revision: str, project: Path) -> str:
    found = _git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found is None:
        raise InputError(
            f"'{revision}' is no revision of this repository; fetch it, as with `git fetch origin {revision}`, or "
            "correct --base"
        )
    return found.strip()


def _git_file(commit: str, path: str, project: Path) -> str | None:
    return _git(project, "show", f"{commit}:./{path}")


def _git(project: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode("utf-8", "replace")


def _dvc_file(commit: str, project: Path) -> tuple[str | None, str]:
    """The figures as DVC has them for a commit, from its cache or its remote, or None and why not."""
    if _git_file(commit, "dvc.lock", project) is None:
        return (
            None,
            "Git has neither its reports nor a dvc.lock: run the base and name its folder with --base-folder",
        )
    import dvc.api

    try:
        return str(dvc.api.read(METRICS, repo=str(project), rev=commit)), ""
    except Exception as error:  # DVC's errors share no base class with those of its remotes
        return None, f"DVC cannot get them: {' '.join(str(error).split())[:200]}"


def _file(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _read_json(path: Path) -> dict[str, Any]:
    text = _file(path)
    if text is None:
        raise InputError(f"'{path}' cannot be read; run `dvc repro evaluate` first")
    try:
        content = json.loads(text)
        if {"schema", "model", "sim", "real"} <= content.keys():
            return dict(content)
    except (ValueError, AttributeError):
        pass
    raise InputError(f"'{path}' is not what evaluate writes; run `dvc repro --force --single-item evaluate`")
