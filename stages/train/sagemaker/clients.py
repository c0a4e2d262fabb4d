"""The services that a training job needs, and patience with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from stages.common.aws.objects import Objects, place_of
from stages.common.aws.session import client, code_of
from stages.common.errors import StageError
from stages.common.settings.aws import Aws
from stages.common.settings.platform import Storage

T = TypeVar("T")

EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidToken",
    "RequestExpired",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
}
"""Error codes for credentials that were good once: a new login, or their renewal, mends them."""

BUSY = {"InternalError", "InternalFailure", "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException"}
"""Error codes that pass by themselves."""


class Services:
    """Clients, made when they are first asked for and anew after :meth:`renew`, with what the AWS files say then."""

    def __init__(self, aws: Aws, storage: Storage) -> None:
        self.aws, self.storage = aws, storage
        self._made: dict[str, Any] = {}

    def __getitem__(self, service: str) -> Any:
        """A boto3 client by the service's name."""
        if service not in self._made:
            self._made[service] = client(self.aws, service)
        return self._made[service]

    @property
    def objects(self) -> Objects:
        """The project's place in object storage."""
        if "objects" not in self._made:
            self._made["objects"] = Objects(place_of(self.aws, self.storage), self.aws.kms_key)
        found: Objects = self._made["objects"]
        return found

    def renew(self) -> None:
        """Forget all clients and their credentials."""
        self._made.clear()


def may_pass(error: StageError) -> bool:
    """Whether what AWS answered can be another thing in some minutes: expired credentials, no answer, busy."""
    from botocore import exceptions as boto

    cause = error.__cause__
    if isinstance(cause, boto.ClientError):
        status = int(cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return code_of(cause) in EXPIRED | BUSY or status >= 500
    return isinstance(
        cause,
        boto.HTTPClientError
        | boto.ConnectionError
        | boto.SSOError
        | boto.TokenRetrievalError
        | boto.CredentialRetrievalError
        | boto.NoCredentialsError,
    )


class Patience:
    """Repeats what fails for a reason that may pass.

    Args:
        services: renewed before each new try.
        seconds: to go on for without success.
        pause: seconds between two tries.
        notify: told once for each such time.
        meanwhile: what goes on, for the sentence.
    """

    def __init__(
        self, services: Services, seconds: float, pause: float, notify: Callable[[str], None], meanwhile: str = ""
    ) -> None:
        self._services, self._seconds, self._pause = services, seconds, pause
        self._notify, self.meanwhile = notify, meanwhile

    def __call__(self, call: Callable[[], T]) -> T:
        """What ``call`` returns in the end.

        Raises:
            StageError: that ``call`` raises when it will not pass, or has not in time.
        """
        failing_since: float | None = None
        while True:
            try:
                return call()
            except StageError as error:
                if not may_pass(error):
                    raise
                now = time.monotonic()
                if failing_since is None:
                    failing_since = now
                    self._notify(f"{error}; {self.meanwhile}this goes on trying for {self._seconds / 60:g} min")
                if now - failing_since >= self._seconds:
                    raise
            time.sleep(self._pause)
            self._services.renew()
