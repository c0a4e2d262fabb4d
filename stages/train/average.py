"""One detector from several: the mean of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.common.errors import InputError
from stages.train.export import load_network
from stages.train.library import ultralytics
from stages.train.trainer import save_weights


def average_weights(weights: Sequence[Path], out: Path, cache: Path) -> None:
    """Write the mean of checkpoints that were trained on from the same weights.

    Such checkpoints lie in one basin of the loss, where the mean is as good as the best of them and holds up better on
    pictures of another domain (Wortsman et al., Model soups, ICML 2022, uniform soup, section 2). Networks that were
    trained from different random weights have no such mean.

    Args:
        weights: two or more .pt files of one architecture with the same classes.
        out: .pt file to write; it has the input size of the first.
        cache: folder for Ultralytics' files.

    Raises:
        InputError: when there are fewer than two, one is no such file, or they differ in architecture or classes.
    """
    if len(weights) < 2:
        raise InputError("a mean needs two or more .pt files; name another")
    with ultralytics(cache):
        networks = [load_network(path) for path in weights]
    first = networks[0]
    states = [network.state_dict() for network in networks]
    shapes = [{key: tuple(value.shape) for key, value in state.items()} for state in states]
    for path, network, shape in zip(weights[1:], networks[1:], shapes[1:], strict=True):
        if shape != shapes[0] or network.names != first.names:
            raise InputError(
                f"'{path}' has another architecture or other classes than '{weights[0]}'; give files that were trained "
                "on from the same weights"
            )
    mean = {}
    for key, value in states[0].items():
        every = [state[key] for state in states]
        mean[key] = sum(every[1:], every[0]) / len(every) if value.is_floating_point() else value
    first.load_state_dict(mean)
    save_weights(out, first, int(getattr(first, "args", {}).get("imgsz", 640)))
