"""The command line of deploy and its subcommands."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stages.common.cli import add_debug
from stages.deploy.endpoint.commands import add_endpoint_commands

PORT = 8080
"""Where SageMaker looks for a container's server."""


def arguments(description: str | None) -> argparse.Namespace:
    """Parse the command line; the result's ``command`` is what to call with it."""
    parser = argparse.ArgumentParser(
        "python -m stages.deploy", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(command=_deploy)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="composed settings")
    parser.add_argument("--model", type=Path, metavar="FILE", help="ONNX file instead of what deploy.model says")
    parser.add_argument("--pictures", type=Path, default=Path("data/dataset/yolo/images/test"), help="to check with")
    parser.add_argument("--bundle", type=Path, default=Path("models/bundle"), help="folder to write")
    parser.add_argument("--receipt", type=Path, default=Path("reports/deploy.json"))
    add_debug(parser)
    commands = parser.add_subparsers(title="instead of deploying", metavar="COMMAND")
    _add_serve(commands)
    add_endpoint_commands(commands)
    return parser.parse_args()


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "serve a bundle until SIGTERM; reads no params.yaml"
    parser = commands.add_parser("serve", help=text, description=text)
    parser.set_defaults(command=_serve)
    environment = os.environ.get
    parser.add_argument(
        "--bundle",
        type=Path,
        default=Path(environment("DETECTOR_BUNDLE", "models/bundle")),
        help="folder made by python -m stages.deploy [$DETECTOR_BUNDLE, models/bundle]",
    )
    parser.add_argument("--host", default=environment("DETECTOR_HOST", "127.0.0.1"), help="[$DETECTOR_HOST, 127.0.0.1]")
    parser.add_argument(
        "--port",
        type=int,
        default=environment("DETECTOR_PORT", str(PORT)),
        help=f"0 takes a free one [$DETECTOR_PORT, {PORT}]",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=environment("DETECTOR_THREADS", "0"),
        help="inference threads; 0 means one per core [$DETECTOR_THREADS, 0]",
    )
    parser.add_argument(
        "--client-timeout",
        type=float,
        default=environment("DETECTOR_CLIENT_TIMEOUT", "20"),
        help="seconds that a client may take to send a request [$DETECTOR_CLIENT_TIMEOUT, 20]",
    )
    parser.add_argument("--follow", type=int, metavar="PID", help="end when this process, the parent, does")
    add_debug(parser)


def _deploy(args: argparse.Namespace) -> str:
    from stages.common.pipeline import stage_run
    from stages.common.settings import load
    from stages.deploy.choice import choose_model
    from stages.deploy.deploy import deploy

    settings = load(args.params)
    with stage_run("deploy", settings, Path.cwd(), join=True) as stage:
        choice = choose_model(settings, Path.cwd(), args.model)
        done = deploy(choice.path, args.pictures, args.bundle, args.receipt, settings, choice.version)
        stage.tags["model"] = choice.sentence
        return f"{done}; {choice.sentence}"


def _serve(args: argparse.Namespace) -> None:
    from stages.deploy.bundle import open_bundle
    from stages.deploy.server import serve

    serve(open_bundle(args.bundle), args.host, args.port, args.threads, args.client_timeout, args.follow)
