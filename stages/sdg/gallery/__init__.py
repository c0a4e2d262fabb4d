"""Frames in one HTML file, to look through."""

from stages.sdg.gallery.page import Origin, write_gallery

__all__ = ["Origin", "write_gallery"]
