"""Formats of labels: one module each, and the registry that knows them."""

from stages.convert.formats.registry import FormatWriter, open_writer, register_format, registered_formats

__all__ = ["FormatWriter", "open_writer", "register_format", "registered_formats"]
