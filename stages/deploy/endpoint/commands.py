"""The subcommands of deploy that look after an endpoint in SageMaker."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from stages.common.cli import add_debug

PICTURES = Path("data/dataset/yolo/images/test")


def add_endpoint_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``status``, ``rollback``, ``teardown`` and ``cost``."""
    status = _command(commands, "status", "show the endpoint of deploy=sagemaker: model, instances, alarms, history")
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(command=_status)

    rollback = _command(commands, "rollback", "let the endpoint serve an earlier configuration again")
    rollback.add_argument("--to", default="", metavar="NAME", help="configuration; otherwise the last other good one")
    rollback.add_argument("--pictures", type=Path, default=PICTURES, help="to check with")
    rollback.set_defaults(command=_rollback)

    teardown = _command(commands, "teardown", "remove the endpoint and all that belongs to it")
    teardown.add_argument("--data", action="store_true", help="captured data and the history, too")
    teardown.set_defaults(command=_teardown)

    cost = _command(commands, "cost", "estimate what the endpoint costs")
    cost.add_argument("--billed", action="store_true", help="ask AWS Cost Explorer, too (0.01 US dollars)")
    cost.set_defaults(command=_cost)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="composed settings")
    add_debug(parser)
    return parser


def _status(args: argparse.Namespace) -> str:
    from stages.common.settings import load
    from stages.deploy.endpoint.status import in_words, look

    found = look(load(args.params))
    return json.dumps(found, indent=1) if args.json else in_words(found)


def _rollback(args: argparse.Namespace) -> str:
    from stages.common.settings import load
    from stages.deploy.endpoint.rollback import roll_back

    return roll_back(load(args.params), args.pictures, args.to)


def _teardown(args: argparse.Namespace) -> str:
    from stages.common.settings import load
    from stages.deploy.endpoint.teardown import take_down

    return take_down(load(args.params), args.data)


def _cost(args: argparse.Namespace) -> str:
    from stages.common.settings import load
    from stages.deploy.endpoint.cost import cost

    return cost(load(args.params), args.billed)
