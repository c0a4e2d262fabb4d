"""The few calls of Isaac Sim that are used, in one place: 5.1 as the rule, 6.x where it differs.

Every import of Isaac's modules, and of pxr by way of them, happens in or after :meth:`Runtime.__init__`: they need a
running ``SimulationApp``, which in turn wants none of them imported before.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isaac.capture.read import CaptureError

QUIET = ("--/app/asyncRendering=false", "--/omni/replicator/asyncRendering=false",
         "--/exts/isaacsim.core.throttling/enable_async=false")  # fmt: skip
"""Kit arguments without which frames are skipped: throttling turns asynchronous rendering on when time stands still."""

PARAMETERS: dict[str, dict[str, Any]] = {
    "instance_segmentation": {"colorize": False, "semanticTypes": ["class"]},
    "bounding_box_2d_tight": {"semanticTypes": ["class"]},
    "bounding_box_2d_loose": {"semanticTypes": ["class"]},
    "bounding_box_3d": {"semanticTypes": ["class"]},
}
"""``init_params`` of annotators that need some."""

PRODUCTS = 4
"""Render products that are kept, one a picture size."""

LOADING_UPDATES = 2000
"""Updates of the app after which loading counts as stuck."""


class Runtime:
    """A headless Isaac Sim with one stage, one camera and its annotators.

    Args:
        job: what is the same for all frames; see :func:`stages.sdg.render.isaac.job.job_of`.
    """

    def __init__(self, job: Mapping[str, Any]) -> None:
        # Kit takes what it finds there for its own arguments, and ends at -h
        del sys.argv[1:]
        self.app = _simulation_app()(_launch_config(job))
        import carb
        import omni.replicator.core as rep
        import omni.usd

        self._rep, self._usd = rep, omni.usd
        rep.orchestrator.set_capture_on_play(False)
        rep.set_global_seed(int(job["seed"]))
        settings = carb.settings.get_settings()
        for path, value in {"rtx/post/dlss/execMode": 2, **job["carb"]}.items():
            settings.set(path, value)
        self._names = tuple(job["annotators"])
        self._products: dict[tuple[int, int], tuple[Any, dict[str, Any]]] = {}

    def new_stage(self) -> Any:
        """A new, empty stage."""
        context = self._usd.get_context()
        context.new_stage()
        return context.get_stage()

    def asset_root(self) -> str | None:
        """Address of NVIDIA's assets without a slash at its end, or None when none can be reached."""
        from isaacsim.storage.native import get_assets_root_path

        try:
            root = get_assets_root_path()
        except RuntimeError:  # 5.x; versions before gave None
            root = None
        return root.rstrip("/") if root else None

    def settle(self, updates: int = 2) -> bool:
        """Let the app load what the stage refers to; False when it is still loading after a very long time."""
        for _ in range(updates):
            self.app.update()
        for _ in range(LOADING_UPDATES):
            if not _is_stage_loading():
                return True
            self.app.update()
        return False

    def look(self, camera: str, size: tuple[int, int]) -> bool:
        """Make the camera's pictures of (width, height) the ones that are taken; whether they are of a new size."""
        is_new = size not in self._products
        if is_new:
            while len(self._products) >= PRODUCTS:
                self._drop(next(iter(self._products)))
            product = self._rep.create.render_product(camera, size, force_new=True)
            annotators = {}
            for name in self._names:
                try:
                    annotators[name] = self._rep.annotators.get(name, init_params=PARAMETERS.get(name, {}))
                except Exception as error:
                    raise CaptureError(
                        f"Replicator has no annotator '{name}' ({error}): correct the settings"
                    ) from error
                annotators[name].attach(product)
            self._products[size] = product, annotators
        for other, (product, _) in self._products.items():
            product.hydra_texture.set_updates_enabled(other == size)
        self._size = size
        return is_new

    def step(self, subframes: int) -> None:
        """Render; time stands still."""
        self._rep.orchestrator.step(rt_subframes=subframes, delta_time=0.0, pause_timeline=True)

    def data(self) -> dict[str, Any]:
        """What each annotator has, by name."""
        return {name: annotator.get_data() for name, annotator in self._products[self._size][1].items()}

    def close(self) -> None:
        """Close the app. Nothing after this can be counted on: it may end the process, and it may hang."""
        for size in list(self._products):
            self._drop(size)
        self._rep.orchestrator.wait_until_complete()
        self.app.close()

    def _drop(self, size: tuple[int, int]) -> None:
        product, annotators = self._products.pop(size)
        for annotator in annotators.values():
            annotator.detach()
        product.destroy()


def versions() -> dict[str, str]:
    """What runs here, for the records."""
    root = os.environ.get("ISAAC_PATH")
    told = Path(root) / "VERSION" if root else None
    isaac = told.read_text().strip() if told is not None and told.is_file() else "unknown"
    return {"isaac": isaac, "python": ".".join(map(str, sys.version_info[:3]))}


def _simulation_app() -> Any:
    try:
        from isaacsim import SimulationApp
    except ImportError:
        from isaacsim.simulation_app import SimulationApp
    return SimulationApp


def _launch_config(job: Mapping[str, Any]) -> dict[str, Any]:
    """Of ``SimulationApp``. One GPU: with several, annotators are empty now and then (IsaacSim issue 507)."""
    width, height = job["size"]
    arguments: Sequence[str] = [*QUIET, *job["kit_args"]]
    if job.get("asset_root"):
        arguments = [*arguments, f"--/persistent/isaac/asset_root/default={job['asset_root']}"]
    return {
        "headless": True,
        "width": width,
        "height": height,
        "renderer": job["mode"],
        "anti_aliasing": job["anti_aliasing"],
        "samples_per_pixel_per_frame": job["samples"],
        "max_bounces": job["bounces"],
        "denoiser": job["denoise"],
        "multi_gpu": False,
        "max_gpu_count": 1,
        "sync_loads": True,
        "extra_args": list(arguments),
    }


def _is_stage_loading() -> bool:
    try:
        from isaacsim.core.utils.stage import is_stage_loading
    except ImportError:  # 6.x
        from isaacsim.core.experimental.utils.stage import is_stage_loading
    return bool(is_stage_loading())
