"""Networks of a few bytes that answer the same boxes to every picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_constant_model(
    path: Path,
    names: Sequence[str],
    input_size: tuple[int, int],
    boxes: Sequence[tuple[float, float, float, float, float, int]],
    threshold: float | None = None,
) -> Path:
    """Write an ONNX model with Ultralytics' metadata and raw head (1, 4 + C, N), the same for every picture.

    Args:
        path: of the file.
        names: of the classes.
        input_size: (width, height) of its input.
        boxes: left, top, right, bottom in input pixels, score, class.
        threshold: written into the metadata unless None.
    """
    output = np.zeros((1, 4 + len(names), max(len(boxes), 1)), np.float32)
    for column, (left, top, right, bottom, score, number) in enumerate(boxes):
        output[0, :4, column] = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
        output[0, 4 + number, column] = score
    width, height = input_size
    # the mean of the picture times zero keeps the input in the graph
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["boxes", "nothing"], ["output0"]),
        ],
        "constant",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, list(output.shape))],
        [numpy_helper.from_array(output, "boxes"), numpy_helper.from_array(np.float32(0), "zero")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    properties = {"names": str(dict(enumerate(names))), "imgsz": str([height, width]), "task": "detect"}
    if threshold is not None:
        properties["threshold"] = str(threshold)
    helper.set_model_props(model, properties)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path
