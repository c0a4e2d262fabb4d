"""A checkout that answers the documented calls of SAM 3D Objects, and an interpreter with a CUDA device of its own."""

from __future__ import annotations

import sys
from pathlib import Path

INFERENCE = '''
"""Stand-in for notebook/inference.py: Inference(config_file, compile=False), called with image, mask, seed."""
import os, signal, subprocess, sys, time
import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
MODE = open(os.path.join(HERE, "mode")).read().strip()
if MODE == "import":
    import kaolin_is_not_installed_here


class Gaussian:
    def save_ply(self, path):
        from tests.sdg.reconstruct.scans import splats
        from pathlib import Path
        splats(Path(path))


class Inference:
    def __init__(self, config_file, compile=False):
        assert os.path.isabs(config_file) and os.path.isfile(config_file)
        assert compile is False
        if MODE == "weights":
            raise FileNotFoundError("slat_generator.ckpt")

    def __call__(self, image, mask, seed=None, pointmap=None):
        assert image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
        assert mask.shape == image.shape[:2] and mask.dtype == bool and 0 < mask.sum() < mask.size
        assert seed == 7 or MODE != "seeded"
        with open(os.path.join(HERE, "calls"), "a") as stream:
            stream.write("called\\n")
        if MODE == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if MODE == "exit":
            sys.exit("stopped by itself")
        if MODE == "oom":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        if MODE == "bad":
            raise RuntimeError("mask is\\nmisshapen")
        if MODE == "hang":
            child = subprocess.Popen(["sleep", "300"])
            with open(os.path.join(HERE, "child"), "w") as stream:
                stream.write(f"{os.getpid()} {child.pid}")
            print("sampling step 3 of 25", flush=True)
            time.sleep(300)
        if MODE == "nothing":
            return {"glb": None}
        answer = {"gs": Gaussian(), "rotation": np.array([[1.0, 0, 0, 0]]), "scale": np.array([[0.5, 0.5, 0.5]])}
        if MODE == "splats":
            return answer | {"glb": None}
        from tests.sdg.reconstruct.scans import fine, painted, turned
        mesh = painted(fine(2))
        mesh.apply_scale(0.6)
        # glTF's Y up, as to_glb writes it
        return answer | {"glb": turned(mesh, -np.pi / 2, (1, 0, 0))}
'''

TORCH = '''
"""A device that is not there."""
import os
from types import SimpleNamespace

MODE = open(os.environ["STANDIN_MODE"]).read().strip()


class OutOfMemoryError(RuntimeError):
    pass


def _properties(_):
    return SimpleNamespace(name="Stand-in GPU", total_memory=(12 if MODE == "small" else 31) * 2**30)


cuda = SimpleNamespace(
    is_available=lambda: MODE != "gpu", get_device_properties=_properties, OutOfMemoryError=OutOfMemoryError
)
'''

PIPELINE = """\
_target_: sam3d_objects.pipeline.inference_pipeline_pointmap.InferencePipelinePointMap
ss_generator_config_path: ss_generator.yaml
ss_generator_ckpt_path: ss_generator.ckpt
slat_decoder_mesh_ckpt_path: "slat_decoder_mesh.ckpt"
slat_decoder_gs_4_ckpt_path: null
depth_model:
  _target_: sam3d_objects.pipeline.depth_models.moge.MoGe
"""


def checkout(place: Path, repository: Path, mode: str = "mesh") -> Path:
    """Make one that behaves as ``mode`` says; its interpreter is ``.venv/bin/python``."""
    for folder in ("notebook", "checkpoints/hf", "fake/torch", ".venv/bin"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    (place / "notebook" / "inference.py").write_text(INFERENCE)
    (place / "notebook" / "mode").write_text(mode)
    (place / "fake" / "torch" / "__init__.py").write_text(TORCH)
    weights = place / "checkpoints" / "hf"
    (weights / "pipeline.yaml").write_text(PIPELINE)
    for name in ("ss_generator.yaml", "ss_generator.ckpt", "slat_decoder_mesh.ckpt"):
        (weights / name).write_text("weights")
    python = place / ".venv" / "bin" / "python"
    path = f"{place / 'fake'}:{repository}"
    python.write_text(
        f'#!/bin/sh\nexport PYTHONPATH="{path}" STANDIN_MODE="{place / "notebook" / "mode"}"\n'
        f'exec "{sys.executable}" -W ignore "$@"\n'
    )
    python.chmod(0o755)
    return place


def calls(place: Path) -> int:
    """How often the model was run."""
    file = place / "notebook" / "calls"
    return len(file.read_text().splitlines()) if file.exists() else 0
