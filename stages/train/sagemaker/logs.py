"""The log of a job in CloudWatch, as it grows."""

from __future__ import annotations

from collections.abc import Callable
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

        if self._off:
            return []
        try:
            found = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{self._name}/")
            names = [str(stream["logStreamName"]) for stream in found["logStreams"]]
            return [line for name in sorted(names) for line in self._new(logs, name)]
        except ClientError as error:
            if "AccessDenied" in code_of(error):
                self._off = True
                self._notify(f"the log of job '{self._name}' may not be read ({code_of(error)}); it is left out")
            return []
        except BotoCoreError:
            return []

    def _new(self, logs: Any, stream: str) -> list[str]:
        lines: list[str] = []
        for _ in range(PAGES):
            before = self.tokens.get(stream)
            answer = logs.get_log_events(
                logGroupName=GROUP,
                logStreamName=stream,
                startFromHead=True,
                **({"nextToken": before} if before else {}),
            )
            lines += [str(event["message"]).rstrip() for event in answer["events"]]
            self.tokens[stream] = str(answer["nextForwardToken"])
            if self.tokens[stream] == before or not answer["events"]:  # CloudWatch gives the same token at the end
                break
        return lines
