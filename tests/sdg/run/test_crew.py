from __future__ import annotations

import os
from pathlib import Path

import pytest

from stages.common.settings.pictures import Runtime
from stages.sdg.run.crew import cores, crew, gpu_memory_mib, resolved
from tests.sdg.run import flat


@pytest.mark.parametrize(
    ("runtime", "available", "gpu", "expected"),
    [
        (Runtime(), 2, 0, (2, 1)),  # one worker a core
        (Runtime(threads=4), 16, 0, (4, 4)),
        (Runtime(threads=4), 2, 0, (1, 4)),  # as asked, although the cores do not suffice
        (Runtime(workers=2), 16, 0, (2, 8)),
        (Runtime(workers=5), 2, 0, (5, 1)),
        (Runtime(workers=3, threads=2), 64, 0, (3, 2)),
        (Runtime(), 16, 140_000, (8, 2)),  # a GPU is found
        (Runtime(device="cuda"), 16, 24_000, (8, 2)),
        (Runtime(device="optix"), 16, 8_000, (2, 8)),  # its memory holds two
        (Runtime(device="optix"), 16, 2_000, (1, 16)),
        (Runtime(device="optix"), 4, 24_000, (4, 1)),
        (Runtime(device="cuda", workers=2), 16, 24_000, (2, 8)),
        (Runtime(device="cpu"), 16, 24_000, (16, 1)),  # a GPU that is not to be used
    ],
)
def test_crew(runtime: Runtime, available: int, gpu: int, expected: tuple[int, int]) -> None:
    assert crew(runtime, available, gpu) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 24564", 24564),
        ("echo 81559; echo 24564", 24564),  # two GPUs: the smaller one limits
        ("echo No devices were found", 0),
        ("exit 9", 0),  # driver and tool do not match
    ],
)
def test_gpu_memory(script: str, expected: int, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert gpu_memory_mib(str(program)) == expected
    assert gpu_memory_mib(str(tmp_path / "none")) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("max 100000\n", None), ("50000 100000\n", 1), ("100000 100000\n", 1), ("nonsense", None)],
)
def test_a_containers_quota_counts(text: str, expected: int | None, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert cores(tmp_path / "cpu.max") == (expected or cores(tmp_path / "nothing"))


def test_cores_are_those_that_this_process_may_use(tmp_path: Path) -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_resolved_settings_say_how_many() -> None:
    runtime = resolved(flat.settings(workers=0)).renderer.runtime
    assert runtime.workers >= 1
    assert runtime.threads >= 1
