"""The subcommands of deploy that look after an endpoint in SageMaker."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from stages.common.cli import add_debug

PICTURES = Path("data/dataset/yolo/images/test")


def add_endpoint_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``status``, ``rollback``, ``teardown``, ``drift``, ``batch`` and ``cost``."""
    status = _command(commands, "status", "show the endpoint of deploy=sagemaker: model, instances, alarms, history")
    status.add_argument("--json", action="store_true", help="as JSON")
    status.add_argument(
        "--check", action="store_true", help="end with exit status 11 unless it is in service and no alarm is set off"
    )
    status.add_argument("--minutes", type=float, default=0, help="for --check: to go on looking [0]")
    status.set_defaults(command=_status)

    rollback = _command(commands, "rollback", "let the endpoint serve an earlier configuration again")
    rollback.add_argument("--to", default="", metavar="NAME", help="configuration; otherwise the last other good one")
    rollback.add_argument("--pictures", type=Path, default=PICTURES, help="to check with")
    rollback.set_defaults(command=_rollback)

    teardown = _command(commands, "teardown", "remove the endpoint and all that belongs to it")
    teardown.add_argument("--data", action="store_true", help="captured data and the history, too")
    teardown.set_defaults(command=_teardown)

    drift = _command(commands, "drift", "compare what the endpoint sees and answers with what the model was made for")
    drift.add_argument("--hours", type=float, default=24, help="to look back [24]")
    drift.add_argument("--captures", type=Path, metavar="DIR", help="captured files here, instead of the endpoint's")
    drift.add_argument("--bundle", type=Path, default=Path("models/bundle"), help="for --captures: what answered")
    drift.add_argument("--out", type=Path, default=Path("reports/drift.json"), help="and a page beside it")
    drift.add_argument("--strict", action="store_true", help="a drift above endpoint.alarms.drift is an error")
    drift.set_defaults(command=_drift)

    batch = _command(commands, "batch", "detect in all pictures of a folder in S3, by batch transform")
    batch.add_argument("source", metavar="s3://BUCKET/FOLDER/")
    batch.add_argument("--output", default="", metavar="s3://...", help="folder for answers; otherwise in aws.bucket")
    batch.add_argument("--instances", type=int, default=1, help="machines of endpoint.instance [1]")
    batch.add_argument("--bundle", type=Path, default=Path("models/bundle"), help="used where there is no endpoint")
    batch.add_argument("--out", type=Path, default=Path("reports/batch.json"), help="all answers in one file")
    batch.set_defaults(command=_batch)

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
    from stages.deploy.endpoint.status import check, in_words, look

    settings = load(args.params)
    found = check(settings, args.minutes) if args.check else look(settings)
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


def _drift(args: argparse.Namespace) -> str:
    from stages.common.settings import load
    from stages.deploy.drift.report import drift_of_endpoint, drift_of_folder

    settings = load(args.params)
    if args.captures:
        return drift_of_folder(args.captures, args.bundle, args.out, settings.endpoint.alarms.drift, args.strict)
    return drift_of_endpoint(settings, args.hours, args.out, args.strict)


def _batch(args: argparse.Namespace) -> str:
    from stages.common.settings import load
    from stages.deploy.endpoint.batch import transform

    return transform(load(args.params), args.source, args.output, args.instances, args.bundle, args.out)
