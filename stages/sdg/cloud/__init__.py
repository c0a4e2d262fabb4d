"""Rendering on a machine in the cloud that is started for it and ends by itself."""
