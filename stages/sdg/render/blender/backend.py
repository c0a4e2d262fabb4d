"""The ``blender`` renderer: Cycles through bpy, all passes from one render."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.errors import MissingDependencyError, RenderError
from stages.common.settings.pictures import Renderer
from stages.sdg.plan.types import FramePlan
from stages.sdg.render.amodal import amodal_extents
from stages.sdg.render.camera import overscan
from stages.sdg.render.meshes import labelled_parts, labelled_triangles
from stages.sdg.render.passes import Passes, ids_in
from stages.sdg.render.scratch import memory_folder, sweep
from stages.sdg.render.sensor_geometry import distort_passes

PREFIX = "sim-to-cloud-"
"""Of the folders for passes, followed by the process id."""

LIBRARIES = "libx11-6 libxrender1 libxi6 libxfixes3 libxkbcommon0 libsm6 libice6 libgl1"


class BlenderRenderer:
    """Renders plans with Cycles. One instance in a process: bpy holds one global scene."""

    def __init__(self, settings: Renderer) -> None:
        """Start Blender.

        Raises:
            MissingDependencyError: when bpy or one of its shared libraries is not installed.
            RenderError: when a GPU is asked for and Cycles finds none.
        """
        _import_bpy()
        self._settings = settings
        memory = memory_folder()
        if memory is not None:
            sweep(Path(memory), PREFIX)
        self._folder = tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=memory)
        _configure(settings)

    def render(self, plan: FramePlan, *, normals: bool = False) -> Passes:
        """Render one plan; see :class:`stages.sdg.render.passes.RendererBackend`."""
        import bpy

        from stages.sdg.render.blender import scene

        clock = _Clock()
        canvas = overscan(plan.camera)
        scene.clear()
        scene.build(plan, canvas)
        bpy.context.scene.cycles.seed = plan.frame % (1 << 31)
        bpy.context.view_layer.use_pass_normal = normals
        clock.lap("build")
        path = Path(self._folder.name) / "frame.exr"
        try:
            bpy.ops.render.render()
            bpy.data.images["Render Result"].save_render(str(path))
        except RuntimeError as error:
            raise RenderError(
                f"Blender could not render frame {plan.frame} ({error}); try `--frame {plan.frame} --debug`"
            ) from error
        clock.lap("render")
        channels = read_exr(path)
        path.unlink()
        passes = _passes(channels, normals)
        clock.lap("read")
        seen = np.array(ids_in(passes.instance), np.uint16)
        passes.amodal = amodal_extents(plan.camera, labelled_triangles(plan, seen), labelled_parts(plan, seen))
        passes = distort_passes(passes, plan.camera)
        clock.lap("amodal")
        passes.seconds = clock.seconds
        return passes

    def save_scene(self, plan: FramePlan, path: str) -> None:
        """Write the scene as a ``.blend`` file; its camera has the canvas before lens distortion."""
        import bpy

        from stages.sdg.render.blender import scene

        scene.clear()
        scene.build(plan, overscan(plan.camera))
        bpy.ops.wm.save_as_mainfile(filepath=str(Path(path).resolve()), compress=True, copy=True)

    def close(self) -> None:
        """Remove the temporary folder."""
        self._folder.cleanup()


class _Clock:
    """Splits elapsed time into named laps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = now - self._last
        self._last = now


def _import_bpy() -> None:
    try:
        import bpy  # noqa: F401
    except ImportError as error:
        if "cannot open shared object" in str(error):
            raise MissingDependencyError(
                f"Blender needs a system library that is missing ({error}); "
                f"install it: sudo apt-get install {LIBRARIES}"
            ) from error
        raise MissingDependencyError(f"bpy cannot be imported ({error}); run `make setup`") from error


def _configure(settings: Renderer) -> None:
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.use_persistent_data = False
    scene.render.film_transparent = False
    cycles = scene.cycles
    cycles.samples, cycles.use_adaptive_sampling = settings.samples, False
    cycles.use_denoising = settings.denoise
    if settings.denoise:
        cycles.denoiser, cycles.denoising_quality = "OPENIMAGEDENOISE", "FAST"
        cycles.denoising_prefilter = "FAST"
    cycles.max_bounces = settings.bounces
    cycles.diffuse_bounces = min(settings.bounces, 3)
    cycles.glossy_bounces = min(settings.bounces, 2)
    cycles.transmission_bounces = min(settings.bounces, 2)
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 6.0
    # ten lamps at most: choosing among them cleverly costs more than it saves
    cycles.use_light_tree = False
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.2
    scene.render.use_compositing = scene.render.use_sequencer = False
    layer = bpy.context.view_layer
    layer.use_pass_object_index = layer.use_pass_material_index = layer.use_pass_z = True
    image = scene.render.image_settings
    image.media_type = "MULTI_LAYER_IMAGE"
    image.file_format, image.color_depth, image.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"
    _device(scene, settings)


def _device(scene: Any, settings: Renderer) -> None:
    threads = settings.runtime.threads
    if threads:
        scene.render.threads_mode, scene.render.threads = "FIXED", threads
    wanted = settings.runtime.device
    kinds = {"auto": ["CUDA"], "cuda": ["CUDA"], "optix": ["OPTIX"], "cpu": []}[wanted]
    for kind in kinds:
        if _use_gpu(kind):
            scene.cycles.device = "GPU"
            # a session for each frame waits in the driver for most of its time, above all with many processes; a kept
            # one leaves other noise, as the GPU's order of sums does anyway, never other ids
            scene.render.use_persistent_data = True
            with contextlib.suppress(AttributeError):
                scene.cycles.denoising_use_gpu = True
            return
    if wanted in ("cuda", "optix"):
        raise RenderError(f"Cycles finds no {wanted.upper()} device here; set renderer.runtime.device=cpu")
    scene.cycles.device = "CPU"


def _use_gpu(kind: str) -> bool:
    import bpy

    preferences = bpy.context.preferences.addons["cycles"].preferences
    try:
        preferences.compute_device_type = kind
    except TypeError:
        return False
    preferences.refresh_devices()
    found = False
    for device in preferences.devices:
        device.use = device.type == kind
        found = found or device.use
    return found


def read_exr(path: Path) -> dict[str, NDArray[np.float32]]:
    """Channels of a multilayer EXR by ``pass.channel`` name; Blender writes one part a pass.

    Raises:
        RenderError: when Blender wrote no readable file (a full disk, mostly).
    """
    import OpenEXR

    try:
        file = OpenEXR.File(str(path), separate_channels=True)
    except Exception as error:
        raise RenderError(f"Blender's passes in {path.parent} cannot be read ({error}); is the disk full?") from error
    channels: dict[str, NDArray[np.float32]] = {}
    for part in file.parts:
        for name, channel in part.channels.items():
            channels[".".join(name.split(".")[-2:])] = np.asarray(channel.pixels)
    return channels


def _passes(channels: dict[str, NDArray[np.float32]], normals: bool) -> Passes:
    def find(*names: str) -> NDArray[np.float32]:
        for name in names:
            if name in channels:
                return channels[name]
        raise RenderError(
            f"Blender wrote no pass '{names[0]}' (it wrote {', '.join(sorted(channels))}); is bpy 5.0.1 installed?"
        )

    depth = find("Depth.Z", "Depth.V", "Z.Z").astype(np.float32)
    ids = find("Object Index.X", "IndexOB.X", "Object Index.V")
    parts = find("Material Index.X", "IndexMA.X", "Material Index.V")
    linear = np.stack([find(f"Combined.{c}") for c in "RGB"], -1).astype(np.float32, copy=False)
    if not np.isfinite(linear).all():
        linear = np.nan_to_num(linear, posinf=1e4)
    facing = np.stack([find(f"Normal.{c}") for c in "XYZ"], -1).astype(np.float32) if normals else None
    instance = np.rint(ids).astype(np.uint16)
    depth = np.where((depth > 1e9) | (instance == 0), np.inf, depth).astype(np.float32)
    numbers = np.rint(parts).astype(np.uint8)
    return Passes(linear, instance, depth, {}, facing, parts=numbers)
