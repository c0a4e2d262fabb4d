"""What many forklifts have above and below their counterweight."""

from __future__ import annotations

import numpy as np

from stages.sdg.assets.finish import chance
from stages.sdg.assets.mesh import Builder, beam, box
from stages.sdg.assets.shapes import stack
from stages.sdg.assets.types import Material


def add_saddle(
    builder: Builder, rear: float, front: float, top: float, half: float, materials: dict[str, Material],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """A dark hood that rises from the counterweight to the driver's back, lettered across, with thick legs.

    Args:
        builder: to add to.
        rear: X of the counterweight's stern, metres.
        front: X of its other end, metres.
        top: its height, metres.
        half: half its width, metres.
        materials: ``hood`` and ``letters``.
        rng: of the truck.
    """
    rise, lean = float(rng.uniform(0.18, 0.42)), float(rng.uniform(0.05, 0.25))
    narrow = float(rng.uniform(0.55, 0.85))
    levels = []
    for share in (0.0, 0.5, 1.0):
        back = rear + 0.12 + lean * share
        wide = half * (0.95 + (narrow - 0.95) * share)
        levels.append((top - 0.03 + rise * share, (front + back) / 2, 0.0, max(0.08, (front - back) / 2), wide, 0.06))
    builder.add("hood", stack(levels, 4), materials["hood"], True)
    if chance(rng, 0.7):
        _letters(builder, rear + 0.12 + lean / 2 - 0.03, top + rise / 2, half * narrow, materials["letters"], rng)


def _letters(builder: Builder, x: float, z: float, half: float, paint: Material, rng: np.random.Generator) -> None:
    """A maker's name that can be read no more than one in a photograph."""
    tall, count = float(rng.uniform(0.06, 0.11)), int(rng.integers(4, 9))
    step = min(2 * half / (count + 1), tall * 0.9)
    for number in range(count):
        y = (number - (count - 1) / 2) * step
        leg = beam((x, y - 0.2 * step, z - tall / 2), (x, y, z + tall / 2), 0.03, 0.018)
        builder.add("letters", leg, paint)
        low = z + float(rng.choice([-tall / 2, 0.0, tall / 2 - 0.02]))
        builder.add("letters", box((x - 0.015, y - 0.2 * step, low), (x + 0.015, y + 0.3 * step, low + 0.02)), paint)


def add_recess(
    builder: Builder, rear: float, half: float, bottom: float, dark: Material, rng: np.random.Generator
) -> None:
    """The dark arch in the stern in which a pair of steered wheels shows."""
    wide, high = half * float(rng.uniform(0.34, 0.5)), bottom + float(rng.uniform(0.02, 0.16))
    builder.add("chassis", box((rear - 0.012, -wide, 0.1), (rear + 0.2, wide, high), 0.03), dark)
