import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.common.detection import Detector, decode_picture, iou_matrix, read_picture
from stages.common.detection.detector import decode_raw, letterbox_picture, suppress
from stages.common.errors import InputError
from tests.tiny_models import write_constant_model

NAMES = ("small_load_carrier", "forklift", "pallet", "stillage", "pallet_truck")
LOW = 0.02


def noisy_picture(width, height, seed=0):
    """Blocks of colour with noise: scores differ from place to place."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (height // 20 + 1, width // 20 + 1, 3))
    blocks = coarse.repeat(20, 0).repeat(20, 1)[:height, :width]
    return (blocks * 0.8 + rng.integers(0, 50, (height, width, 3))).astype(np.uint8)


def export_random(architecture, folder, size, nms):
    """A randomly initialised network with scores that vary over the picture, as torch and as ONNX."""
    import torch
    from ultralytics import YOLO

    torch.manual_seed(3)
    torch.set_num_threads(1)
    model = YOLO(f"{architecture}.yaml", task="detect")
    network = type(model.model)(f"{architecture}.yaml", nc=len(NAMES), verbose=False)
    network.names = dict(enumerate(NAMES))
    network.args = model.model.args
    head = network.model[-1]
    for branch in [*head.cv3, *getattr(head, "one2one_cv3", [])]:
        torch.nn.init.normal_(branch[-1].weight, std=0.03)
        torch.nn.init.constant_(branch[-1].bias, -3.0)
    for branch in [*head.cv2, *getattr(head, "one2one_cv2", [])]:
        torch.nn.init.normal_(branch[-1].weight, std=0.02)
    # one pass in training mode fits the batch norms, without which a random network answers the same everywhere
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    pictures = np.stack([noisy_picture(size, size, seed) for seed in range(4)])
    with torch.no_grad():
        network.train()(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255)
    network.eval()
    model.model = network
    torch.save({"model": network, "train_args": {}}, folder / f"{architecture}.pt")
    weights = YOLO(folder / f"{architecture}.pt")
    exported = weights.export(format="onnx", imgsz=size, simplify=False, nms=nms, verbose=False)
    return YOLO(folder / f"{architecture}.pt"), Detector(folder / exported.rsplit("/", 1)[-1], threads=1)


@pytest.fixture(
    scope="module",
    params=[("yolo11n", 160, None), ("yolo26n", 128, False)],
    ids=["raw head", "end-to-end head"],
)
def twins(request, tmp_path_factory):
    """The same network twice, in torch through Ultralytics and exported, and what its head is asked for."""
    architecture, size, nms = request.param
    return *export_random(architecture, tmp_path_factory.mktemp("twins"), size, nms), nms


@pytest.mark.parametrize("size", [(160, 160), (320, 240), (211, 397), (64, 48)], ids=str)
def test_the_detector_finds_what_ultralytics_finds_in_torch(twins, size):
    torch_model, detector, nms = twins
    picture = noisy_picture(*size)
    expected = torch_model.predict(
        picture, imgsz=detector.input_size[0], conf=LOW, rect=False, nms=nms, device="cpu", verbose=False
    )[0].boxes
    found = detector.detect(picture, LOW)
    assert len(found) > 10, "the random network must find something for this test to mean anything"
    assert len(found) == len(expected)
    # equal scores may swap places: pair each box with the nearest of its class
    for row in range(len(found)):
        same = (np.abs(expected.xyxy.numpy() - found.xyxy[row]).max(axis=1) < 1) & (
            expected.cls.numpy() == found.classes[row]
        )
        assert (np.abs(expected.conf.numpy()[same] - found.scores[row]) < 1e-3).any()


def test_names_size_and_end_to_end_come_from_the_file(twins):
    _, detector, nms = twins
    assert detector._end_to_end is (nms is False)
    assert detector.names == NAMES
    assert detector.input_size in ((160, 160), (128, 128))
    assert detector.threshold == 0.25, "Ultralytics' own export names no threshold: its default holds"


def test_a_constant_model_gives_its_boxes_in_the_pictures_pixels(tmp_path):
    # a 64x64 input holds a 128x64 picture at half size, 16 rows of border above
    write_constant_model(tmp_path / "m.onnx", ("a", "b"), (64, 64), [(10, 20, 30, 40, 0.9, 1)], threshold=0.4)
    detector = Detector(tmp_path / "m.onnx")
    found = detector.detect(np.zeros((64, 128, 3), np.uint8))
    np.testing.assert_allclose(found.xyxy, [[20, 8, 60, 48]], atol=1e-3)
    assert found.classes.tolist() == [1]
    assert detector.threshold == 0.4


def test_the_threshold_of_the_file_holds_and_an_argument_overrides_it(tmp_path):
    boxes = [(0, 0, 10, 10, 0.9, 0), (20, 20, 30, 30, 0.5, 0), (40, 40, 50, 50, 0.1, 0)]
    write_constant_model(tmp_path / "m.onnx", ("a",), (64, 64), boxes, threshold=0.6)
    detector = Detector(tmp_path / "m.onnx")
    picture = np.zeros((64, 64, 3), np.uint8)
    assert len(detector.detect(picture)) == 1
    assert len(detector.detect(picture, 0.05)) == 3
    assert len(detector.detect(picture, 0.05).above(0.3)) == 2


def test_suppression_is_by_class_and_above_the_overlap_only():
    # centre form: two nearly equal boxes, then the same place in another class, then a third of the overlap
    boxes = np.array([[50, 50, 20, 20], [51, 50, 20, 20], [50, 50, 20, 20], [60, 50, 20, 20]], np.float32)
    scores = np.array([[0.9, 0, 0], [0.8, 0, 0], [0, 0.7, 0], [0.6, 0, 0]], np.float32)
    found = decode_raw(np.concatenate([boxes, scores], axis=1).T, 0.5)
    assert found.scores.tolist() == pytest.approx([0.9, 0.7, 0.6])
    assert found.classes.tolist() == [0, 1, 0]


def test_suppression_keeps_no_two_boxes_that_overlap_more_than_allowed():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 100, (400, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 40, (400, 2))], axis=1).astype(np.float32)
    kept = suppress(boxes, iou=0.5)
    overlap = iou_matrix(boxes[kept], boxes[kept]) - np.eye(len(kept))
    assert overlap.max() <= 0.5 + 1e-6
    gone = np.setdiff1d(np.arange(400), kept)
    earlier = [(iou_matrix(boxes[[g]], boxes[kept[kept < g]]) > 0.5 - 1e-6).any() for g in gone]
    assert all(earlier), "a box goes only for a better one that it overlaps"
    assert len(suppress(boxes, iou=1.0, most=7)) == 7


@pytest.mark.parametrize("size", [(640, 480), (33, 100), (100, 33), (1, 3000), (64, 64)], ids=str)
def test_the_letterbox_is_that_of_ultralytics(size):
    from ultralytics.data.augment import LetterBox

    picture = noisy_picture(*size)
    boxed, _ = letterbox_picture(picture, (128, 96))
    np.testing.assert_array_equal(boxed, LetterBox((96, 128), auto=False)(image=picture))


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), float), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused(tmp_path, picture):
    write_constant_model(tmp_path / "m.onnx", ("a",), (64, 64), [])
    with pytest.raises(ValueError, match="uint8"):
        Detector(tmp_path / "m.onnx").detect(picture)


def with_metadata(path, **changes):
    """Change the metadata of a model file; None removes a key."""
    model = onnx.load(path)
    kept = {entry.key: entry.value for entry in model.metadata_props} | changes
    del model.metadata_props[:]
    helper.set_model_props(model, {key: value for key, value in kept.items() if value is not None})
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"names": None}, "no class names in its metadata"),
        ({"names": "<html>"}, "no class names in its metadata"),
        ({"names": "{0: 'a'}"}, "not a detector's for its 1 names"),
        ({"threshold": "high"}, "has the threshold 'high' in its metadata"),
        ({"threshold": "1.5"}, "has the threshold '1.5' in its metadata"),
    ],
)
def test_a_model_with_bad_metadata_is_refused_in_one_sentence(tmp_path, changes, sentence):
    path = tmp_path / "m.onnx"
    write_constant_model(path, ("a", "b"), (64, 64), [(0, 0, 9, 9, 0.9, 0)])
    with_metadata(path, **changes)
    with pytest.raises(InputError, match=sentence) as error:
        Detector(path)
    assert "\n" not in str(error.value)


def test_a_missing_model_and_another_file_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="does not exist; train one"):
        Detector(tmp_path / "absent.onnx")
    page = tmp_path / "page.onnx"
    page.write_text("<!doctype html><title>404</title>")
    with pytest.raises(InputError, match="is not an ONNX model") as error:
        Detector(page)
    assert "\n" not in str(error.value)


def test_a_model_of_another_kind_is_refused(tmp_path):
    weights = numpy_helper.from_array(np.zeros((1, 1000), np.float32), "scores")
    graph = helper.make_graph(
        [helper.make_node("Identity", ["scores"], ["out"])],
        "classifier",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 1000])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {"names": "{0: 'a'}"})
    onnx.save(model, tmp_path / "classifier.onnx")
    with pytest.raises(InputError, match="export a detection model"):
        Detector(tmp_path / "classifier.onnx")


def test_pictures_are_read_as_stored_and_bad_ones_named(tmp_path):
    import cv2

    tall = noisy_picture(20, 40)
    encoded = cv2.imencode(".jpg", tall)[1].tobytes()
    # an EXIF block that asks for a quarter turn
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = encoded[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + encoded[2:]
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape == (20, 40, 3)
    assert decode_picture(turned).shape == (40, 20, 3)
    (tmp_path / "turned.jpg").write_bytes(turned)
    assert read_picture(tmp_path / "turned.jpg").shape == (40, 20, 3)

    assert decode_picture(b"") is None
    (tmp_path / "page.jpg").write_text("<html>")
    with pytest.raises(InputError, match=r"page\.jpg' is not a picture"):
        read_picture(tmp_path / "page.jpg")
    with pytest.raises(InputError, match=r"absent\.jpg' cannot be read"):
        read_picture(tmp_path / "absent.jpg")
    shutil.rmtree(tmp_path)
