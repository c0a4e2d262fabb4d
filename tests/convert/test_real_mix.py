"""Real photographs in the training part: which, how they are labelled, and which never."""

import json

import cv2
import pytest

from stages.common.errors import InputError, SettingsError
from stages.common.settings.pictures import Convert, RealSource
from stages.convert.real_mix import draw_mix, draw_photographs
from stages.convert.run import convert
from stages.train.data import read_data
from tests.convert.frames import CLASSES, write_frames
from tests.evaluate.conftest import annotation, loco_json, write_photograph
from tests.settings import compose

TRAINING = [f"subset-{2 + number % 2}/156,{number}.5.jpg" for number in range(12)]
EVALUATED = [f"subset-{1 + 3 * (number % 2)}/156,{number}.5.jpg" for number in range(6)]


@pytest.fixture
def project(tmp_path):
    """A project with a small LOCO in its place; each photograph has a pallet truck, a box too small, and a crowd."""
    root = tmp_path / "data/real/loco"
    images = [*TRAINING, *EVALUATED]
    for seed, name in enumerate(images):
        write_photograph(root / "dataset" / name, seed=seed)
    write_photograph(root / "dataset/subset-2/unlabelled.jpg", seed=99)
    entries = []
    for number in range(1, len(images) + 1):
        entries.append(annotation(number, "pallet_truck", (-10, 24, 42, 48)))
        entries.append(annotation(number, "pallet", (5, 5, 3, 3)))
        entries.append(annotation(number, "pallet", (50, 50, 30, 30), iscrowd=True))
    (root / "rgb").mkdir()
    (root / "rgb/loco-all-v1.json").write_text(json.dumps(loco_json(images, entries)))
    return tmp_path


def draw(project, count, **source):
    return draw_photographs(count, RealSource(**source), CLASSES, project, min_box=6)


def names(mix):
    return [item.name.removeprefix("dataset/") for item in mix.photographs]


def test_only_labelled_photographs_of_the_training_subsets_are_drawn(project):
    assert sorted(names(draw(project, 12))) == sorted(TRAINING)


def test_draws_are_the_same_again_and_smaller_ones_are_parts_of_larger_ones(project):
    assert names(draw(project, 8)) == names(draw(project, 8))
    assert names(draw(project, 8))[:3] == names(draw(project, 3))
    assert names(draw(project, 12)) != names(draw(project, 12, seed=1))
    assert draw(project, 0).photographs == ()


def test_classes_go_by_name_and_boxes_end_at_the_picture(project):
    assert draw(project, 1).photographs[0].lines == (
        f"{CLASSES.index('pallet_truck')} 0.125000 0.500000 0.250000 0.500000",
    )


def test_a_copy_of_an_evaluated_photograph_is_passed_over(project):
    root = project / "data/real/loco/dataset"
    first, second = names(draw(project, 2))
    (root / first).write_bytes((root / EVALUATED[0]).read_bytes())
    picture = cv2.imread(str(root / EVALUATED[1]))
    cv2.imwrite(str(root / second), picture, [cv2.IMWRITE_JPEG_QUALITY, 70])
    mix = draw(project, 10)
    assert {first, second}.isdisjoint(names(mix))
    assert mix.copies == (f"dataset/{first}", f"dataset/{second}")
    with pytest.raises(SettingsError, match=r"only 10 photographs .*2 are copies of evaluated ones"):
        draw(project, 11)


def test_photographs_of_other_evaluated_sets_are_passed_over(project):
    root = project / "data/real/loco/dataset"
    (first,) = names(draw(project, 1))
    mix = draw_photographs(11, RealSource(), CLASSES, project, evaluated=[root / first])
    assert first not in names(mix)


def test_a_damaged_photograph_is_passed_over(project):
    root = project / "data/real/loco/dataset"
    first, second = names(draw(project, 2))
    (root / first).write_bytes((root / first).read_bytes()[:-100])
    (root / second).unlink()
    assert draw(project, 10).damaged == (f"dataset/{first}", f"dataset/{second}")


def test_without_loco_the_next_step_is_named(tmp_path):
    with pytest.raises(InputError, match=r"get them with `python -m stages.evaluate fetch-loco`"):
        draw(tmp_path, 1)


def test_an_evaluated_subset_is_refused():
    with pytest.raises(SettingsError, match="holds subset-4, on which real=loco measures"):
        compose("dataset.real_mix=5", "real=loco", "dataset.real_source.subsets=[subset-2,subset-4]")
    assert compose("dataset.real_mix=5", "real=loco").dataset.real_mix == 5
    assert compose().dataset.real_mix == 0


def test_they_reach_the_training_part_alone_and_are_marked(project):
    frames = write_frames(project / "frames", 32, 4)
    plain = convert(frames, project / "plain", CLASSES, Convert())
    mixed = convert(frames, project / "mixed", CLASSES, Convert(), draw(project, 5))
    before, after = (read_data(project / name / "yolo") for name in ("plain", "mixed"))
    real = [path for path in after.train.pictures if path.name.startswith("real-")]
    assert len(real) == 5
    assert len(after.train.pictures) == len(before.train.pictures) + 5
    assert after.train.objects == before.train.objects + 5
    assert len(after.val.pictures) == len(before.val.pictures)
    assert (project / "plain/coco/train.json").read_bytes() == (project / "mixed/coco/train.json").read_bytes()
    statistics = json.loads((project / "mixed/statistics.json").read_bytes())
    assert statistics["real"]["pictures"] == 5
    assert statistics["real"]["boxes"]["pallet_truck"] == 5
    assert statistics["frames"] == plain.frames
    assert mixed.summary().endswith("; 5 real photographs to train on")


def test_the_sets_that_are_measured_are_known_to_the_draw(project):
    root = project / "data/real"
    (first,) = names(draw(project, 1))
    copy = root / "loco-dev/dataset/subset-dev/x.jpg"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((root / "loco/dataset" / first).read_bytes())
    mix = draw_mix(compose("dataset.real_mix=11", "real=loco-dev"), project)
    assert mix.copies == (f"dataset/{first}",)
    assert len(draw_mix(compose("dataset.real_mix=12", "real=loco"), project).photographs) == 12
