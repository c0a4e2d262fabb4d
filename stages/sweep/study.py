"""The search itself: which trials there are, which come next, and what became of them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.common.checkout import main_checkout
from stages.common.errors import InputError, SettingsError, StageError
from stages.common.settings import Settings
from stages.common.tracking import RunLogger, open_run
from stages.compose.compose import compose_settings
from stages.evaluate.real import Unmeasured, real_set
from stages.sweep.results import write_results
from stages.sweep.space import check_space, overrides, suggested
from stages.sweep.trial import TrialError, objective_set, run_trial

if TYPE_CHECKING:
    import optuna

FOLDER = "sweeps"
"""In the main checkout: ``NAME.db`` and the trials' folders in ``NAME/``."""

HOPELESS = 3
"""Failed trials, and none that did not, after which a sweep gives up."""

IRRELEVANT = ("sweep", "tracking", "compute", "storage", "deploy", "gate", "profile", "aws")
"""Groups of settings in which calls of one sweep may differ."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What a sweep found.

    Attributes:
        name: of the search.
        objective: the figure and, of a real one, its set.
        finished, failed: trials in all.
        best: number of the best trial; None when all failed.
        value: its objective.
        changes: its settings, as ``key=value``.
        table: file with all trials.
    """

    name: str
    objective: str
    finished: int
    failed: int
    best: int | None
    value: float | None
    changes: tuple[str, ...]
    table: Path

    def summary(self) -> str:
        """For the user."""
        lines = [f"sweep {self.name}: {self.finished} trials finished, {self.failed} failed; all in {self.table}"]
        if self.best is not None:
            lines.append(f"best is trial {self.best} with {self.objective} {self.value:.4f}; run it with")
            lines.append("  dvc exp run " + " ".join(f"-S '{text}'" for text in self.changes))
        return "\n".join(lines)


def run_sweep(given: Sequence[str], project: Path, out: Path, say: Say) -> Outcome:
    """Search until there are ``sweep.trials`` trials, going on with what earlier calls did.

    Args:
        given: overrides in Hydra's grammar for every trial, and of ``sweep`` itself.
        project: with ``conf/``.
        out: folder for ``sweep-NAME.csv``.
        say: gets a line a trial.

    Raises:
        SettingsError: when a setting of the space does not exist or does not take its values, the objective's set is
            not among those measured, or the search of that name had another space.
        InputError: when the photographs or the model of the objective are not there.
        StageError: when another process runs the search, or the first trials all fail.
    """
    given = list(given)
    settings = compose_settings(given, project / "conf")
    check_space(settings.sweep, given, project / "conf")
    check_objective(settings, project)
    folder = main_checkout(project) / FOLDER
    with _alone(folder, settings.sweep.name):
        study = open_study(folder / f"{settings.sweep.name}.db", settings)
        with open_run(settings.tracking, project, name=f"sweep {study.study_name}", run_id=_kept_run(study)) as run:
            study.set_user_attr("run_id", run.run_id)
            _log_sweep(run, settings)
            _search(study, settings, given, project, folder / study.study_name, run, say)
            table = write_results(study, settings.sweep, out)
            run.log_artifact(table)
            _log_best(run, study)
    return _outcome(study, settings, table)


def check_objective(settings: Settings, project: Path) -> None:
    """See that the objective can be told before anything is rendered.

    Raises:
        SettingsError: when its set is not among those measured.
        InputError: when the photographs or the model are not there.
    """
    sweep = settings.sweep
    if sweep.objective.startswith("sim"):
        if not settings.dataset.frames.test_count:
            raise SettingsError(
                f"sweep.objective={sweep.objective} needs test frames: set dataset.frames.test_count above 0"
            )
        return
    sets = {item.name: item for item in settings.real.sets}
    name = objective_set(settings)
    if name not in sets:
        there = f"the sets are {', '.join(sets)}" if sets else "real=none was chosen"
        raise SettingsError(
            f"sweep.objective={sweep.objective} is told by the real set '{name}', which is not measured ({there}): "
            "choose it with real=NAME, another one with sweep.set=NAME, or sweep.objective=sim.f1"
        )
    found = real_set(sets[name], tuple(settings.scene.classes), project)
    if isinstance(found, Unmeasured):
        raise InputError(f"sweep.objective={sweep.objective} cannot be told by {name}: {found.reason}")
    if sweep.objective == "real.kid":
        if not (project / sweep.model).is_file():
            raise InputError(f"sweep.model '{sweep.model}' does not exist; name an ONNX detector")
        if not settings.evaluate.appearance_pictures:
            raise SettingsError("sweep.objective=real.kid looks at pictures: set evaluate.appearance_pictures above 0")


def open_study(path: Path, settings: Settings) -> optuna.Study:
    """The search of that name, made or gone on with.

    Raises:
        SettingsError: when it was begun with other settings.
        InputError: when the file is none of Optuna's.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    sweep = settings.sweep
    direction = "minimize" if sweep.objective == "real.kid" else "maximize"
    try:
        study = optuna.create_study(
            storage=f"sqlite:///{path}", study_name=sweep.name, direction=direction, load_if_exists=True
        )
        begun = study.user_attrs.get("definition")
    except Exception as error:
        raise InputError(f"'{path}' cannot be read ({type(error).__name__}); remove it to begin anew") from error
    wanted = definition(settings)
    if begun is None:
        study.set_user_attr("definition", wanted)
    elif begun != wanted:
        differs = [key for key in wanted if begun.get(key) != wanted[key]]
        raise SettingsError(
            f"the sweep '{sweep.name}' was begun with other settings ({', '.join(differs)}): name this one with "
            f"sweep.name=NAME, or remove {path.parent / sweep.name}* to begin anew"
        )
    return study


def definition(settings: Settings) -> dict[str, Any]:
    """What must stay the same for results to be comparable."""
    sweep = settings.sweep.model_dump(mode="json", exclude={"name", "trials", "keep", "startup"})
    rest = settings.model_dump(mode="json", exclude=set(IRRELEVANT))
    rest["renderer"].pop("runtime", None)
    for key in settings.sweep.searched:  # the starting point of what is searched
        group, _, below = key.partition(".")
        if not below:
            rest.pop(group, None)
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
    return {**{f"sweep.{name}": value for name, value in sweep.items()}, "other settings": digest}


def _search(
    study: optuna.Study,
    settings: Settings,
    given: list[str],
    project: Path,
    folder: Path,
    run: RunLogger,
    say: Say,
) -> None:
    """Run trials until there are enough; a trial that a kill left open comes first."""
    import optuna

    wanted = settings.sweep.trials
    for trial in _trials(study, settings):
        changes = [*given, *overrides(settings.sweep.searched, suggested(trial))]
        value, reason = _attempt(study, trial, settings, changes, project, folder / f"{trial.number:04d}", run, say)
        shown = f"failed, {reason}" if value is None else f"{settings.sweep.objective} {value:.4f}"
        say(f"sweep {study.study_name}: trial {trial.number + 1} of {wanted}: {shown}")
        states = [item.state for item in study.get_trials(deepcopy=False)]
        if len(states) >= HOPELESS and all(state == optuna.trial.TrialState.FAIL for state in states):
            raise StageError(f"the first {len(states)} trials all failed, the last since {reason}; mend that first")


def _trials(study: optuna.Study, settings: Settings) -> Iterator[optuna.Trial]:
    """Trials that a kill left open, then new ones, each from a sampler of its own.

    A sampler that begins anew with each trial from the seed and the trial's number makes the search the same however
    often it was cut off.
    """
    import optuna

    running = optuna.trial.TrialState.RUNNING
    for left in study.get_trials(deepcopy=False, states=[running]):
        study.sampler = _sampler(settings, left.number)
        yield optuna.Trial(study, left._trial_id)
    while (number := len(study.get_trials(deepcopy=False))) < settings.sweep.trials:
        study.sampler = _sampler(settings, number)
        yield study.ask()


def _sampler(settings: Settings, number: int) -> optuna.samplers.BaseSampler:
    import optuna

    sweep = settings.sweep
    seed = int.from_bytes(hashlib.sha256(f"{sweep.seed} {number}".encode()).digest()[:4], "big")
    if sweep.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=sweep.startup)


def _attempt(
    study: optuna.Study,
    trial: optuna.Trial,
    settings: Settings,
    changes: list[str],
    project: Path,
    folder: Path,
    parent: RunLogger,
    say: Say,
) -> tuple[float | None, str]:
    """Run a trial in an MLflow run of its own, and tell the study; the value, or why there is none."""
    import optuna

    trial.set_user_attr("changes", changes)
    name = f"{study.study_name} {trial.number}"
    value, reason = None, ""
    try:
        with open_run(
            settings.tracking, project, name=name, run_id=str(trial.user_attrs.get("run_id") or ""), notify=say
        ) as run:
            trial.set_user_attr("run_id", run.run_id)
            run.log_tags(
                {
                    "mlflow.parentRunId": parent.run_id,
                    "sweep.name": study.study_name,
                    "sweep.trial": str(trial.number),
                    "sweep.changes": " ".join(changes),
                }
            )
            try:
                value = run_trial(folder, changes, project, run_id=run.run_id)
                run.log_metrics({"sweep.objective": value})
                parent.log_metrics({settings.sweep.objective: value}, trial.number)
            except StageError as error:
                reason = str(error)
                run.log_tags({"sweep.reason": reason})
                raise
    except StageError as error:
        if not reason:
            raise
        trial.set_user_attr("reason", " ".join(str(error).split()))
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    else:
        study.tell(trial, value)
    return value, reason


def _log_sweep(run: RunLogger, settings: Settings) -> None:
    sweep = settings.sweep.model_dump(mode="json", exclude={"trials"})
    run.log_params({"sweep": sweep})
    run.log_tags({"sweep.name": settings.sweep.name, "mlflow.source.name": "stages.sweep"})


def _log_best(run: RunLogger, study: optuna.Study) -> None:
    best = _best(study)
    if best is not None:
        text = "\n".join(f"- `{change}`" for change in best.user_attrs["changes"])
        run.log_tags(
            {"mlflow.note.content": f"Best of {len(study.trials)}: trial {best.number} with {best.value:.4f}\n\n{text}"}
        )


def _best(study: optuna.Study) -> optuna.trial.FrozenTrial | None:
    try:
        return study.best_trial
    except ValueError:
        return None


def _kept_run(study: optuna.Study) -> str:
    return str(study.user_attrs.get("run_id") or "")


def _outcome(study: optuna.Study, settings: Settings, table: Path) -> Outcome:
    import optuna

    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    best = _best(study)
    real = settings.sweep.objective.startswith("real")
    return Outcome(
        study.study_name,
        f"{settings.sweep.objective}{f' on {objective_set(settings)}' if real else ''}",
        states.count(optuna.trial.TrialState.COMPLETE),
        states.count(optuna.trial.TrialState.FAIL),
        best.number if best else None,
        best.value if best else None,
        tuple(_told(best.user_attrs["changes"])) if best else (),
        table,
    )


def _told(changes: Sequence[str]) -> list[str]:
    """Of a trial's changes those that matter to an experiment of the same settings."""
    return [text for text in changes if not text.startswith(("sweep", "tracking"))]


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Keep a second process out of the same search."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StageError(f"the sweep '{name}' is running already: wait for it, or give this one a name") from None
        yield


__all__ = ["Outcome", "TrialError", "check_objective", "open_study", "run_sweep"]
