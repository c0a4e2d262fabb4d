"""The registry of randomizers: functions of the user's own that change a plan once it is drawn."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from stages.common.custom import load_custom
from stages.common.errors import SettingsError
from stages.common.settings import Settings
from stages.sdg.plan.types import FramePlan

Randomizer = Callable[[FramePlan, np.random.Generator], FramePlan]

_RANDOMIZERS: dict[str, Randomizer] = {}


def register_randomizer(name: str) -> Callable[[Randomizer], Randomizer]:
    """Decorator: make ``change(plan, rng) -> plan`` known as ``name``.

    All that is random must come from ``rng``, which depends on the seed, the frame and the name alone; so the same
    frame is always the same, and one randomizer more leaves the draws of the others as they are.
    """

    def register(change: Randomizer) -> Randomizer:
        _RANDOMIZERS[name] = change
        return change

    return register


def randomizer_names() -> list[str]:
    """Names that ``custom.randomizers`` may hold, sorted."""
    return sorted(_RANDOMIZERS)


def randomized(settings: Settings, plan: FramePlan) -> FramePlan:
    """The plan after all randomizers that the settings name.

    Raises:
        SettingsError: when one is not registered, or gives no plan of the same frame.
    """
    if not settings.custom.randomizers:
        return plan
    load_custom(settings.custom)
    for name in settings.custom.randomizers:
        if name not in _RANDOMIZERS:
            known = ", ".join(randomizer_names()) or "none is registered"
            raise SettingsError(f"custom.randomizers names '{name}', which custom.files does not register ({known})")
        rng = np.random.default_rng([settings.seed, plan.frame, zlib.crc32(name.encode())])
        changed = _RANDOMIZERS[name](plan, rng)
        if not isinstance(changed, FramePlan) or changed.frame != plan.frame:
            raise SettingsError(f"the randomizer '{name}' gave no plan of frame {plan.frame}: return the changed plan")
        plan = changed
    return plan
