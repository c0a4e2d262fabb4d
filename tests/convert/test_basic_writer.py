"""The layout of Replicator's BasicWriter, read as its users read it: numpy, JSON and PIL."""

import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from stages.common.settings.pictures import Convert
from stages.convert.formats.basic_writer import camera_params, colour_of
from stages.convert.parts import part_of
from stages.convert.run import convert
from stages.sdg.label.space import CORNERS, boxes_3d
from tests.convert.spatial import CLASSES, SIZE, plan_of, view_of, write_frames
from tests.sdg.label.test_space import opencv

RULES = Convert(formats=["yolo", "basic_writer"])
WIDTH, HEIGHT = SIZE


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicator")
    convert(write_frames(folder / "frames"), folder / "out", CLASSES, RULES)
    return folder / "out/basic_writer"


def every(dataset):
    """Folder, number there, and frame of all that was written."""
    for part, frames in json.loads((dataset / "frames.json").read_text()).items():
        for number, frame in enumerate(frames):
            assert part_of(frame, RULES.val_share) == part
            yield dataset / part, f"{number:04d}", frame


def test_the_files_of_a_frame(dataset):
    names = {re.sub(r"_0000\.", ".", path.name) for path in (dataset / "train").glob("*_0000.*")}
    boxes = {
        f"bounding_box_{kind}{what}"
        for kind in ("2d_tight", "2d_loose", "3d")
        for what in (".npy", "_labels.json", "_prim_paths.json")
    }
    assert names == boxes | {
        "rgb.png", "semantic_segmentation.png", "semantic_segmentation_labels.json", "instance_segmentation.png",
        "instance_segmentation_mapping.json", "instance_segmentation_semantics_mapping.json",
        "distance_to_image_plane.npy", "normals.png", "camera_params.json",
    }  # fmt: skip


def test_boxes_are_inclusive_pixels_and_agree_with_the_segmentation(dataset):
    seen = 0
    for folder, number, frame in every(dataset):
        boxes = np.load(folder / f"bounding_box_2d_tight_{number}.npy")
        assert boxes.dtype.names == ("semanticId", "x_min", "y_min", "x_max", "y_max", "occlusionRatio")
        assert [boxes.dtype[name].str for name in boxes.dtype.names] == ["<u4", "<i4", "<i4", "<i4", "<i4", "<f4"]
        labels = json.loads((folder / f"bounding_box_2d_tight_labels_{number}.json").read_text())
        paths = json.loads((folder / f"bounding_box_2d_tight_prim_paths_{number}.json").read_text())
        picture = np.array(Image.open(folder / f"instance_segmentation_{number}.png"))
        prims = json.loads((folder / f"instance_segmentation_mapping_{number}.json").read_text())
        meanings = json.loads((folder / f"instance_segmentation_semantics_mapping_{number}.json").read_text())
        loose = np.load(folder / f"bounding_box_2d_loose_{number}.npy")
        instances = view_of(frame).label.instances
        assert len(boxes) == len(paths) == len(loose) == len(instances)
        for box, around, path, item in zip(boxes, loose, paths, instances, strict=True):
            (colour,) = (key for key, value in prims.items() if value == path)
            mask = (picture == json.loads(colour.replace("(", "[").replace(")", "]"))).all(-1)
            rows, columns = np.nonzero(mask)
            found = (columns.min(), rows.min(), columns.max(), rows.max())
            assert tuple(box[name] for name in ("x_min", "y_min", "x_max", "y_max")) == found
            assert labels[str(box["semanticId"])]["class"] == meanings[colour]["class"] == item.class_name
            assert box["occlusionRatio"] == pytest.approx(item.occlusion)
            assert around["x_min"] <= box["x_min"] <= box["x_max"] <= around["x_max"] < WIDTH
            assert around["y_min"] <= box["y_min"] <= box["y_max"] <= around["y_max"] < HEIGHT
            seen += 1
    assert seen > 8


def test_every_colour_of_a_segmentation_has_a_name(dataset):
    for folder, number, frame in every(dataset):
        for kind, mapping in (
            ("semantic_segmentation", "semantic_segmentation_labels"),
            ("instance_segmentation", "instance_segmentation_mapping"),
        ):
            picture = np.array(Image.open(folder / f"{kind}_{number}.png"))
            assert picture.shape == (HEIGHT, WIDTH, 4)
            names = json.loads((folder / f"{mapping}_{number}.json").read_text())
            assert {str(tuple(colour)) for colour in np.unique(picture.reshape(-1, 4), axis=0).tolist()} <= set(names)
            nothing = (picture == 0).all(-1)
            np.testing.assert_array_equal(nothing, view_of(frame).passes.instance == 0)
        assert {str((0, 0, 0, 0)), str((0, 0, 0, 255))} <= set(names)


def test_colours_differ():
    colours = {colour_of(number) for number in range(1, 65536)}
    assert len(colours) == 65535
    assert all(any(colour[:3]) and colour[3] == 255 for colour in colours)


def test_pictures_and_depth(dataset):
    for folder, number, frame in every(dataset):
        view = view_of(frame)
        rgb = np.array(Image.open(folder / f"rgb_{number}.png"))
        assert rgb.shape == (HEIGHT, WIDTH, 4)
        assert (rgb[..., 3] == 255).all()
        jpeg = cv2.imread(str(folder.parents[1] / "yolo/images" / folder.name / f"{frame:07d}.jpg"))
        np.testing.assert_array_equal(rgb[..., 2::-1], jpeg)
        depth = np.load(folder / f"distance_to_image_plane_{number}.npy")
        assert depth.dtype == np.float32
        np.testing.assert_array_equal(np.isinf(depth), np.isinf(view.passes.depth))
        near = view.passes.depth < 65
        np.testing.assert_allclose(depth[near], view.passes.depth[near], atol=6e-4)
        normals = np.array(Image.open(folder / f"normals_{number}.png"))[..., :3] / 255 * 2 - 1
        np.testing.assert_allclose(normals[near], view.passes.normals[near], atol=0.005)


def test_row_vectors_through_the_matrices_reach_opencv_s_pixels(dataset):
    for folder, number, frame in every(dataset):
        view = view_of(frame)
        camera = view.plan.camera
        params = json.loads((folder / f"camera_params_{number}.json").read_text())
        view_matrix = np.array(params["cameraViewTransform"]).reshape(4, 4)
        projection = np.array(params["cameraProjection"]).reshape(4, 4)
        boxes = np.load(folder / f"bounding_box_3d_{number}.npy")
        assert boxes.dtype["transform"].shape == (4, 4)
        for box, ours in zip(boxes, boxes_3d(view.plan, view.label), strict=True):
            low, high = (np.array([box[f"{axis}_{end}"] for axis in "xyz"]) for end in ("min", "max"))
            local = low + (CORNERS + 0.5) * (high - low)
            world = np.concatenate([local, np.ones((8, 1))], 1) @ box["transform"]
            clip = world @ view_matrix @ projection
            ndc = clip[:, :3] / clip[:, 3:]
            assert (ndc[:, 2] > 0).all()
            assert (ndc[:, 2] < 1).all()
            pixels = (ndc[:, :2] * (0.5, -0.5) + 0.5) * params["renderProductResolution"]
            np.testing.assert_allclose(pixels, opencv(camera, world[:, :3].astype(float)), atol=1e-2)
            np.testing.assert_allclose(pixels, np.array(ours.corners, float), atol=1e-2)
        # a pixel's width in the aperture is that of the focal length
        across = params["cameraFocalLength"] / params["cameraAperture"][0] * WIDTH
        down = params["cameraFocalLength"] / params["cameraAperture"][1] * HEIGHT
        assert (across, down) == pytest.approx((camera.focal, camera.focal))


def test_depth_is_reversed_between_the_planes():
    params = camera_params(plan_of(1).camera)
    near, far = params["cameraNearFar"]
    projection = np.array(params["cameraProjection"]).reshape(4, 4)
    for depth, value in ((near, 1.0), (far, 0.0)):
        clip = np.array([0, 0, -depth, 1.0]) @ projection
        assert clip[2] / clip[3] == pytest.approx(value)


def test_frames_without_the_annotators_have_no_such_files(tmp_path):
    convert(write_frames(tmp_path / "frames", annotators=()), tmp_path / "out", CLASSES, RULES)
    names = {path.name for path in (tmp_path / "out/basic_writer/train").glob("*_0000.*")}
    assert "bounding_box_2d_tight_0000.npy" in names
    assert not any(name.startswith(("distance", "normals", "camera", "bounding_box_3d")) for name in names)


def test_a_frame_without_objects_has_all_its_files(tmp_path, monkeypatch):
    from tests.convert import spatial

    def empty(number):
        view = view_of(number)
        return replace(view, label=replace(view.label, instances=()))

    monkeypatch.setattr(spatial, "view_of", empty)
    convert(write_frames(tmp_path / "frames"), tmp_path / "out", CLASSES, RULES)
    folder = tmp_path / "out/basic_writer/train"
    for name in ("bounding_box_2d_tight", "bounding_box_2d_loose", "bounding_box_3d"):
        assert np.load(folder / f"{name}_0000.npy").shape == (0,)
        assert json.loads((folder / f"{name}_labels_0000.json").read_text()) == {}
        assert json.loads((folder / f"{name}_prim_paths_0000.json").read_text()) == []
    assert (folder / "camera_params_0000.json").is_file()
