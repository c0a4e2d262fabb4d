"""How fast ``python -m stages.sdg`` renders on the CPU, alone and beside BlenderProc.

    python -m benchmarks.render_speed
    python -m benchmarks.render_speed --blenderproc-python /path/to/venv/bin/python

First come frames per second on the warehouse scene (640x640, 8 samples), with labels and shards, and the share of time
outside Cycles. Then, with a Python that has BlenderProc, an equal scene by both in turns, A B A B: 150 boxes under one
lamp, 640x480, 8 samples, the same bounces, Open Image Denoise, instance masks and depth, everything written. Both get
the same cores; ours fills them with workers, as the stage does by itself, BlenderProc with the threads of its process.
Both clocks start before Blender does.

BlenderProc 2.8 is made for Blender 4.2 and cannot share an environment with ours. To make one (Python 3.11):

    python3.11 -m venv bproc
    bproc/bin/pip install "blenderproc==2.8.*" "bpy==4.2.*" "numpy<2" imageio gitpython scikit-image pypng scipy \\
        "matplotlib<3.10" pytz h5py "opencv-contrib-python<4.12" scikit-learn python-dateutil rich trimesh
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.settings import on_cpu
from stages.common.settings import Settings
from stages.sdg.run.crew import cores
from stages.sdg.run.job import FACTORY, Report, render_frames

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Timing:
    """Frames, and the seconds that they took by the clock."""

    frames: int
    seconds: float

    @property
    def per_frame(self) -> float:
        return self.seconds / self.frames


def measure_ours(settings: Settings, factory: str = FACTORY) -> Report:
    """Render into a folder that does not stay."""
    with tempfile.TemporaryDirectory() as folder:
        return render_frames(settings, Path(folder) / "frames", log=io.StringIO(), factory=factory)


def measure_blenderproc(python: str, seeds: Sequence[int]) -> Timing:
    """Render the equal scenes of these seeds with BlenderProc.

    Raises:
        RuntimeError: with the end of its output when it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-m", "benchmarks.boxes_blenderproc", str(cores()), folder, *map(str, seeds)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )
        written = len(list(Path(folder).glob("*.hdf5")))
    if done.returncode or written != len(seeds):
        raise RuntimeError(
            f"BlenderProc failed, having written {written} frames:\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return Timing(len(seeds), json.loads(done.stdout.splitlines()[-1])["seconds"])


def report_warehouse(count: int) -> None:
    """Print the first part."""
    report = measure_ours(on_cpu(count, 8, 4, "dataset.frames.sizes=[640x640]"))
    frames = report.rendered
    print(
        f"warehouse, 640x640, 8 samples, {report.workers} workers: {report.frames_per_second:.3f} frames/s "
        f"({report.seconds / frames:.2f} s a frame, {frames} frames), {report.outside_share:.1%} of it outside Cycles"
    )
    spent = ", ".join(f"{name} {seconds / frames:.3f}" for name, seconds in sorted(report.spent.items()))
    print(f"  worker seconds a frame: {spent}", flush=True)


def report_boxes(python: str, count: int, rounds: int) -> None:
    """Print the second part."""
    from benchmarks import boxes_sdg

    settings = boxes_sdg.settings(count)
    seeds = boxes_sdg.seeds(settings)
    ours: list[Timing] = []
    theirs: list[Timing] = []
    for number in range(1, rounds + 1):
        report = measure_ours(settings, boxes_sdg.FACTORY)
        ours.append(Timing(report.rendered, report.seconds))
        theirs.append(measure_blenderproc(python, seeds))
        print(
            f"  round {number}: {ours[-1].per_frame:.2f} s a frame ({report.outside_share:.1%} outside Cycles), "
            f"BlenderProc {theirs[-1].per_frame:.2f} s",
            flush=True,
        )
    ratios = [their.per_frame / our.per_frame for our, their in zip(ours, theirs, strict=True)]
    print(
        f"150 boxes, 640x480, 8 samples, {cores()} cores, medians: {median(t.per_frame for t in ours):.2f} s a frame, "
        f"BlenderProc {median(t.per_frame for t in theirs):.2f} s; {median(ratios):.2f} times as fast "
        f"({min(ratios):.2f} to {max(ratios):.2f} by round)"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=12, help="of the warehouse; 0 leaves it out (default: 12)")
    parser.add_argument("--boxes", type=int, default=12, help="frames of the equal scene in a round (default: 12)")
    parser.add_argument("--rounds", type=int, default=3, help="of the equal scene (default: 3)")
    parser.add_argument("--blenderproc-python", metavar="PYTHON", help="the Python that BlenderProc is installed in")
    options = parser.parse_args(arguments)
    if options.frames:
        report_warehouse(options.frames)
    if not options.blenderproc_python:
        print("not compared with BlenderProc: no --blenderproc-python was given (--help says how to make one)")
        return
    if not Path(options.blenderproc_python).is_file():
        sys.exit(f"there is no {options.blenderproc_python}; --help says how to make an environment with BlenderProc")
    report_boxes(options.blenderproc_python, options.boxes, options.rounds)


if __name__ == "__main__":
    main()
