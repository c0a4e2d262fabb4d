"""Make ``.venv`` what ``requirements.lock`` says, and see that bpy finds its shared libraries.

``make`` calls this before anything else; when nothing is to be done it takes some milliseconds. ``make test`` calls it
with ``--tests``, for the browser that the tests of pages want and for an environment of SageMaker's SDK. It needs
Python 3.11 and nothing installed. A run that was interrupted leaves a mark, and the next one starts the environment
afresh.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXi.so.6": "libxi6",
    "libXfixes.so.3": "libxfixes3",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libGL.so.1": "libgl1",
}
"""What bpy links to beyond the C library, and the Debian or Ubuntu package that holds it."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Programs that the tests of pages can drive, in the order in which they are looked for."""

BROWSER_PACKAGES = ("chromium", "fonts-dejavu-core")
"""Debian packages of a browser, and of letters for it to draw."""


SDK_ENVIRONMENT, SDK_LOCK = Path("build", "sagemaker"), Path("tests", "train", "sagemaker", "sdk.lock")
"""Where the tests find SageMaker's SDK, which wants other versions of packages than this project, and its lock."""


class SetUpError(Exception):
    """One sentence for the user, who has something to do."""


def main(arguments: Sequence[str] = ()) -> int:
    """Set everything up, with ``--tests`` for the tests too; 0 when it is."""
    try:
        if sys.version_info[:2] != (3, 11):
            raise SetUpError(
                f"Python {sys.version_info[0]}.{sys.version_info[1]} cannot run this, since bpy is built for 3.11: "
                "install Python 3.11, or point to it with make PYTHON=/path/to/python3.11"
            )
        with locked(ROOT / "build" / "set-up.lock"):
            set_up_environment(ROOT)
            if "--tests" in arguments:
                set_up_sdk(ROOT)
        set_up_libraries()
        if "--tests" in arguments:
            set_up_browser()
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 8
    return 0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold ``path`` so that two calls do not install into one environment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


# ---- packages ----


def fingerprint(lock: Path) -> str:
    """What an environment was made from: the lock and the interpreter."""
    return hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()


def set_up_environment(root: Path) -> None:
    """Make ``root/.venv`` hold what ``root/requirements.lock`` says.

    Raises:
        SetUpError: when a package cannot be installed.
    """
    environment, lock = root / ".venv", root / "requirements.lock"
    stamp, unfinished = environment / ".installed", environment / ".unfinished"
    wanted = fingerprint(lock)
    python = environment / "bin" / "python"
    if is_filled(python, stamp, wanted):
        return
    print(f"installing {sum(1 for _ in packages(lock))} packages into .venv", flush=True)
    if unfinished.exists() or not works(python):
        shutil.rmtree(environment, ignore_errors=True)
        call([host_python(), "-m", "venv", str(environment)], "make .venv: install Python 3.11 with its venv module")
    stamp.unlink(missing_ok=True)
    unfinished.touch()
    install(python, lock)
    stamp.write_text(wanted, encoding="utf-8")
    unfinished.unlink()


def is_filled(python: Path, stamp: Path, wanted: str) -> bool:
    """Whether an environment is there and was made from what is wanted; see :func:`fingerprint`."""
    return python.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted


def host_python() -> str:
    """The interpreter that is not the environment's own, even when that one runs this: it may be about to go."""
    return str(getattr(sys, "_base_executable", sys.executable))


def works(python: Path) -> bool:
    """Whether an environment's interpreter is there, is 3.11 and has pip."""
    probe = "import sys, pip; sys.exit(sys.version_info[:2] != (3, 11))"
    try:
        return subprocess.run([str(python), "-c", probe], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def install(python: Path, lock: Path) -> None:
    """Install the lock, every file checked against its hash: with uv when the lock has it, since that is faster.

    pip comes second because it is slower, and comes at all because only it reads all of pip's configuration, such as a
    company's package index.
    """
    advice = "install the packages: see what pip says above, then run make again, which goes on from here"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    uv = next((lines for name, lines in packages(lock) if name == "uv"), None)
    if uv:
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as only_uv:
            only_uv.write(uv)
            only_uv.flush()
            call([*pip, "install", "--quiet", "--require-hashes", "--no-deps", "-r", only_uv.name], advice)
        done = subprocess.run(
            [*uv_sync(python, python), str(lock)],
            env={**os.environ, **uv_indexes(python)},
            check=False,
        )
        if done.returncode == 0:
            return
        print("uv did not manage, going on with pip", flush=True)
    call([*pip, "install", "--progress-bar", "off", "--require-hashes", "--no-deps", "-r", str(lock)], advice)


def uv_sync(own: Path, python: Path) -> list[str]:
    """The uv command that makes an environment hold a lock, with all indexes equal, as for pip; hashes make it safe.

    Args:
        own: interpreter that has uv.
        python: that of the environment.
    """
    command = [str(own), "-m", "uv", "pip", "sync", "--python", str(python)]
    return [*command, "--require-hashes", "--index-strategy", "unsafe-best-match"]


def packages(lock: Path) -> Iterator[tuple[str, str]]:
    """Name and lines of each requirement in a lock file."""
    for block in re.split(r"\n(?=[^\s#])", lock.read_text(encoding="utf-8")):
        name = re.match(r"[A-Za-z0-9._-]+(?===)", block)
        if name:
            yield name[0].lower(), block.rstrip("\n") + "\n"


def uv_indexes(python: Path) -> dict[str, str]:
    """Pip's configured indexes, in uv's variables, as far as uv is not configured itself."""
    listing = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    values = dict(re.findall(r"^(?:global|install|:env:)\.([a-z-]+)='(.*)'$", listing, re.MULTILINE))
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS"}
    found = {names[key]: value.replace("\\n", " ").strip() for key, value in values.items() if key in names}
    if "cert" in values:
        found["SSL_CERT_FILE"] = values["cert"]
    return {name: value for name, value in found.items() if name not in os.environ}


def set_up_sdk(root: Path) -> None:
    """Make ``root/build/sagemaker`` hold SageMaker's SDK; say so when that fails, and go on."""
    ours, environment, lock = root / ".venv" / "bin" / "python", root / SDK_ENVIRONMENT, root / SDK_LOCK
    python, stamp = environment / "bin" / "python", environment / ".installed"
    wanted = fingerprint(lock)
    if is_filled(python, stamp, wanted):
        return
    print(f"installing SageMaker's SDK into {SDK_ENVIRONMENT}, for a test", flush=True)
    shutil.rmtree(environment, ignore_errors=True)
    create = [str(ours), "-m", "uv", "venv", "--quiet", "--python", str(ours), str(environment)]
    fill = [*uv_sync(ours, python), "--quiet", str(lock)]
    variables = {**os.environ, **uv_indexes(ours)}
    if all(subprocess.run(command, env=variables, check=False).returncode == 0 for command in (create, fill)):
        stamp.write_text(wanted, encoding="utf-8")
    else:
        print("no SageMaker SDK, so its requests are not compared with ours: see what uv says above", file=sys.stderr)


# ---- shared libraries ----


def missing_libraries(load: Callable[[str], object] = ctypes.CDLL) -> list[str]:
    """Names in :data:`LIBRARIES` that the dynamic linker does not find."""
    missing = []
    for name in LIBRARIES:
        try:
            load(name)
        except OSError:
            missing.append(name)
    return missing


def set_up_libraries() -> None:
    """Install with apt what bpy lacks, when that is possible without asking anybody.

    Raises:
        SetUpError: naming the packages, when it is not.
    """
    missing = missing_libraries()
    if not missing:
        return
    wanted = [LIBRARIES[name] for name in missing]
    command = apt_command()
    if command:
        apt_install(command, wanted)
        missing = missing_libraries()
    if missing:
        raise SetUpError(libraries_sentence(missing))


def apt_command() -> list[str] | None:
    """How to call apt-get as root without being asked for a password; None when that is not possible."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n", "apt-get"]
    return None


def apt_install(command: list[str], names: Iterable[str]) -> None:
    """Try to install Debian packages; whether that worked shows in what is there afterwards."""
    names = list(names)
    print(f"installing {' '.join(names)} with apt-get", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*command, "update", "-qq"], env=environment, check=False)
    subprocess.run([*command, "install", "-qq", "-y", "--no-install-recommends", *names], env=environment, check=False)


def libraries_sentence(missing: Iterable[str]) -> str:
    """What is missing, and the command that brings it."""
    missing = list(missing)
    names = " ".join(LIBRARIES[name] for name in missing)
    if shutil.which("apt-get"):
        return f"bpy lacks {', '.join(missing)}: run sudo apt-get install {names}, then make again"
    return f"bpy lacks {', '.join(missing)}: install them (on Debian: {names}), then run make again"


# ---- the browser ----


def find_browser() -> str | None:
    """Path of the first of :data:`BROWSERS` that is there; ``BROWSER_PROGRAM`` in the environment names another one."""
    named = os.environ.get("BROWSER_PROGRAM")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


def set_up_browser() -> None:
    """Install a browser with apt when there is none and that is possible; say so when it is not, and go on."""
    if find_browser():
        return
    command = apt_command()
    if command:
        apt_install(command, BROWSER_PACKAGES)
    if not find_browser():
        names = " ".join(BROWSER_PACKAGES)
        print(f"no browser, so tests marked browser are skipped: run sudo apt-get install {names}", file=sys.stderr)


# ---- helpers ----


def call(command: list[str], advice: str) -> None:
    """Run a command that must succeed."""
    if subprocess.run(command, check=False).returncode != 0:
        raise SetUpError(f"could not {advice}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
