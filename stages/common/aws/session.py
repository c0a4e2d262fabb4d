"""Clients of AWS services, and one sentence for what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stages.common.errors import MissingDependencyError, ServiceError, StageError
from stages.common.settings.aws import Aws
from stages.common.storage import REFUSED

CONNECT_TIMEOUT = 5
"""Seconds to reach a service."""

READ_TIMEOUT = 60
"""Seconds for a service's answer."""

ATTEMPTS = 5
"""Tries of each call; botocore repeats only what may pass: throttling, 5xx, broken connections."""

DENIED = REFUSED | {
    "AccessDeniedException",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
}
"""Error codes that speak of who asks (IAM user guide, "Common errors" of the services' API references)."""


def client(aws: Aws, service: str, *, attempts: int = ATTEMPTS) -> Any:
    """A boto3 client.

    Args:
        aws: the account's settings; credentials come from the environment, the AWS files or the machine's role.
        service: boto3's name of it, such as ``sagemaker``.
        attempts: tries of each call; 1 for probes, which must answer in seconds.

    Raises:
        StageError: when the address, the profile or the region cannot be used.
    """
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError as error:
        raise MissingDependencyError("boto3 is not installed: run make setup") from error
    with told(f"the {service} client"):
        try:
            return boto3.Session(region_name=aws.region).client(
                service,
                endpoint_url=aws.endpoint or None,
                config=Config(
                    retries={"total_max_attempts": attempts, "mode": "standard"},
                    connect_timeout=CONNECT_TIMEOUT,
                    read_timeout=READ_TIMEOUT,
                ),
            )
        except ValueError:
            raise ServiceError("aws.endpoint is no address: write one as in http://127.0.0.1:5000") from None


def tags(aws: Aws, **more: str) -> list[dict[str, str]]:
    """Tags of a resource as SageMaker, EC2 and CloudWatch take them: sorted, the project's first."""
    named = {"project": aws.project, **dict(sorted({**aws.tags, **more}.items()))}
    return [{"Key": key, "Value": value} for key, value in named.items()]


def code_of(error: BaseException) -> str:
    """AWS's error code in a botocore ``ClientError``; empty for any other."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn what botocore raises inside into one sentence that starts with what was being done.

    Raises:
        StageError: instead of ``ClientError`` and ``BotoCoreError``.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise explain(error, doing) from error


def explain(error: BaseException, doing: str) -> StageError:
    """One sentence for what AWS answered, or did not.

    Args:
        error: of botocore. Its message is kept only where it can hold neither a key nor a signature.
        doing: what was being done, as in ``endpoint 'detector'``.
    """
    from botocore import exceptions as boto

    match error:
        case boto.ClientError():
            return _answer(error, doing)
        case boto.ProfileNotFound() | boto.ConfigNotFound():
            return ServiceError(f"{error}: name one that is in your AWS configuration files in AWS_PROFILE")
        case boto.SSOError() | boto.TokenRetrievalError():
            return ServiceError(f"{doing}: the AWS login has expired: log in again with aws sso login")
        case boto.NoCredentialsError() | boto.PartialCredentialsError() | boto.CredentialRetrievalError():
            return ServiceError(
                f"{doing}: no AWS credentials are there: set AWS_PROFILE, or AWS_ACCESS_KEY_ID with its secret"
            )
        case boto.ParamValidationError():
            return ServiceError(f"{doing}: a value is not what AWS takes ({' '.join(str(error).split())}): correct it")
        case boto.NoRegionError():
            return ServiceError(f"{doing}: aws.region is empty: name one, as in aws.region=eu-central-1")
        case boto.HTTPClientError() | boto.ConnectionError():
            return ServiceError(f"{doing}: AWS does not answer: check the network, aws.region and aws.endpoint")
    return ServiceError(f"{doing} failed ({type(error).__name__}): see --debug for the cause")


def _answer(error: Any, doing: str) -> StageError:
    code = code_of(error)
    operation = error.operation_name
    if code in DENIED:
        return ServiceError(
            f"{doing}: AWS refuses {operation} to these credentials ({code}): check AWS_PROFILE or the access key, and "
            "what it may do"
        )
    message = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
    return ServiceError(f"{doing}: AWS answers {operation} with {code} ({message}): correct that, or try again")
