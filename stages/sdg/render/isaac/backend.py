"""The ``isaac`` renderer: RTX frames of our plans, by a process of Isaac Sim that lives from frame to frame."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isaac.capture.folder import DONE, FAILED, READY, JobFolder, read_arrays, write_json
from stages.common.errors import RenderError, StageError
from stages.common.files import atomic_write
from stages.common.settings.isaac import IsaacSim
from stages.common.settings.pictures import Renderer
from stages.sdg.plan.types import FramePlan
from stages.sdg.render.amodal import amodal_extents
from stages.sdg.render.camera import overscan
from stages.sdg.render.isaac.job import Asked, asked_of, job_of
from stages.sdg.render.isaac.launch import hand_over_job, launch
from stages.sdg.render.isaac.passes import Floats, outlines, padded, parts_pass, passes_of, things_inside
from stages.sdg.render.isaac.process import IsaacProcess
from stages.sdg.render.passes import Passes
from stages.sdg.render.scratch import scratch_folder
from stages.sdg.render.sensor_geometry import distort_passes, nearest_canvas_pixel

PREFIX = "sim-to-cloud-isaac-"

SHARE = 0.9
"""Share of renderer.runtime.frame_timeout after which this side ends a hung Isaac Sim, before the run ends both."""


@dataclass
class Answer:
    """What Isaac Sim said of the last frame besides its passes.

    Attributes:
        facts: of the journal: attempts, subframes, seconds, what patterns matched.
        boxes: its own boxes, ``tight``, ``loose`` and ``3d``, by placement id, on the canvas.
        canvas: width and height that they refer to.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    boxes: dict[str, dict[str, Any]] = field(default_factory=dict)
    canvas: tuple[int, int] = (0, 0)


class IsaacRenderer:
    """Renders plans with Isaac Sim; one process of it at a time."""

    def __init__(self, settings: Renderer) -> None:
        """Prepare a job folder and start Isaac Sim.

        Raises:
            SettingsError: when ``renderer.isaac`` is missing or NVIDIA's licence was not accepted.
            MissingDependencyError: when there is no Isaac Sim, or no container engine.
            RenderError: when it does not start.
        """
        self._settings = settings
        self._sim = _sim(settings)
        self._scratch = scratch_folder(PREFIX)
        # whoever forgets close() leaves nothing behind either
        self._finalizer = weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        self._folder = JobFolder(self._scratch / "job")
        self._log = self._scratch / "isaac.log"
        self._process: IsaacProcess | None = None
        self.last = Answer()
        write_json(self._folder.job, job_of(settings, self._sim, _gpu()))
        try:
            self._running()
        except StageError:
            self.close()
            raise

    def render(self, plan: FramePlan, *, normals: bool = False) -> Passes:
        """Render one plan; see :class:`stages.sdg.render.passes.RendererBackend`."""
        start = time.perf_counter()
        canvas = overscan(plan.camera)
        asked = asked_of(plan, canvas if canvas is plan.camera else padded(canvas), self._scratch / "assets")
        built = time.perf_counter()
        arrays = self._ask(plan.frame, asked)
        rendered = time.perf_counter()
        if normals and "normals" not in arrays:
            raise RenderError(f"Isaac Sim gave no normals of frame {plan.frame}; see {self._log}")
        passes = passes_of(arrays, canvas)
        passes.extra["isaac"] = np.frombuffer(json.dumps(asdict(self.last)).encode(), np.uint8)
        inside = json.loads(arrays["inside"].tobytes())
        passes.inside = things_inside(plan, inside)
        keys = {**asked.geometry, **{int(number): item["geometry"] for number, item in inside.items()}}
        triangles, parts = outlines((*plan.placements, *passes.inside), passes.instance, self._foreign(keys))
        passes.amodal = amodal_extents(plan.camera, triangles, parts)
        passes.parts = parts_pass(canvas, passes.instance, triangles, parts)
        distorted = distort_passes(passes, plan.camera)
        if canvas is not plan.camera:
            nearest, size = nearest_canvas_pixel(plan.camera), passes.instance.shape
            distorted.extra = {
                name: values[nearest] if values.shape[:2] == size else values for name, values in passes.extra.items()
            }
        measured = time.perf_counter()
        distorted.seconds = {"build": built - start, "render": rendered - built, "amodal": measured - rendered}
        return distorted

    def save_scene(self, plan: FramePlan, path: str) -> None:
        """Write the scene as a USD file of its own; its camera has the lens' distortion in Omniverse's attributes.

        Assets of other people's files are references to those, as in the render.

        Raises:
            RenderError: when the path does not end in ``.usda``, ``.usdc`` or ``.usdz``, cannot be written, or is a
                package that would refer to other people's files.
        """
        from stages.common.errors import InputError
        from stages.sdg.render.usd.export import ASSET_ROOT, save_frame

        try:
            save_frame(plan, Path(path), asset_root=self._sim.asset_root or ASSET_ROOT)
        except InputError as error:
            raise RenderError(str(error)) from error

    def close(self) -> None:
        """Let Isaac Sim end, and remove the job folder."""
        if self._process is not None:
            self._process.stop(self._sim.run.close_timeout, self._sim.run.close_timeout)
            self._process = None
        self._finalizer()

    def _running(self) -> IsaacProcess:
        """The process, started when there is none, or anew when it has served its frames."""
        process = self._process
        if process is not None and process.is_running and process.manifest() is None:
            return process
        if process is not None:
            process.stop(0.0, self._sim.run.close_timeout)
        run = self._sim.run
        if run.where == "container":
            hand_over_job(self._scratch)
        how = launch(run, self._folder.root, self._mounts(), _gpu())
        process = self._process = IsaacProcess(self._folder, how, self._log)
        try:
            ready = process.wait_for((READY,), None, run.start_timeout)
        except TimeoutError:
            lines = process.last_lines()
            self._drop()
            raise RenderError(
                f"Isaac Sim was not ready after {run.start_timeout:g} s (renderer.isaac.run.start_timeout), after "
                f"'{lines}'; the first start compiles shaders: give it more, or see `nvidia-smi`"
            ) from None
        if ready is None:
            error = self._death("while it started")
            self._drop()
            raise error
        return process

    def _ask(self, frame: int, asked: Asked) -> dict[str, Any]:
        """Arrays of a frame.

        Raises:
            RenderError: when it cannot be rendered, or Isaac Sim died or hung over it.
        """
        process = self._running()
        request, result = self._folder.request(frame), self._folder.passes(frame)
        result.unlink(missing_ok=True)
        write_json(request, asked.request)
        limit = SHARE * self._settings.runtime.frame_timeout
        try:
            event = process.wait_for((DONE, FAILED), frame, limit)
            if event is None and process.manifest() is not None:
                # it had served its number of frames when the request came
                process = self._running()
                event = process.wait_for((DONE, FAILED), frame, limit)
            if event is None:
                raise self._death(f"over frame {frame}")
            if event["event"] == FAILED:
                raise RenderError(
                    f"Isaac Sim could not render frame {frame}: {event['reason']}; raise renderer.isaac.subframes, or "
                    f"see `python -m stages.sdg --frame {frame}`"
                )
            arrays = read_arrays(result)
        except TimeoutError:
            self._drop()
            raise RenderError(
                f"Isaac Sim hung over frame {frame} for {limit:g} s and was ended; raise "
                "renderer.runtime.frame_timeout if it was only slow"
            ) from None
        finally:
            request.unlink(missing_ok=True)
            result.unlink(missing_ok=True)
        self.last = _answer(event, arrays)
        return arrays

    def _death(self, doing: str) -> RenderError:
        assert self._process is not None
        told = self._process.manifest()
        if told is not None:
            return RenderError(f"Isaac Sim gave up {doing} ({told['ended']}); see {self._kept_log()}")
        self._process.end()
        error = self._process.death(doing)
        return RenderError(str(error).replace(str(self._log), str(self._kept_log())))

    def _kept_log(self) -> Path:
        """A copy of the log that outlives the job folder."""
        kept = Path(tempfile.gettempdir()) / f"{self._scratch.name}.log"
        with atomic_write(kept, "wb") as stream:
            stream.write(self._log.read_bytes() if self._log.exists() else b"")
        return kept

    def _drop(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def _foreign(self, keys: Mapping[int, str]) -> dict[int, Floats]:
        return {
            number: read_arrays(place)["triangles"]
            for number, key in keys.items()
            if (place := self._folder.geometry(key)).exists()
        }

    def _mounts(self) -> dict[Path, str]:
        mounts = {self._scratch: "rw"}
        root = Path(self._sim.asset_root).expanduser() if self._sim.asset_root else None
        if root is not None and root.is_dir():
            mounts[root] = "ro"
        for hook in self._sim.hooks:
            mounts[Path(hook.rpartition(":")[0]).resolve().parent] = "ro"
        return mounts


def _answer(event: dict[str, Any], arrays: dict[str, Any]) -> Answer:
    boxes = json.loads(arrays["boxes"].tobytes())
    height, width = arrays["instance"].shape
    return Answer(event, boxes, (width, height))


def _sim(settings: Renderer) -> IsaacSim:
    from stages.common.errors import SettingsError

    if settings.isaac is None:
        raise SettingsError("renderer.isaac is empty: choose renderer=isaac, whose file has all of it")
    return settings.isaac


def _gpu() -> str | None:
    """Number of the one GPU that the run gave this process."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    first = visible.partition(",")[0].strip()
    return first if re.fullmatch(r"\d+", first) else None
