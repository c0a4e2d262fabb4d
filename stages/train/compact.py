"""ONNX models of half the size: weights stored in half precision, computed with in single precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

LEAST_NUMBERS = 256
"""Smaller tensors (biases, shapes) stay as they are: they weigh nothing and may need their digits."""


def halve_weights(model: onnx.ModelProto) -> int:
    """Store large weights as float16, each followed by a cast to float32, which runtimes fold when they load the model.

    Speed and memory are those of the full model; weights are rounded to eleven significant bits.

    Args:
        model: changed in place.

    Returns:
        How many tensors were rounded.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph, casts = model.graph, []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < LEAST_NUMBERS:
            continue
        stored = f"{tensor.name}_half"
        rounded = numpy_helper.to_array(tensor).astype(np.float16)
        casts.append(
            helper.make_node("Cast", [stored], [tensor.name], name=f"{tensor.name}_cast", to=TensorProto.FLOAT)
        )
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(rounded, stored))
    nodes = [*casts, *graph.node]  # a graph's nodes are in the order of their computation
    del graph.node[:]
    graph.node.extend(nodes)
    return len(casts)
