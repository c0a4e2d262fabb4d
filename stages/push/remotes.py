"""Kinds of DVC remote, each in its own class; a new one needs a class and a line in :data:`REMOTES`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from stages.common.checkout import main_checkout
from stages.common.errors import StorageError
from stages.common.settings.platform import Storage
from stages.common.storage import Credentials, Place, ensure_bucket, explain


class Remote(Protocol):
    """What push needs to know of a remote."""

    @property
    def name(self) -> str:
        """DVC's name for it."""

    @property
    def options(self) -> dict[str, str]:
        """DVC's options, ``url`` among them; never a secret. An empty one stands for DVC's default."""

    @property
    def receipt(self) -> dict[str, str]:
        """The remote as the receipt names it: the same in every checkout, without secrets."""

    def prepare(self, configured: Mapping[str, Any], /) -> None:
        """Make the remote usable within seconds.

        Args:
            configured: the remote's options in DVC's merged configuration, which can hold credentials.

        Raises:
            StorageError: when it is not usable.
        """

    def tune(self, filesystem: Any, /) -> None:
        """Adjust DVC's file system for the remote before anything is sent."""

    def explain(self, error: BaseException) -> StorageError:
        """One sentence for an error that DVC met on the way."""


@dataclass(frozen=True)
class LocalRemote:
    """A folder.

    Attributes:
        folder: absolute.
        given: as the settings name it.
    """

    folder: Path
    given: str
    name = "local"

    @property
    def options(self) -> dict[str, str]:
        """The folder as URL."""
        return {"url": str(self.folder)}

    @property
    def receipt(self) -> dict[str, str]:
        """The folder as the settings name it."""
        return {"kind": "local", "url": self.given}

    def prepare(self, _configured: Mapping[str, Any], /) -> None:
        """Make the folder and write into it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as probe:
                probe.write(b"x")
        except OSError as error:
            raise self.explain(error) from error

    def tune(self, _filesystem: Any, /) -> None:
        """Leave a folder as it is."""

    def explain(self, error: BaseException) -> StorageError:
        """Say what the file system answered."""
        reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        return StorageError(
            f"folder '{self.folder}' cannot be written ({reason}): make room or mend its permissions, "
            "or choose another storage.folder"
        )


@dataclass(frozen=True)
class S3Remote:
    """A prefix in a bucket of any S3 server."""

    place: Place
    create_bucket: bool
    name = "s3"

    @property
    def options(self) -> dict[str, str]:
        """The bucket as URL, with its server and region."""
        return {"url": self.place.uri, "endpointurl": self.place.endpoint, "region": self.place.region}

    @property
    def receipt(self) -> dict[str, str]:
        """The bucket and its server."""
        return {"kind": "s3", "url": self.place.uri, "server": self.place.server}

    def prepare(self, configured: Mapping[str, Any], /) -> None:
        """List the bucket, or make it."""
        credentials = Credentials(
            profile=configured.get("profile"),
            key_id=configured.get("access_key_id"),
            secret=configured.get("secret_access_key"),
            token=configured.get("session_token"),
        )
        ensure_bucket(self.place, credentials, self.create_bucket)
        # of DVC's transfer, which tries five times more by itself: together they give up in seconds, not minutes
        os.environ.setdefault("AWS_MAX_ATTEMPTS", "2")

    def tune(self, filesystem: Any, /) -> None:
        """Send bodies without waiting for leave.

        With ``Expect: 100-continue`` aiohttp waits for leave even after the server has refused, so each refused object
        would take a minute for every try.
        """
        from botocore.handlers import add_expect_header

        filesystem.fs.s3.meta.events.unregister("before-call.s3", add_expect_header)
        filesystem.fs.invalidate_cache()

    def explain(self, error: BaseException) -> StorageError:
        """Say what object storage answered."""
        return explain(error, self.place)


def _local(storage: Storage, root: Path) -> Remote:
    return LocalRemote((main_checkout(root) / Path(storage.folder).expanduser()).resolve(), storage.folder)


def _s3(storage: Storage, _root: Path) -> Remote:
    place = Place(storage.bucket, storage.prefix.strip("/"), storage.endpoint.rstrip("/"), storage.region)
    return S3Remote(place, storage.create_bucket)


REMOTES: dict[str, Callable[[Storage, Path], Remote]] = {"local": _local, "s3": _s3}
"""Makes a remote of ``storage.kind`` from the settings and the top of the repository."""


def remote_of(storage: Storage, root: Path) -> Remote:
    """The remote that the settings choose, for the repository at ``root``."""
    return REMOTES[storage.kind](storage, root)
