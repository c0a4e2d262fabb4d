"""Commands of sdg that read and write USD; none of them may import bpy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from stages.common.cli import add_debug


def add_usd_commands(commands: Any) -> None:
    """Add ``usd`` and ``semantics`` to the subcommands of ``python -m stages.sdg``."""
    _add_usd(commands.add_parser("usd", help="write a frame as one USD file, for usdview, Omniverse or Blender"))
    _add_semantics(
        commands.add_parser("semantics", help="labels of a USD file, and those that rules on its prims give")
    )


def _add_usd(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write the scene of one frame as a USD file, with labels, lights and camera; nothing is rendered."
    )
    parser.set_defaults(action=_usd)
    parser.add_argument("--frame", type=int, required=True, metavar="N", help="test frames start at 1000000")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=".usda, .usdc or .usdz (default: runs/frames/NUMBER.usda)"
    )
    parser.add_argument(
        "--references", action="store_true",
        help="refer to the files of other people's assets, which Omniverse opens, in place of stand-ins for them",
    )  # fmt: skip
    parser.add_argument("--params", type=Path, default=argparse.SUPPRESS, help="settings (default: params.yaml)")
    parser.add_argument(
        "-S", "--set", dest="changes", action="append", default=[], metavar="KEY=VALUE",
        help="take conf/ with this change in place of params.yaml; may be repeated",
    )  # fmt: skip
    add_debug(parser)


def _add_semantics(parser: argparse.ArgumentParser) -> None:
    parser.description = """\
Show the prims of a USD file and their labels. With --rules, label prims by patterns of their paths, say which matched
and which did not, and write a layer over the file that holds the labels; the file stays as it is."""
    parser.set_defaults(action=_semantics)
    parser.add_argument("source", type=Path, metavar="FILE", help="any USD file")
    parser.add_argument("--rules", type=Path, metavar="FILE", help="lines such as /World/**/PalletTruck*: pallet_truck")
    parser.add_argument(
        "--out", dest="layer", type=Path, metavar="FILE", help="the layer (default: NAME.labelled.usda beside it)"
    )
    parser.add_argument("--clear", action="store_true", help="take away all labels that the file has first")
    add_debug(parser)


def _usd(args: argparse.Namespace) -> str:
    from stages.common.errors import InputError
    from stages.common.settings import load
    from stages.sdg.assets.reference import USD
    from stages.sdg.plan.planner import plan_frame
    from stages.sdg.render.usd.check import problems
    from stages.sdg.render.usd.export import ASSET_ROOT, foreign, save_frame
    from stages.sdg.run.crew import resolved
    from stages.sdg.run.frame import describe_plan
    from stages.sdg.run.single import PLACE
    from stages.sdg.shards.writer import frame_name

    if args.frame < 0:
        raise InputError(f"{args.frame} is not a frame number: give 0 or more")
    settings = resolved(_changed(args.changes) if args.changes else load(args.params))
    plan = plan_frame(settings, args.frame)
    out = args.out or PLACE / f"{frame_name(args.frame)}.usda"
    root = settings.renderer.isaac.asset_root if settings.renderer.isaac else ""
    save_frame(plan, out, asset_root=(root or ASSET_ROOT) if args.references else None)
    urls = {str(item.parameters[USD]) for item in foreign(plan)}
    found = problems(out)
    if args.references:
        # addresses that only Omniverse can open are no fault; OpenUSD says them with one slash after the scheme
        said_as = {*urls, *(url.replace("://", ":/") for url in urls)}
        found = [text for text in found if not any(url in text for url in said_as)]
    said = f"; OpenUSD finds {len(found)} faults: {'; '.join(found[:3])}" if found else "; OpenUSD finds no fault"
    if urls and args.references:
        said += f"; {len(foreign(plan))} things are references to {len(urls)} files of others, which were not opened"
    elif urls:
        said += (
            f"; {len(foreign(plan))} things are stand-ins for {len(urls)} files of others: --references refers to those"
        )
    return f"{out}: {describe_plan(plan)}{said}"


def _changed(overrides: list[str]) -> Any:
    from stages.compose.compose import compose_settings, project_folder

    return compose_settings(overrides, project_folder(Path.cwd()) / "conf")


def _semantics(args: argparse.Namespace) -> str:
    from stages.common.errors import SettingsError
    from stages.sdg.semantics import describe, label_file, read_rules

    if args.rules is None and (args.clear or args.layer is not None):
        raise SettingsError("--clear and --out change nothing without rules: give --rules FILE, too")
    made = label_file(args.source, read_rules(args.rules) if args.rules else None, args.layer, clear=args.clear)
    print(made.tree, flush=True)
    if made.report is None:
        return f"{args.source}: give --rules FILE to label its prims"
    print(describe(made.report), flush=True)
    return f"{made.layer}: {len(made.report.labelled)} prims labelled over {args.source}, which is as it was"
