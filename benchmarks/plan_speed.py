"""Processor seconds of plans, here and in another checkout side by side, and whether both plan the same.

    python -m benchmarks.plan_speed -n 500
    python -m benchmarks.plan_speed -n 500 --rounds 2 --other PATH/TO/CHECKOUT

One process for each checkout and round, in turn, so that both meet the same load; pin all to one core with
``taskset -c 0`` in front. *Start* is what comes before the first plan: imports, and composing the settings. *Targets*
are plans of ``targets=loco_like presets=corner_cases`` with the estimate of what each shows, as in ``python -m
stages.sdg targets``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]

KINDS: dict[str, tuple[str, ...]] = {
    "default": (),
    "random": ("randomization.content.structure=false",),
    "targets": ("targets=loco_like", "presets=corner_cases"),
}
"""Settings that are planned with."""


def measure(count: int) -> dict[str, Any]:
    """Processor seconds of ``count`` plans of each kind in this process' checkout, and a digest of the plans."""
    from stages.compose.compose import compose_settings
    from stages.sdg.plan.own import own_objects
    from stages.sdg.plan.planner import plan_frame
    from stages.sdg.shards.records import plan_to_line
    from stages.sdg.targets import from_plan, wanted_labels

    seconds: dict[str, float] = {}
    digest = hashlib.sha256()
    for kind, overrides in KINDS.items():
        chosen = compose_settings(list(overrides))
        seconds.setdefault("start", time.process_time())
        labels, own, seconds[kind] = wanted_labels(chosen), own_objects(chosen), 0.0
        for number in range(count):
            start = time.process_time()
            plan = plan_frame(chosen, number)
            if chosen.targets.any():
                from_plan(plan, labels, own)
            seconds[kind] += time.process_time() - start
            digest.update(plan_to_line(plan).encode())
    return {"seconds": seconds, "plans": digest.hexdigest()}


def main() -> None:
    """Print a table: the other checkout's seconds, ours, and their ratio."""
    parser = argparse.ArgumentParser("python -m benchmarks.plan_speed", description=__doc__)
    parser.add_argument("-n", type=int, default=500, help="plans of each kind (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--other", type=Path, help="checkout to compare with")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        print(json.dumps(measure(args.n)))
        return
    from benchmarks.checkouts import of_checkout

    checkouts = {**({"other": args.other.resolve()} if args.other else {}), "here": REPOSITORY}
    sums: dict[str, dict[str, float]] = {name: defaultdict(float) for name in checkouts}
    plans = set()
    for _ in range(args.rounds):
        for name, checkout in checkouts.items():
            found = of_checkout(__file__, checkout, "-n", str(args.n))
            plans.add(found["plans"])
            for kind, seconds in found["seconds"].items():
                sums[name][kind] += seconds / args.rounds
    for kind, here in sums["here"].items():
        other = sums.get("other", {}).get(kind)
        print(f"{kind:10}" + ("" if other is None else f"{other:9.2f}") + f"{here:9.2f}"
              + ("" if other is None else f"{other / here:8.2f}"))  # fmt: skip
    if args.other:
        print("all plans are the same" if len(plans) == 1 else "plans differ")


if __name__ == "__main__":
    main()
