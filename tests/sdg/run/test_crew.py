from __future__ import annotations

import os
from pathlib import Path

import pytest

from stages.common.settings.pictures import Runtime
from stages.sdg.run.crew import cores, crew, gpu_memories_mib, gpu_names, resolved
from tests.sdg.run import flat


@pytest.mark.parametrize(
    ("runtime", "available", "gpus", "expected"),
    [
        (Runtime(), 2, (), (2, 2)),  # one worker a core
        (Runtime(threads=4), 16, (), (4, 4)),
        (Runtime(threads=4), 2, (), (1, 4)),  # as asked, although the cores do not suffice
        (Runtime(workers=2), 16, (), (2, 8)),
        (Runtime(workers=5), 2, (), (5, 2)),
        (Runtime(workers=3, threads=2), 64, (), (3, 2)),
        (Runtime(), 16, (140_000,), (8, 2)),  # a GPU is found
        (Runtime(device="cuda"), 16, (24_000,), (8, 2)),
        (Runtime(device="optix"), 16, (8_000,), (2, 8)),  # its memory holds two
        (Runtime(device="optix"), 16, (2_000,), (1, 16)),
        (Runtime(device="optix"), 4, (24_000,), (4, 2)),
        (Runtime(device="cuda", workers=2), 16, (24_000,), (2, 8)),
        (Runtime(), 64, (140_000,) * 4, (32, 2)),  # four GPUs
        (Runtime(), 64, (24_000, 6_000), (10, 6)),  # a large and a small one
        (Runtime(device="cpu"), 16, (24_000,), (16, 2)),  # a GPU that is not to be used
    ],
)
def test_crew(runtime: Runtime, available: int, gpus: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert crew(runtime, available, gpus) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 24564", [24564]),
        ("echo 81559; echo 24564", [81559, 24564]),
        ("echo No devices were found", []),
        ("exit 9", []),  # driver and tool do not match
    ],
)
def test_gpu_memory(script: str, expected: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert gpu_memories_mib(str(program)) == expected
    assert gpu_memories_mib(str(tmp_path / "none")) == []


def test_hidden_gpus_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 24564; echo 24564; echo 24564\n")
    program.chmod(0o755)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    assert len(gpu_memories_mib(str(program))) == 2
    assert gpu_names(2) == ["2", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_memories_mib(str(program)) == []


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
