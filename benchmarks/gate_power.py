"""How often the gate promotes an equal model, and one that is truly better by 0.10 F1, on 200 pictures.

    python -m benchmarks.gate_power [--tries 500] [--pictures 200] [--out FILE]

A made-up world: pictures of three cameras hold 0 to 6 objects of two classes and many sizes, some pictures are harder
than others for both models, and each model finds an object, or raises a false alarm, by a chance of its own. Each try
draws new pictures and both models' answers, and asks :func:`stages.evaluate.gate.decide` with the settings of
``conf/gate/standard.yaml``, slices included.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from stages.common.detection import Detections, Truth
from stages.common.settings.learning import Gate
from stages.evaluate.gate import Decision, Found, decide
from stages.evaluate.inference import PictureResult, match_picture
from stages.evaluate.truth import LabelledPicture

NAMES = ("forklift", "pallet_truck")
SIZE = 640
THRESHOLD = 0.5
HARD = 0.7
"""Standard deviation of how hard pictures are, in the logit of finding an object."""

SKILLS = {"equal": 0.55, "better": 0.55 + 0.75}
"""Logit of finding an object; the champion's is that of ``equal``. :func:`main` prints the F1 that they stand for."""

ALARMS = 0.5
"""False alarms a picture, in the mean."""

SETTINGS = Path(__file__).resolve().parents[1] / "conf/gate/standard.yaml"


def world(rng: np.random.Generator, pictures: int) -> list[tuple[LabelledPicture, float]]:
    """Pictures, and how hard each is."""
    made = []
    for number in range(pictures):
        count = int(rng.integers(0, 7))
        sides = np.exp(rng.uniform(np.log(20), np.log(200), (count, 2)))
        corner = rng.uniform(0, SIZE - 200, (count, 2))
        truth = Truth(
            np.concatenate([corner, corner + sides], axis=1),
            rng.integers(0, len(NAMES), count),
            np.zeros(count, bool),
            {},
        )
        name = f"site/cam{number % 3}/{number}.jpg"
        made.append((LabelledPicture(number, name, Path(name), SIZE, SIZE, truth), float(rng.normal(0, HARD))))
    return made


def answers(rng: np.random.Generator, pictures: Sequence[tuple[LabelledPicture, float]], skill: float) -> Found:
    """What a model of some skill finds."""
    results: list[PictureResult] = []
    for picture, hard in pictures:
        truth = picture.truth
        found = rng.random(len(truth)) < 1 / (1 + np.exp(-(skill - hard)))
        low = rng.uniform(0, SIZE - 60, (rng.poisson(ALARMS), 2))
        wrong = np.concatenate([low, low + rng.uniform(20, 60, low.shape)], axis=1)
        boxes = np.concatenate([truth.xyxy[found], wrong]).astype(np.float32)
        classes = np.concatenate([truth.classes[found], rng.integers(0, len(NAMES), len(wrong))])
        scores = rng.uniform(THRESHOLD + 0.01, 1, len(boxes)).astype(np.float32)
        order = np.argsort(-scores)
        detections = Detections(boxes[order], scores[order], classes[order].astype(np.int64))
        results.append(match_picture(picture, detections, (0, 1)))
    return Found(results, THRESHOLD)


def one_try(rng: np.random.Generator, pictures: int, skill: float, settings: Gate) -> Decision:
    """Draw pictures and both models' answers, and decide."""
    drawn = world(rng, pictures)
    cut_by: dict[str, list[float | str | None]] = {
        "camera": [picture.name.split("/")[1] for picture, _ in drawn],
        "brightness": list(rng.random(pictures)),
        "blur": list(rng.random(pictures)),
    }
    challenger, champion = (answers(rng, drawn, value) for value in (skill, SKILLS["equal"]))
    return decide(challenger, champion, NAMES, (0, 1), settings, input_size=(SIZE, SIZE), cut_by=cut_by)


def main() -> None:
    """Print and write how often each kind of model is promoted."""
    parser = argparse.ArgumentParser("python -m benchmarks.gate_power", description=__doc__)
    parser.add_argument("--tries", type=int, default=500)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    settings = Gate.model_validate(yaml.safe_load(SETTINGS.read_text()))
    content = {}
    for kind, skill in SKILLS.items():
        rng = np.random.default_rng([7, args.pictures])
        made = [one_try(rng, args.pictures, skill, settings) for _ in range(args.tries)]
        promoted = sum(item.passed for item in made)
        lead = float(np.mean([item.difference for item in made if item.difference is not None]))
        ahead = sum(item.interval is not None and item.interval[0] > item.margin for item in made)
        fallen = Counter(change.measure for item in made for change in item.slices if change.falls)
        content[kind] = {"tries": args.tries, "promoted": promoted, "interval_above": ahead, "mean_difference": lead}
        print(
            f"{kind}: {promoted} of {args.tries} promoted ({promoted / args.tries:.1%}), interval above the margin in "
            f"{ahead}, mean F1 {lead:+.3f}, {np.mean([len(item.slices) for item in made]):.0f} slices judged, "
            f"falls beyond the limit {dict(fallen)}",
            flush=True,
        )
    if args.out:
        args.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
