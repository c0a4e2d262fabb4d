"""What the live stage shows: one stage for all frames, changed from plan to plan. Pure pxr.

The builder replaces a plan's scene by the next one's and leaves what both share as it is. What only rendering needs
lies in the session layer, above it: every instance gets a label, since only labelled prims have ids, and the labels
that referenced files bring along go, since they would be joined with ours by commas. Prims inside a file that rules
name are things of their own: they get a label and, for the frame, a number above those of the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from isaac.capture.read import SCENERY, CaptureError

Plan = Mapping[str, Any]
Build = Callable[[Any, Any, Mapping[str, str]], Mapping[int, str]]
"""``isaac.stage.build``: puts a plan's scene on a stage; prim path by instance number."""

LABELS, OLD_LABELS = "semantics:labels:", "semantic:"
"""Attributes of UsdSemantics, and of the SemanticsAPI before Isaac Sim 5."""

REFERENCE = "Reference"
"""Prim below an instance that refers to somebody else's file, in :data:`isaac.capture.references.WRAPPER`."""

CACHED = 400
"""Layers of assets that stay open while no frame shows them; those not shown for the longest time go first."""


@dataclass(frozen=True)
class Inside:
    """A thing inside a file, found by a rule.

    Attributes:
        path: of its prim on the stage.
        own: the same as the file itself has it.
        label: its class.
    """

    path: str
    own: str
    label: str


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
        self._inside: dict[str, list[Inside]] = {}

    def show(self, plan: Plan, assets: Mapping[str, str]) -> dict[str, int]:
        """Make the stage show a plan; once it has loaded, :meth:`label` gives it its labels.

        Args:
            plan: JSON of a ``FramePlan``, its camera a pinhole one.
            assets: as the builder takes them.

        Returns:
            Instance number by prim path.
        """
        self._keep_open(assets.values())
        self._take_back_labels()
        paths = {int(number): str(path) for number, path in self._build(self.stage, plan, assets).items()}
        for number, path in paths.items():
            if not self.stage.GetPrimAtPath(path):
                raise CaptureError(f"the stage has no prim {path} for instance {number}")
        self._forget(set(paths.values()))
        return {path: number for number, path in paths.items()}

    def label(
        self, plan: Plan, paths: Mapping[int, str], rules: Mapping[int, Mapping[str, str]]
    ) -> dict[int, tuple[int, Inside]]:
        """Give what is loaded its labels.

        Args:
            plan: that is shown.
            paths: prim path by instance number.
            rules: class by pattern of paths inside the file, by the number of the instance that shows it.

        Returns:
            Things inside files by a number of their own, each with that of the instance that it is in.

        Raises:
            CaptureError: when rules label no prim: none of its things would be in the labels.
        """
        from pxr import Usd

        found: dict[int, tuple[int, Inside]] = {}
        free = max(paths, default=0) + 1
        with Usd.EditContext(self.stage, self.stage.GetSessionLayer()):
            for placement in plan["placements"]:
                number = int(placement["id"])
                path = paths[number]
                prim = self.stage.GetPrimAtPath(path)
                self._clear_foreign(prim)
                if not placement.get("label"):
                    _label(prim, SCENERY)
                    self._scenery.append(path)
                if number in rules:
                    if path not in self._inside:
                        self._inside[path] = _labelled_inside(self.stage, path, rules[number])
                    for thing in self._inside[path]:
                        found[free] = number, thing
                        free += 1
        return found

    def empty(self, paths: Mapping[int, str]) -> set[int]:
        """Instances below whose prim there is nothing that can be seen: their file is missing or not loaded yet.

        Args:
            paths: prim path by instance number.
        """
        return {number for number, path in paths.items() if not _shows(self.stage.GetPrimAtPath(path))}

    def check_labels(self, paths: Mapping[int, str]) -> None:
        """See that every instance has a label still: one without has no id, and would be missing in the frame's labels.

        Args:
            paths: prim path by instance number.

        Raises:
            CaptureError: when one has none.
        """
        from isaac.stage.semantics import labels_of

        bare = [number for number, path in paths.items() if not labels_of(self.stage.GetPrimAtPath(path))]
        if bare:
            raise CaptureError(
                f"{len(bare)} of {len(paths)} instances have no label (the first is {bare[0]}), and would have no ids: "
                "see what renderer.isaac.hooks do to them"
            )

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
            self._inside.pop(path, None)
            spec = session.GetPrimAtPath(path)
            if spec:
                del spec.nameParent.nameChildren[spec.name]


def _shows(root: Any) -> bool:
    """Whether there is a surface at a prim or below it, in its instances as well."""
    from pxr import Usd, UsdGeom

    if not root:
        return False
    below = Usd.PrimRange(root, Usd.TraverseInstanceProxies())
    return any(prim.IsA(UsdGeom.Gprim) or prim.IsA(UsdGeom.PointInstancer) for prim in below)


def _labelled_inside(stage: Any, path: str, rules: Mapping[str, str]) -> list[Inside]:
    """Label what rules match below an instance, by the paths that its file has."""
    from isaac.stage.semantics import NothingLabelledError, label_stage

    below = f"{path}/{REFERENCE}"
    own = _own_path(stage.GetPrimAtPath(below), path)

    def named(place: str) -> str:
        return own + place.removeprefix(below)

    try:
        report = label_stage(stage, rules, below=below, named=named)
    except NothingLabelledError as error:
        raise CaptureError(
            f"{error} in {own}: correct the patterns with `python -m stages.sdg semantics FILE --rules RULES`"
        ) from None
    return [Inside(place, named(place), label) for place, label in report.labelled.items()]


def _own_path(prim: Any, path: str) -> str:
    """Path of the prim in the file that it comes from: below the wrapper's, the first in another place."""
    for spec in prim.GetPrimStack() if prim else ():
        place = str(spec.path)
        if not place.startswith(path) and not place.endswith(f"/{REFERENCE}"):
            return place
    return f"/{REFERENCE}"


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
