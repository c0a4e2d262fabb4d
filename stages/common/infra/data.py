"""What outlives the stack: removed only when that is asked for."""

from __future__ import annotations

from typing import Any

from stages.common.aws.session import code_of, told
from stages.common.errors import ServiceError


def delete_bucket(s3: Any, bucket: str) -> str:
    """Remove a bucket with every version of every object; what was done, in words.

    Raises:
        StageError: when AWS refuses.
    """
    with told(f"bucket '{bucket}'"):
        try:
            count = 0
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                keys = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
                if not keys:
                    continue
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                if answer.get("Errors"):
                    first = answer["Errors"][0]
                    raise ServiceError(
                        f"{first['Key']} in bucket '{bucket}' cannot be removed ({first['Code']}): mend that, then run "
                        "down --delete-data again"
                    )
                count += len(keys)
            s3.delete_bucket(Bucket=bucket)
        except s3.exceptions.ClientError as error:
            if code_of(error) == "NoSuchBucket":
                return f"there was no bucket '{bucket}'"
            raise
    return f"bucket '{bucket}' is gone with {count} versions of objects"


def delete_registry(ecr: Any, repository: str) -> str:
    """Remove an image registry with its images; what was done, in words.

    Raises:
        StageError: when AWS refuses.
    """
    with told(f"registry '{repository}'"):
        try:
            ecr.delete_repository(repositoryName=repository, force=True)
        except ecr.exceptions.RepositoryNotFoundException:
            return f"there was no registry '{repository}'"
    return f"registry '{repository}' is gone"
