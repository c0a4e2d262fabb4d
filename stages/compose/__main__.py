"""``python -m stages.compose``: write ``params.yaml``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from stages.common.cli import add_debug, run
from stages.common.pipeline import note_stage
from stages.compose.compose import project_folder, summary, write_params

DESCRIPTION = """\
Compose the groups in conf/ into params.yaml, checked.

reads   conf/config.yaml and the groups it names
writes  params.yaml, which all other stages read; nothing when a setting is wrong
takes   every setting, as overrides in Hydra's grammar:
          python -m stages.compose renderer=fake train.epochs=5
        They hold until the next dvc repro, which composes conf/ alone; use dvc exp run -S to keep them.
Under dvc exp run (DVC_EXP_NAME is set) params.yaml is DVC's and is only checked."""


def main(args: argparse.Namespace) -> str:
    """Compose and say what was composed."""
    folder, start = project_folder(Path.cwd()), int(time.time() * 1000)
    settings = write_params(folder, args.overrides, experiment=os.environ.get("DVC_EXP_NAME"))
    note_stage(folder, "compose", start)
    return summary(settings)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        "python -m stages.compose", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="what to change for this once")
    add_debug(parser)
    sys.exit(run(main, parser.parse_args()))
