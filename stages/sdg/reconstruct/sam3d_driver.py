"""Runs SAM 3D Objects on one photograph: ``PYTHON sam3d_driver.py FOLDER``, PYTHON being that of its own environment.

It needs nothing of this repository. ``FOLDER`` holds ``job.json``, ``image.png`` and ``mask.png``; what comes of it are
``mesh.glb``, ``splats.ply`` and, last of all, ``result.json``, which alone says whether it went well. The calls are
those of the project's README and demo: ``Inference(config, compile=False)`` of ``notebook/inference.py``, called with
an image (H, W, 3), a mask (H, W) and a seed; its answer has ``gs`` (with ``save_ply``) and ``glb`` (a trimesh or None).
"""

import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any


def main(folder: Path) -> int:
    """Do the job in a folder; returns the exit status."""
    with open(folder / "job.json", encoding="utf-8") as stream:
        job = json.load(stream)
    try:
        told = work(folder, job)
    except Failure as failure:
        told = {"status": "failed", "kind": failure.kind, "reason": str(failure)}
    except MemoryError:
        told = {"status": "failed", "kind": "memory", "reason": "the machine's memory is used up"}
    except BaseException as error:  # also what calls sys.exit somewhere inside; the reason must come out
        traceback.print_exc()
        text = f"{type(error).__name__}: {error}"
        kind = "memory" if "out of memory" in text.lower() or "OutOfMemory" in text else "run"
        told = {"status": "failed", "kind": kind, "reason": " ".join(text.split())[:300]}
    partial = folder / ".result.json.partial"
    with open(partial, "w", encoding="utf-8") as stream:
        json.dump(told, stream)
    partial.replace(folder / "result.json")
    return 0 if told["status"] == "done" else 1


class Failure(Exception):
    """Why nothing came of it, for the caller to tell."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def work(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Check the GPU, load the model, run it, write what it made."""
    home = Path(job["home"])
    try:
        import numpy
        import torch
        from PIL import Image
    except ImportError as error:
        raise Failure("import", str(error)) from error
    gpu = check_gpu(torch, job["memory_gib"])
    os.chdir(home)
    sys.path[:0] = [str(home / "notebook"), str(home)]
    try:
        from inference import Inference  # type: ignore[import-not-found]
    except ImportError as error:
        raise Failure("import", str(error)) from error
    image = numpy.asarray(Image.open(folder / "image.png").convert("RGB"))
    mask = numpy.asarray(Image.open(folder / "mask.png").convert("L")) > 0
    try:
        inference = Inference(job["config"], compile=False)
    except FileNotFoundError as error:
        raise Failure("weights", str(error)) from error
    output = inference(image, mask, seed=job["seed"])
    return written(folder, output, gpu)


def check_gpu(torch: Any, memory_gib: float) -> str:
    """Name and GiB of the first GPU."""
    if not torch.cuda.is_available():
        raise Failure("gpu", "PyTorch there sees no CUDA device")
    card = torch.cuda.get_device_properties(0)
    have = card.total_memory / 2**30
    if have < memory_gib:
        raise Failure("small", f"{card.name} has {have:.0f} GiB")
    return f"{card.name}, {have:.0f} GiB"


def written(folder: Path, output: dict[str, Any], gpu: str) -> dict[str, Any]:
    """Write mesh and splats of an answer; what was written, and the pose that was estimated."""
    files = {}
    mesh, splats = output.get("glb"), output.get("gs")
    if mesh is not None:
        mesh.export(str(folder / "mesh.glb"))
        files["mesh"] = "mesh.glb"
    if splats is not None:
        splats.save_ply(str(folder / "splats.ply"))
        files["splats"] = "splats.ply"
    if not files:
        raise Failure("empty", "its answer has neither a mesh nor splats")
    pose = {}
    for name in ("rotation", "translation", "scale"):
        value: Any = output.get(name)
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        if value is not None:
            pose[name] = [float(number) for number in value.ravel().tolist()]
    return {"status": "done", "files": files, "pose": pose, "gpu": gpu}


def die_with_parent() -> None:
    """End when standard input does, which the caller holds open for as long as it lives."""

    def watch() -> None:
        sys.stdin.buffer.read()
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # with all that it started
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    # the folder of this file has modules whose names others may use
    here = Path(__file__).resolve().parent
    sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != here]
    die_with_parent()
    code = main(Path(sys.argv[1]).absolute())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
