"""``python -m stages.sweep``: search settings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stages.common.cli import add_debug, run

DESCRIPTION = """\
Search settings, above all ranges of randomization, for the best model on real photographs or the most alike renders.

  python -m stages.sweep                          conf/sweep/appearance.yaml, which trains nothing
  python -m stages.sweep sweep=randomization sweep.trials=40 renderer.samples=4

reads   conf/, with KEY=VALUE for all trials; photographs; sweeps/NAME.db of earlier calls
writes  sweeps/NAME.db and sweeps/NAME/NUMBER in the main checkout, reports/sweep-NAME.csv; each trial to MLflow
takes   sweep, and every setting of the stages that a trial runs: sdg, convert, train, evaluate

A call that was cut off goes on where it stopped when it is repeated. Failed trials are kept with their reason."""


def main(args: argparse.Namespace) -> str:
    """Search and say what was found."""
    from stages.compose.compose import project_folder
    from stages.sweep.study import run_sweep

    folder = project_folder(Path.cwd())
    return run_sweep(args.overrides, folder, folder / "reports", _say).summary()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        "python -m stages.sweep", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings of the search and of every trial")
    add_debug(parser)
    sys.exit(run(main, parser.parse_args()))
