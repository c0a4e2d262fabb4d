"""The command line of ``python -m stages.sdg cloud``."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import Any

from stages.common.cli import add_debug

DESCRIPTION = """\
Render on a machine in the cloud that is started for it and ends by itself: EC2 through boto3, no open port, a spend
limit, a deadline. Settings: host, aws, and all that a stage takes."""


def add_cloud(parser: argparse.ArgumentParser) -> None:
    """Add ``up``, ``run``, ``down`` and ``status``."""
    parser.description = DESCRIPTION
    commands = parser.add_subparsers(title="commands", metavar="", required=True)
    _add(commands, "up", _up, "start a machine and leave it waiting for work")
    running = _add(commands, "run", _run, "render there, bring the frames here, end the machine")
    running.add_argument("--keep", action="store_true", help="leave the machine waiting for more work")
    running.add_argument("--to", type=Path, default=Path("data/frames"), metavar="DIR", help="default: %(default)s")
    ending = _add(commands, "down", _down, "end a machine and remove all that it had")
    ending.add_argument("--all", action="store_true", help="all machines of aws.project")
    _add(commands, "status", _status, "list the machines, what they do and cost")


def _add(commands: Any, name: str, action: Any, told: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=told, description=told)
    parser.set_defaults(action=action)
    if name != "status":
        parser.add_argument("--name", default="default", help="of the machine (default: %(default)s)")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings to change, as host=cpu")
    add_debug(parser)
    return parser


def _settings(args: argparse.Namespace) -> tuple[Any, Path]:
    from stages.compose.compose import compose_settings, project_folder

    folder = project_folder(Path.cwd())
    return compose_settings(args.overrides, folder / "conf"), folder


def _end_as_after_ctrl_c() -> None:
    """Let SIGTERM and the end of the terminal unwind as Ctrl-C does, so that the machine goes with this program."""

    def stop(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _up(args: argparse.Namespace) -> str:
    from stages.sdg.cloud.run import up
    from stages.sdg.cloud.source import pack_source

    _end_as_after_ctrl_c()
    settings, folder = _settings(args)
    made = up(settings, args.name, pack_source(folder))
    return f"host '{args.name}' is {made.id}; look inside with aws ssm start-session --target {made.id}"


def _run(args: argparse.Namespace) -> str:
    import yaml

    from stages.sdg.cloud.run import run
    from stages.sdg.cloud.source import pack_source

    _end_as_after_ctrl_c()
    settings, folder = _settings(args)
    params = yaml.safe_dump(settings.model_dump(mode="json", by_alias=True), sort_keys=False)
    return run(settings, params, args.to, pack_source(folder), args.name, keep=args.keep)


def _down(args: argparse.Namespace) -> str:
    from stages.sdg.cloud.run import down

    return down(_settings(args)[0], None if args.all else args.name)


def _status(args: argparse.Namespace) -> str:
    from stages.sdg.cloud.run import status

    return status(_settings(args)[0])
