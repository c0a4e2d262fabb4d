"""How far apart the domains are for the detector itself: features of its own backbone, and the KID between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.detection import Detector
from stages.common.detection.detector import letterbox_picture
from stages.common.progress import Progress
from stages.evaluate.cache import Arrays, code_digest
from stages.evaluate.inference import Model, picture_digest, usable_pixels
from stages.evaluate.metrics import rounded
from stages.evaluate.truth import LabelledPicture

KERNEL = "k(x, y) = (x . y / d + 1)^3"
"""The polynomial kernel of KID (Bińkowski, Sutherland, Arbel and Gretton, Demystifying MMD GANs, ICLR 2018)."""

SHUFFLES = 200
"""Random divisions of all pictures that say how large the distance is without a gap."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FeatureGap:
    """Distance of the domains in the backbone's features.

    Attributes:
        kid: squared maximum mean discrepancy, the unbiased estimate; about 0 without a gap, and below it by chance.
        without_gap: 95 % of random divisions of the same pictures stay below this.
        layer: name of the tensor; its mean over the picture is the feature.
        dimensions: d.
        sim, real: pictures on each side.
    """

    kid: float
    without_gap: float
    layer: str
    dimensions: int
    sim: int
    real: int

    def as_json(self) -> dict[str, Any]:
        """As in ``metrics.json``."""
        return {
            "kid": rounded(self.kid),
            "kid_without_gap": rounded(self.without_gap),
            "kernel": KERNEL,
            "layer": self.layer,
            "dimensions": self.dimensions,
            "sim_pictures": self.sim,
            "real_pictures": self.real,
        }


def backbone_output(path: Path) -> tuple[bytes, str] | None:
    """The part of a network up to the end of its backbone, as an ONNX model, and the name of its output.

    A YOLO's neck begins by enlarging the backbone's last, coarsest map: that map is the first input of the first
    Resize.

    Returns:
        None for a network without one.
    """
    import onnx
    from onnx.utils import Extractor

    network = onnx.shape_inference.infer_shapes(onnx.load(path))
    names = [node.input[0] for node in network.graph.node if node.op_type == "Resize"]
    if not names:
        return None
    part = Extractor(network).extract_model([network.graph.input[0].name], [names[0]])
    return part.SerializeToString(), names[0]


def features(model: Model, pictures: Sequence[LabelledPicture]) -> tuple[Floats, str] | None:
    """(N, d) features of the pictures that can be read, and the name of their layer; None without a backbone to
    speak of.
    """

    def make() -> Arrays:
        backbone = backbone_output(model.detector.path)
        if backbone is None:
            return {"features": np.zeros((0, 0), np.float32), "layer": np.asarray("")}
        run = _open(backbone[0])
        rows = []
        with Progress("features", total=len(pictures), unit="pictures") as progress:
            for picture in pictures:
                pixels, _ = usable_pixels(picture)
                if pixels is not None:
                    rows.append(run(_tensor(model.detector, pixels)))
                progress.advance()
        return {"features": np.asarray(rows, np.float32), "layer": np.asarray(backbone[1])}

    depends = (model.digest, code_digest(Path(__file__)), picture_digest(pictures))
    kept = model.cache.arrays("features", depends, make)
    layer = str(kept["layer"])
    return (kept["features"].astype(np.float64), layer) if layer and len(kept["features"]) else None


def feature_gap(
    model: Model, sim: Sequence[LabelledPicture], real: Sequence[LabelledPicture], seed: int
) -> FeatureGap | None:
    """Measure the distance; None with fewer than two pictures on a side, or a network without a backbone."""
    ours, theirs = features(model, sim), features(model, real)
    if ours is None or theirs is None or min(len(ours[0]), len(theirs[0])) < 2:
        return None
    both = np.concatenate([ours[0], theirs[0]])
    gram = kernel(both, both)
    order, split = np.arange(len(both)), len(ours[0])
    rng = np.random.default_rng(seed)
    chance = [mmd(gram, rng.permutation(order), split) for _ in range(SHUFFLES)]
    return FeatureGap(
        mmd(gram, order, split), float(np.quantile(chance, 0.95)), ours[1], both.shape[1], split, len(theirs[0])
    )


def kernel(first: Floats, second: Floats) -> Floats:
    """:data:`KERNEL` of every pair, (N, d) and (M, d) to (N, M)."""
    result: Floats = (first @ second.T / first.shape[1] + 1) ** 3
    return result


def mmd(gram: Floats, order: NDArray[np.int64], split: int) -> float:
    """Unbiased squared MMD of two groups (Gretton et al., JMLR 2012, equation 3).

    Args:
        gram: (N, N) kernel of all pairs.
        order: (N,) the first ``split`` are one group, the rest the other; two or more each.
        split: where the second begins.
    """
    one, two = order[:split], order[split:]
    within = sum(
        (gram[np.ix_(part, part)].sum() - gram[part, part].sum()) / (len(part) * (len(part) - 1)) for part in (one, two)
    )
    return float(within - 2 * gram[np.ix_(one, two)].mean())


def _tensor(detector: Detector, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    boxed, _ = letterbox_picture(pixels, detector.input_size)
    return np.ascontiguousarray(boxed[:, :, ::-1].transpose(2, 0, 1)[None], np.float32) / np.float32(255)


def _open(network: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    kind = np.float16 if source.type == "tensor(float16)" else np.float32

    def run(tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        maps = session.run(None, {source.name: tensor.astype(kind, copy=False)})[0]
        pooled: NDArray[np.float32] = np.asarray(maps, np.float32)[0].mean(axis=(1, 2))
        return pooled

    return run
