"""Frames and models into the DVC remote, and a receipt of what is there; see ``push.push``."""
