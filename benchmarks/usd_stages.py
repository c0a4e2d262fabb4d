"""Frame plans of all scenarios as USD files, each checked.

    python -m benchmarks.usd_stages -n 210

Each plan is written as ``.usda``, opened again, held against all of OpenUSD's validators, and counted: instances by
their attribute, labels by ``UsdSemantics.LabelsQuery``, both against the plan. Assets of other people's files are their
stand-ins here, as in every file that refers to no other.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.settings import on_cpu
from stages.common.settings import Settings
from stages.sdg.plan import scenarios as _built_in  # noqa: F401 - registers them
from stages.sdg.plan.planner import plan_frame
from stages.sdg.plan.types import TEST_START, FramePlan

SCENES = ("warehouse", "simple_warehouse", "warehouse_grammar")
"""Groups of ``conf/scene``, which have all scenarios between them; some more than once, with other assets."""


def plans(count: int, *overrides: str, scenes: Sequence[str] = ("warehouse",)) -> Iterator[tuple[str, FramePlan]]:
    """So many plans, each with its scene's name; the same number of each scenario, every fourth of the test split."""
    pairs = [
        (scene, settings, name)
        for scene in scenes
        for settings in [on_cpu(1, 1, 0, f"scene={scene}", *overrides)]
        for name in sorted(settings.scene.scenarios)
    ]
    for number in range(count):
        turn, place = divmod(number, len(pairs))
        frame = number + (TEST_START if turn % 4 == 3 else 0)
        scene, settings, name = pairs[place]
        yield scene, plan_frame(only(settings, name), frame)


def only(settings: Settings, scenario: str) -> Settings:
    """The settings with one scenario."""
    return settings.model_copy(update={"scene": settings.scene.model_copy(update={"scenarios": {scenario: 1.0}})})


@dataclass(frozen=True)
class Counted:
    """What one file holds.

    Attributes:
        problems: OpenUSD's sentences.
        instances, labels: prims with an instance id, and prims with a label of their own, in the file.
        wrong: instances whose label is not the plan's.
    """

    problems: list[str]
    instances: int
    labels: int
    wrong: int


def count(plan: FramePlan, path: Path) -> Counted:
    """Check one file against its plan."""
    from pxr import Usd, UsdSemantics

    from isaac.stage.keys import INSTANCE
    from stages.sdg.render.usd.check import problems

    found = problems(path)
    stage = Usd.Stage.Open(str(path))
    query = UsdSemantics.LabelsQuery("class", Usd.TimeCode.Default())
    labels = {prim.GetPath(): query.ComputeUniqueDirectLabels(prim) for prim in stage.Traverse()}
    ids = {prim.GetAttribute(INSTANCE).Get(): prim for prim in stage.Traverse() if prim.HasAttribute(INSTANCE)}
    wanted = {item.id: [item.label] if item.label else [] for item in plan.placements}
    wrong = sum(list(labels[prim.GetPath()]) != wanted.get(number) for number, prim in ids.items())
    return Counted(found, len(ids), sum(map(bool, labels.values())), wrong)


def main() -> None:
    """Print what came of it as JSON."""
    from stages.sdg.render.usd.export import save_frame

    parser = argparse.ArgumentParser("python -m benchmarks.usd_stages", description=__doc__)
    parser.add_argument("-n", type=int, default=200)
    start, said, seen, sizes = time.perf_counter(), [], {}, []
    totals = {"instances": 0, "planned_instances": 0, "labels": 0, "planned_labels": 0, "wrong_labels": 0}
    mismatched = []
    with tempfile.TemporaryDirectory() as folder:
        for scene, plan in plans(parser.parse_args().n, scenes=SCENES):
            path = Path(folder) / "frame.usda"
            paths = save_frame(plan, path, Path(folder) / "assets")
            sizes.append(path.stat().st_size)
            made = count(plan, path)
            planned, labelled = len(plan.placements), sum(item.label is not None for item in plan.placements)
            said += [f"{scene} {plan.scenario} {plan.frame}: {text}" for text in made.problems]
            name = f"{scene}/{plan.scenario}"
            seen[name] = seen.get(name, 0) + 1
            if (made.instances, made.labels, made.wrong) != (planned, labelled, 0) or len(paths) != planned:
                mismatched.append(plan.frame)
            for name, value in zip(totals, (made.instances, planned, made.labels, labelled, made.wrong), strict=True):
                totals[name] += value
    result = {
        "plans": seen, **totals, "mismatched_frames": mismatched, "problems": len(said), "first_problems": said[:5],
        "mean_megabytes": round(sum(sizes) / len(sizes) / 1e6, 1), "seconds": round(time.perf_counter() - start),
    }  # fmt: skip
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
