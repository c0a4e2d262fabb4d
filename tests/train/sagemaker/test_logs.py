"""No line of a log is lost, whatever CloudWatch does between its pages."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from stages.train.sagemaker.logs import LogTail

STREAM = "job/algo-1"


class Logs:
    """A stream of one line a page; tokens are numbers of pages."""

    def __init__(self, *lines: str) -> None:
        self.pages = lines
        self.failing: dict[int, Exception] = {}

    def describe_log_streams(self, **_: Any) -> dict[str, Any]:
        return {"logStreams": [{"logStreamName": STREAM}]}

    def get_log_events(self, *, nextToken: str = "0", **_: Any) -> dict[str, Any]:
        page = int(nextToken)
        if error := self.failing.pop(page, None):
            raise error
        lines = self.pages[page : page + 1]
        return {"events": [{"message": line} for line in lines], "nextForwardToken": str(page + len(lines))}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetLogEvents")


def test_a_page_that_fails_loses_none_before_it() -> None:
    for error in (EndpointConnectionError(endpoint_url="here"), refused("ThrottlingException")):
        logs, tail = Logs("one", "two", "three"), LogTail("job", {}, lambda _: None)
        logs.failing[1] = error
        assert tail.lines(logs) == ["one"]
        assert tail.tokens == {STREAM: "1"}
        assert tail.lines(logs) == ["two", "three"]
        assert tail.lines(logs) == []


def test_lines_before_a_refusal_are_told_and_nobody_asks_again() -> None:
    said: list[str] = []
    logs, tail = Logs("one", "two"), LogTail("job", {}, said.append)
    logs.failing[1] = refused("AccessDeniedException")
    assert tail.lines(logs) == ["one"]
    assert tail.lines(logs) == []
    assert said == ["the log of job 'job' may not be read (AccessDeniedException); it is left out"]


def test_a_token_that_has_expired_is_dropped() -> None:
    logs, tail = Logs("one", "two"), LogTail("job", {STREAM: "1"}, lambda _: None)
    logs.failing[1] = refused("InvalidParameterException")
    assert tail.lines(logs) == []
    assert tail.tokens == {}
    assert tail.lines(logs) == ["one", "two"]
