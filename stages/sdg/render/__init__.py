"""From a plan to passes: the backends, their registry, the lens and the sensor."""
