"""A training job from the first file read to the exit status."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from stages.common.channel import LIST, unpack
from stages.common.errors import StageError, TrainingError
from stages.common.files import sha256_of
from stages.common.settings.learning import Compute
from stages.train.augment import augmentations
from stages.train.checkpoints import is_disk_full, load_state
from stages.train.container.figures import Figures, live_log
from stages.train.container.snapshots import restore_snapshot, save_snapshot
from stages.train.container.stopping import TERMINATED, Stopped, settle, stoppable
from stages.train.container.tree import Tree
from stages.train.contract import BEST, read_hyperparameters, write_result
from stages.train.data import YoloData, read_data
from stages.train.types import Epoch, Job, Trained
from stages.train.weights import Weights

BUG = 1
"""Exit status after an error that is no user's."""


def main(tree: Tree | None = None) -> int:
    """Run the job that the tree describes.

    Returns:
        0 with the model in ``/opt/ml/model``; 143 after SIGTERM; else a :class:`StageError`'s own status or 1, with the
        reason in ``/opt/ml/output/failure``.
    """
    tree = tree or Tree.here()
    try:
        with stoppable():
            train(tree)
    except Stopped:
        print("stopped by SIGTERM; a job with the same checkpoints goes on from the last finished epoch", flush=True)
        return TERMINATED
    except StageError as error:
        return _failed(tree, "; ".join(getattr(error, "sentences", [str(error)])), error.exit_code)
    except OSError as error:
        if not is_disk_full(error):
            return _bug(tree, error)
        sentence = f"the disk is full ({error.filename or 'no space left'}); give the job a larger volume"
        return _failed(tree, sentence, TrainingError.exit_code)
    except Exception as error:
        return _bug(tree, error)
    return 0


def train(tree: Tree) -> None:
    """Train, keep each epoch, and leave the result.

    Raises:
        StageError: with the reason why it cannot go on.
        Stopped: after SIGTERM, with the best weights so far in ``/opt/ml/model``.
    """
    from stages.train.local import train_here

    tree.check_hosts()
    sent = read_hyperparameters(tree.hyperparameters())
    compute = _with_gpu(sent.compute, tree.gpu_instance)
    data = read_data(_dataset(tree))
    work = tree.scratch / "train" / "job"
    tree.checkpoints.mkdir(parents=True, exist_ok=True)
    restored, notice = restore_snapshot(tree.checkpoints, work)
    if notice:
        notify(notice)
    figures = Figures(tree.checkpoints, live_log())

    def on_epoch(epoch: Epoch) -> None:
        if epoch.number > restored:
            save_snapshot(work, tree.checkpoints, epoch.number)
        figures.add(epoch)

    job = Job(
        *(data, sent.model, sent.train, compute, augmentations(sent.train.augment), _weights(tree), work),
        on_epoch=on_epoch,
        notify=notify,
    )
    try:
        trained = train_here(job)
    except Stopped:
        settle()
        _leave_best(tree, work, data)
        raise
    finally:
        figures.close()
    write_result(tree.model, trained, data.sha256)
    print(f"finished: best of {len(trained.epochs)} epochs is {trained.best_epoch}, on {trained.device}", flush=True)


def notify(text: str) -> None:
    """Say something that is no error."""
    print(f"notice: {text}", flush=True)


def _dataset(tree: Tree) -> Path:
    channel = tree.training()
    if not (channel / LIST).is_file():
        return channel  # a data set as it is
    print(f"unpacking channel '{channel.name}'", flush=True)
    return unpack(channel, tree.scratch / "dataset")


def _weights(tree: Tree) -> Weights:
    path = tree.weights()
    return Weights("file", path, sha256_of(path)) if path else Weights("scratch")


def _with_gpu(compute: Compute, instance: str) -> Compute:
    """On an instance with a GPU, training on the cores would cost money for nothing."""
    if not instance or compute.device == "cpu":
        return compute
    import torch

    if not torch.cuda.is_available():
        raise TrainingError(
            f"instance {instance} has a GPU, but torch sees none; use an image whose CUDA fits the driver, or set "
            "compute.device=cpu"
        )
    return compute.model_copy(update={"device": "cuda"})


def _leave_best(tree: Tree, work: Path, data: YoloData) -> None:
    """Keep the best weights of a stopped job, since SageMaker uploads the model of one that StopTrainingJob ended."""
    state, _ = load_state(work)
    if state is None or not (work / BEST).is_file():
        return
    from stages.train.trainer import epochs_of

    trained = Trained(work / BEST, tuple(epochs_of(state)), state.best_epoch, None, "")
    write_result(tree.model, trained, data.sha256, finished=False)


def _failed(tree: Tree, sentence: str, status: int) -> int:
    one_line = " ".join(sentence.split())
    print(f"error: {one_line}", file=sys.stderr, flush=True)
    tree.fail(one_line)
    return status


def _bug(tree: Tree, error: Exception) -> int:
    traceback.print_exception(error)
    tree.fail(f"{type(error).__name__}: {error}\n\n" + "".join(traceback.format_exception(error)[-3:]))
    return BUG
