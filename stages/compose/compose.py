"""Composing ``conf/`` into ``params.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.common.errors import SettingsError
from stages.common.files import atomic_write
from stages.common.settings import Settings, check, load
from stages.compose.messages import reading_sentence, refused_sentence

REPOSITORY = Path(__file__).resolve().parents[2]
MAIN = "config"
"""Name of the file with the defaults list."""


def project_folder(start: Path) -> Path:
    """The folder with ``conf/`` at or above ``start``; without one, the repository that this module lies in."""
    for folder in (start, *start.parents):
        if (folder / "conf" / f"{MAIN}.yaml").is_file():
            return folder
    return REPOSITORY


def compose_settings(overrides: Sequence[str] = (), conf: Path = REPOSITORY / "conf") -> Settings:
    """Compose and check settings without writing anything.

    Args:
        overrides: in Hydra's grammar, as on the command line (``renderer=fake``, ``train.epochs=5``).
        conf: folder of the groups.

    Raises:
        SettingsError: naming every mistake, in the overrides and in the files.
    """
    return _composed(overrides, conf)[1]


def write_params(folder: Path, overrides: Sequence[str] = (), *, experiment: str | None = None) -> Settings:
    """Compose ``conf/`` of a project and write its ``params.yaml``.

    ``dvc exp run`` composes the file itself, with its own overrides, before the first stage runs, and names the
    experiment in ``DVC_EXP_NAME``. Composing again would undo ``-S train.epochs=5``, so the file is then only checked.

    Args:
        folder: the project; ``params.yaml`` is written in it, whole or not at all, and left alone when it is the same.
        overrides: as for :func:`compose_settings`; with any, the file is composed even in an experiment.
        experiment: value of ``DVC_EXP_NAME``.

    Raises:
        SettingsError: naming every mistake; the file is then as it was.
    """
    params = folder / "params.yaml"
    if experiment and not overrides and params.exists():
        return load(params)
    text, settings = _composed(overrides, folder / "conf")
    if not params.exists() or params.read_text(encoding="utf-8") != text:
        with atomic_write(params) as stream:
            stream.write(text)
    return settings


def composed_text(overrides: Sequence[str] = (), conf: Path = REPOSITORY / "conf") -> tuple[str, Settings]:
    """The text that ``params.yaml`` would have, and the settings it holds.

    Args:
        overrides: as for :func:`compose_settings`.
        conf: folder of the groups.

    Raises:
        SettingsError: naming every mistake, in the overrides and in the files.
    """
    return _composed(overrides, conf)


def summary(settings: Settings) -> str:
    """One line on what the settings ask for."""
    frames = settings.dataset.frames
    return (
        f"params.yaml: profile {settings.profile}, {frames.count} + {frames.test_count} frames of "
        f"scene {settings.scene.name} by {settings.renderer.name}, {settings.model.name} for "
        f"{settings.train.epochs} epochs"
    )


def _composed(overrides: Sequence[str], conf: Path) -> tuple[str, Settings]:
    """The text of ``params.yaml``, byte for byte as ``dvc exp run`` writes it, and the settings it holds."""
    from omegaconf import OmegaConf

    refused: list[str] = []
    config = _attempt(overrides, conf)
    if isinstance(config, Exception):
        config, refused = _without_mistakes(overrides, conf)
    try:
        OmegaConf.resolve(config)
        settings = check(OmegaConf.to_container(config))
    except SettingsError as error:
        raise SettingsError(*refused, *error.sentences) from error
    except Exception as error:
        raise SettingsError(*refused, reading_sentence(error, conf)) from error
    if refused:
        raise SettingsError(*refused)
    return OmegaConf.to_yaml(config), settings


def _attempt(overrides: Sequence[str], conf: Path) -> Any:
    """The composed configuration, or the exception that stopped Hydra."""
    import yaml
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(str(conf.absolute()), version_base=None):
            return compose(MAIN, list(overrides))
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, OSError, ValueError) as error:
        return error


def _without_mistakes(overrides: Sequence[str], conf: Path) -> tuple[Any, list[str]]:
    """Compose what can be composed, so that one run names every mistake.

    Group choices go first, as in Hydra, since keys may depend on them.
    """
    base = _attempt([], conf)
    if isinstance(base, Exception):
        raise SettingsError(reading_sentence(base, conf)) from base
    kept: list[str] = []
    sentences: list[str] = []
    config = base
    for override in sorted(overrides, key=lambda text: not (conf / text.partition("=")[0].strip("+~")).is_dir()):
        attempt = _attempt([*kept, override], conf)
        if isinstance(attempt, Exception):
            sentences.append(refused_sentence(override, attempt, config, conf))
        else:
            kept.append(override)
            config = attempt
    return config, sentences
