"""The log of a job in CloudWatch, as it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from stages.common.aws.session import code_of

GROUP = "/aws/sagemaker/TrainingJobs"
"""Log group of all training jobs (SageMaker developer guide, "Log groups and streams")."""

PAGES = 20
"""Pages of a stream that are read at one look; the rest comes with the next."""


class LogTail:
    """New lines of a job's streams; one more stream comes with each machine that takes the job over.

    Never an error: a log that cannot be read ends no job.

    Args:
        name: of the job.
        tokens: where to go on, by stream; filled here, to be kept.
        notify: told once when the log may not be read.
    """

    def __init__(self, name: str, tokens: dict[str, str], notify: Callable[[str], None]) -> None:
        self._name, self.tokens, self._notify = name, tokens, notify
        self._off = False

    def lines(self, logs: Any) -> list[str]:
        """What came since the last time.

        Args:
            logs: boto3's client.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        lines: list[str] = []
        if self._off:
            return lines
        try:
            found = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{self._name}/")
            for stream in sorted(str(item["logStreamName"]) for item in found["logStreams"]):
                for page in self._pages(logs, stream):
                    lines += page
        except ClientError as error:
            if "AccessDenied" in code_of(error):
                self._off = True
                self._notify(f"the log of job '{self._name}' may not be read ({code_of(error)}); it is left out")
        except BotoCoreError:
            pass
        return lines

    def _pages(self, logs: Any, stream: str) -> Iterator[list[str]]:
        """New lines of one stream; the token goes on with each page that is handed out."""
        from botocore.exceptions import ClientError

        for _ in range(PAGES):
            before = self.tokens.get(stream)
            try:
                answer = logs.get_log_events(
                    logGroupName=GROUP,
                    logStreamName=stream,
                    startFromHead=True,
                    **({"nextToken": before} if before else {}),
                )
            except ClientError as error:
                if code_of(error) == "InvalidParameterException":  # tokens last 24 hours
                    self.tokens.pop(stream, None)
                raise
            self.tokens[stream] = str(answer["nextForwardToken"])
            yield [str(event["message"]).rstrip() for event in answer["events"]]
            if self.tokens[stream] == before or not answer["events"]:  # CloudWatch gives the same token at the end
                break
