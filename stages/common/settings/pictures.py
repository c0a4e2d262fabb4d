"""Settings of what is rendered: scene, randomisation, renderer, dataset."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from stages.common.settings.base import CLASSES, ClassName, Group
from stages.common.settings.dependence import mistakes, references
from stages.common.settings.distribution import Distribution, Drawn, Named
from stages.common.settings.isaac import IsaacSim
from stages.common.settings.quantity import Quantity, within
from stages.common.settings.recipe import Catalogue, Recipe
from stages.common.settings.weights import weighted

Share = Field(ge=0, le=1)
Annotator = Literal[
    "rgb", "boxes", "instance", "depth", "normals", "semantic", "camera", "boxes3d", "pose", "keypoints", "flow"
]
Format = Literal["yolo", "yolo_segment", "yolo_pose", "coco", "kitti", "basic_writer"]


OFTEN = frozenset({"camera.distance", "surface.wear", "surface.dirt"})
"""Quantities that each thing in a frame draws anew, so that no other can depend on them."""


class Scene(Group):
    """What stands in the pictures.

    Attributes:
        name: of this group file.
        classes: labelled classes in the order of their numbers.
        scenarios: registered scenario samplers and their weights.
        catalogue: assets of USD files that join the built-in ones; None for none.
        recipe: what the scenario ``simple_warehouse`` is made of; None where it is not drawn.
    """

    name: str
    classes: list[ClassName] = Field(default_factory=lambda: [*CLASSES], min_length=1)
    scenarios: dict[str, float] = Field(min_length=1)
    catalogue: Catalogue | None = None
    recipe: Recipe | None = None

    @model_validator(mode="after")
    def _weights(self) -> Scene:
        if self.scenarios.get("simple_warehouse", 0) > 0 and self.recipe is None:
            raise ValueError("scene.scenarios has simple_warehouse without scene.recipe: choose scene=simple_warehouse")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("scene.classes repeats a class: name each class once")
        if min(self.scenarios.values()) < 0 or sum(self.scenarios.values()) <= 0:
            raise ValueError("scene.scenarios cannot be drawn from: give weights of 0 or more, one above 0")
        return self


class CameraRange(Group):
    """Where the camera is and how it sees (metres, degrees)."""

    height: Annotated[Quantity, within(0.05, 20)]
    pitch: Annotated[Quantity, within(-90, 90)]
    roll: Annotated[Quantity, within(-180, 180)]
    field_of_view: Annotated[Quantity, within(10, 150)]
    distance: Annotated[Quantity, within(0.1, 200)]


class Light(Group):
    """Lamps, windows and the light of the sky.

    Attributes:
        enabled: False renders every frame under the same even light.
        exposure: overall brightness of the lamps in stops around the neutral level.
        temperature: colour of the lamps in kelvin.
        lamps_off: share of lamps that are off.
        daylight: strength of windows and doors against the lamps.
    """

    enabled: bool = True
    exposure: Annotated[Quantity, within(-10, 10)]
    temperature: Annotated[Quantity, within(1000, 20000)]
    lamps_off: Annotated[Quantity, within(0, 1)]
    daylight: Annotated[Quantity, within(0, 100)]


class Surface(Group):
    """Materials.

    Attributes:
        enabled: False paints every family in one clean colour.
        wear: 0 new to 1 worn through.
        dirt: 0 clean to 1 filthy.
        random_share: share of objects with colours from anywhere instead of the family's own.
    """

    enabled: bool = True
    wear: Annotated[Quantity, within(0, 1)]
    dirt: Annotated[Quantity, within(0, 1)]
    random_share: float = Share


class Content(Group):
    """How much stands in the scene.

    Attributes:
        structure: False throws objects about uniformly instead of where people put them.
        variety: False takes one shape per family.
        negatives: share of frames without any pallet truck.
        trucks: pallet trucks in a frame that has some, those in rows counted in; fewer where there is no room.
        leaning: share of trucks for which a free wall in view is looked for, to tip a hand pallet truck up against it.
        clutter: density of goods and equipment, 1 is usual.
        distractors: things that look a little like a labelled class, in a frame.
        flying: share of frames with primitives floating in the air.
    """

    structure: bool = True
    variety: bool = True
    negatives: float = Share
    trucks: Annotated[Quantity, within(0, 50)]
    leaning: Annotated[float, Share] = 0.0
    clutter: Annotated[Quantity, within(0, 10)]
    distractors: Annotated[Quantity, within(0, 100)]
    flying: float = Share


class Sensor(Group):
    """From light to JPEG.

    Attributes:
        enabled: False writes the clean render.
        exposure: error of the exposure control in stops.
        white_balance: error of the white balance, relative gain of red against blue.
        distortion: Brown-Conrady k1; negative is barrel.
        vignette: fall of light at the corners, 0 to 1.
        motion_blur: length in pixels.
        defocus: standard deviation in pixels, everywhere in the picture.
        aperture: diameter of the lens opening in millimetres; what is nearer or farther than the middle of the picture
            blurs with it. 0: all is sharp.
        smudge: share of the light that the dirtiest spots of the lens scatter, 0 to 1.
        noise: standard deviation at mid grey of 255.
        demosaic: share of the picture that goes through a Bayer mosaic and back, 0 to 1; 0: no false colour at edges.
        sharpen: strength of the camera's unsharp mask.
        saturation: colour saturation, 1 is unchanged.
        contrast: slope of the tone curve, 1 is neutral.
        jpeg_quality: 1 to 100.
        subsampling: of the JPEG's colour: 420, 422 or 444.
    """

    enabled: bool = True
    exposure: Annotated[Quantity, within(-5, 5)]
    white_balance: Annotated[Quantity, within(-0.9, 2)]
    distortion: Annotated[Quantity, within(-0.6, 0.6)]
    vignette: Annotated[Quantity, within(0, 1)]
    motion_blur: Annotated[Quantity, within(0, 100)]
    defocus: Annotated[Quantity, within(0, 20)]
    aperture: Annotated[Quantity, within(0, 100)]
    smudge: Annotated[Quantity, within(0, 1)]
    noise: Annotated[Quantity, within(0, 100)]
    demosaic: Annotated[Quantity, within(0, 1)]
    sharpen: Annotated[Quantity, within(0, 5)]
    saturation: Annotated[Quantity, within(0, 3)]
    contrast: Annotated[Quantity, within(0.1, 5)]
    jpeg_quality: Annotated[Quantity, within(1, 100)]
    subsampling: Annotated[Quantity, within(420, 444)]


class Randomization(Group):
    """Everything that differs from frame to frame."""

    name: str
    camera: CameraRange
    light: Light
    surface: Surface
    content: Content
    sensor: Sensor

    @model_validator(mode="after")
    def _dependences(self) -> Randomization:
        """Check what quantities depend on, and have those that others depend on drawn once in a frame."""
        found = "\n".join(mistakes(self.quantities(), OFTEN))
        if found:
            raise ValueError(found)
        wanted = {given.other for quantity in self.quantities().values() for given in references(quantity)}
        changes: dict[str, dict[str, Named]] = {}
        for name, quantity in self.quantities().items():
            if name in wanted and not isinstance(quantity, Named):
                group, _, key = name.partition(".")
                changes.setdefault(group, {})[key] = Named(name, quantity)
        return self.model_copy(
            update={group: getattr(self, group).model_copy(update=named) for group, named in changes.items()}
        )

    def quantities(self) -> dict[str, Distribution]:
        """All random quantities by dotted name."""
        groups = {name: group for name, group in self if isinstance(group, Group)}
        return {
            f"{name}.{key}": value
            for name, group in groups.items()
            for key, value in group
            if isinstance(value, Distribution)
        }

    def drawn(self, frame: int) -> Drawn:
        """Nothing drawn yet in a frame; it knows the quantities that others depend on."""
        return Drawn(frame, {name: value for name, value in self.quantities().items() if isinstance(value, Named)})


class Runtime(Group):
    """How rendering is run; changes no picture's meaning.

    Attributes:
        device: where Cycles renders; ``auto`` takes a GPU when there is one.
        workers: processes; 0 means one per core (one on a GPU needs about 3 GB of its memory).
        threads: of each worker; 0 shares the cores among the workers.
        shards_per_worker: a worker is replaced after so many, since bpy leaks.
        frame_timeout: seconds after which a frame counts as hung.
    """

    device: Literal["auto", "cpu", "cuda", "optix"] = "auto"
    workers: int = Field(0, ge=0, le=256)
    threads: int = Field(0, ge=0, le=256)
    shards_per_worker: int = Field(4, ge=1)
    frame_timeout: float = Field(600, gt=0)


class Renderer(Group):
    """Which backend renders, and how well.

    Attributes:
        backend: a registered renderer.
        samples: light paths a pixel.
        bounces: of light.
        denoise: run the denoiser.
        runtime: how it is run.
        isaac: of the ``isaac`` renderer; None for others.
    """

    name: str
    backend: str = "blender"
    samples: int = Field(8, ge=1, le=4096)
    bounces: int = Field(4, ge=0, le=64)
    denoise: bool = True
    runtime: Runtime = Runtime()
    isaac: IsaacSim | None = None


class Frames(Group):
    """Which frames are made.

    Attributes:
        count: frames for training and validation.
        test_count: frames of assets and seeds that training never sees.
        sizes: picture sizes ``WIDTHxHEIGHT`` and their weights; written as a list of sizes, or of ``[size, weight]``.
        shard_size: frames in a shard.
        annotators: what is written of each frame besides picture, boxes and instance masks.
    """

    count: int = Field(ge=1, le=1_000_000)
    test_count: int = Field(ge=0, le=1_000_000)
    sizes: Annotated[dict[str, float], BeforeValidator(weighted)] = Field(min_length=1)
    shard_size: int = Field(32, ge=1, le=4096)
    annotators: list[Annotator] = Field(["rgb", "boxes", "instance"])

    @model_validator(mode="after")
    def _sizes(self) -> Frames:
        for size in self.sizes:
            parse_size(size)
        if min(self.sizes.values()) < 0 or sum(self.sizes.values()) <= 0:
            raise ValueError("dataset.frames.sizes cannot be drawn from: give weights of 0 or more, one above 0")
        return self


class Convert(Group):
    """Which labels reach the training formats.

    Attributes:
        formats: writers to run.
        val_share: share of each block of frames that validates.
        min_visible: least visible share of an object's unoccluded pixels.
        min_box: least width and height in pixels.
        max_truncation: largest share outside the picture.
        fork_rule: ``all`` boxes every visible pixel of a truck; ``visible`` leaves its forks out of box and mask when
            too little of them is seen, as most people do who label photographs.
        min_forks: least visible share of the forks' unoccluded pixels that ``visible`` takes for seen.
    """

    formats: list[Format] = Field(["yolo", "coco", "kitti"])
    val_share: float = Field(0.15, gt=0, lt=1)
    min_visible: float = Field(0.1, ge=0, le=1)
    min_box: float = Field(6, ge=0)
    max_truncation: float = Field(0.9, ge=0, le=1)
    fork_rule: Literal["all", "visible"] = "all"
    min_forks: float = Field(0.25, ge=0, le=1)


class RealSource(Group):
    """Where real photographs to train on come from.

    Attributes:
        root: folder that holds LOCO's ``dataset/subset-N``; a relative one starts at the user's checkout.
        annotations: COCO file below ``root``.
        subsets: folders to draw from; never those that are measured on.
        seed: of the draw; of one seed the smaller draws are parts of the larger ones.
    """

    root: str = "data/real/loco"
    annotations: str = "rgb/loco-all-v1.json"
    subsets: list[str] = Field(["subset-2", "subset-3", "subset-5"], min_length=1)
    seed: int = Field(0, ge=0)


class Dataset(Group):
    """How many frames, of what size, and what becomes of them.

    Attributes:
        name: of this group file.
        frames: which are made.
        convert: which labels reach the training formats.
        real_mix: real photographs added to the training pictures.
        real_source: where they come from.
    """

    name: str
    frames: Frames
    convert: Convert = Convert()
    real_mix: int = Field(0, ge=0, le=1_000_000)
    real_source: RealSource = RealSource()


def parse_size(text: str) -> tuple[int, int]:
    """Width and height in pixels from ``"640x480"``.

    Raises:
        ValueError: when the text has another form or the size is not within 16 to 8192 pixels.
    """
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise ValueError(f"dataset.frames.sizes holds '{text}': write WIDTHxHEIGHT, as in 640x480")
    if not all(16 <= int(side) <= 8192 for side in (width, height)):
        raise ValueError(f"dataset.frames.sizes holds '{text}': give 16 to 8192 pixels a side")
    return int(width), int(height)
