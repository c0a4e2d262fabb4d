"""The equal scene in BlenderProc 2.8; runs in the Python that BlenderProc is installed in.

    python -m benchmarks.boxes_blenderproc THREADS FOLDER SEED...

It prints one line of JSON: seconds from the import of Blender to the last written file, and the seconds of them that
``bproc.renderer.render`` took. BlenderProc is used as its manual shows it, in one process, cleaned up after each frame:
segmentation and depth come from the compositor of the same render, and ``write_hdf5`` writes them.

The released package insists on a Blender program of its own, which it downloads. Here it meets the ``bpy`` module of
the same Blender version instead: the package is made known without running its ``__init__``, and nothing else of it is
changed.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import tempfile
import time
import types
from typing import Any

import numpy as np

from benchmarks import boxes


def _load() -> types.SimpleNamespace:
    """The parts of BlenderProc's interface that are needed, under their names."""
    os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"
    os.environ["INSIDE_OF_THE_INTERNAL_BLENDER_PYTHON_ENVIRONMENT"] = "1"
    spec = importlib.util.find_spec("blenderproc")
    assert spec is not None, "pip install blenderproc"
    package = types.ModuleType("blenderproc")
    package.__path__ = list(spec.submodule_search_locations or [])
    sys.modules["blenderproc"] = package
    setup = importlib.import_module("blenderproc.python.utility.SetupUtility").SetupUtility
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    setup.setup_utility_paths(tempfile.mkdtemp(prefix="blenderproc-", dir=memory))
    names = ("renderer", "camera", "types", "writer", "world")
    found = {name: importlib.import_module(f"blenderproc.api.{name}") for name in names}
    meshes = importlib.import_module("blenderproc.python.types.MeshObjectUtility")
    start = importlib.import_module("blenderproc.python.utility.Initializer")
    return types.SimpleNamespace(
        **found,
        create_primitive=meshes.create_primitive,
        clean_up=start.clean_up,
        set_defaults=start._Initializer.set_default_parameters,
    )


def _configure(bproc: types.SimpleNamespace, threads: int) -> None:
    # what bproc.init() does, less its choice of Blender's language, of which the module has one alone
    bproc.clean_up(clean_up_camera=True)
    bproc.renderer.set_render_devices(use_only_cpu=True)
    bproc.set_defaults()
    bproc.renderer.set_cpu_threads(threads)
    bproc.renderer.set_max_amount_of_samples(boxes.SAMPLES)
    bproc.renderer.set_noise_threshold(0)
    bproc.renderer.set_light_bounces(
        boxes.BOUNCES, boxes.GLOSSY_BOUNCES, boxes.BOUNCES, boxes.BOUNCES, boxes.GLOSSY_BOUNCES, 8, 0
    )
    intrinsics = np.array([[boxes.FOCAL, 0, boxes.WIDTH / 2], [0, boxes.FOCAL, boxes.HEIGHT / 2], [0, 0, 1]])
    bproc.camera.set_intrinsics_from_K_matrix(intrinsics, boxes.WIDTH, boxes.HEIGHT)
    bproc.renderer.enable_depth_output(activate_antialiasing=False)


def _build(bproc: types.SimpleNamespace, seed: int) -> None:
    def add(item: boxes.Box, category: int) -> None:
        thing = bproc.create_primitive("CUBE", scale=[side / 2 for side in item.size])
        thing.set_location(item.middle)
        thing.set_rotation_euler([0, 0, item.yaw])
        thing.set_cp("category_id", category)
        material = thing.new_material("box")
        material.set_principled_shader_value("Base Color", [*item.colour, 1.0])

    add(boxes.Box((boxes.FLOOR, boxes.FLOOR, 0.1), (0.0, 0.0, -0.05), 0.0, (0.3, 0.3, 0.3)), 0)
    for item in boxes.boxes(seed):
        add(item, 1)
    lamp = bproc.types.Light("AREA")
    lamp.set_location(boxes.LAMP_POSITION)
    lamp.set_energy(boxes.LAMP_WATTS)
    lamp.blender_obj.data.size = boxes.LAMP_SIZE[0]
    bproc.renderer.set_world_background(list(boxes.SKY))
    rotation = bproc.camera.rotation_from_forward_vec([np.cos(boxes.PITCH), 0, np.sin(boxes.PITCH)])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, boxes.CAMERA
    bproc.camera.add_camera_pose(pose)


def main(threads: int, folder: str, seeds: list[int]) -> dict[str, Any]:
    """Render the frame of each seed into HDF5 files and say how long it took."""
    start = time.perf_counter()
    bproc = _load()
    _configure(bproc, threads)
    rendering = 0.0
    for number, seed in enumerate(seeds):
        if number:
            bproc.clean_up()
        _build(bproc, seed)
        if not number:
            # once only, since it adds to the compositor; new objects get their ids from the line below
            bproc.renderer.enable_segmentation_output(
                map_by=["category_id", "instance"], default_values={"category_id": 0}
            )
        _number()
        before = time.perf_counter()
        data = bproc.renderer.render()
        rendering += time.perf_counter() - before
        assert len(np.unique(data["instance_segmaps"][0])) > boxes.COUNT // 3, "BlenderProc gave no instance masks"
        bproc.writer.write_hdf5(folder, data, append_to_existing_output=True)
    import bpy

    return {"seconds": time.perf_counter() - start, "rendering": rendering, "blender": bpy.app.version_string}


def _number() -> None:
    utility = importlib.import_module("blenderproc.python.utility.BlenderUtility")
    for index, item in enumerate(utility.get_all_blender_mesh_objects(), 1):
        item.pass_index = index


if __name__ == "__main__":
    result = main(int(sys.argv[1]), sys.argv[2], [int(text) for text in sys.argv[3:]])
    print("\n" + json.dumps(result), flush=True)
    os._exit(0)
