"""How the renders look beside the photographs: light, contrast, colour, sharpness, noise, as the network sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.progress import Progress
from stages.evaluate.cache import Arrays, Cache, code_digest
from stages.evaluate.inference import picture_digest, usable_pixels
from stages.evaluate.metrics import rounded
from stages.evaluate.truth import LabelledPicture

SCALARS = ("luminance", "contrast", "saturation", "red_green", "blue_yellow", "sharpness", "noise")
BLOCK = 32
"""Side in pixels of the blocks whose spectrum is taken."""

BANDS = BLOCK // 2
FLAT_SHARE = 0.25
"""Of the blocks, those with the least contrast: what varies there is noise and not the scene."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """A scalar in both domains.

    Attributes:
        measure: of :data:`SCALARS`.
        sim, real: values, one a picture.
        wasserstein: distance of the two distributions, in the measure's unit.
        effect: difference of the means, real less sim, in standard deviations (Cohen's d, pooled); None without spread.
    """

    measure: str
    sim: Floats
    real: Floats
    wasserstein: float
    effect: float | None

    def as_json(self) -> dict[str, Any]:
        """As in ``evaluation.json``."""
        quantiles = [0.05, 0.25, 0.5, 0.75, 0.95]
        return {
            "sim_mean": rounded(float(self.sim.mean())),
            "real_mean": rounded(float(self.real.mean())),
            "quantiles": quantiles,
            "sim_quantiles": [rounded(value) for value in np.quantile(self.sim, quantiles)],
            "real_quantiles": [rounded(value) for value in np.quantile(self.real, quantiles)],
            "wasserstein": rounded(self.wasserstein),
            "effect": rounded(self.effect),
        }


@dataclass(frozen=True)
class Spectrum:
    """Power of the noise by spatial frequency.

    Attributes:
        frequencies: (16,) cycles a pixel.
        sim, real: (16,) mean over pictures, in decibels.
        distance: root mean square difference in decibels.
    """

    frequencies: Floats
    sim: Floats
    real: Floats
    distance: float

    def as_json(self) -> dict[str, Any]:
        """As in ``evaluation.json``."""
        return {
            "cycles_per_pixel": [rounded(value) for value in self.frequencies],
            "sim_decibels": [rounded(value) for value in self.sim],
            "real_decibels": [rounded(value) for value in self.real],
            "distance_decibels": rounded(self.distance),
        }


def sample(pictures: Sequence[object], most: int, seed: int) -> list[int]:
    """Places of at most ``most`` pictures, drawn at random, in their order."""
    if len(pictures) <= most:
        return list(range(len(pictures)))
    return sorted(np.random.default_rng(seed).choice(len(pictures), most, replace=False).tolist())


def looks(
    pictures: Sequence[LabelledPicture], input_size: tuple[int, int], cache: Cache
) -> tuple[dict[int, dict[str, float]], dict[int, Floats]]:
    """Scalars and noise spectrum of each picture that can be read, by its place."""

    def make() -> Arrays:
        rows, spectra = [], []
        with Progress("look at pictures", total=len(pictures), unit="pictures") as progress:
            for picture in pictures:
                pixels, _ = usable_pixels(picture)
                seen = None if pixels is None else as_seen(pixels, input_size)
                rows.append([np.nan] * len(SCALARS) if seen is None else list(scalars(seen).values()))
                spectra.append(np.full(BANDS, np.nan) if seen is None else noise_spectrum(seen))
                progress.advance()
        return {
            "scalars": np.asarray(rows, np.float64).reshape(-1, len(SCALARS)),
            "spectra": np.asarray(spectra, np.float64).reshape(-1, BANDS),
        }

    depends = (code_digest(Path(__file__)), str(input_size), picture_digest(pictures))
    kept = cache.arrays("looks", depends, make)
    usable = np.flatnonzero(np.isfinite(kept["scalars"]).all(axis=1))
    return (
        {int(place): dict(zip(SCALARS, kept["scalars"][place].tolist(), strict=True)) for place in usable},
        {int(place): kept["spectra"][place] for place in usable},
    )


def as_seen(picture: NDArray[np.uint8], input_size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) at the size that it has in the network's input, without the border."""
    import cv2

    height, width = picture.shape[:2]
    scale = min(input_size[0] / width, input_size[1] / height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def scalars(picture: NDArray[np.uint8]) -> dict[str, float]:
    """The figures of a BGR picture.

    ``luminance`` and ``contrast``: mean and standard deviation of the grey picture, 0 to 1. ``saturation``,
    ``red_green``, ``blue_yellow``: mean chroma, a* and b* of CIE L*a*b* (D65). ``sharpness``: log10 of the variance
    of the Laplacian (Pech-Pacheco et al., ICPR 2000), of grey levels of 255. ``noise``: standard deviation of grey
    levels of 255 (Immerkær, Fast Noise Variance Estimation, CVIU 1996).
    """
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    difference = cv2.filter2D(grey, cv2.CV_32F, np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32))
    inside = np.abs(difference[1:-1, 1:-1]) if min(grey.shape) > 2 else np.abs(difference)
    return {
        "luminance": float(grey.mean()) / 255,
        "contrast": float(grey.std()) / 255,
        "saturation": float(np.hypot(lab[..., 1], lab[..., 2]).mean()),
        "red_green": float(lab[..., 1].mean()),
        "blue_yellow": float(lab[..., 2].mean()),
        "sharpness": float(np.log10(cv2.Laplacian(grey, cv2.CV_32F).var() + 1e-3)),
        "noise": float(np.sqrt(np.pi / 2) * inside.mean() / 6),
    }


def noise_spectrum(picture: NDArray[np.uint8]) -> Floats:
    """(16,) power in decibels by spatial frequency, in the flattest quarter of the 32 by 32 blocks of the grey picture.

    The mean over rings of the periodogram under a Hann window; 0 dB is a variance of one grey level of 255 a frequency.
    """
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float64)
    high, wide = (side // BLOCK for side in grey.shape)
    if not high or not wide:
        return np.zeros(BANDS)
    blocks = (
        grey[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)
    )
    spread = blocks.std(axis=(1, 2))
    flat = blocks[np.argsort(spread, kind="stable")[: max(1, round(len(blocks) * FLAT_SHARE))]]
    window = np.outer(np.hanning(BLOCK), np.hanning(BLOCK))
    flat = flat - flat.mean(axis=(1, 2), keepdims=True)
    power = np.mean(np.abs(np.fft.fft2(flat * window)) ** 2, axis=0) / (window**2).sum()
    axis = np.fft.fftfreq(BLOCK) * BLOCK
    ring = np.rint(np.hypot(axis[:, None], axis[None])).astype(int)
    rings = [power[ring == radius].mean() for radius in range(1, BANDS + 1)]
    return np.asarray(10 * np.log10(np.asarray(rings) + 1e-3))


def appearance_gap(
    sim: tuple[Mapping[int, Mapping[str, float]], Mapping[int, Floats]],
    real: tuple[Mapping[int, Mapping[str, float]], Mapping[int, Floats]],
) -> tuple[list[Look], Spectrum] | None:
    """Compare what :func:`looks` measured; None when there is nothing on one side."""
    from scipy.stats import wasserstein_distance

    if not sim[0] or not real[0]:
        return None
    made = []
    for measure in SCALARS:
        mine, other = (np.array([row[measure] for row in side[0].values()]) for side in (sim, real))
        spread = np.sqrt((mine.var() + other.var()) / 2)
        effect = float((other.mean() - mine.mean()) / spread) if spread > 0 else None
        made.append(Look(measure, mine, other, float(wasserstein_distance(mine, other)), effect))
    mine, other = (np.mean(list(side[1].values()), axis=0) for side in (sim, real))
    frequencies = np.arange(1, BANDS + 1) / BLOCK
    return made, Spectrum(frequencies, mine, other, float(np.sqrt(np.mean((mine - other) ** 2))))
