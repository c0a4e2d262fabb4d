"""A bundle as SageMaker takes it: ``model.tar.gz`` in S3, under the sum of what it holds."""

from __future__ import annotations

import base64
import gzip
import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from stages.common.errors import InputError
from stages.common.files import CHUNK, sha256_of
from stages.deploy.bundle import SUMS, Bundle, open_bundle
from stages.deploy.endpoint.account import Account

COMPRESSION = 1
"""Of gzip: weights hardly get smaller."""


def upload(account: Account, bundle: Bundle) -> str:
    """Put a bundle into the bucket unless it is there, and give its ``s3://`` address.

    Raises:
        StageError: when S3 does not take it.
    """
    key = account.names.artifact(sha256_of(bundle.folder / SUMS))
    where = {"Bucket": account.bucket, "Key": key}
    if account.find("s3", "head_object", **where) is None:
        with tempfile.TemporaryFile() as packed:
            write_archive(bundle.folder, packed)
            packed.seek(0)
            digest = hashlib.file_digest(packed, "sha256").digest()
            packed.seek(0)
            encrypted = _encrypted(account)
            checksum = base64.b64encode(digest).decode()
            account.act("s3", "put_object", **where, Body=packed, ChecksumSHA256=checksum, **encrypted)
    return f"s3://{account.bucket}/{key}"


def write_archive(folder: Path, stream: IO[bytes]) -> None:
    """A folder's files as a compressed tar; the same files give the same bytes."""
    with (
        gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=COMPRESSION, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            with open(path, "rb") as content:
                archive.addfile(entry, content)


@contextmanager
def fetched(account: Account, address: str) -> Iterator[Bundle]:
    """A bundle that was deployed, in a folder that is removed afterwards.

    Args:
        account: whose credentials read it.
        address: ``s3://`` address of its ``model.tar.gz``.

    Raises:
        InputError: when it is gone or no whole bundle.
    """
    bucket, _, key = address.removeprefix("s3://").partition("/")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as packed:

        def save(body: Any) -> None:
            packed.seek(0)
            packed.truncate()
            for chunk in body.iter_chunks(CHUNK):
                packed.write(chunk)

        if account.read(bucket, key, save) is None:
            raise InputError(f"'{address}' is gone: deploy the model again with python -m stages.deploy")
        packed.seek(0)
        try:
            with tarfile.open(fileobj=packed, mode="r:gz") as archive:
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, OSError, EOFError):
            raise InputError(f"'{address}' is no whole archive: deploy the model again") from None
        yield open_bundle(Path(folder))


def _encrypted(account: Account) -> dict[str, Any]:
    key = account.settings.aws.kms_key
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
