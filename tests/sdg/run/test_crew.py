from __future__ import annotations

import os
from pathlib import Path

import pytest

from stages.common.settings.pictures import Runtime
from stages.sdg.run.crew import cores, crew, resolved
from tests.sdg.run import flat


@pytest.mark.parametrize(
    ("runtime", "available", "expected"),
    [
        (Runtime(), 2, (2, 1)),  # one worker a core
        (Runtime(threads=4), 16, (4, 4)),
        (Runtime(threads=4), 2, (1, 4)),  # as asked, although the cores do not suffice
        (Runtime(workers=2), 16, (2, 8)),
        (Runtime(workers=5), 2, (5, 1)),
        (Runtime(workers=3, threads=2), 64, (3, 2)),
        (Runtime(device="cuda"), 16, (8, 2)),
        (Runtime(device="optix"), 4, (4, 1)),
        (Runtime(device="cuda", workers=2), 16, (2, 8)),
    ],
)
def test_crew(runtime: Runtime, available: int, expected: tuple[int, int]) -> None:
    assert crew(runtime, available) == expected


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
