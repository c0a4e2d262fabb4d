"""Object storage: is it there, may we use it, and one sentence when not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from stages.common.errors import StorageError

CONNECT_TIMEOUT = 3
"""Seconds for a probe to reach the server."""

READ_TIMEOUT = 10
"""Seconds for a probe's answer."""

CONNECTIONS = 10
"""Connections at a time, as botocore has it."""

REFUSED = {
    "403",
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "Forbidden",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
"""Error codes of S3 that speak of who asks (Amazon S3 API reference, "Error responses")."""

MISSING = {"404", "NoSuchBucket", "NotFound"}
"""Error codes of S3 for a bucket that does not exist."""

ABSENT = {"404", "NoSuchKey", "NotFound"}
"""Error codes of S3 for an object that does not exist."""

ELSEWHERE = {"301", "307", "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}
"""Error codes of S3 for a bucket in another region."""


@dataclass(frozen=True)
class Credentials:
    """Who asks; empty fields leave it to the environment and the AWS files.

    Attributes:
        profile: in the AWS configuration files.
        key_id, secret, token: an access key; never shown.
    """

    profile: str | None = None
    key_id: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Place:
    """A prefix in a bucket.

    Attributes:
        bucket: its name.
        prefix: without slashes at its ends; empty for the whole bucket.
        endpoint: address of a server other than AWS, or empty.
        region: of the bucket.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"

    @property
    def uri(self) -> str:
        """The place as ``s3://bucket/prefix``."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def server(self) -> str:
        """The server in words, without a user name or password that its address may hold."""
        if not self.endpoint:
            return f"AWS in {self.region}"
        scheme, slashes, rest = self.endpoint.rpartition("//")
        return scheme + slashes + rest.rpartition("@")[2]


def client(
    place: Place,
    credentials: Credentials,
    attempts: int,
    *,
    read_timeout: int = READ_TIMEOUT,
    connections: int = CONNECTIONS,
) -> Any:
    """A boto3 client for the place.

    Args:
        place: where.
        credentials: who asks.
        attempts: tries of each call; 1 for probes, which must answer in seconds.
        read_timeout: seconds for the server's answer.
        connections: at a time.

    Raises:
        StorageError: when the address or the profile cannot be used.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(
            profile_name=credentials.profile,
            aws_access_key_id=credentials.key_id,
            aws_secret_access_key=credentials.secret,
            aws_session_token=credentials.token,
        )
        return session.client(
            "s3",
            endpoint_url=place.endpoint or None,
            region_name=place.region or None,
            config=Config(
                retries={"total_max_attempts": attempts, "mode": "standard"},
                connect_timeout=CONNECT_TIMEOUT,
                read_timeout=read_timeout,
                max_pool_connections=connections,
            ),
        )
    except ValueError:
        raise StorageError(
            f"storage.endpoint '{place.server}' is not an address: write one as in http://127.0.0.1:9000"
        ) from None
    except BotoCoreError as error:
        raise explain(error, place) from error


def ensure_bucket(place: Place, credentials: Credentials, create: bool) -> None:
    """Check that the bucket can be listed; make it when it is missing and that is allowed.

    Raises:
        StorageError: when the server does not answer, refuses the credentials, or the bucket is missing.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    s3 = client(place, credentials, attempts=1)
    try:
        s3.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix, MaxKeys=1)
        return
    except ClientError as error:
        if code_of(error) not in MISSING or not create:
            raise explain(error, place) from error
    except BotoCoreError as error:
        raise explain(error, place) from error
    # us-east-1 is the one region that S3 does not accept as a location
    where: dict[str, Any] = (
        {}
        if place.endpoint or place.region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": place.region}}
    )
    try:
        s3.create_bucket(Bucket=place.bucket, **where)
    except ClientError as error:
        if code_of(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:  # another run was quicker
            raise StorageError(
                f"bucket '{place.bucket}' does not exist and {place.server} refuses to make it ({code_of(error)}): "
                "choose another storage.bucket, or have it made for you"
            ) from error
    except BotoCoreError as error:
        raise explain(error, place) from error


@contextmanager
def told(place: Place) -> Iterator[None]:
    """Turn what botocore raises inside into a sentence about the place.

    Raises:
        StorageError: instead of ``ClientError`` and ``BotoCoreError``.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise explain(error, place) from error


def get_body(s3: Any, place: Place, key: str, take: Callable[[Any], Any], attempts: int) -> Any:
    """Get an object and take its body, again from its start when the connection breaks in its middle.

    Args:
        s3: client to ask.
        place: of the bucket; it says where an error came from.
        key: whole key.
        take: reads the body that it is given.
        attempts: how often.

    Returns:
        What ``take`` does, or None when there is no such object.

    Raises:
        StorageError: when S3 refuses, or the connection breaks each time.
    """
    from botocore.exceptions import ClientError

    def get() -> Any:
        try:
            return s3.get_object(Bucket=place.bucket, Key=key)
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            raise

    with told(place):
        found = with_body(get, take, attempts)
    return None if found is None else found["Body"]


def with_body(get: Callable[[], Any], take: Callable[[Any], Any], attempts: int) -> Any:
    """An answer of S3 with what is taken of its body in the body's place, asked for anew when the connection breaks.

    Args:
        get: asks for the object; None says that there is none.
        take: reads the body that it is given.
        attempts: how often.

    Raises:
        HTTPClientError, IncompleteReadError: when the connection breaks each time.
    """
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    for attempt in range(attempts):
        try:
            found = get()
            return None if found is None else {**found, "Body": take(found["Body"])}
        except (HTTPClientError, IncompleteReadError):
            if attempt + 1 == attempts:
                raise
    return None


def explain(error: BaseException, place: Place) -> StorageError:
    """One sentence for what object storage answered, or did not.

    Args:
        error: of botocore, or one that was raised from such an error. Its own text is used only where it can hold
            neither a key nor a signature.
        place: that was asked.
    """
    for cause in _causes(error):
        sentence = _sentence(cause, place)
        if sentence:
            return StorageError(sentence)
    kind = type(error).__name__
    return StorageError(f"{place.uri} at {place.server} cannot be used ({kind}): see --debug for the cause")


def code_of(error: Any) -> str:
    """S3's error code in a ``ClientError``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _sentence(error: BaseException, place: Place) -> str:
    from botocore import exceptions as boto

    unreachable = (
        boto.ConnectionError,
        boto.HTTPClientError,
        boto.ReadTimeoutError,
        boto.ConnectionClosedError,
    )
    anonymous = (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.NoAuthTokenError,
    )
    expired = (boto.SSOError, boto.TokenRetrievalError)
    match error:
        case boto.ClientError():
            return _refusal(code_of(error), place)
        case boto.ProfileNotFound() | boto.ConfigNotFound():
            return f"{error}: name one that is in your AWS configuration files in AWS_PROFILE"
        case boto.ParamValidationError():
            return f"storage.bucket '{place.bucket}' is no name that S3 allows: use 3 to 63 of a-z, 0-9, '-' and '.'"
        case boto.SSLError():
            return f"{place.server} does not speak TLS as it should: check http or https in storage.endpoint"
        case _ if isinstance(error, expired):
            return f"the AWS login for {place.uri} has expired: log in again with aws sso login"
        case _ if isinstance(error, anonymous):
            return (
                f"there are no credentials for {place.uri}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "or AWS_PROFILE"
            )
        case _ if isinstance(error, unreachable):
            return f"{place.server} does not answer: start it, or correct storage.endpoint"
    return ""


def _refusal(code: str, place: Place) -> str:
    if code in MISSING:
        return (
            f"bucket '{place.bucket}' does not exist at {place.server}: make it, or allow it with "
            "storage.create_bucket=true"
        )
    if code in REFUSED:
        return (
            f"{place.server} refuses these credentials for {place.uri} ({code}): check AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and what they may do"
        )
    if code in ELSEWHERE:
        return f"bucket '{place.bucket}' is not in region {place.region} ({code}): correct storage.region"
    return f"{place.server} answers '{code}' for {place.uri}: try again, or look into the server's log"
