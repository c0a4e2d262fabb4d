"""What the machines of one job have cost so far, kept in object storage: the limit holds over killed clients, too."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from stages.sdg.cloud.box import BILL, Box
from stages.sdg.cloud.instances import Instance


@dataclass
class Bill:
    """The machines that worked on one job; EC2 itself forgets an ended one within the hour.

    Attributes:
        box: of the host.
        work: from :func:`work_of`.
    """

    box: Box
    work: str

    def add(self, machine: Instance) -> None:
        """Note a machine that works on it."""
        told = self._told()
        if machine.id not in told:
            entry = {
                "since": machine.since.isoformat(),
                "deadline": machine.deadline.isoformat(),
                "price": machine.price,
            }
            self._keep({**told, machine.id: entry})

    def close(self, number: str, moment: datetime) -> None:
        """Note that a machine has ended."""
        told = self._told()
        if number in told and "ended" not in told[number]:
            self._keep({**told, number: {**told[number], "ended": moment.isoformat()}})

    def spent(self, moment: datetime) -> float:
        """US dollars at most; of a machine whose end nobody saw, until its deadline."""
        return sum(_cost(entry, moment) for entry in self._told().values())

    def _told(self) -> dict[str, Any]:
        found = self.box.get_json(BILL)
        return dict(found["machines"]) if found and found["work"] == self.work else {}

    def _keep(self, machines: dict[str, Any]) -> None:
        self.box.put_json(BILL, {"work": self.work, "machines": machines})


def settle(box: Box, moment: datetime) -> None:
    """Note that all machines of a host have ended, whatever they worked on."""
    found = box.get_json(BILL)
    if found and any("ended" not in entry for entry in found["machines"].values()):
        closed = {number: {"ended": moment.isoformat(), **entry} for number, entry in found["machines"].items()}
        box.put_json(BILL, {**found, "machines": closed})


def work_of(params: str, source: bytes) -> str:
    """What makes a job the same for its bill: settings and sources, but those of the host, such as its limit."""
    told = yaml.safe_load(params)
    if isinstance(told, dict):
        params = yaml.safe_dump({key: value for key, value in told.items() if key not in ("host", "aws")})
    return hashlib.sha256(params.encode() + source).hexdigest()[:16]


def _cost(entry: dict[str, Any], moment: datetime) -> float:
    since, deadline = (datetime.fromisoformat(entry[name]) for name in ("since", "deadline"))
    ended = datetime.fromisoformat(entry["ended"]) if "ended" in entry else moment
    return float(max(0.0, (min(ended, deadline) - since).total_seconds()) / 3600 * entry["price"])
