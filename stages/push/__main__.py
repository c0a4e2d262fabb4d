"""Send the versioned data to the DVC remote and write down what is there.

reads     dvc.lock and the DVC cache: data/frames, and the models when there are any; for jobs data/dataset/yolo
writes    the remote; data/push.json; .dvc/config.local, so that plain dvc pull, push and gc use the same remote;
          for a training job, compute.target=sagemaker, the channel that it reads
settings  aws, storage, compute.target, compute.sagemaker.shard_mb

verify sends nothing: it looks whether all that dvc.lock names is in the remote, in its full size.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from stages.common.cli import add_debug, run


def main(args: argparse.Namespace) -> str:
    """Push as ``params.yaml`` says."""
    from stages.common.pipeline import stage_run
    from stages.common.settings import load
    from stages.push.channel import push_channel_of
    from stages.push.push import push

    settings = load(args.params)
    channel = None
    remote = settings.compute.target == "sagemaker"
    emulated = settings.compute.target == "sagemaker-local" and (settings.aws.bucket or settings.storage.kind == "s3")
    if remote or emulated:
        channel = partial(
            push_channel_of, Path.cwd(), args.dataset, settings.aws, settings.storage, settings.compute.sagemaker
        )
    with stage_run("push", settings, Path.cwd(), join=True):
        return str(push(Path.cwd(), settings.storage, args.receipt, channel))


def verify(args: argparse.Namespace) -> str:
    """Look whether the remote is whole."""
    from stages.common.settings import load
    from stages.push.verify import verify as look

    return str(look(Path.cwd(), load(args.params).storage))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        "python -m stages.push", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="composed settings")
    parser.add_argument("--receipt", type=Path, default=Path("data/push.json"), help="where to write the receipt")
    parser.add_argument("--dataset", type=Path, default=Path("data/dataset/yolo"), help="YOLO tree for the channel")
    add_debug(parser)
    parser.set_defaults(command=main)
    only = parser.add_subparsers(title="instead of sending", metavar="verify").add_parser(
        "verify", help="look whether the remote is whole", description="look whether the remote is whole"
    )
    only.add_argument("--params", type=Path, default=Path("params.yaml"), help="composed settings")
    add_debug(only)
    only.set_defaults(command=verify)
    arguments = parser.parse_args()
    sys.exit(run(arguments.command, arguments))
