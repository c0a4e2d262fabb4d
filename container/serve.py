"""What ``docker run IMAGE serve`` runs."""

from __future__ import annotations

from stages.deploy.container import main

__all__ = ["main"]
