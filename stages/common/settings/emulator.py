"""Settings of SageMaker's emulators on this machine."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stages.common.settings.base import Group


class Emulator(Group):
    """What happens to an emulated training job.

    Attributes:
        interrupt_after: epochs after which its spot machine is taken away, in the middle of the next one.
        grace: seconds from SIGTERM to SIGKILL, 120 in SageMaker; 0 kills without a warning.
    """

    interrupt_after: list[Annotated[int, Field(ge=1)]] = Field([])
    grace: float = Field(120, ge=0, le=120)
