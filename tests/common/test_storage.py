"""Sentences for what object storage answers."""

from __future__ import annotations

import socket
import threading

import pytest
from botocore import exceptions as boto

from stages.common.errors import StorageError
from stages.common.storage import Credentials, Place, client, ensure_bucket, explain, told

SECRET = "not-a-word-of-this-may-leak"
CREDENTIALS = Credentials(key_id="KEY0123456789", secret=SECRET)
PLACE = Place("frames", "dvc", "http://127.0.0.1:9000")


def refusal(code: str) -> boto.ClientError:
    return boto.ClientError({"Error": {"Code": code, "Message": f"StringToSign {SECRET}"}}, "ListObjectsV2")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            refusal("AccessDenied"),
            "http://127.0.0.1:9000 refuses these credentials for s3://frames/dvc (AccessDenied): check "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and what they may do",
        ),
        (
            refusal("NoSuchBucket"),
            "bucket 'frames' does not exist at http://127.0.0.1:9000: make it, or allow it with "
            "storage.create_bucket=true",
        ),
        (
            refusal("PermanentRedirect"),
            "bucket 'frames' is not in region us-east-1 (PermanentRedirect): correct storage.region",
        ),
        (
            refusal("SlowDown"),
            "http://127.0.0.1:9000 answers 'SlowDown' for s3://frames/dvc: try again, or look into the server's log",
        ),
        (
            boto.EndpointConnectionError(endpoint_url="http://127.0.0.1:9000/frames"),
            "http://127.0.0.1:9000 does not answer: start it, or correct storage.endpoint",
        ),
        (
            boto.ReadTimeoutError(endpoint_url="http://127.0.0.1:9000/frames"),
            "http://127.0.0.1:9000 does not answer: start it, or correct storage.endpoint",
        ),
        (
            boto.NoCredentialsError(),
            "there are no credentials for s3://frames/dvc: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or AWS_PROFILE",
        ),
        (
            boto.TokenRetrievalError(provider="sso", error_msg=SECRET),
            "the AWS login for s3://frames/dvc has expired: log in again with aws sso login",
        ),
        (
            boto.SSLError(endpoint_url="https://127.0.0.1:9000/frames", error="certificate"),
            "http://127.0.0.1:9000 does not speak TLS as it should: check http or https in storage.endpoint",
        ),
        (
            RuntimeError(SECRET),
            "s3://frames/dvc at http://127.0.0.1:9000 cannot be used (RuntimeError): see --debug for the cause",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_explain(error: Exception, sentence: str) -> None:
    assert str(explain(error, PLACE)) == sentence


def test_explain_finds_the_cause_behind_a_file_system_error() -> None:
    error = PermissionError("Forbidden")
    error.__cause__ = refusal("InvalidAccessKeyId")
    assert "refuses these credentials" in str(explain(error, PLACE))


def test_the_server_is_named_without_its_password() -> None:
    assert Place("b", endpoint="https://user:password@minio.example:9000").server == "https://minio.example:9000"
    assert Place("b", region="eu-west-1").server == "AWS in eu-west-1"


def test_credentials_do_not_show_their_secret() -> None:
    assert SECRET not in repr(CREDENTIALS)


def test_the_whole_bucket_has_no_slash_behind_it() -> None:
    assert Place("frames").uri == "s3://frames"


def test_an_address_that_is_none() -> None:
    with pytest.raises(
        StorageError, match=r"storage\.endpoint 'no address' is not an address: write one as in http://"
    ):
        client(Place("frames", endpoint="no address"), CREDENTIALS, attempts=1)


def test_a_profile_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(StorageError, match=r"\(nobody\) could not be found: name one that is in your AWS"):
        client(PLACE, Credentials(profile="nobody"), attempts=1)


def test_a_bucket_name_that_s3_does_not_allow() -> None:
    with pytest.raises(StorageError, match=r"storage\.bucket 'no/such name' is no name that S3 allows: use 3 to 63"):
        ensure_bucket(Place("no/such name", endpoint="http://127.0.0.1:9"), CREDENTIALS, create=True)


def test_a_server_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(10)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(StorageError, match=f"{endpoint} does not answer"):
            ensure_bucket(Place("frames", endpoint=endpoint), CREDENTIALS, create=True)
        thread.join()


def test_told_turns_only_what_botocore_raises() -> None:
    with pytest.raises(StorageError, match="does not exist"), told(Place("frames")):
        raise refusal("NoSuchBucket")
    with pytest.raises(ZeroDivisionError), told(Place("frames")):
        _ = 1 / 0
