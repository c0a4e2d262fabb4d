from isaacsim import QUIRKS, called
from isaacsim.simulation_app import SimulationApp

if QUIRKS.get("version", 5) < 6:
    raise ImportError("core.experimental.utils is of 6.x")


def is_stage_loading():
    called("experimental.is_stage_loading")
    return SimulationApp.made.loading > 0
