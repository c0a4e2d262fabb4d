"""What the code really asks of AWS while tests run, compared with what was found by reading it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.infra.calls import ROOMS, Call, calls, modules
from tests.infra.keys import judged, outermost, refused
from tests.settings import REPOSITORY

HOMES = tuple(f"{REPOSITORY / room}/" for room in ROOMS)


@cache
def found_by_reading() -> frozenset[Call]:
    """Calls of all modules."""
    return frozenset(call for module in modules() for call in calls(module))


@pytest.fixture(autouse=True, scope="session")
def known_calls() -> Iterator[None]:
    """Let a test fail whose code makes a call that tests/infra/calls.py does not see: no policy is checked for it.

    It fails, too, where a client of S3 asks for an object that its principal's policy does not cover.
    """
    from botocore.client import BaseClient

    real = BaseClient._make_api_call

    def checked(self: Any, operation: str, request: Any) -> Any:
        call = (self.meta.service_model.service_name, operation)
        if call not in found_by_reading() and (home := _home()):
            raise AssertionError(f"{home} calls {':'.join(call)} in a way that tests/infra/calls.py does not see")
        if call[0] == "s3" and (who := judged(first := outermost(_files(), REPOSITORY))):
            lacks = refused(who, operation, request)
            if lacks:
                raise AssertionError(f"{first} asks for {lacks}, which the policy of '{who}' does not grant")
        return real(self, operation, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", checked)
        yield


def _files() -> list[str]:
    """Files of the stack, the innermost first."""
    frame, found = sys._getframe(2), []
    while frame is not None:
        found.append(frame.f_code.co_filename)
        frame = frame.f_back  # type: ignore[assignment]
    return found


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
