"""Promotion, rollback and status: the gate's decision in the model registry, ``gate.json`` and the report."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stages.common.detection import Detector
from stages.common.errors import GateError, InputError, SettingsError
from stages.common.files import sha256_of, write_json
from stages.common.registry import CHALLENGER, CHAMPION, SHA256, Registry, Version
from stages.common.settings import Settings
from stages.common.settings.learning import Evaluate, Gate
from stages.evaluate.cache import Cache
from stages.evaluate.gate import Decision, Found, decide
from stages.evaluate.gate_report import NAME, put_into_reports, summary
from stages.evaluate.inference import Model, detect_set
from stages.evaluate.leak import check_leaks, doubt
from stages.evaluate.measure import cut_by
from stages.evaluate.real import Unmeasured, real_set
from stages.evaluate.truth import LabelledSet

SCHEMA = 1
"""Of ``gate.json``."""

PROMOTED, FORCED, REFUSED, ROLLED_BACK = "promoted", "forced", "refused", "rolled back"


def promote(
    registry: Registry,
    model: Path,
    run_id: str,
    settings: Settings,
    out: Path,
    *,
    project: Path,
    dataset: Path,
    trained_on: str,
    cache: Path | None = None,
    force: bool = False,
    reason: str = "",
) -> dict[str, Any]:
    """Register a trained model as challenger, and make it champion if the gate lets it pass.

    Args:
        registry: that holds the champion.
        model: ONNX file of the challenger.
        run_id: MLflow run that trained it.
        settings: all of them; ``gate``, ``real`` and ``evaluate`` are used.
        out: folder for ``gate.json``; a report in it that is about this model gets the decision too.
        project: folder that relative paths in the settings start at.
        dataset: folder that ``python -m stages.convert`` wrote, which the model learnt from.
        trained_on: SHA-256 of that data set, as ``training.json`` has it; empty when it is not known.
        cache: folder for what networks say.
        force: promote whatever the figures are, also where it is not known what the model learnt from.
        reason: why it is forced, which is kept.

    Returns:
        Content of ``gate.json``, whatever the outcome is.

    Raises:
        GateError: when nothing real can be measured or ``dataset`` is not what the model learnt from, and it is not
            forced, the model is champion already, or the registry refuses. The champion is then as it was.
        InputError, SettingsError: when the model or the set is wrong, or a photograph of the set was learnt from.
    """
    challenger = Model(Detector(model), Cache(cache))
    labelled = deciding_set(settings, challenger.detector.names, project)
    if isinstance(labelled, Unmeasured) and not force:
        raise GateError(
            f"no promotion without real photographs ({labelled.reason}): choose a real set, or add "
            "--force --reason 'WHY'"
        )
    unsure = "" if isinstance(labelled, Unmeasured) else _learnt(labelled, dataset, trained_on, cache)
    if unsure and not force:
        raise GateError(
            f"no promotion without a look for leaks: {unsure}; name its data set with --dataset, train again, or add "
            "--force --reason 'WHY'"
        )
    version = registry.register(run_id, model)
    champion = registry.aliased(CHAMPION)
    if champion is not None and champion.number == version.number:
        raise GateError(f"version {version.number} of {registry.model} is champion already: train another model")
    if isinstance(labelled, Unmeasured):
        decision = _undecided(settings.gate, f"nothing real was measured ({labelled.reason})")
    else:
        other = Model(Detector(registry.fetch(champion)), Cache(cache)) if champion else None
        decision = judge(challenger, other, labelled, settings.gate, settings.evaluate)
        if unsure:
            decision = replace(decision, reasons=(*decision.reasons, f"not looked for leaks: {unsure}"))
    outcome = PROMOTED if decision.passed else FORCED if force else REFUSED
    content = {
        **_head(registry, outcome, version, champion, reason if outcome == FORCED else ""),
        "champion": _about(champion if outcome == REFUSED else version),
        "file_sha256": sha256_of(model),
        "set": None if isinstance(labelled, Unmeasured) else labelled.name,
        "decision": decision.as_json(),
    }
    _unchanged(registry, champion)
    _note(registry, version, content)
    if outcome != REFUSED:
        registry.crown(version.number)
    _write(out, content)
    return content


def _learnt(labelled: LabelledSet, dataset: Path, trained_on: str, cache: Path | None) -> str:
    """Why it cannot be told whether the model learnt from the set's photographs; empty when it did not.

    Raises:
        InputError: when a photograph of the set is among the training pictures; nothing can force that.
    """
    check_leaks(dataset, {labelled.name: labelled}, cache)
    return doubt(dataset, trained_on)


def roll_back(registry: Registry, out: Path, reason: str = "") -> dict[str, Any]:
    """Make the champion before the present one champion again.

    Returns:
        Content of ``gate.json``.

    Raises:
        GateError: when there is none.
    """
    left, now = registry.uncrown()
    content = {
        **_head(registry, ROLLED_BACK, left, left, reason),
        "champion": _about(now),
        "set": None,
        "decision": None,
    }
    _note(registry, left, content)
    _write(out, content)
    return content


def status(registry: Registry) -> str:
    """The registered model's aliases and last decisions, in lines."""
    champion, challenger = registry.aliased(CHAMPION), registry.aliased(CHALLENGER)
    lines = [f"{registry.model} in {registry.name}"]
    for name, version in ((CHAMPION, champion), (CHALLENGER, challenger)):
        lines.append(f"{name}: {_line(version)}" if version else f"{name}: none")
    before = registry.before() if champion else []
    if before:
        lines.append(f"champions before, the latest first: {', '.join(map(str, reversed(before)))}")
    return "\n".join(lines)


def deciding_set(settings: Settings, names: tuple[str, ...], project: Path) -> LabelledSet | Unmeasured:
    """The real set that ``gate.set`` names.

    Raises:
        SettingsError: when it is none of the real sets.
    """
    sets = {item.name: item for item in settings.real.sets}
    if settings.gate.set and settings.gate.set not in sets:
        known = ", ".join(sets) or "there is none"
        raise SettingsError(f"gate.set={settings.gate.set} is no real set: choose from {known}, or add it to real.more")
    if not sets:
        return Unmeasured("real=none was chosen")
    return real_set(sets[settings.gate.set] if settings.gate.set else next(iter(sets.values())), names, project)


def judge(challenger: Model, champion: Model | None, labelled: LabelledSet, gate: Gate, depth: Evaluate) -> Decision:
    """Run both models over a set, or take what they said before, and decide.

    Raises:
        InputError: when not one of the pictures can be used.
    """
    names = challenger.detector.names
    if champion and champion.detector.names != names:
        return _undecided(gate, f"the champion knows other classes ({', '.join(champion.detector.names)})")
    results, unusable = detect_set(challenger, labelled)
    if not results:
        raise InputError(f"none of the pictures of {labelled.name} can be used ({unusable[0]}): get them again")
    other = Found(detect_set(champion, labelled)[0], champion.detector.threshold) if champion else None
    decision = decide(
        Found(results, challenger.detector.threshold),
        other,
        names,
        labelled.scored,
        gate,
        input_size=(champion or challenger).detector.input_size,
        cut_by=cut_by(champion or challenger, results, depth) if champion else {},
        seed=depth.seed,
    )
    return decision.without(len(labelled.missing), len(unusable))


def _undecided(gate: Gate, reason: str) -> Decision:
    return Decision(False, (reason,), gate.measure, gate.margin)


def _head(registry: Registry, outcome: str, version: Version, before: Version | None, forced: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "registered_model": registry.model,
        "outcome": outcome,
        "reason_given": forced,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": _about(version),
        "champion_before": _about(before),
    }


def _about(version: Version | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {
        "number": version.number,
        "run_id": version.run_id,
        "sha256": version.tags.get(SHA256, ""),
    }


def _unchanged(registry: Registry, compared: Version | None) -> None:
    """Another promotion may have ended while this one measured."""
    now = registry.aliased(CHAMPION)
    if (now and now.number) != (compared and compared.number):
        raise GateError(f"the champion of {registry.model} changed meanwhile: run promote again")


def _note(registry: Registry, version: Version, content: Mapping[str, Any]) -> None:
    """Write a decision into the registry, and its file into the version's run."""
    decision = content["decision"] or {}
    before, interval = content["champion_before"], decision.get("interval")
    tags = {
        "outcome": content["outcome"],
        "time": content["time"],
        "reason_given": content["reason_given"],
        "set": content["set"] or "",
        "compared_with": str(before["number"]) if before else "",
        "reasons": "; ".join(decision.get("reasons", ())),
        "interval": f"{interval[0]} {interval[1]}" if interval else "",
        **{
            key: "" if decision.get(key) is None else str(decision[key])
            for key in ("measure", "margin", "challenger", "champion", "difference", "pictures")
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        write_json(Path(folder) / NAME, content)
        registry.note(
            version, {f"gate.{key}": text for key, text in tags.items()}, summary(content), Path(folder) / NAME
        )


def _write(out: Path, content: Mapping[str, Any]) -> None:
    write_json(out / NAME, content)
    put_into_reports(out)


def _line(version: Version) -> str:
    tags = version.tags
    figures = (
        f", {tags['gate.measure']} {float(tags['gate.challenger']):.3f} on {tags.get('gate.set')}"
        if (tags.get("gate.challenger") and tags.get("gate.measure"))
        else ""
    )
    told = f"; {tags['gate.outcome']} {tags.get('gate.time', '')}{figures}" if tags.get("gate.outcome") else ""
    reasons = f": {tags['gate.reasons']}" if tags.get("gate.reasons") else ""
    given = f" (reason given: {tags['gate.reason_given']})" if tags.get("gate.reason_given") else ""
    return f"version {version.number}, run {version.run_id}{told}{reasons}{given}"
