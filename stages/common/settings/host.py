"""Settings of the machine in the cloud that renders: its kind, its limits, where it gets its work."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from stages.common.settings.base import Group


class Host(Group):
    """An EC2 instance that renders and ends by itself.

    Attributes:
        instances: types to try in this order, and the most that an hour of each may cost in US dollars: what spot is
            bid with, and what the spend limit is reckoned with. Approximate list prices; check those of your region.
        market: ``spot`` or ``on_demand``.
        image: of the machine (AMI); empty: the newest of ``image_parameter``.
        image_parameter: public parameter of SSM that names an AMI with Ubuntu, for GPUs with NVIDIA's driver and a
            container engine.
        volume_gb: of its disk, which goes with it.
        max_hours: after which it ends by itself, whatever it does.
        idle_minutes: without work after which it ends by itself.
        spend_limit: US dollars that one run may cost, replaced machines together.
        restarts: machines that may take the place of interrupted ones in a run.
        sync_seconds: between two uploads of what is finished.
        ngc_parameter: SecureString of SSM that holds the key of NVIDIA's registry, for the image of Isaac Sim.
        prefix: of all objects in ``aws.bucket`` (or ``storage.bucket``), without slashes at its ends.
    """

    name: str
    instances: dict[str, float] = Field(min_length=1)
    market: Literal["spot", "on_demand"] = "spot"
    image: str = ""
    image_parameter: str = ""
    volume_gb: int = Field(100, ge=16, le=16384)
    max_hours: float = Field(8, gt=0, le=168)
    idle_minutes: float = Field(15, ge=2, le=1440)
    spend_limit: float = Field(10, gt=0)
    restarts: int = Field(5, ge=0, le=100)
    sync_seconds: float = Field(60, gt=0, le=3600)
    ngc_parameter: str = ""
    prefix: str = Field("hosts", min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Host:
        if min(self.instances.values()) <= 0:
            raise ValueError("host.instances has a price that is not above 0: give US dollars an hour")
        if not (self.image or self.image_parameter):
            raise ValueError("host.image and host.image_parameter are both empty: name an AMI, or where to find one")
        if self.prefix.strip("/") != self.prefix:
            raise ValueError("host.prefix begins or ends with a slash: leave it out")
        return self
