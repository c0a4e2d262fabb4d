"""Names, tags and places of a host's resources: what finds them again when all that started them is gone."""

from __future__ import annotations

from dataclasses import dataclass

from stages.common.aws.session import tags
from stages.common.errors import SettingsError
from stages.common.settings import Settings

TAG = "sdg-host"
"""Tag that every resource of a host has, its value the host's name."""


@dataclass(frozen=True)
class Names:
    """Of one host.

    Attributes:
        project: of the account.
        host: chosen by the user, ``default`` when nothing is said.
        bucket: for source, work and results; empty when none is named, which what ends a host does without.
        prefix: of the host's objects, with a slash at its end.
    """

    project: str
    host: str
    bucket: str
    prefix: str

    @property
    def role(self) -> str:
        """Of the role, its policy, the instance profile and the security group."""
        return f"{self.project}-host-{self.host}"

    @property
    def path(self) -> str:
        """Of role and profile in IAM, which can be listed by it."""
        return f"/{self.project}/sdg-host/"

    def key(self, name: str) -> str:
        """Key of one of the host's objects."""
        return f"{self.prefix}{name}"


def names_of(settings: Settings, host: str) -> Names:
    """Names of a host.

    Raises:
        SettingsError: when the name cannot be one.
    """
    bucket = settings.aws.bucket or settings.storage.bucket or ""
    if not host.replace("-", "").isalnum() or not host.isascii() or len(host) > 24:
        raise SettingsError(f"'{host}' cannot be a host's name: use up to 24 letters, digits and dashes")
    return Names(settings.aws.project, host, bucket, f"{settings.host.prefix}/{host}/")


def host_tags(settings: Settings, host: str) -> list[dict[str, str]]:
    """Tags of each of a host's resources."""
    return tags(settings.aws, **{TAG: host, "Name": f"{settings.aws.project}-host-{host}"})
