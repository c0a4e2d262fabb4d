"""What the live stage shows: one stage for all frames, changed from plan to plan. Pure pxr.

The builder replaces a plan's scene by the next one's and leaves what both share as it is. What only rendering needs
lies in the session layer, above it: every instance gets a label, since only labelled prims have ids, and the labels
that referenced files bring along go, since they would be joined with ours by commas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from isaac.capture.read import SCENERY, CaptureError

Plan = Mapping[str, Any]
Build = Callable[[Any, Any, Mapping[str, str]], Mapping[int, str]]
"""``isaac.stage.build``: puts a plan's scene on a stage; prim path by instance number."""

LABELS, OLD_LABELS = "semantics:labels:", "semantic:"
"""Attributes of UsdSemantics, and of the SemanticsAPI before Isaac Sim 5."""

CACHED = 400
"""Layers of assets that stay open while no frame shows them; those not shown for the longest time go first."""


class Scene:
    """A stage and the plan on it.

    Args:
        stage: the live one.
        build: puts a plan on it.
    """

    def __init__(self, stage: Any, build: Build) -> None:
        self.stage, self._build = stage, build
        self._cleared: dict[str, Any] = {}
        self._layers: dict[str, Any] = {}
        self._scenery: list[str] = []

    def show(self, plan: Plan, assets: Mapping[str, str]) -> dict[str, int]:
        """Make the stage show a plan.

        Args:
            plan: JSON of a ``FramePlan``, its camera a pinhole one.
            assets: as the builder takes them.

        Returns:
            Instance number by prim path.
        """
        from pxr import Usd

        self._keep_open(assets.values())
        self._take_back_labels()
        paths = {int(number): str(path) for number, path in self._build(self.stage, plan, assets).items()}
        with Usd.EditContext(self.stage, self.stage.GetSessionLayer()):
            for placement in plan["placements"]:
                path = paths[int(placement["id"])]
                prim = self.stage.GetPrimAtPath(path)
                if not prim:
                    raise CaptureError(f"the stage has no prim {path} for instance {placement['id']}")
                self._clear_foreign(prim)
                if not placement.get("label"):
                    _label(prim, SCENERY)
                    self._scenery.append(path)
        self._forget(set(paths.values()))
        return {path: number for number, path in paths.items()}

    def _keep_open(self, files: Iterable[str]) -> None:
        """Hold the layers of assets, so that one which comes back is not read again."""
        from pxr import Sdf

        for file in files:
            layer = self._layers.pop(file, None) or Sdf.Layer.FindOrOpen(file)
            if layer is None:
                raise CaptureError(f"the asset {file} cannot be read")
            self._layers[file] = layer
        while len(self._layers) > CACHED:
            del self._layers[next(iter(self._layers))]

    def _take_back_labels(self) -> None:
        """Leave the builder's prims as it made them: the next plan may need one for something with a class."""
        session = self.stage.GetSessionLayer()
        for path in self._scenery:
            spec = session.GetPrimAtPath(path)
            if spec:
                spec.ClearInfo("apiSchemas")
                if "semantics:labels:class" in spec.properties:
                    del spec.properties["semantics:labels:class"]
        self._scenery = []

    def _clear_foreign(self, root: Any) -> None:
        """Take off the labels of everything below an instance, once."""
        from pxr import Usd

        path = str(root.GetPath())
        if path in self._cleared:
            return
        for prim in Usd.PrimRange(root):
            if prim != root:
                _clear_labels(prim)
        self._cleared[path] = None

    def _forget(self, shown: set[str]) -> None:
        """Drop what the session layer says of prims that are gone."""
        session = self.stage.GetSessionLayer()
        for path in [path for path in self._cleared if path not in shown]:
            del self._cleared[path]
            spec = session.GetPrimAtPath(path)
            if spec:
                del spec.nameParent.nameChildren[spec.name]


def _label(prim: Any, label: str) -> None:
    from pxr import UsdSemantics

    labels = UsdSemantics.LabelsAPI.Apply(prim, "class").CreateLabelsAttr()
    if list(labels.Get() or []) != [label]:
        labels.Set([label])


def _clear_labels(prim: Any) -> None:
    for schema in prim.GetAppliedSchemas():
        if str(schema).startswith(("SemanticsLabelsAPI:", "SemanticsAPI:")):
            prim.RemoveAppliedSchema(schema)
    for name in prim.GetPropertyNames():
        if str(name).startswith((LABELS, OLD_LABELS)):
            prim.GetAttribute(name).Block()
