"""The one place of this room that calls AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from stages.common.aws.account import Identity, role_of
from stages.common.aws.session import ATTEMPTS, client, code_of, explain, tags, told
from stages.common.errors import ServiceError, SettingsError
from stages.common.settings import Settings
from stages.common.storage import with_body
from stages.deploy.endpoint.names import Names, names_of

ABSENT = {
    "404",
    "NoSuchKey",
    "NotFound",
    "ObjectNotFoundException",
    "RepositoryNotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
}
"""Error codes for what does not exist; SageMaker has none and says so in words."""

ONCE = {"sagemaker-runtime"}
"""Services whose calls are not repeated: a second invocation would count twice."""


class Account:
    """Calls of AWS's services about one endpoint.

    Clients are made when first used. What AWS answers becomes one sentence that names the endpoint.

    Attributes:
        settings: of everything.
        names: of the endpoint's parts.
        guard: called before each call that changes something; it raises when that must not be.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.names: Names = names_of(settings.aws, settings.endpoint)
        self.guard: Callable[[], None] = lambda: None
        self._clients: dict[str, Any] = {}

    @property
    def bucket(self) -> str:
        """For models, captured data, receipts and the lease.

        Raises:
            SettingsError: when none is named.
        """
        bucket = self.settings.aws.bucket or self.settings.storage.bucket
        if not bucket:
            raise SettingsError("aws.bucket is empty: name the bucket for models, as in aws.bucket=my-models")
        return bucket

    def tags(self) -> list[dict[str, str]]:
        """Of every resource of the endpoint."""
        return tags(self.settings.aws, endpoint=self.names.endpoint)

    def client(self, service: str) -> Any:
        """boto3's client of a service."""
        if service not in self._clients:
            attempts = 1 if service in ONCE else ATTEMPTS
            self._clients[service] = client(self.settings.aws, service, attempts=attempts)
        return self._clients[service]

    def ask(self, service: str, operation: str, **request: Any) -> Any:
        """Call what changes nothing.

        Raises:
            StageError: whatever AWS answers but the result.
        """
        with told(self._doing):
            return getattr(self.client(service), operation)(**request)

    def find(self, service: str, operation: str, **request: Any) -> Any:
        """Call what describes something; None when it does not exist.

        Raises:
            StageError: whatever else AWS answers.
        """
        return self._unless(_absent, service, operation, request)

    def act(self, service: str, operation: str, **request: Any) -> Any:
        """Call what changes something, while the lease is held.

        Raises:
            StageError: whatever AWS answers but the result, or when the lease is lost.
        """
        self.guard()
        return self.ask(service, operation, **request)

    def create(self, service: str, operation: str, **request: Any) -> Any:
        """Call what makes something, whose name says what it holds; it may be there already.

        A request whose answer was lost is repeated by botocore, and then refused as a repetition.

        Raises:
            StageError: whatever else AWS answers, or when the lease is lost.
        """
        self.guard()
        return self._unless(_present, service, operation, request)

    def remove(self, service: str, operation: str, **request: Any) -> Any:
        """Call what removes something; it may be gone already.

        Raises:
            StageError: whatever else AWS answers, or when the lease is lost.
        """
        self.guard()
        return self._unless(_absent, service, operation, request)

    def pages(self, service: str, operation: str, **request: Any) -> Iterator[Any]:
        """All pages of a list.

        Raises:
            StageError: whatever AWS answers but the result.
        """
        with told(self._doing):
            yield from self.client(service).get_paginator(operation).paginate(**request)

    def read(self, bucket: str, key: str, take: Callable[[Any], Any] = lambda body: bytes(body.read())) -> Any:
        """Get an object, again from its start when the connection breaks in its middle; None when it does not exist.

        Args:
            bucket: that holds it.
            key: of the object.
            take: makes something of the body; called again for a new one.

        Returns:
            S3's answer, with what was taken in place of the body.

        Raises:
            StageError: whatever else AWS answers.
        """
        with told(self._doing):
            return with_body(lambda: self.find("s3", "get_object", Bucket=bucket, Key=key), take, ATTEMPTS)

    def endpoint(self) -> Any:
        """Describe the endpoint; None when it does not exist."""
        return self.find("sagemaker", "describe_endpoint", EndpointName=self.names.endpoint)

    def configuration(self, name: str) -> Any:
        """Describe a configuration; None when it does not exist."""
        return self.find("sagemaker", "describe_endpoint_config", EndpointConfigName=name)

    def role(self) -> str:
        """ARN of the execution role: ``aws.role``, or the one that ``infra`` makes."""
        if self.settings.aws.role:
            return self.settings.aws.role
        who = self.ask("sts", "get_caller_identity")
        return role_of(self.settings.aws, Identity(str(who["Account"]), str(who["Arn"])))

    def image(self) -> str:
        """The container by digest: ``endpoint.image``, the newest in the registry for serving, or ``aws.image``.

        Raises:
            ServiceError: when there is none.
        """
        if self.settings.endpoint.image:
            return self.settings.endpoint.image
        registry = f"{self.names.project}-serve"
        repository = self.find("ecr", "describe_repositories", repositoryNames=[registry])
        pages = (
            self.pages("ecr", "describe_images", repositoryName=registry, filter={"tagStatus": "TAGGED"})
            if repository
            else ()
        )
        images = [image for page in pages for image in page["imageDetails"]]
        if images:
            newest = max(images, key=lambda image: (image["imagePushedAt"], image["imageDigest"]))
            return f"{repository['repositories'][0]['repositoryUri']}@{newest['imageDigest']}"
        if self.settings.aws.image:
            return self.settings.aws.image
        raise ServiceError(
            f"registry '{registry}' in {self.settings.aws.region} has no image: push one, or name one in endpoint.image"
        )

    @property
    def _doing(self) -> str:
        return f"endpoint '{self.names.endpoint}'"

    def _unless(self, expected: Callable[[Any], bool], service: str, operation: str, request: dict[str, Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.client(service), operation)(**request)
        except ClientError as error:
            if expected(error):
                return None
            raise explain(error, self._doing) from error
        except BotoCoreError as error:
            raise explain(error, self._doing) from error


def _absent(error: Any) -> bool:
    return code_of(error) in ABSENT or "ould not find" in _said(error)


def _present(error: Any) -> bool:
    return "already exist" in _said(error)


def _said(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))
