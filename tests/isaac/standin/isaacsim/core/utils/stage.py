from isaacsim import QUIRKS
from isaacsim.simulation_app import SimulationApp

if QUIRKS.get("version", 5) >= 6:
    raise ImportError("core.utils gave way to core.experimental.utils")


def is_stage_loading():
    return SimulationApp.made.loading > 0
