"""Frames and models into the DVC remote, and a receipt of what is there."""

from stages.push.push import FRAMES, Pushed, push

__all__ = ["FRAMES", "Pushed", "push"]
