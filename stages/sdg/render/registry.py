"""The registry of renderers: a name, and what makes the backend from the settings."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable

from stages.common.errors import SettingsError
from stages.common.settings.pictures import Renderer
from stages.sdg.render.passes import RendererBackend

Factory = Callable[[Renderer], RendererBackend]

BUILT_IN = {
    "blender": "stages.sdg.render.blender.backend:BlenderRenderer",
    "fake": "stages.sdg.render.fake:FakeRenderer",
    "isaac": "stages.sdg.render.isaac.backend:IsaacRenderer",
}
"""Backends of this package, ``module:name``; a module is imported when its renderer is first made."""

_FACTORIES: dict[str, Factory] = {}


def register_renderer(name: str) -> Callable[[type], type]:
    """Decorator: make a class known as the renderer ``name``.

    The class takes the :class:`~stages.common.settings.pictures.Renderer` settings and follows
    :class:`~stages.sdg.render.passes.RendererBackend`::

        @register_renderer("wireframe")
        class Wireframe:
            def __init__(self, settings: Renderer) -> None: ...
    """

    def register(backend: type) -> type:
        _FACTORIES[name] = backend
        return backend

    return register


def renderer_names() -> list[str]:
    """Names that ``renderer.backend`` may have, sorted."""
    return sorted({*BUILT_IN, *_FACTORIES})


def create_renderer(name: str, settings: Renderer) -> RendererBackend:
    """Make a backend.

    Args:
        name: registered name.
        settings: of the renderer.

    Raises:
        SettingsError: when there is no such renderer.
        MissingDependencyError: when what it renders with is not installed.
    """
    if name in _FACTORIES:
        return _FACTORIES[name](settings)
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        factory: Factory = getattr(importlib.import_module(module), attribute)
        return factory(settings)
    known = renderer_names()
    close = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean '{close[0]}'?" if close else f"choose one of {', '.join(known)}"
    raise SettingsError(f"renderer.backend is '{name}', which is not a registered renderer: {advice}")
