"""Look whether what a run needs is there, before it costs anything.

reads     the account, by calls that make and change nothing
settings  aws, storage, compute.sagemaker; with deploy=sagemaker endpoint, too
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stages.common.cli import add_debug, run
from stages.common.errors import ServiceError


def aws_command(args: argparse.Namespace) -> str:
    """Check the AWS account for jobs and endpoints; each line that is not well says what to do."""
    from stages.common.aws.endpoint_preflight import EndpointPreflight
    from stages.common.aws.preflight import Preflight
    from stages.common.settings import load

    settings = load(args.params)
    serving = settings.deploy.target == "sagemaker"
    training = not serving or settings.compute.target == "sagemaker"
    findings = []
    for finding in (
        EndpointPreflight(settings, training=training)
        if serving
        else Preflight(settings.aws, settings.storage, settings.compute.sagemaker)
    ):
        print(finding, flush=True)
        findings.append(finding)
    failed = sum(finding.verdict == "fail" for finding in findings)
    if failed:
        raise ServiceError(f"{failed} of {len(findings)} checks failed: mend them from the top, then run this again")
    what = " and ".join(["a training job can run"] * training + ["an endpoint can be deployed"] * serving)
    return f"doctor: {what}, {len(findings)} checks were made"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        "python -m stages.common.doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    part = top.add_subparsers(required=True, metavar="aws").add_parser("aws", help=aws_command.__doc__)
    part.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    add_debug(part)
    part.set_defaults(command=aws_command)
    return top


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(run(arguments.command, arguments))
