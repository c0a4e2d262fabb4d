"""From a bare machine to a finished pipeline, with programs that note how they are called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.settings import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "ec2.sh"

PROGRAMS = {
    "apt-cache": "exit 1",
    "add-apt-repository": "",
    "df": "echo Avail; echo ' 100G'",
    "git": '[ "$1" = clone ] && mkdir -p "$4/.git" "$4/scripts" && touch "$4/dvc.yaml" "$4/scripts/set_up.py"; exit 0',
    "id": "echo 1000",
    "make": "",
    "modprobe": "",
    "shutdown": "",
    "sudo": 'exec "$@"',
    "ubuntu-drivers": '[ "$1" = list ] || exit 0; '
    + "echo 'nvidia-driver-535-server, (kernel)'; echo 'nvidia-driver-570-server, (kernel)'",
    "uname": "echo x86_64",
}
"""What the fakes do besides noting how they were called."""

APT = """\
for name in "$@"; do
    case "$name" in
        git|make|python3.11) cp "$SPARE/$name" "$BIN/" ;;
        nvidia-utils-*) cp "$SPARE/nvidia-smi" "$BIN/" ;;
    esac
done"""


@dataclass
class Machine:
    """A bare machine.

    Attributes:
        home: where things are cloned to.
        bin: the only programs there are, beside those of every Ubuntu.
    """

    home: Path
    bin: Path
    environment: dict[str, str] = field(default_factory=dict)

    def has(self, *names: str) -> None:
        for name in names:
            shutil.copy2(self.home / "spare" / name, self.bin)

    def fake(self, folder: Path, name: str, body: str) -> None:
        path = folder / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >> "{self.home}/calls"\n{body}\n')
        path.chmod(0o755)

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", str(SCRIPT), *arguments],
            cwd=cwd or self.home,
            env={"HOME": str(self.home), "PATH": str(self.bin), **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        path = self.home / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def installed(self) -> list[str]:
        start = "apt-get install -qq -y --no-install-recommends "
        return [name for line in self.calls if line.startswith(start) for name in line.removeprefix(start).split()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path / "home", tmp_path / "bin")
    spare, devices = made.home / "spare", tmp_path / "pci"
    for folder in (spare, made.bin, devices):
        folder.mkdir(parents=True)
    for name in ("bash", "cat", "cp", "grep", "mkdir", "sort", "tail", "touch", "tr"):
        (made.bin / name).symlink_to(shutil.which(name) or "")
    for name, body in PROGRAMS.items():
        made.fake(spare if name in ("git", "make") else made.bin, name, body)
    made.fake(made.bin, "apt-get", APT)
    made.fake(spare, "python3.11", "")
    made.fake(spare, "python", "")
    made.fake(spare, "nvidia-smi", "")
    release = tmp_path / "os-release"
    release.write_text('ID=ubuntu\nPRETTY_NAME="Ubuntu 24.04 LTS"\n')
    made.environment = {
        "OS_RELEASE": str(release),
        "PCI_DEVICES": str(devices),
        "SPARE": str(spare),
        "BIN": str(made.bin),
    }
    return made


@pytest.fixture
def gpu(machine: Machine) -> Callable[[], None]:
    device = Path(machine.environment["PCI_DEVICES"]) / "0000:00:1e.0"
    device.mkdir()
    (device / "vendor").write_text("0x10de\n")
    return lambda: None


def test_shellcheck() -> None:
    program = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not program:
        assert not os.environ.get("CI"), "shellcheck is not installed"
        pytest.skip("shellcheck is not installed: run make setup")
    done = subprocess.run([program, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_bare_machine_with_a_gpu(machine: Machine, gpu: object) -> None:
    done = machine.run("--repository", "https://example.org/r.git")
    assert done.returncode == 0, done.stderr
    assert machine.installed == [
        *("git", "make"),
        *(() if Path("/etc/ssl/certs/ca-certificates.crt").exists() else ("ca-certificates",)),
        "software-properties-common",
        *("python3.11", "python3.11-venv"),
        "ubuntu-drivers-common",
        *("nvidia-utils-570-server", "libnvidia-gl-570-server"),
    ]
    assert "ubuntu-drivers install --gpgpu nvidia:570-server" in machine.calls
    assert "add-apt-repository -y ppa:deadsnakes/ppa" in machine.calls
    assert f"git clone --quiet https://example.org/r.git {machine.home}/sim-to-cloud" in machine.calls
    assert machine.calls[-2:] == ["make setup", "make repro"]
    assert done.stdout.splitlines()[-1] == "done: open reports/report.html"


def test_run_again_installs_and_clones_nothing(machine: Machine, gpu: object) -> None:
    machine.run("--repository", "https://example.org/r.git")
    before = len(machine.calls)
    done = machine.run()
    assert done.returncode == 0, done.stderr
    again = machine.calls[before:]
    assert not any(line.startswith(("apt-get", "git", "add-apt")) for line in again)
    assert again[-1] == "make repro"


def test_ubuntu_that_has_python_311_needs_no_other_archive(machine: Machine) -> None:
    machine.fake(machine.bin, "apt-cache", "exit 0")
    done = machine.run("--repository", "u")
    assert done.returncode == 0, done.stderr
    assert not any(line.startswith("add-apt-repository") for line in machine.calls)
    assert "no NVIDIA GPU: all is done on the CPU" in done.stdout
    assert "ubuntu-drivers-common" not in machine.installed


def test_profile_and_bucket_make_an_experiment(machine: Machine) -> None:
    machine.has("python")
    done = machine.run(
        "--repository", "u", "--profile", "workstation", "--bucket", "my-frames", "--region", "eu-west-1"
    )
    assert done.returncode == 0, done.stderr
    assert machine.calls[-1] == (
        "python -m dvc exp run -S profile=workstation -S storage=s3 -S storage.bucket=my-frames "
        "-S storage.create_bucket=false -S storage.region=eu-west-1"
    )


@pytest.mark.parametrize("good", [True, False])
def test_the_machine_is_switched_off_whether_it_went_well_or_not(machine: Machine, good: bool) -> None:
    if not good:
        machine.fake(machine.home / "spare", "make", "exit 3")
    done = machine.run("--repository", "u", "--shutdown")
    assert (done.returncode == 0) == good
    assert machine.calls[-1] == "shutdown -h +1 the pipeline has ended"


def test_within_a_clone_that_clone_is_used(machine: Machine, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    (clone / "scripts").mkdir(parents=True)
    (clone / "dvc.yaml").touch()
    (clone / "scripts/set_up.py").touch()
    done = machine.run(cwd=clone)
    assert done.returncode == 0, done.stderr
    assert not any(line.startswith("git") for line in machine.calls)


def test_a_driver_that_does_not_run_yet_asks_for_a_restart(machine: Machine, gpu: object) -> None:
    machine.fake(machine.home / "spare", "nvidia-smi", "exit 9")
    done = machine.run("--repository", "u")
    assert done.returncode == 8
    assert (
        "error: the NVIDIA driver is installed and does not run yet: restart the machine with sudo reboot"
        in done.stderr
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "uname", "body": "echo aarch64"}, "this is aarch64, and bpy is built for x86_64"),
        ({"name": "df", "body": "echo Avail; echo ' 7G'"}, "7 GB are free in"),
    ],
)
def test_machines_that_do_not_fit(machine: Machine, change: dict[str, str], sentence: str) -> None:
    machine.fake(machine.bin, **change)
    done = machine.run("--repository", "u")
    assert done.returncode == 8
    assert sentence in done.stderr
    assert machine.installed == []


def test_another_system(machine: Machine) -> None:
    Path(machine.environment["OS_RELEASE"]).write_text('ID=amzn\nPRETTY_NAME="Amazon Linux 2023"\n')
    done = machine.run()
    assert done.returncode == 8
    assert "error: this is Amazon Linux 2023, and the script knows Ubuntu" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--what",), "'--what' is no option: see --help"),
        (("--profile",), "--profile needs a value: see --help"),
        ((), "this is no clone: name the repository with --repository URL"),
    ],
)
def test_wrong_arguments(machine: Machine, arguments: tuple[str, ...], sentence: str) -> None:
    done = machine.run(*arguments)
    assert (done.returncode, done.stderr) == (2, f"error: {sentence}\n")
