"""Make, compare, look at or remove what the project needs in an AWS account: infra/stack.yaml as a stack.

reads     infra/stack.yaml
writes    the stack named as aws.project; nothing here
settings  aws, infra, storage.bucket, storage.prefix

up        make the stack, or change it to what the template and the settings say; a second call changes nothing
diff      what up would do; changes nothing
status    the stack, its outputs and what is amiss
down      remove the stack; the bucket and the image registry stay with what they hold, and up takes them in again
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stages.common.cli import add_debug, run


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        "python -m stages.common.infra", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(metavar="up|diff|status|down", required=True)
    texts = {
        "up": "make the stack, or change it",
        "diff": "what up would do",
        "status": "the stack and its outputs",
        "down": "remove the stack",
    }
    for name, text in texts.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--params", type=Path, default=Path("params.yaml"), help="composed settings")
        command.add_argument("--template", type=Path, default=Path("infra/stack.yaml"), help=argparse.SUPPRESS)
        add_debug(command)
        command.set_defaults(command=name)
        if name == "up":
            text = "allow changes that make a resource anew or remove it, with what it holds"
            command.add_argument("--replace", action="store_true", help=text)
        if name == "down":
            text = "remove the bucket with all its versions and the registry with all its images, too"
            command.add_argument("--delete-data", action="store_true", help=text)
    return top


def main(args: argparse.Namespace) -> str:
    """Do what the command line says."""
    from stages.common.infra.commands import diff, down, status, up
    from stages.common.settings import load

    settings = load(args.params)
    match args.command:
        case "up":
            return up(settings, args.template, replace=args.replace)
        case "diff":
            return diff(settings, args.template)
        case "status":
            return status(settings)
        case _:
            return down(settings, delete_data=args.delete_data)


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(run(main, arguments))
