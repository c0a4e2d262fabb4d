"""What a client notes before and after it submits, so that one that comes after it goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from stages.common.files import write_json

FILE = "sagemaker.json"
"""In the training's work folder, which outlives a kill and goes when the model is there."""


@dataclass
class Receipt:
    """State of a training in SageMaker as its client knows it.

    Attributes:
        asked: ``aws.image`` of the settings.
        image: that was chosen, so that a newer one does not make a second job of the same training.
        attempt: number of the job; it ends the job's name.
        instance: index of the machine in the settings' list.
        name: of the job; empty before the first.
        state: ``submitting``, ``submitted`` or ``failed``; a failure that was told is not told again.
        log: where each log stream was read to.
    """

    asked: str = ""
    image: str = ""
    attempt: int = 0
    instance: int = 0
    name: str = ""
    state: str = ""
    log: dict[str, str] = field(default_factory=dict)

    def save(self, work: Path) -> None:
        """Write it, whole or not at all."""
        write_json(work / FILE, asdict(self))


def read_receipt(work: Path) -> Receipt:
    """The work folder's receipt; an empty one where there is none, or none that can be read."""
    try:
        content = json.loads((work / FILE).read_bytes())
        return Receipt(**{item.name: content[item.name] for item in fields(Receipt)})
    except (OSError, ValueError, KeyError, TypeError):
        return Receipt()
