"""Settings of the ``isaac`` renderer: what is asked of Isaac Sim, and where it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from stages.common.settings.base import Group


class IsaacRun(Group):
    """How Isaac Sim is started and ended; changes no picture's meaning.

    Attributes:
        where: ``local`` installation or ``container`` image.
        python: its ``python.sh``, or the Python that it was installed into with pip; empty: ``$ISAAC_PATH/python.sh``.
        image: of the container.
        cache: folder for its shader and other caches in the container's case, which make the second start fast.
        accept_eula: you have read and accept NVIDIA's licence of Isaac Sim.
        frames_per_process: it is replaced after so many frames, since its memory grows.
        start_timeout: seconds to be ready for frames; the first start compiles shaders for many minutes.
        close_timeout: seconds for the app to close once it has said that it is done; then it is ended.
    """

    where: Literal["local", "container"] = "local"
    python: str = ""
    image: str = Field("nvcr.io/nvidia/isaac-sim:5.1.0", min_length=1)
    cache: str = Field("~/.cache/sim-to-cloud/isaac", min_length=1)
    accept_eula: bool = False
    frames_per_process: int = Field(2000, ge=1)
    start_timeout: float = Field(1800, gt=0)
    close_timeout: float = Field(60, gt=0)


class IsaacSim(Group):
    """What is asked of Isaac Sim.

    Attributes:
        mode: renderer; ``RealTimePathTracing`` from Isaac Sim 6 on.
        anti_aliasing: 0 off, 1 TAA, 2 FXAA, 3 DLSS, 4 RTXAA.
        subframes: rendered for each frame, so that materials load and nothing of the frame before shines through.
        max_subframes: up to which an unfinished frame is tried again with twice as many.
        tries: of an unfinished frame.
        colour: ``rgb`` is the finished picture, made linear again; ``hdr`` the light before tone mapping.
        annotators: more of Replicator's, by name; their arrays are ``passes.extra`` for annotators of your own.
        asset_root: folder or address of NVIDIA's assets; empty: what Isaac Sim has set.
        hooks: functions ``FILE.py:NAME`` of yours that change the stage before each frame, inside Isaac Sim.
        kit_args: more arguments of Kit, such as ``--reset-user``.
        carb: more of its settings by path.
        run: how it is started and ended.
    """

    mode: Literal["RaytracedLighting", "PathTracing", "RealTimePathTracing"] = "RaytracedLighting"
    anti_aliasing: int = Field(3, ge=0, le=4)
    subframes: int = Field(16, ge=1, le=1024)
    max_subframes: int = Field(64, ge=1, le=1024)
    tries: int = Field(3, ge=1, le=10)
    colour: Literal["rgb", "hdr"] = "rgb"
    annotators: list[str] = Field(default_factory=list)
    asset_root: str = ""
    hooks: list[str] = Field(default_factory=list)
    kit_args: list[str] = Field(default_factory=list)
    carb: dict[str, bool | int | float | str] = Field(default_factory=dict)
    run: IsaacRun = IsaacRun()

    @model_validator(mode="after")
    def _sound(self) -> IsaacSim:
        if self.max_subframes < self.subframes:
            raise ValueError("renderer.isaac.max_subframes is below renderer.isaac.subframes: raise it, or lower those")
        for hook in self.hooks:
            file, _, name = hook.rpartition(":")
            if not (file.endswith(".py") and name.isidentifier()):
                raise ValueError(f"renderer.isaac.hooks holds '{hook}': write FILE.py:NAME, as in custom/lamps.py:dim")
        return self
