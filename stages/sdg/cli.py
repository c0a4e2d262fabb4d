"""The command line of sdg: the stage itself, one frame again, a preview, and what is registered."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stages.common.cli import add_debug, run
from stages.sdg.cloud.commands import add_cloud
from stages.sdg.reconstruct.commands import add_reconstruct
from stages.sdg.usd_commands import add_usd_commands

if TYPE_CHECKING:
    from stages.common.settings import Settings

DESCRIPTION = """\
Render labelled frames into shards.

reads   params.yaml, and the frames that are already there
writes  data/frames: shards/*.tar, manifest.json, plan.jsonl, inputs/, contact-sheet.jpg
takes   seed, scene, randomization, presets, targets, renderer, dataset.frames

Frames that are there and still belong are kept to the byte; a run that was stopped goes on where it was."""

ONE_FRAME = """\
python -m stages.sdg --frame 12
  renders frame 12 again, bit for bit, into runs/frames/0000012, with its plan and its labels drawn
python -m stages.sdg --frame 12 -S renderer=fake -S randomization=heavy
  the same with the settings in conf/, changed, in place of params.yaml"""

RENDERED, STORED = 12, 48
"""Frames in a preview when nothing is said: rendered ones, and ones that are there."""

SUFFIXES = (".html", ".htm", ".jpg", ".jpeg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.frame is None and (args.save_blend or args.out or args.changes):
        parser.error("--save-blend, --out and -S go with --frame N")
    if args.action is _preview:
        if args.sheet.suffix.lower() not in SUFFIXES:
            parser.error(f"'{args.sheet}' is neither a page nor a picture: end --out in .html or .jpg")
        if args.frames and (args.overrides or args.renderer):
            parser.error("--frames shows what is there: leave --renderer and KEY=VALUE out")
    return run(args.action, args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m stages.sdg",
        description=DESCRIPTION,
        epilog=ONE_FRAME,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(action=_stage)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="settings (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("data/frames"), help="frames (default: %(default)s)")
    parser.add_argument(
        "--frame", type=_frame_number, metavar="N", help="render this frame alone; test frames start at 1000000"
    )
    parser.add_argument("--save-blend", type=Path, metavar="PATH", help="with --frame: write its scene there too")
    parser.add_argument("--out", type=Path, metavar="DIR", help="with --frame: where it goes")
    parser.add_argument(
        "-S", "--set", dest="changes", action="append", default=[], metavar="KEY=VALUE",
        help="with --frame: take conf/ with this change in place of params.yaml; may be repeated",
    )  # fmt: skip
    add_debug(parser)
    commands = parser.add_subparsers(title="commands", metavar="")
    _add_preview(commands.add_parser("preview", help="a page to look through some frames, in seconds and without DVC"))
    _add_assets(commands.add_parser("assets", help="check your own objects before anything is rendered"))
    add_reconstruct(commands.add_parser("reconstruct", help="an own object from one photograph, or from a scan of it"))
    _add_targets(commands.add_parser("targets", help="asked against got, from plans alone, without DVC"))
    add_usd_commands(commands)
    _add_check(commands.add_parser("check", help="whether a renderer agrees with the Blender backend"))
    add_cloud(commands.add_parser("cloud", help="render on a machine on EC2 that ends by itself"))
    listing = commands.add_parser("list", help="print registered scenarios, assets, renderers, annotators and formats")
    listing.description = """\
Print what settings may name. What your own files register, those of custom.files, is among it."""
    listing.set_defaults(action=_list)
    listing.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings to change, as custom=example")
    add_debug(listing)
    return parser


def _add_preview(parser: argparse.ArgumentParser) -> None:
    parser.description = """\
Render some frames of the settings in conf/, or take those of a folder, and show them on one HTML page with their
labels, plans and statistics, or on a contact sheet."""
    parser.set_defaults(action=_preview)
    parser.add_argument(
        "-n", type=_count, metavar="N", help=f"how many frames (default: {RENDERED}, of a folder {STORED})"
    )
    parser.add_argument("--renderer", metavar="NAME", help="a group of conf/renderer (default: fake, which is fast)")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="show frames that are there, such as data/frames")
    parser.add_argument(
        "--out", dest="sheet", type=Path, default=Path("runs/preview.html"), metavar="FILE",
        help="the page, or a contact sheet when it ends in .jpg (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings to change, as randomization=heavy")
    add_debug(parser)


def _add_assets(parser: argparse.ArgumentParser) -> None:
    parser.description = "Your own objects: the entries of assets in the settings."
    check = parser.add_subparsers(title="commands", metavar="", required=True).add_parser(
        "check", help="print and picture what was read, and say what is missing"
    )
    check.set_defaults(action=_check_assets)
    check.add_argument("source", nargs="?", metavar="PATH", help="a file, folder or s3:// URI (default: all entries)")
    tried = check.add_argument_group("keys of an entry, to try with PATH; they win over those of its entry")
    tried.add_argument("--class", dest="class_name", metavar="CLASS")
    tried.add_argument("--rule", dest="rules", action="append", metavar="'PRIMS: CLASS'", help="may be repeated")
    tried.add_argument("--unit", choices=["m", "cm", "mm", "in", "ft"])
    tried.add_argument("--size", metavar="SIDE=METRES", help="as height=1.2; also length and width")
    tried.add_argument("--up", choices=["x", "y", "z"])
    tried.add_argument("--front", choices=["x", "-x", "y", "-y"], help="written --front=-x")
    check.add_argument(
        "--out", dest="sheet", type=Path, default=Path("runs/assets.jpg"), metavar="FILE", help="default: %(default)s"
    )
    add_debug(check)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.description = """\
Render three known plans with a renderer and with the Blender backend, compare boxes and masks, and say what differs and
why that may be. The exit status is 4 where they differ."""
    parser.set_defaults(action=_check)
    parser.add_argument("--renderer", default="isaac", metavar="NAME", help="to check (default: %(default)s)")
    parser.add_argument("--reference", default="blender", metavar="NAME", help="to compare with (default: %(default)s)")
    parser.add_argument(
        "--out", dest="place", type=Path, default=Path("runs/check"), metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="settings, as renderer.isaac.run.accept_eula=true"
    )
    add_debug(parser)


def _check(args: argparse.Namespace) -> str:
    from stages.common.errors import RenderError
    from stages.compose.compose import project_folder
    from stages.sdg.check.run import check

    conf = project_folder(Path.cwd()) / "conf"
    found, text = check(args.renderer, args.reference, args.overrides, conf, args.place)
    if not found.is_good:
        print(text, flush=True)
        raise RenderError(
            f"{args.renderer} and {args.reference} differ by more than two renderers should: see above, and the "
            f"pictures in {args.place}"
        )
    return text


def _check_assets(args: argparse.Namespace) -> str:
    from stages.common.errors import InputError
    from stages.compose.compose import compose_settings, project_folder
    from stages.sdg.assets.imports.check import check_assets, report
    from stages.sdg.assets.imports.options import tried
    from stages.sdg.picture import draw_turntable

    settings = compose_settings([], project_folder(Path.cwd()) / "conf")
    findings = check_assets(settings, args.source, **tried(args))
    print(report(findings), flush=True)
    drawn = [found.prepared for found in findings if found.prepared is not None]
    if drawn:
        draw_turntable(drawn, args.sheet, settings.scene.classes)
    useless = [found for found in findings if found.useless]
    if useless:
        raise InputError(
            f"{len(useless)} of {len(findings)} own objects cannot be used as they are: see above, mend "
            f"{', '.join(found.name for found in useless)} and check again"
        )
    return f"{args.sheet}: {len(findings)} own objects from four sides, their labels drawn in"


def _add_targets(parser: argparse.ArgumentParser) -> None:
    parser.description = "Plan frames of the settings in conf/; print what targets and presets ask, and what they get."
    parser.set_defaults(action=_targets)
    parser.add_argument("-n", type=_many, default=500, metavar="N", help="how many frames (default: %(default)s)")
    parser.add_argument("--strict", action="store_true", help="a share that is missed is an error, exit status 1")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings to change, as targets=loco_like")
    add_debug(parser)


def _targets(args: argparse.Namespace) -> str:
    from stages.common.errors import StageError
    from stages.compose.compose import compose_settings, project_folder
    from stages.sdg.plan.ask import check_asked
    from stages.sdg.plan.own import own_objects
    from stages.sdg.plan.planner import plan_frame
    from stages.sdg.targets import from_plan, missed, rows, table, wanted_labels

    settings = compose_settings(list(args.overrides), project_folder(Path.cwd()) / "conf")
    check_asked(settings)
    labels, own = wanted_labels(settings), own_objects(settings)
    planned = rows(settings, (from_plan(plan_frame(settings, number), labels, own) for number in range(args.n)))
    if not planned:
        return "nothing is asked: choose targets=loco_like or presets=corner_cases"
    lost = missed(planned)
    if lost and args.strict:
        print(table(planned), flush=True)
        raise StageError(lost)
    return f"{table(planned)}\n{lost or f'all {len(planned)} target shares are met by {args.n} plans'}"


def _stage(args: argparse.Namespace) -> str:
    from stages.common.settings import load

    settings = _changed(args.changes) if args.changes else load(args.params)
    if args.frame is not None:
        from stages.sdg.run.single import render_one

        return render_one(settings, args.frame, args.folder, out=args.out, scene=args.save_blend).summary()
    from stages.common.pipeline import stage_run
    from stages.sdg.run.job import render_frames

    with stage_run("sdg", settings, Path.cwd()) as stage:
        report = render_frames(settings, args.folder)
        stage.figures |= {"frames": report.frames, "rendered": report.rendered, "seconds_rendering": report.seconds}
        sheet = args.folder / "contact-sheet.jpg"
        if sheet.is_file():
            stage.run.log_image(sheet, "frames")
    return "\n".join(filter(None, [report.targets, report.summary(args.folder)]))


def _preview(args: argparse.Namespace) -> str:
    from stages.sdg.gallery import Origin
    from stages.sdg.preview import preview, show, stored_classes, stored_origin

    if args.frames:
        given = [("--folder", args.frames, Path("data/frames")), ("--params", args.params, Path("params.yaml"))]
        options = [text for name, value, usual in given if value != usual for text in (name, str(value))]
        origin = stored_origin(args.frames, args.params, options)
        count = show(args.frames, args.sheet, args.n or STORED, origin, stored_classes(args.frames))
        return f"{args.sheet}: {count} frames of {args.frames} with their labels"
    overrides = list(args.overrides)
    if args.renderer or not any(text.startswith("renderer=") for text in overrides):
        overrides.insert(0, f"renderer={args.renderer or 'fake'}")
    settings = _changed(overrides)
    origin = Origin(" ".join(overrides), tuple(part for text in overrides for part in ("-S", text)))
    count = preview(settings, args.n or RENDERED, args.sheet, origin)
    return f"{args.sheet}: {count} frames by {settings.renderer.name} with their labels"


def _changed(overrides: Sequence[str]) -> Settings:
    """``conf/`` of the project around the current folder, with overrides."""
    from stages.compose.compose import compose_settings, project_folder

    return compose_settings(overrides, project_folder(Path.cwd()) / "conf")


def _list(args: argparse.Namespace) -> str:
    from stages.common.custom import load_custom

    # formats of the user's own are known to the next room alone
    from stages.convert.formats import registered_formats
    from stages.sdg.annotators import annotator_names
    from stages.sdg.assets.catalogue import families
    from stages.sdg.plan import scenarios as _built_in  # noqa: F401 - registers them
    from stages.sdg.plan.draft import scenarios
    from stages.sdg.plan.randomizers import randomizer_names
    from stages.sdg.render.registry import renderer_names

    load_custom(_changed(args.overrides).custom)
    kinds = {
        "scenarios": list(scenarios()),
        "randomizers": randomizer_names(),
        "assets": list(families()),
        "renderers": renderer_names(),
        "annotators": annotator_names(),
        "formats": registered_formats(),
    }
    return "\n".join(f"{kind}: {', '.join(sorted(names))}" for kind, names in kinds.items())


def _frame_number(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a frame number, 0 or more")
    return int(text)


def _many(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of frames from 1 to 100000")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of frames from 1 to 1000")
    return int(text)
