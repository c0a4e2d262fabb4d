"""Rendering of a set of frames: worker processes, resume after a stop, one retry, one report."""
