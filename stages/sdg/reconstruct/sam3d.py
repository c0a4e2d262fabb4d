"""SAM 3D Objects, run in its own environment on one photograph."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.checkout import main_checkout
from stages.common.errors import InputError, MissingDependencyError
from stages.common.files import write_json
from stages.sdg.reconstruct.mask import Cutout
from stages.sdg.reconstruct.scratch import scratch

DRIVER = Path(__file__).with_name("sam3d_driver.py")

HOME, PYTHON = "SAM3D_HOME", "SAM3D_PYTHON"
"""Environment variables that name the checkout and its interpreter where no option does."""

MEMORY_GIB = 30.0
"""Memory of the GPU that is asked for: the project says 32 GB, of which a card of that size shows a little less."""

SETUP = "see doc/setup.md of github.com/facebookresearch/sam-3d-objects"
OTHERWISE = "or make the mesh elsewhere and give it with --mesh FILE"

POINTER = b"version https://git-lfs"
"""How a weights file begins that Git LFS has not fetched."""


@dataclass(frozen=True)
class Setup:
    """Where SAM 3D Objects is.

    Attributes:
        home: its checkout.
        python: interpreter of its environment.
        tag: folder of its weights below ``checkpoints``.
        memory_gib: memory that the GPU must have.
        timeout: seconds after which a run is given up.
    """

    home: Path
    python: Path
    tag: str = "hf"
    memory_gib: float = MEMORY_GIB
    timeout: float = 1800.0

    @property
    def config(self) -> Path:
        """The pipeline's settings beside its weights."""
        return self.home / "checkpoints" / self.tag / "pipeline.yaml"


def find(home: Path | None, python: Path | None, **options: Any) -> Setup:
    """Find checkout and interpreter by options or environment.

    Raises:
        MissingDependencyError: when nothing names them, or something of them is missing.
    """
    place = home or (Path(os.environ[HOME]) if os.environ.get(HOME) else None)
    if place is None:
        raise MissingDependencyError(
            f"a photograph needs SAM 3D Objects: give --sam3d-home DIR (or {HOME}) its checkout, {OTHERWISE}"
        )
    place = place.expanduser().absolute()
    named = python or (Path(os.environ[PYTHON]) if os.environ.get(PYTHON) else place / ".venv" / "bin" / "python")
    # not resolved: a virtual environment's interpreter is a link, and which one matters
    setup = Setup(place, named.expanduser().absolute(), **options)
    check(setup)
    return setup


def check(setup: Setup) -> None:
    """Look for all that is needed before anything is started; errors as :func:`find`."""
    if not (setup.home / "notebook" / "inference.py").is_file():
        raise MissingDependencyError(
            f"{setup.home} is no checkout of SAM 3D Objects, since it has no notebook/inference.py: clone it there, "
            f"{OTHERWISE}"
        )
    if not setup.python.is_file() or not os.access(setup.python, os.X_OK):
        raise MissingDependencyError(
            f"{setup.python} is no interpreter: give --sam3d-python (or {PYTHON}) the one of SAM 3D's environment, "
            f"{SETUP}"
        )
    if not setup.config.is_file():
        raise MissingDependencyError(
            f"SAM 3D's weights are missing, since {setup.config} is not there: fetch them with your account, {SETUP}"
        )
    for name in weights(setup):
        path = setup.config.parent / name
        if not path.is_file() or path.stat().st_size == 0:
            raise MissingDependencyError(
                f"SAM 3D's weights are incomplete, {path} is missing: fetch them again, {SETUP}"
            )
        with open(path, "rb") as stream:
            if stream.read(len(POINTER)) == POINTER:
                raise MissingDependencyError(
                    f"SAM 3D's weights {path} are only a pointer of Git LFS: fetch them with git lfs pull, or {SETUP}"
                )


def weights(setup: Setup) -> list[str]:
    """Files that the pipeline's settings name, relative to them (keys ``*_ckpt_path`` and ``*_config_path``).

    Read line by line: the file is Hydra's, with references that a plain YAML reader takes for tags of its own.
    """
    text = setup.config.read_text(encoding="utf-8", errors="replace")
    found = re.findall(r"(?m)^\s*\w+_(?:ckpt|config)_path:\s*['\"]?([^'\"#\n]+?)['\"]?\s*$", text)
    return [name for name in dict.fromkeys(found) if name not in ("null", "~") and "${" not in name]


@dataclass(frozen=True)
class Made:
    """What SAM 3D made.

    Attributes:
        path: mesh, or splats where it made no mesh.
        told: pose, GPU and versions, for the provenance.
    """

    path: Path
    told: dict[str, Any]


def reconstruct(setup: Setup, cutout: Cutout, seed: int) -> Made:
    """Run it, unless the same was done already; what came of it lies in ``.cache/reconstruct``.

    Raises:
        MissingDependencyError: when its environment lacks something, or there is no GPU that will do.
        InputError: when it fails, takes too long or makes nothing of this photograph.
    """
    cache = main_checkout(Path.cwd()) / ".cache" / "reconstruct"
    place = cache / _key(setup, cutout, seed)
    if not (place / "result.json").is_file():
        with scratch(cache, "running") as temporary:
            folder = temporary / "run"
            folder.mkdir()
            _write_job(setup, cutout, seed, folder)
            _run(setup, folder)
            if not place.exists():
                folder.rename(place)
    told = json.loads((place / "result.json").read_text(encoding="utf-8"))
    # the mesh has its colours; splats are denser, but a surface has to be found in them first
    name = told["files"].get("mesh") or told["files"]["splats"]
    return Made(place / name, {"seed": seed, "revision": revision(setup), "tag": setup.tag} | _kept(told))


def _kept(told: dict[str, Any]) -> dict[str, Any]:
    return {key: told[key] for key in ("pose", "gpu") if told.get(key)}


def revision(setup: Setup) -> str:
    """Commit of the checkout; empty where Git does not know."""
    try:
        done = subprocess.run(
            ["git", "-C", str(setup.home), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _key(setup: Setup, cutout: Cutout, seed: int) -> str:
    digest = hashlib.sha256()
    for name in ["pipeline.yaml", *weights(setup)]:
        state = (setup.config.parent / name).stat()
        digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    digest.update(f"{revision(setup)} {setup.tag} {seed} {cutout.image.shape}\n".encode())
    digest.update(cutout.image.tobytes())
    digest.update(cutout.mask.tobytes())
    return digest.hexdigest()[:32]


def _write_job(setup: Setup, cutout: Cutout, seed: int, folder: Path) -> None:
    from PIL import Image

    Image.fromarray(cutout.image).save(folder / "image.png", compress_level=1)
    Image.fromarray(cutout.mask.astype("uint8") * 255).save(folder / "mask.png")
    job = {"home": str(setup.home), "config": str(setup.config), "seed": seed, "memory_gib": setup.memory_gib}
    write_json(folder / "job.json", job)


def _run(setup: Setup, folder: Path) -> None:
    """Run the driver until it ends, or end it; errors as :func:`reconstruct`."""
    log = folder / "log.txt"
    leave_out = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONWARNINGS"}
    environment = {key: value for key, value in os.environ.items() if key not in leave_out}
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [str(setup.python), str(DRIVER), str(folder)],
            stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(setup.timeout)
        except subprocess.TimeoutExpired:
            raise InputError(
                f"SAM 3D took longer than {setup.timeout:g} s and was ended ({_last(log)}): raise --timeout, or use a "
                "faster GPU"
            ) from None
        finally:
            _end(process)
    result = folder / "result.json"
    if not result.is_file():
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        raise InputError(f"SAM 3D broke off ({how}; {_last(log)}): run it by itself in {setup.home}, {OTHERWISE}")
    told = json.loads(result.read_text(encoding="utf-8"))
    if told["status"] != "done":
        raise _refusal(setup, told["kind"], told["reason"])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started, and forget its pipe."""
    with suppress(ProcessLookupError):  # it may have ended, and all of its own with it
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _refusal(setup: Setup, kind: str, reason: str) -> InputError | MissingDependencyError:
    if kind == "gpu":
        return MissingDependencyError(
            f"SAM 3D needs an NVIDIA GPU with 32 GB, and {reason}: run it on such a machine, {OTHERWISE}"
        )
    if kind == "small":
        return MissingDependencyError(
            f"SAM 3D needs a GPU with {setup.memory_gib:g} GiB, and {reason}: use a larger one, lower --sam3d-memory "
            f"to try it nevertheless, {OTHERWISE}"
        )
    if kind == "import":
        return MissingDependencyError(
            f"SAM 3D's environment {setup.python} lacks something ({reason}): install it there, {SETUP}"
        )
    if kind == "weights":
        return MissingDependencyError(f"SAM 3D's weights are incomplete ({reason}): fetch them again, {SETUP}")
    if kind == "memory":
        return InputError(
            f"SAM 3D ran out of memory ({reason}): end what else uses the GPU, use a larger one, {OTHERWISE}"
        )
    return InputError(f"SAM 3D made nothing of this photograph ({reason}): try another --box or --seed, {OTHERWISE}")


def _last(log: Path) -> str:
    """The last words of a log, on one line."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return "its last words: " + " ".join(lines[-1].split())[:160] if lines else "it said nothing"
