from isaacsim import SimulationApp


def is_stage_loading():
    return SimulationApp.made.loading > 0
