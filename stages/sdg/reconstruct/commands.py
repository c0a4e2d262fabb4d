"""The command ``reconstruct`` of ``python -m stages.sdg``."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.common.cli import add_debug

if TYPE_CHECKING:
    from stages.sdg.reconstruct.job import Made, Request

DESCRIPTION = """\
Make an object of the catalogue from one photograph, by SAM 3D Objects, or from the mesh, point cloud or Gaussian splats
that it or another tool made: mended, upright, to scale, on the floor, labelled."""

EXAMPLES = """\
python -m stages.sdg reconstruct photo.jpg --box 310,120,820,790 --class pallet_truck --height 1.2
python -m stages.sdg reconstruct --mesh scan.ply --class pallet --up rest
python -m stages.sdg reconstruct --mesh bracket.stl --unit mm --class none --name bracket"""


def add_reconstruct(parser: argparse.ArgumentParser) -> None:
    """Fill the parser of ``reconstruct``."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.set_defaults(action=_reconstruct)
    add = parser.add_argument
    add("photo", nargs="?", type=Path, metavar="PHOTO", help="JPEG or PNG with the object in it")
    add("--class", dest="class_name", required=True, metavar="CLASS", help="of the object; none for scenery")
    add("--name", metavar="NAME", help="of the object (default: of the photograph or mesh)")
    where = parser.add_argument_group("where the object is in the photograph")
    where.add_argument("--box", type=_box, metavar="X1,Y1,X2,Y2", help="pixels from the upper left corner")
    where.add_argument("--mask", type=Path, metavar="FILE", help="picture that is not black on the object")
    where.add_argument("--sam", type=Path, metavar="FILE", help="SAM weights for Ultralytics (default: GrabCut)")
    how = parser.add_argument_group("its mesh")
    how.add_argument("--mesh", type=Path, metavar="FILE", help="glTF, USD, OBJ, PLY, STL; SAM 3D is then not run")
    how.add_argument("--sam3d-home", type=Path, metavar="DIR", help="checkout of SAM 3D Objects (or SAM3D_HOME)")
    how.add_argument("--sam3d-python", type=Path, metavar="FILE", help="its interpreter (or SAM3D_PYTHON)")
    how.add_argument("--sam3d-tag", default="hf", metavar="TAG", help="weights in checkpoints/TAG (default: hf)")
    how.add_argument("--sam3d-memory", type=_positive, metavar="GIB", help="of the GPU at least (default: 30)")
    how.add_argument("--seed", type=int, default=0, metavar="N", help="of SAM 3D (default: 0)")
    _add_shape(parser)
    out = parser.add_argument_group("what comes of it")
    out.add_argument("--out", dest="place", type=Path, default=Path("assets/reconstructed"), metavar="DIR",
                     help="default: %(default)s")  # fmt: skip
    out.add_argument("--no-entry", action="store_true", help="leave conf/config.yaml alone, print the entry")
    out.add_argument("--turntable", choices=["blender", "fake"], default="blender", help="renderer of its picture")
    out.add_argument("--timeout", type=_positive, metavar="S", help="for SAM 3D (1800) and for each other step (600)")
    add_debug(parser)


def _add_shape(parser: argparse.ArgumentParser) -> None:
    shape = parser.add_argument_group("its shape")
    scale = shape.add_mutually_exclusive_group()
    for side in ("height", "length", "width"):
        usual = " (default: what is usual for its class)" if side == "height" else ""
        scale.add_argument(f"--{side}", type=_positive, metavar="M", help=f"metres{usual}")
    scale.add_argument("--unit", choices=["m", "cm", "mm", "in", "ft"], help="of the mesh, which is then not scaled")
    axes = ["x", "-x", "y", "-y", "z", "-z"]
    shape.add_argument(
        "--up", choices=["auto", "rest", *axes], default="auto",
        help="axis of the mesh; rest: the side that it rests on (default: what the file says, else rest)",
    )  # fmt: skip
    shape.add_argument(
        "--front", choices=["auto", *axes[:4]], default="auto",
        help="axis that points forward once Z is up (default: its longer side)",
    )  # fmt: skip
    shape.add_argument("--max-triangles", type=_triangles, default=20_000, metavar="N", help="default: %(default)s")
    shape.add_argument(
        "--holes", type=_share, default=0.3, metavar="SHARE",
        help="close holes whose edge is at most this long, against the diagonal (default: %(default)s)",
    )  # fmt: skip
    shape.add_argument("--keep-all", action="store_true", help="keep small pieces that stand off")


def _reconstruct(args: argparse.Namespace) -> str:
    from stages.common.errors import SettingsError
    from stages.compose.compose import compose_settings, project_folder
    from stages.sdg.reconstruct.job import run

    if args.photo is None and args.mesh is None:
        raise SettingsError("there is nothing to begin with: give a photograph, or a mesh with --mesh FILE")
    for name in ("box", "mask", "sam"):
        if args.photo is None and getattr(args, name) is not None:
            raise SettingsError(f"--{name} says where the object is in a photograph: give the photograph, too")
    conf = project_folder(Path.cwd()) / "conf"
    settings = compose_settings([], conf)
    made = run(_request(args), settings, None if args.no_entry else conf / "config.yaml")
    print(report(made), flush=True)
    return (
        f"{made.folder}: an own object like any other from now on; look at {made.folder / 'turntable.jpg'}, then "
        f"python -m stages.sdg assets check {made.entry['source']}"
    )


def _request(args: argparse.Namespace) -> Request:
    from stages.sdg.reconstruct.job import Request
    from stages.sdg.reconstruct.sam3d import MEMORY_GIB, find

    setup = None
    if args.mesh is None:
        options = {
            "tag": args.sam3d_tag,
            "memory_gib": args.sam3d_memory or MEMORY_GIB,
            "timeout": args.timeout or 1800,
        }
        setup = find(args.sam3d_home, args.sam3d_python, **options)
    side = next((name for name in ("height", "length", "width") if getattr(args, name)), "")
    return Request(
        name=_name(args.name, args.photo or args.mesh),
        class_name=args.class_name,
        photo=args.photo,
        box=args.box,
        mask=args.mask,
        sam=args.sam,
        setup=setup,
        mesh=args.mesh,
        side=side,
        metres=getattr(args, side) if side else 0.0,
        unit=args.unit or "",
        up=args.up,
        front=args.front,
        max_triangles=args.max_triangles,
        largest_hole=args.holes,
        keep_all=args.keep_all,
        seed=args.seed,
        timeout=args.timeout or 600,
        out=args.place,
        backend=args.turntable,
    )


def _name(given: str | None, path: Path) -> str:
    from stages.common.errors import SettingsError

    if given is not None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", given):
            raise SettingsError(f"--name '{given}' is no identifier: use a-z, 0-9 and _, as in my_truck")
        return given
    stem = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")
    return (stem if stem[:1].isalpha() else f"object_{stem}").strip("_")[:60]


def report(made: Made) -> str:
    """What was done, for people."""
    from stages.sdg.reconstruct.entry import lines_of

    record = made.record
    length, width, height = record["size"]
    lines = [
        f"{record['name']}: {record['class']}",
        f"  mesh        {record['mesh']['files'][0][0]}: {record['mesh']['format']}, {record['mesh']['made_by']}",
        *([f"  photograph  {record['photo']['file']}{_masked(record['photo'])}"] if "photo" in record else []),
        f"  mended      {_mended(record['mended'])}",
        f"  triangles   {_triangles_of(record)}",
        f"  surface     {_surface(record['result'])}",
        f"  up          {record['up']}",
        f"  front       {record['front']}",
        f"  scale       1 unit = {record['scale']['metres_per_unit']:.6g} m; {record['scale']['from']}",
        f"  size        {length:.3f} x {width:.3f} x {height:.3f} m (length, width, height), on the floor",
        *(f"  remark: {note}" for note in record["notes"]),
    ]
    entry = lines_of(made.entry).rstrip()
    where = "added to conf/config.yaml" if made.added else "entry of assets in conf/config.yaml"
    return "\n".join([*lines, f"{where}:", entry])


def _masked(photo: dict[str, Any]) -> str:
    return f", {photo['mask_pixels']} pixels {photo['mask']}" if "mask" in photo else ""


def _mended(done: dict[str, Any]) -> str:
    told = {
        "triangles with points that are no numbers left out": done["lost"],
        "without an area or repeated left out": done["flat"],
        "pieces that stood off left out": done["specks"],
        "holes closed": done["holes"],
        "turned to face outwards": done["turned"],
    }
    return ", ".join(f"{count} {what}" for what, count in told.items() if count) or "nothing was wrong"


def _triangles_of(record: dict[str, Any]) -> str:
    count = record["triangles"]
    if not record["mended"]["thinned"]:
        return str(count["after"])
    largest, mean = 1000 * record["error_max"], 1000 * record["error_mean"]
    off = f"off by {largest:.1f} mm at most and {mean:.2f} mm on average"
    return f"{count['before']} simplified to {count['after']}, {off}"


def _surface(result: dict[str, Any]) -> str:
    pieces = f"{result['pieces']} piece{'s' * (result['pieces'] != 1)}"
    if result["watertight"]:
        return f"watertight, {pieces}, {1000 * abs(result['volume']):.3g} litres"
    return (
        f"not watertight, {pieces}: {result['open_edges']} open edges, {result['odd_edges']} of more than two triangles"
    )


def _box(text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 4 or not all(math.isfinite(value) for value in values):
        raise argparse.ArgumentTypeError(f"'{text}' is no box: give x1,y1,x2,y2 in pixels")
    if values[0] >= values[2] or values[1] >= values[3]:
        raise argparse.ArgumentTypeError(f"'{text}' is no box: x1 must be below x2, and y1 below y2")
    return values


def _positive(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is no number above 0")
    return value


def _share(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 10:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 0 to 10")
    return value


def _number(text: str) -> float:
    """Not a number where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _triangles(text: str) -> int:
    if not text.isdigit() or not 100 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of triangles from 100 to 1000000")
    return int(text)
