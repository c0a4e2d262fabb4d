"""What the command line calls."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from stages.common.checkout import main_checkout
from stages.common.errors import InputError
from stages.common.settings import Settings, load
from stages.common.settings.learning import RealSet

CACHE = Path(".cache/evaluate")
"""Of the user's own checkout: experiments in other folders share what the network said."""


def evaluate_command(args: argparse.Namespace) -> str:
    """Measure the model and log the figures to its MLflow run."""
    from stages.common.pipeline import stage_run
    from stages.evaluate.leak import doubt, trained_on
    from stages.evaluate.measure import Measured
    from stages.evaluate.run import evaluate
    from stages.evaluate.tracking import log_evaluation

    settings = load(args.params)
    trained_by = training_run(args.model.parent / "training.json")
    project = Path.cwd()
    with stage_run("evaluate", settings, project, alone=trained_by or None) as stage:
        outcome = evaluate(
            args.model,
            args.dataset,
            settings.real,
            args.out,
            project=project,
            run_id=stage.run.run_id or trained_by,
            settings=settings.evaluate,
            cache=args.cache or main_checkout(project) / CACHE,
        )
        log_evaluation(stage.run, outcome.metrics, args.out, trained_by)
    note = ""
    if any(isinstance(item, Measured) for item in outcome.real.values()):
        note = doubt(args.dataset, trained_on(args.model.parent / "training.json"))
    return f"{outcome.summary()}{note and f'; whether a photograph was learnt from is open: {note}'}"


def advise_command(args: argparse.Namespace) -> str:
    """Say which settings to change."""
    from stages.evaluate.advise import advice_text, advise

    return advice_text(advise(args.report, load(args.params)))


def compare_command(args: argparse.Namespace) -> str:
    """Compare two models on the same pictures."""
    from stages.evaluate.versus import compare_command_line

    settings = load(args.params)
    cache = args.cache or main_checkout(Path.cwd()) / CACHE
    return compare_command_line(args.model, args.other, args.dataset, settings, args.json, Path.cwd(), cache)


def promote_command(args: argparse.Namespace) -> str:
    """Let the gate decide about the trained model; a refusal is an error, after it was written down."""
    from stages.common.errors import GateError
    from stages.common.registry import open_registry
    from stages.evaluate.gate_report import summary
    from stages.evaluate.leak import trained_on
    from stages.evaluate.promotion import REFUSED, promote

    if bool(args.force) != bool(args.reason.strip()):
        raise GateError("--force and --reason 'WHY' go together: give both or none")
    settings, project = load(args.params), Path.cwd()
    registry = open_registry(settings.tracking, project, settings.gate.registered_model)
    note = args.model.parent / "training.json"
    run_id = training_run(note)
    if not run_id:
        raise GateError(f"'{note}' names no MLflow run whose model could be registered: train with tracking=local")
    content = promote(
        registry,
        args.model,
        run_id,
        settings,
        args.out,
        project=project,
        dataset=args.dataset,
        trained_on=trained_on(note),
        cache=args.cache or main_checkout(project) / CACHE,
        force=args.force,
        reason=args.reason.strip(),
    )
    if content["outcome"] == REFUSED:
        raise GateError(f"{summary(content)}: train a better one, or add --force --reason 'WHY'")
    return f"promote: {summary(content)}"


def rollback_command(args: argparse.Namespace) -> str:
    """Go back to the champion before."""
    from stages.common.registry import open_registry
    from stages.evaluate.gate_report import summary
    from stages.evaluate.promotion import roll_back

    settings = load(args.params)
    registry = open_registry(settings.tracking, Path.cwd(), settings.gate.registered_model)
    return f"rollback: {summary(roll_back(registry, args.out, args.reason.strip()))}"


def status_command(args: argparse.Namespace) -> str:
    """Say which version is champion, and why."""
    from stages.common.registry import open_registry
    from stages.evaluate.promotion import status

    settings = load(args.params)
    return status(open_registry(settings.tracking, Path.cwd(), settings.gate.registered_model))


def pull_request_command(args: argparse.Namespace) -> str:
    """Write the short report beside a base branch, and post it where that is asked for."""
    import os

    from stages.evaluate.comment import post
    from stages.evaluate.pull_request import Source, write_pull_request

    if not args.base and args.base_folder is None:
        raise InputError("nothing to compare with: give --base REVISION, --base-folder DIR, or both")
    out = args.out or args.reports / "pull-request.md"
    source = Source(args.base, args.base_folder)
    line = write_pull_request(args.reports, args.params, source, out, args.link, Path.cwd())
    return f"{line}\n{post(out, os.environ)}" if args.post else line


def address(text: str) -> str:
    """An address on the command line that is safe in Markdown; empty for none."""
    if text and not re.fullmatch(r"https://[A-Za-z0-9._~:/?#@!$&*+,;=%-]+", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no https address")
    return text


def fetch_loco_command(args: argparse.Namespace) -> str:
    """Get LOCO."""
    from stages.evaluate.loco import fetch_loco

    return fetch_loco(loco_settings(load(args.params)), Path.cwd(), renew=args.renew).summary()


def loco_settings(settings: Settings) -> RealSet:
    """The real set that names files to fetch: of the settings, or else that of ``conf/real/loco.yaml``.

    Raises:
        InputError: when neither does.
    """
    for item in settings.real.sets:
        if item.files:
            return item
    import yaml

    path = Path("conf/real/loco.yaml")
    try:
        return RealSet.model_validate({k: v for k, v in yaml.safe_load(path.read_bytes()).items() if k != "more"})
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f"no real set names files and '{path}' cannot be read ({type(error).__name__}); choose real=loco"
        ) from None


def curve_command(args: argparse.Namespace) -> str:
    """Accuracy against the number of real photographs."""
    from stages.evaluate.learning_curve import draw_curve, summary

    project = Path.cwd()
    cache = main_checkout(project) / CACHE
    return summary(draw_curve(args.real, load(args.params), args.frames, args.out, project, cache), args.out)


def counts(text: str) -> list[int]:
    """Numbers of photographs on the command line: ``0,50,200``."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of whole numbers such as 0,50,200,800")
    return [int(word) for word in words]


def detect_command(args: argparse.Namespace) -> str:
    """Run a model over a folder."""
    from stages.evaluate.detect import detect_folder

    return detect_folder(args.model, args.images, args.json, args.threshold).summary()


def training_run(path: Path) -> str:
    """MLflow run id that ``training.json`` keeps; empty when there is none."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return ""
    return str(content.get("run_id") or "") if isinstance(content, dict) else ""


def share(text: str) -> float:
    """A number from 0 to 1 on the command line."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to 1")
    return value
