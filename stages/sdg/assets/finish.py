"""Materials of one asset: the same wear and dirt over all its surfaces, colours from palettes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stages.sdg.assets.catalogue import Parameters
from stages.sdg.assets.palette import anything, grey, linear, pick
from stages.sdg.assets.types import Material
from stages.sdg.plan.types import Colour

WHEELS = ("#1a1a1a", "#26221f", "#3a3a3c", "#9b9b96", "#5c6670", "#7d4b28")
LABELS = ("#e9e7df", "#f0c419", "#1b1b1b", "#c22a1f", "#2458a8")


class Finish:
    """Draws the materials of one asset.

    ``parameters`` may fix ``wear`` and ``dirt`` (0 to 1), ``colour`` (``"#rrggbb"`` of the main surface), or ask for
    ``random_colour``.
    """

    def __init__(self, rng: np.random.Generator, parameters: Parameters) -> None:
        self._rng, self._parameters = rng, parameters
        wear, dirt = float(rng.beta(1.5, 2.7)), float(rng.beta(1.6, 2.4))
        self.wear, self.dirt = float(parameters.get("wear", wear)), float(parameters.get("dirt", dirt))

    def colour(self, codes: Sequence[str], weights: Sequence[float] | None = None) -> Colour:
        """Colour of the main surface: the scene's, or one of some display colours."""
        usual, random = pick(self._rng, codes, weights), anything(self._rng)
        if "colour" in self._parameters:
            return linear(str(self._parameters["colour"]))
        return random if self._parameters.get("random_colour") else usual

    def _seed(self) -> int:
        return int(self._rng.integers(1 << 30))

    def paint(self, colour: Colour, wear: float = 1.0) -> Material:
        """Lacquered sheet metal; ``wear`` multiplies the asset's own."""
        rough = float(self._rng.uniform(0.25, 0.6))
        under = grey(self._rng, 0.06, 0.25)
        return Material(
            "paint", colour, rough, 0.0, min(1.0, self.wear * wear), self.dirt, under, 0.15, 0.0, self._seed()
        )

    def dark(self) -> Material:
        """Black or dark grey paint of frames and masts."""
        return self.paint(grey(self._rng, 0.012, 0.06), 0.7)

    def steel(self) -> Material:
        """Bare, galvanised or chromed metal."""
        rough = float(self._rng.uniform(0.25, 0.55))
        colour = grey(self._rng, 0.25, 0.6)
        return Material("metal", colour, rough, 1.0, self.wear * 0.4, self.dirt * 0.8, seed=self._seed())

    def plastic(self, colour: Colour) -> Material:
        """Moulded plastic."""
        rough = float(self._rng.uniform(0.3, 0.65))
        return Material("plastic", colour, rough, 0.0, self.wear * 0.5, self.dirt, seed=self._seed())

    def rubber(self) -> Material:
        """Black rubber of tyres, hoses and grips."""
        return Material(
            "rubber", grey(self._rng, 0.008, 0.035), 0.75, 0.0, 0.15, min(1.0, self.dirt + 0.15), seed=self._seed()
        )

    def tread(self) -> Material:
        """Tread of castors: rubber, polyamide or polyurethane."""
        return Material(
            "rubber", pick(self._rng, WHEELS), 0.7, 0.0, 0.15, min(1.0, self.dirt + 0.15), seed=self._seed()
        )

    def label(self) -> Material:
        """A printed sticker."""
        return Material("print", pick(self._rng, LABELS), 0.45, dirt=self.dirt * 0.6, seed=self._seed())

    def fabric(self, colour: Colour) -> Material:
        """Cloth, upholstery or bags."""
        return Material("fabric", colour, 0.85, 0.0, 0.0, self.dirt * 0.5, seed=self._seed())

    def wood(self, colour: Colour) -> Material:
        """Boards or plywood."""
        return Material("wood", colour, 0.7, 0.0, self.wear, self.dirt, seed=self._seed())

    def glow(self, colour: Colour, radiance: float) -> Material:
        """A lamp or a screen, in W/m²/sr."""
        return Material("glow", colour, 0.4, glow=radiance, seed=self._seed())


def chance(rng: np.random.Generator, share: float) -> bool:
    """True in ``share`` of the draws."""
    return bool(rng.uniform() < share)
