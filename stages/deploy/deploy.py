"""The deployment itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stages.common.files import write_json
from stages.common.settings import Settings
from stages.deploy.bundle import Bundle, Serving, pack
from stages.deploy.check import Parity
from stages.deploy.drift.reference import make_reference
from stages.deploy.targets import TARGETS


@dataclass(frozen=True)
class Deployed:
    """What was deployed where.

    Attributes:
        target: name of the target.
        bundle: what was packed.
        parity: of the service with the model; None when nothing was served.
    """

    target: str
    bundle: Bundle
    parity: Parity | None

    def __str__(self) -> str:
        """A summary line."""
        packed = f"deploy: {self.bundle.folder} holds model {self.bundle.settings.model_sha256[:10]}"
        if self.parity is None:
            return f"{packed}; served nowhere, as deploy={self.target} says"
        return (
            f"{packed}; the {self.target} service answered {self.parity.pictures} test frames as the model does "
            f"({self.parity.detections} detections)"
        )


def deploy(
    model: Path, pictures: Path, bundle: Path, receipt: Path, settings: Settings, version: int | None = None
) -> Deployed:
    """Pack a model, serve it where the settings say, check the answers, and write the receipt.

    Args:
        model: ONNX file.
        pictures: folder of pictures to check the service with.
        bundle: folder to write.
        receipt: JSON file to write; it holds no times, so the same deployment gives the same bytes.
        settings: where and how.
        version: of the model in the registry, when it comes from there.

    Raises:
        InputError: when the model or the pictures are missing or unusable.
        ServiceError: when the service does not start or answers otherwise than the model; no receipt is written.
    """
    limits, target = settings.deploy, settings.deploy.target
    serving = Serving(queue=limits.queue, max_body_mb=limits.max_body_mb, max_pixels=limits.max_pixels)
    packed = pack(model, bundle, serving, make_reference(model, pictures, limits.max_pixels))
    parity = TARGETS[target](packed, model, pictures, settings)
    deployed = Deployed(target, packed, parity)
    write_json(receipt, _receipt(deployed, version))
    return deployed


def _receipt(deployed: Deployed, version: int | None) -> dict[str, object]:
    parity, settings = deployed.parity, deployed.bundle.settings
    return {
        "target": deployed.target,
        "bundle": deployed.bundle.folder.as_posix(),
        "model": {
            "registered_version": version,
            "sha256": settings.model_sha256,
            "names": list(settings.names),
            "input_size": list(settings.input_size),
            "threshold": settings.postprocessing.threshold,
        },
        "check": parity and parity.as_json(),
        "service": parity.service if parity else {},
    }
