"""What the code really asks of AWS while tests run, compared with what was found by reading it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.infra.calls import ROOMS, Call, calls, modules
from tests.settings import REPOSITORY

HOMES = tuple(f"{REPOSITORY / room}/" for room in ROOMS)


@cache
def found_by_reading() -> frozenset[Call]:
    """Calls of all modules."""
    return frozenset(call for module in modules() for call in calls(module))


@pytest.fixture(autouse=True, scope="session")
def known_calls() -> Iterator[None]:
    """Let a test fail whose code makes a call that tests/infra/calls.py does not see: no policy is checked for it."""
    from botocore.client import BaseClient

    real = BaseClient._make_api_call

    def checked(self: Any, operation: str, request: Any) -> Any:
        call = (self.meta.service_model.service_name, operation)
        if call not in found_by_reading() and (home := _home()):
            raise AssertionError(f"{home} calls {':'.join(call)} in a way that tests/infra/calls.py does not see")
        return real(self, operation, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", checked)
        yield


def _home() -> str:
    """The module of ours nearest to the call; empty when a test or a library asks for itself."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(HOMES):
            return name.removeprefix(f"{REPOSITORY}/")
        if name.startswith(f"{REPOSITORY}/tests/"):
            return ""
        frame = frame.f_back  # type: ignore[assignment]
    return ""
