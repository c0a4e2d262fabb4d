"""A host's objects before anything is installed on it: standard library alone, for the Python of a bare Ubuntu.

``boot.sh`` carries this file in the user data. ``python3 objects.py GET|PUT NAME FILE`` fetches or stores an object of
the host with the passing credentials of its role, signed as S3 wants it: the payload's digest and the session's token
among the signed headers (AWS Signature Version 4, "Authenticating Requests (AWS Signature Version 4)" in the S3 API
reference). curl's ``--aws-sigv4`` of Ubuntu 22.04 (7.81) signs neither.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

METADATA = os.environ.get("METADATA", "http://169.254.169.254")
TRIES = 5


def metadata(path: str, token: str) -> str:
    """Text of the instance's metadata."""
    asked = urllib.request.Request(METADATA + "/latest/" + path, headers={"X-aws-ec2-metadata-token": token})
    with urllib.request.urlopen(asked, timeout=5) as answer:
        return str(answer.read().decode())


def credentials() -> dict[str, str]:
    """Of the instance's role, by IMDSv2."""
    wanted = urllib.request.Request(
        METADATA + "/latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "300"}
    )
    with urllib.request.urlopen(wanted, timeout=5) as answer:
        token = answer.read().decode()
    role = metadata("meta-data/iam/security-credentials/", token).split()[0]
    told: dict[str, str] = json.loads(metadata("meta-data/iam/security-credentials/" + role, token))
    return told


def signed(
    method: str, url: str, body: bytes, region: str, keys: dict[str, str], now: datetime.datetime
) -> dict[str, str]:
    """Headers of a request to S3.

    Args:
        method: ``GET`` or ``PUT``.
        url: its path percent-encoded, without a query.
        body: bytes.
        region: of the bucket.
        keys: ``AccessKeyId``, ``SecretAccessKey`` and ``Token`` as instance metadata has them.
        now: UTC.
    """
    split = urllib.parse.urlsplit(url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = "/".join([stamp[:8], region, "s3", "aws4_request"])
    headers = {"host": split.netloc, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": stamp}
    if keys.get("Token"):
        headers["x-amz-security-token"] = keys["Token"]
    names = ";".join(sorted(headers))
    lines = [method, split.path, "", *(name + ":" + headers[name] for name in sorted(headers)), "", names]
    canonical = "\n".join([*lines, headers["x-amz-content-sha256"]])
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + keys["SecretAccessKey"]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}".format(
        keys["AccessKeyId"], scope, names, signature
    )
    return headers


def main(method: str, name: str, file: str) -> int:
    """Fetch an object into a file, or store one, again when that may help; the exit status."""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(2**attempt)
        try:
            _request(method, name, file)
            return 0
        except urllib.error.HTTPError as error:
            # what S3 says of a refusal: an error code, and no secret
            print(method, name, error.code, error.read().decode(errors="replace")[:300], file=sys.stderr)
        except (OSError, ValueError, LookupError) as error:
            print(method, name, error, file=sys.stderr)
    return 1


def _request(method: str, name: str, file: str) -> None:
    region, place = os.environ["REGION"], os.environ["BUCKET"] + "/" + os.environ["PREFIX"] + name
    server = os.environ.get("ENDPOINT") or "https://s3." + region + ".amazonaws.com"
    url = server.rstrip("/") + "/" + urllib.parse.quote(place, safe="/-_.~")
    body = b""
    if method == "PUT":
        body = Path(file).read_bytes()
    now = datetime.datetime.now(datetime.timezone.utc)  # noqa: UP017 - Ubuntu 22.04 has Python 3.10
    headers = signed(method, url, body, region, credentials(), now)
    asked = urllib.request.Request(url, method=method, data=body if method == "PUT" else None, headers=headers)
    with urllib.request.urlopen(asked, timeout=300) as answer:
        if method == "GET":
            partial = Path(file + ".partial")
            with open(partial, "wb") as stream:
                shutil.copyfileobj(answer, stream)
            partial.replace(file)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
