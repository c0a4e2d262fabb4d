"""Web pages that are one file: templates, and data inside of them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def data_uri(data: bytes, kind: str) -> str:
    """A ``data:`` URI (RFC 2397).

    Args:
        data: what it holds.
        kind: its media type, as ``image/jpeg``.
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def environment(folder: Path) -> jinja2.Environment:
    """Jinja for the templates in a folder: a name that is not there is an error, and HTML is escaped.

    Data for scripts go through the filter ``tojson``, whose text cannot end the element that it stands in.
    """
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=jinja2.select_autoescape(["html", "html.j2"]),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
