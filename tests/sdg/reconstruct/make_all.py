"""Makes objects of scans in a process without bpy: ``python -m tests.sdg.reconstruct.make_all FOLDER``.

Writes ``outcome.json``: for each scan its record and key in the cache, or the sentence that it ended in, and what
usd-core says of the file.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from stages.common.errors import StageError
from stages.sdg.reconstruct import job
from stages.sdg.reconstruct.job import Request
from tests.sdg.reconstruct.scans import HEIGHT, SCANS, Scan
from tests.settings import compose


def main(folder: Path) -> None:
    os.chdir(folder)
    kept: dict[str, Any] = {}
    settings = compose()

    def remember(request: Request, prepared: Any, *others: Any) -> None:
        kept[request.name] = prepared.contents[0]

    job._draw = remember  # the pictures have a test of their own
    outcome = {}
    for name, scan in SCANS.items():
        outcome[name] = one(name, scan, settings, kept)
        print(name, {k: v for k, v in outcome[name].items() if k != "record"}, flush=True)
    Path("outcome.json").write_text(json.dumps(outcome))


def one(name: str, scan: Scan, settings: Any, kept: dict[str, Any]) -> dict[str, Any]:
    path = Path(scan.file)
    scan.write(path)
    wishes = {"class_name": "pallet_truck", "side": "height", "metres": HEIGHT, "timeout": 300} | scan.wishes
    request = Request(name=f"scan_{name}", mesh=path, **wishes)
    try:
        made = job.run(request, settings, None)
    except StageError as error:
        return {"refused": str(error), "left": [str(path) for path in Path("assets").rglob(f"*scan_{name}*")]}
    usd = Path(made.entry["source"])
    return {"record": made.record, "content": kept[request.name], "usd": facts_of(usd)}


def facts_of(path: Path) -> dict[str, Any]:
    from pxr import Tf, Usd, UsdGeom, UsdSemantics, UsdShade

    from stages.sdg.render.usd.check import problems

    with Tf.DiagnosticTrap() as trap:
        stage = Usd.Stage.Open(str(path))
        noticed = len(trap.GetWarnings()) + len(trap.GetErrors())
    root = stage.GetDefaultPrim()
    query = UsdSemantics.LabelsQuery("class", Usd.TimeCode.Default())
    box = UsdGeom.BBoxCache(Usd.TimeCode.Default(), ["default", "render"]).ComputeWorldBound(root).ComputeAlignedRange()
    meshes = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    inputs = [str(UsdShade.Shader(prim).GetIdAttr().Get()) for prim in stage.Traverse() if prim.IsA(UsdShade.Shader)]
    return {
        "problems": problems(path),
        "noticed": noticed,
        "schemas": list(root.GetAppliedSchemas()),
        "labels": [str(label) for label in query.ComputeUniqueInheritedLabels(meshes[0])],
        "low": list(box.GetMin()),
        "high": list(box.GetMax()),
        "provenance": dict(root.GetCustomDataByKey("reconstruction")),
        "up": str(UsdGeom.GetStageUpAxis(stage)),
        "metres": UsdGeom.GetStageMetersPerUnit(stage),
        "shaders": inputs,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
