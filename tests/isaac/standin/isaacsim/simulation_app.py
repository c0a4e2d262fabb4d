"""``SimulationApp``, where 4.5 to 6.x have it; 5.x also one level up."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import ClassVar

from isaacsim import QUIRKS, called

RENDERERS = {"RaytracedLighting", "PathTracing"}
if QUIRKS.get("version", 5) >= 6:
    RENDERERS |= {"RealTimePathTracing", "MinimalRendering"}


class SimulationApp:
    # one for all, and changed by the first: so it is there, too
    DEFAULT_LAUNCHER_CONFIG: ClassVar = {
        "headless": True, "multi_gpu": True, "renderer": "RaytracedLighting", "width": 1280, "height": 720,
        "fast_shutdown": True, "extra_args": [],
    }  # fmt: skip
    made = None

    def __init__(self, launch_config=None, experience=""):
        early = [name for name in sys.modules if name.split(".")[0] in ("omni", "pxr", "carb")]
        assert not early, f"Modules {early} were loaded before SimulationApp"
        assert sys.argv[1:] == [], f"Kit would take {sys.argv[1:]} for its own arguments"
        assert SimulationApp.made is None, "one app a process"
        SimulationApp.made = self
        self.config = self.DEFAULT_LAUNCHER_CONFIG
        self.config.update(launch_config or {})
        assert self.config["renderer"] in RENDERERS, f"this version has no renderer {self.config['renderer']}"
        os.environ["ISAAC_LAUNCHED_FROM_TERMINAL"] = "0"
        called("SimulationApp", **self.config)
        if QUIRKS.get("fails_to_start"):
            print("[Error] [carb] Failed to create any GPU devices", flush=True)
            os._exit(1)
        time.sleep(QUIRKS.get("slow_start", 0))
        self.loading = QUIRKS.get("loading_updates", 3)
        self.updates = 0

    def update(self):
        self.updates += 1
        if self.loading > 0:
            self.loading -= 1
        if self.updates == QUIRKS.get("assets_come_after"):
            # what a slow server sends: the whole of a file at last
            from pxr import Sdf

            asset = Path(os.environ["STANDIN_ASSETS"], QUIRKS["late_asset"])
            asset.with_suffix(".late").rename(asset)
            Sdf.Layer.Find(str(asset)).Reload(force=True)

    def is_running(self):
        return True

    def close(self, wait_for_replicator=True, skip_cleanup=False):
        called("close")
        if QUIRKS.get("hang_at_close"):
            # held in native code: no Python thread runs any more
            os.kill(os.getpid(), 19)
        # fast_shutdown: nothing after this runs, and the status says nothing
        sys.stdout.flush()
        os._exit(QUIRKS.get("exit_status", 1))
