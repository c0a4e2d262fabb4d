"""Which model is deployed: the champion, unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stages.common.errors import GateError
from stages.common.registry import CHAMPION, has_registry, open_registry
from stages.common.settings import Settings

TRAINED = Path("models/best.onnx")


@dataclass(frozen=True)
class Choice:
    """A model to deploy.

    Attributes:
        path: ONNX file.
        sentence: which it is, in words.
        version: in the registry; None for a plain file.
    """

    path: Path
    sentence: str
    version: int | None = None


def choose_model(settings: Settings, project: Path, told: Path | None = None) -> Choice:
    """The file that was told, that ``deploy.model`` names, or the champion; the trained model while there is none.

    Raises:
        GateError: when there may be a champion but the registry does not give it, since a model that never passed the
            gate must not take its place unseen.
    """
    wanted = settings.deploy.model
    if told is not None or wanted != CHAMPION:
        path = told if told is not None else Path(wanted)
        return Choice(path, f"it is '{path}', as asked for")
    if not has_registry(settings.tracking, project):
        return Choice(TRAINED, f"there is no model registry, so it is '{TRAINED}'")
    try:
        registry = open_registry(settings.tracking, project, settings.gate.registered_model)
        champion = registry.aliased(CHAMPION)
        if champion is None:
            return Choice(TRAINED, f"no champion is registered, so it is '{TRAINED}'")
        sentence = f"it is the champion, version {champion.number} of {registry.model}"
        return Choice(registry.fetch(champion), sentence, champion.number)
    except GateError as error:
        raise GateError(f"{error}, or deploy another model with deploy.model={TRAINED}") from error
