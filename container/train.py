"""What ``docker run IMAGE train`` runs."""

from __future__ import annotations

from stages.train.container.run import main

__all__ = ["main"]
