"""Setting up: what is installed when, and what is said when it cannot be."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.settings import REPOSITORY

LOCK = """\
alpha==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
uv==2.0 \\
    --hash=sha256:ba
"""

Calls = list[list[str]]


@pytest.fixture
def set_up() -> ModuleType:
    spec = importlib.util.spec_from_file_location("set_up", REPOSITORY / "scripts" / "set_up.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "a path with spaces"
    folder.mkdir()
    (folder / "requirements.lock").write_text(LOCK, encoding="utf-8")
    return folder


@pytest.fixture
def calls(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Installs nothing, but makes environments, and notes what would have been installed."""
    made: Calls = []

    def install(python: Path, lock: Path) -> None:
        made.append([name for name, _ in set_up.packages(lock)])

    def call(command: list[str], advice: str) -> None:
        made.append(["venv"])
        python = Path(command[-1]) / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)

    monkeypatch.setattr(set_up, "install", install)
    monkeypatch.setattr(set_up, "call", call)
    monkeypatch.setattr(set_up, "works", lambda python: python.exists())
    return made


def test_a_second_call_does_nothing(set_up: ModuleType, root: Path, calls: Calls) -> None:
    set_up.set_up_environment(root)
    assert calls == [["venv"], ["alpha", "uv"]]
    set_up.set_up_environment(root)
    assert len(calls) == 2


def test_a_new_lock_is_installed_into_the_old_environment(set_up: ModuleType, root: Path, calls: Calls) -> None:
    set_up.set_up_environment(root)
    (root / "requirements.lock").write_text(LOCK.replace("1.0", "1.1"), encoding="utf-8")
    set_up.set_up_environment(root)
    assert calls[2:] == [["alpha", "uv"]]


def test_an_interrupted_call_starts_afresh(
    set_up: ModuleType, root: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(set_up, "install", lambda python, lock: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            set_up.set_up_environment(root)
    assert calls == [["venv"]]
    set_up.set_up_environment(root)
    assert calls[1:] == [["venv"], ["alpha", "uv"]]


def test_packages_keep_their_hashes(set_up: ModuleType, root: Path) -> None:
    assert dict(set_up.packages(root / "requirements.lock"))["uv"] == "uv==2.0 \\\n    --hash=sha256:ba\n"


def test_the_lock_names_no_host_and_has_a_hash_for_everything(set_up: ModuleType) -> None:
    lock = REPOSITORY / "requirements.lock"
    assert "://" not in lock.read_text(encoding="utf-8")
    without = [name for name, lines in set_up.packages(lock) if "--hash=sha256:" not in lines]
    assert not without


def absent(names: set[str]) -> Callable[[str], None]:
    """A dynamic linker that lacks these libraries."""

    def load(name: str) -> None:
        if name in names:
            raise OSError(name)

    return load


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_missing_libraries_are_named_with_the_command(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither root nor sudo: one line that names the packages."""
    program(tmp_path, "apt-get", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(set_up.ctypes, "CDLL", absent({"libXi.so.6", "libGL.so.1"}))
    monkeypatch.setattr(set_up.missing_libraries, "__defaults__", (set_up.ctypes.CDLL,))
    with pytest.raises(set_up.SetUpError) as caught:
        set_up.set_up_libraries()
    assert str(caught.value) == (
        "bpy lacks libXi.so.6, libGL.so.1: run sudo apt-get install libxi6 libgl1, then make again"
    )


def test_missing_libraries_are_installed_where_that_is_allowed(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = {"libXi.so.6"}
    program(tmp_path, "apt-get", f'echo "$@" >> "{tmp_path}/asked"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def load(name: str) -> None:
        absent(lacking if not (tmp_path / "asked").exists() else set())(name)

    monkeypatch.setattr(set_up.missing_libraries, "__defaults__", (load,))
    set_up.set_up_libraries()
    asked = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert asked == ["update -qq", "install -qq -y --no-install-recommends libxi6"]


def test_passwordless_sudo_is_used(set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert set_up.apt_command() is None
    program(tmp_path, "apt-get", "exit 0")
    assert set_up.apt_command() is None
    program(tmp_path, "sudo", "exit 0")
    assert set_up.apt_command() == ["sudo", "-n", "apt-get"]
    program(tmp_path, "sudo", "exit 1")
    assert set_up.apt_command() is None


def test_without_apt_the_libraries_are_named(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert set_up.libraries_sentence(["libSM.so.6"]) == (
        "bpy lacks libSM.so.6: install them (on Debian: libsm6), then run make again"
    )


def test_a_browser_is_installed_for_the_tests_where_that_is_allowed(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chromium = f"{tmp_path}/chromium"
    body = f'echo "$@" >> "{tmp_path}/asked"; echo "#!/bin/sh" > "{chromium}"; /bin/chmod +x "{chromium}"'
    program(tmp_path, "apt-get", body)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER_PROGRAM", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    set_up.set_up_browser()
    asked = ["update -qq", "install -qq -y --no-install-recommends chromium fonts-dejavu-core"]
    assert (tmp_path / "asked").read_text(encoding="utf-8").splitlines() == asked
    assert set_up.find_browser() == chromium
    set_up.set_up_browser()
    assert (tmp_path / "asked").read_text(encoding="utf-8").splitlines() == asked
    assert "no browser" not in capsys.readouterr().err


def test_without_a_browser_set_up_says_so_and_goes_on(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER_PROGRAM", raising=False)
    set_up.set_up_browser()
    assert "no browser, so tests marked browser are skipped: run sudo apt-get install chromium" in (
        capsys.readouterr().err
    )


@pytest.fixture
def sdk_root(root: Path, set_up: ModuleType) -> Path:
    """A project whose .venv is this environment, with uv, and whose lock of the SDK asks for nothing."""
    (root / ".venv").symlink_to(sys.prefix)
    (root / set_up.SDK_LOCK).parent.mkdir(parents=True)
    (root / set_up.SDK_LOCK).write_text("", encoding="utf-8")
    return root


def test_the_sdk_gets_an_environment_of_its_own(
    set_up: ModuleType, sdk_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = sdk_root / set_up.SDK_ENVIRONMENT / "bin" / "python"
    set_up.set_up_sdk(sdk_root)
    seen = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert Path(seen.stdout.strip()) == sdk_root / set_up.SDK_ENVIRONMENT
    capsys.readouterr()
    set_up.set_up_sdk(sdk_root)
    assert capsys.readouterr() == ("", "")


def test_without_the_sdk_set_up_says_so_and_goes_on(
    set_up: ModuleType, sdk_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (sdk_root / set_up.SDK_LOCK).write_text(f"nowhere-to-be-found==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    monkeypatch.setenv("UV_OFFLINE", "1")
    for _ in range(2):
        set_up.set_up_sdk(sdk_root)
        assert "no SageMaker SDK, so its requests are not compared with ours" in capsys.readouterr().err


@pytest.fixture(autouse=True)
def _not_within_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests themselves are run by make, which tells its children so, and they talk differently then."""
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        monkeypatch.delenv(name, raising=False)


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_make_names_a_missing_python() -> None:
    done = make("setup", "PYTHON=python3.11-of-nowhere")
    assert done.returncode != 0
    assert "error: python3.11-of-nowhere is not installed: install Python 3.11, or point to it with make PYTHON=" in (
        done.stderr
    )


def test_make_help_lists_the_commands() -> None:
    lines = make().stdout
    assert all(f"make {command} " in lines for command in ("repro", "test", "lint", "mlflow-ui", "clean"))


def test_another_python_is_refused(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(set_up.sys, "version_info", (3, 12, 1))
    assert set_up.main() == 8
    assert "error: Python 3.12 cannot run this, since bpy is built for 3.11" in capsys.readouterr().err


def test_make_sets_up_a_real_environment_in_a_path_with_spaces(root: Path) -> None:
    """With a lock that asks for nothing, so that it needs no package index."""
    shutil.copy2(REPOSITORY / "Makefile", root)
    shutil.copytree(REPOSITORY / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "requirements.lock").write_text("", encoding="utf-8")

    def set_up() -> str:
        done = subprocess.run(
            ["make", "setup", f"PYTHON={sys.executable}"], cwd=root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "installing 0 packages into .venv" in set_up()
    assert set_up() == ""
    # a killed installation
    (root / ".venv" / ".unfinished").touch()
    (root / ".venv" / ".installed").unlink()
    (root / ".venv" / "bin" / "python").unlink()
    assert "installing 0 packages into .venv" in set_up()
    where = "where: setup ; @python -c 'import sys; print(sys.prefix)'"
    command = ["make", f"PYTHON={sys.executable}", "--eval", where, "where"]
    seen = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert Path(seen.stdout.strip()) == root / ".venv"
