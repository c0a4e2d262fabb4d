"""Places where a bundle can be served; a new one needs a function and a line in :data:`TARGETS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stages.common.settings.platform import Deploy
from stages.deploy.bundle import Bundle
from stages.deploy.check import Parity, choose, compare
from stages.deploy.local import running

Target = Callable[[Bundle, Path, Path, Deploy], Parity | None]
"""Serves a bundle: called with it, the model it was made from, a folder of pictures to check with, and the settings.

Returns how the service compared with the model, or None when nothing was served.
"""


def serve_here(bundle: Bundle, model: Path, pictures: Path, settings: Deploy) -> Parity:
    """Start a server here, compare its answers, stop it.

    Raises:
        ServiceError: when it does not start or answers otherwise than the model.
        InputError: when there are no pictures.
    """
    chosen = choose(pictures, settings.check_frames)
    with running(bundle.folder, settings.host, settings.port, settings.threads) as url:
        return compare(url, bundle, model, chosen)


def serve_nowhere(_bundle: Bundle, _model: Path, _pictures: Path, _settings: Deploy) -> None:
    """Leave it at the bundle."""


TARGETS: dict[str, Target] = {"local": serve_here, "none": serve_nowhere}
"""By ``deploy.target``."""
