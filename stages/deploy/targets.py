"""Places where a bundle can be served; a new one needs a function and a line in :data:`TARGETS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stages.common.settings import Settings
from stages.deploy.bundle import Bundle
from stages.deploy.check import Parity, choose, compare
from stages.deploy.local import running

Target = Callable[[Bundle, Path, Path, Settings], Parity | None]
"""Serves a bundle: called with it, the model it was made from, a folder of pictures to check with, and the settings.

Returns how the service compared with the model, or None when nothing was served.
"""


def serve_here(bundle: Bundle, model: Path, pictures: Path, settings: Settings) -> Parity:
    """Start a server here, compare its answers, stop it.

    Raises:
        ServiceError: when it does not start or answers otherwise than the model.
        InputError: when there are no pictures.
    """
    chosen = choose(pictures, settings.deploy.check_frames)
    with running(bundle.folder, settings.deploy.host, settings.deploy.port, settings.deploy.threads) as url:
        return compare(url, bundle, model, chosen)


def serve_nowhere(_bundle: Bundle, _model: Path, _pictures: Path, _settings: Settings) -> None:
    """Leave it at the bundle."""


def serve_emulated(bundle: Bundle, model: Path, pictures: Path, settings: Settings) -> Parity:
    """Serve the bundle here as SageMaker would, compare its answers, stop it.

    Raises:
        ServiceError: when the container does not start, answers otherwise than the model, or does not end in time.
        StorageError: when object storage does not answer.
        InputError: when there are no pictures.
    """
    from stages.deploy.emulator import endpoint

    chosen = choose(pictures, settings.deploy.check_frames)
    with endpoint(bundle, settings, Path.cwd()) as url:
        return compare(url, bundle, model, chosen)


def serve_in_aws(bundle: Bundle, model: Path, pictures: Path, settings: Settings) -> Parity:
    """Roll the bundle out to an endpoint in SageMaker, which goes on serving it.

    Raises:
        ServiceError: when AWS refuses, turns the rollout back, or the answers differ from the model's.
        InputError: when there are no pictures.
    """
    from stages.deploy.endpoint.rollout import serve_at_sagemaker

    return serve_at_sagemaker(bundle, model, pictures, settings)


TARGETS: dict[str, Target] = {
    "local": serve_here,
    "none": serve_nowhere,
    "sagemaker-local": serve_emulated,
    "sagemaker": serve_in_aws,
}
"""By ``deploy.target``."""
