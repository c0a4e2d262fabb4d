"""Each format is read back by a reader that is not ours."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.common.errors import InputError, SettingsError
from stages.common.settings.pictures import Convert
from stages.compose.compose import write_params
from stages.convert.formats import open_writer, register_format, registered_formats
from stages.convert.run import convert
from tests.convert.frames import CLASSES, HEIGHT, TEST_START, WIDTH, ellipse, instance, instances_of, write_frames
from tests.settings import REPOSITORY, SMALL

USUAL = Convert()
COUNT, TEST_COUNT = 32, 4


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    return write_frames(tmp_path_factory.mktemp("frames"), COUNT, TEST_COUNT)


@pytest.fixture(scope="module")
def dataset(frames, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "dataset"
    convert(frames, out, CLASSES, USUAL)
    return out


def numbers(dataset, part):
    return sorted(int(path.stem) for path in (dataset / "yolo/images" / part).iterdir())


def kept(frame):
    """Objects that the usual filters keep: the first two of those made."""
    return instances_of(frame)[:2]


def test_every_frame_lies_in_one_part(dataset):
    parts = {part: numbers(dataset, part) for part in ("train", "val", "test")}
    assert sorted(parts["train"] + parts["val"]) == list(range(COUNT))
    assert parts["test"] == list(range(TEST_START, TEST_START + TEST_COUNT))
    assert len(parts["val"]) == round(USUAL.val_share * COUNT)


def test_ultralytics_reads_the_yolo_tree_from_any_folder(dataset, tmp_path, monkeypatch):
    import shutil

    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    moved = tmp_path / "moved there"
    shutil.copytree(dataset / "yolo", moved)  # the loader leaves caches beside the labels
    monkeypatch.chdir(tmp_path)
    data = check_det_dataset(str(moved / "data.yaml"), autodownload=False)
    assert list(data["names"].values()) == list(CLASSES)
    for part in ("train", "val", "test"):
        loaded = YOLODataset(img_path=data[part], data=data, task="detect", imgsz=96, augment=False)
        assert len(loaded.labels) == len(numbers(dataset, part))
        for label in loaded.labels:
            wanted = kept(int(Path(label["im_file"]).stem))
            assert [CLASSES[int(number)] for number in label["cls"][:, 0]] == [item.class_name for item in wanted]
            x, y, width, height = label["bboxes"].T * [[WIDTH], [HEIGHT], [WIDTH], [HEIGHT]]
            corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
            np.testing.assert_allclose(
                corners, np.array([item.xyxy for item in wanted]).reshape(-1, 4), atol=1e-3, err_msg=label["im_file"]
            )


def test_pycocotools_reads_boxes_masks_and_ignore_regions(dataset):
    from pycocotools.coco import COCO

    for part in ("train", "val", "test"):
        coco = COCO(dataset / "coco" / f"{part}.json")
        assert sorted(coco.getImgIds()) == numbers(dataset, part)
        assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == list(CLASSES)
        for image in coco.loadImgs(coco.getImgIds()):
            assert (dataset / "yolo/images" / part / image["file_name"]).is_file()
            annotations = coco.loadAnns(coco.getAnnIds(image["id"]))
            made = instances_of(image["id"])
            assert [annotation["iscrowd"] for annotation in annotations] == [0, 0, 1, 1][: len(made)]
            for annotation, item in zip(annotations, made, strict=True):
                left, top, width, height = annotation["bbox"]
                assert (left, top, left + width, top + height) == item.xyxy
                mask = coco.annToMask(annotation)
                np.testing.assert_array_equal(mask, ellipse(item.xyxy))
                assert annotation["area"] == mask.sum() == item.visible_pixels
                assert annotation["occlusion"] == item.occlusion
                assert annotation["truncation"] == item.truncation
                assert annotation["distance"] == item.distance


def read_kitti(text):
    """A label file by the columns of KITTI's own devkit (readme.txt)."""
    for line in text.splitlines():
        columns = line.split(" ")
        assert len(columns) == 15
        yield columns[0], float(columns[1]), int(columns[2]), [float(value) for value in columns[3:]]


def test_a_kitti_parser_reads_the_labels(dataset):
    for part in ("train", "val", "test"):
        for number in numbers(dataset, part):
            read = list(read_kitti((dataset / "kitti" / part / "label_2" / f"{number:07d}.txt").read_text()))
            made = instances_of(number)
            assert [kind for kind, *_ in read] == ["pallet_truck", "pallet", "DontCare", "DontCare"][: len(made)]
            for (kind, truncated, occluded, rest), item in zip(read, made, strict=True):
                assert rest[0] == -10
                assert tuple(rest[1:5]) == item.xyxy
                assert rest[5:] == [-1, -1, -1, -1000, -1000, -1000, -10]
                if kind == "DontCare":
                    assert (truncated, occluded) == (-1, -1)
                else:
                    assert truncated == pytest.approx(item.truncation, abs=0.005)
                    assert occluded == {0.0: 0, 0.3: 1}[item.occlusion]


def test_pictures_are_the_shards_own_bytes(dataset):
    from tests.convert.frames import picture_of

    for part in ("train", "val", "test"):
        for number in numbers(dataset, part):
            assert (dataset / "yolo/images" / part / f"{number:07d}.jpg").read_bytes() == picture_of(number)


def test_the_statistics_count_what_was_written_and_what_was_dropped(dataset):
    statistics = json.loads((dataset / "statistics.json").read_text())
    every = [*range(COUNT), *range(TEST_START, TEST_START + TEST_COUNT)]
    full = sum(bool(instances_of(frame)) for frame in every)
    assert sum(statistics["frames"].values()) == len(every)
    assert sum(statistics["frames_without_objects"].values()) == len(every) - full
    boxes = {name: sum(part[name] for part in statistics["boxes"].values()) for name in CLASSES}
    assert boxes == {"pallet_truck": full, "pallet": full, "forklift": 0, "stillage": 0, "small_load_carrier": 0}
    assert statistics["dropped"]["small"]["forklift"] == full
    assert statistics["dropped"]["hidden"]["stillage"] == full
    assert sum(map(sum, (why.values() for why in statistics["dropped"].values()))) == 2 * full
    for measure in ("box_height_pixels", "occlusion", "truncation", "distance_metres"):
        assert {name: sum(bins.values()) for name, bins in statistics[measure].items()} == boxes
    assert statistics["distance_metres"]["pallet_truck"]["2-4"] == full
    assert statistics["occlusion"]["pallet_truck"]["0.25-0.5"] == full
    assert statistics["truncation"]["pallet"]["0.25-0.5"] == full


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_frames_give_the_same_bytes_and_nothing_else_is_left(dataset, frames, tmp_path):
    convert(frames, tmp_path / "dataset", CLASSES, USUAL)
    assert digests(tmp_path / "dataset") == digests(dataset)
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
    assert not [path for path in dataset.rglob("*") if "partial" in path.name]


def test_more_frames_move_no_frame_to_another_part(dataset, tmp_path):
    grown = tmp_path / "dataset"
    convert(write_frames(tmp_path / "frames", COUNT + 16, TEST_COUNT + 2), grown, CLASSES, USUAL)
    for part in ("train", "val", "test"):
        assert set(numbers(dataset, part)) <= set(numbers(grown, part))
    before = {name: digest for name, digest in digests(dataset).items() if name.endswith((".txt", ".jpg"))}
    assert before.items() <= digests(grown).items()


def test_one_format_alone_and_an_earlier_result_replaced(frames, tmp_path):
    out = tmp_path / "dataset"
    out.mkdir()
    (out / "old").touch()
    convert(frames, out, CLASSES, Convert(formats=["coco"]))
    assert sorted(path.name for path in out.iterdir()) == ["coco", "statistics.json", "yolo"]
    assert [path.name for path in (out / "yolo").iterdir()] == ["images"]


class Names:
    """A format of one's own: the numbers of the frames."""

    def __init__(self, folder, classes):
        self.path, self.lines = folder / "names.txt", []

    def add(self, frame):
        self.lines.append(frame.stem)

    def close(self):
        self.path.write_text("\n".join(self.lines))


def test_a_format_of_ones_own(tmp_path, monkeypatch):
    from stages.convert.formats import registry

    monkeypatch.setattr(registry, "_FORMATS", dict(registry._FORMATS))
    register_format("names")(Names)
    built_in = {"basic_writer", "coco", "kitti", "yolo", "yolo_pose", "yolo_segment"}
    assert set(registered_formats()) == {*built_in, "names"}
    writer = open_writer("names", tmp_path, CLASSES)
    writer.close()
    assert (tmp_path / "names/names.txt").read_text() == ""
    with pytest.raises(SettingsError, match=r"'pascal', which is not registered; choose from basic_writer, coco"):
        open_writer("pascal", tmp_path, CLASSES)


def refused(frames, tmp_path, kind, sentence, classes=CLASSES, rules=USUAL):
    """The conversion ends with one sentence, and an earlier result is untouched."""
    out = tmp_path / "dataset"
    out.mkdir()
    (out / "earlier").write_text("result")
    with pytest.raises(kind, match=sentence) as error:
        convert(frames, out, classes, rules)
    assert "\n" not in str(error.value)
    assert (out / "earlier").read_text() == "result"
    assert [path.name for path in out.parent.iterdir() if "partial" in path.name] == []


def test_a_truncated_shard_is_named(tmp_path):
    frames = write_frames(tmp_path / "frames", 8, 0)
    shard = frames / "shards/train-00000.tar"
    shard.write_bytes(shard.read_bytes()[:5000])
    refused(frames, tmp_path, InputError, r"train-00000\.tar is damaged .*dvc repro sdg")


def test_a_class_that_the_settings_do_not_name(tmp_path):
    frames = write_frames(tmp_path / "frames", 8, 0)
    refused(frames, tmp_path, InputError, "frame 0 holds the class 'pallet_truck'.*scene.classes", classes=("pallet",))


def test_a_frame_without_a_whole_mask(tmp_path, monkeypatch):
    import tests.convert.frames as made

    monkeypatch.setattr(made, "encode_png", lambda masks: b"\x89PNG")
    frames = write_frames(tmp_path / "frames", 8, 0)
    refused(frames, tmp_path, InputError, "frame 0 has no whole picture and instance mask")


def test_too_few_frames_to_validate(tmp_path):
    frames = write_frames(tmp_path / "frames", 2, 1)
    refused(frames, tmp_path, SettingsError, "none of them falls to val; raise dataset.frames.count")


def test_missing_frames(tmp_path):
    refused(tmp_path / "absent", tmp_path, InputError, "manifest.json is missing; `dvc repro sdg`")


boxes = st.tuples(
    st.integers(0, WIDTH - 2), st.integers(0, HEIGHT - 2), st.integers(1, WIDTH), st.integers(1, HEIGHT)
).map(lambda box: (box[0], box[1], min(box[0] + box[2], WIDTH), min(box[1] + box[3], HEIGHT)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(box=boxes, occlusion=st.floats(0, 1), truncation=st.floats(0, 1))
def test_the_formats_agree_on_every_box(tmp_path_factory, box, occlusion, truncation):
    folder = tmp_path_factory.mktemp("one")
    made = (instance(1, box, occlusion=occlusion, truncation=truncation),)
    convert(write_frames(folder / "frames", 4, 0, instances=lambda _: made), folder / "out", CLASSES, USUAL)
    coco = json.loads((folder / "out/coco/train.json").read_text())["annotations"][0]
    assert coco["bbox"] == [box[0], box[1], box[2] - box[0], box[3] - box[1]]
    kitti = (folder / "out/kitti/train/label_2/0000000.txt").read_text().split()
    assert [float(value) for value in kitti[4:8]] == list(box)
    yolo = (folder / "out/yolo/labels/train/0000000.txt").read_text().split()
    assert bool(yolo) == (coco["iscrowd"] == 0) == (kitti[0] != "DontCare")
    if yolo:
        x, y, width, height = (float(value) for value in yolo[1:])
        corners = [
            (x - width / 2) * WIDTH,
            (y - height / 2) * HEIGHT,
            (x + width / 2) * WIDTH,
            (y + height / 2) * HEIGHT,
        ]
        assert corners == pytest.approx(box, abs=1e-3)


@pytest.fixture
def project(tmp_path, frames):
    """A folder in which the stage runs as a user runs it."""
    (tmp_path / "conf").symlink_to(REPOSITORY / "conf")
    write_params(tmp_path, SMALL)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/frames").symlink_to(frames)
    return tmp_path


def stage(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "stages.convert", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line(project):
    done = stage(project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("convert: frames 27 train, 5 val, 4 test; ")
    assert cv2.imread(str(project / "data/dataset/yolo/images/train/0000000.jpg")).shape == (HEIGHT, WIDTH, 3)
    failed = stage(project, "--frames", "nowhere")
    assert failed.returncode == InputError.exit_code
    assert failed.stderr.startswith("error: nowhere/manifest.json is missing")
    assert failed.stderr.count("\n") == 1
