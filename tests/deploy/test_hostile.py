"""Hostile requests of all kinds: no crash, no 5xx but 503, /ping goes on; benchmarks/serving.py sends thousands."""

from __future__ import annotations

import random

import pytest

from benchmarks import hostile
from stages.deploy.bundle import Bundle
from tests.deploy.conftest import Server, serving

COUNT = 150


@pytest.fixture
def patient(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> object:
    with serving(bundle.folder, "--threads", "2", "--client-timeout", "2") as server:
        yield server


def test_hostile_requests(patient: Server) -> None:
    outcome = hostile.attack(patient.address[1], COUNT, random.Random(1), lambda: patient.process.poll() is None)
    # how quick /ping is, the benchmark tells: here other tests may have the cores
    wrong = [text for text in outcome.mistakes() if not text.startswith("/ping took")]
    assert wrong == [], outcome.report()
    assert sum(sum(statuses.values()) for statuses in outcome.statuses.values()) == COUNT
    assert len(outcome.statuses) > 8
    assert patient.lives


def test_each_kind_once(patient: Server) -> None:
    wares = hostile.Wares()
    for kind, (make, _) in hostile.KINDS.items():
        message = make(wares, random.Random(2))
        send = hostile.trickle(patient.address[1], message, random.Random(2)) if kind == "slow client" else None
        status = hostile.exchange(patient.address[1], message, 30, half_close=True) if send is None else send
        assert status < 500 or status == 503, kind
    assert patient.lives
