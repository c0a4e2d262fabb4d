"""What a bare machine does with its role's credentials: requests that S3 accepts, by the script that boots it."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from stages.common.settings import Settings
from stages.sdg.cloud.instances import boot_script
from stages.sdg.cloud.names import names_of
from tests.push.conftest import KEY, SECRET, serve_s3
from tests.settings import compose

TOKEN = "a-session/of+the==role"
NEEDED = {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"}
"""What S3 wants signed of a request with passing credentials."""


class Handler(BaseHTTPRequestHandler):
    """Instance metadata (IMDSv2), and an S3 that recomputes each signature with botocore."""

    objects: dict[str, bytes]
    refuse: int
    seen: list[str]

    def _answer(self, code: int, body: bytes = b"") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/latest/api/token":
            return self._answer(200 if self.headers["X-aws-ec2-metadata-token-ttl-seconds"] else 400, b"imds")
        if self._is_refused(body):
            return None
        self.objects[self.path] = body
        return self._answer(200)

    def do_GET(self) -> None:
        if self.path.startswith("/latest/"):
            if self.headers["X-aws-ec2-metadata-token"] != "imds":
                return self._answer(401)
            told = {"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": TOKEN, "Code": "Success"}
            role = self.path == "/latest/meta-data/iam/security-credentials/"
            return self._answer(200, b"host-role" if role else json.dumps(told, indent=2).encode())
        if self._is_refused(b""):
            return None
        found = self.objects.get(self.path)
        return self._answer(200 if found is not None else 404, found or b"<Error><Code>NoSuchKey</Code></Error>")

    def _is_refused(self, body: bytes) -> bool:
        """Check as S3 does; the answer is given when something is wrong."""
        if self.refuse:
            type(self).refuse -= 1
            self._answer(503)
            return True
        told = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\S+?), SignedHeaders=(\S+?), Signature=(\w+)", self.headers["Authorization"]
        )
        assert told
        scope, names = told[1], told[2].split(";")
        request = AWSRequest(self.command, f"http://{self.headers['Host']}{self.path}", data=body)
        for name in names:
            request.headers[name] = self.headers[name]
        request.context["timestamp"] = self.headers["x-amz-date"]
        signer = SigV4Auth(Credentials(KEY, SECRET), "s3", scope.split("/")[2])
        # S3 encodes a path once, other services twice
        signer._normalize_url_path = lambda path: path
        wanted = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        digest = hashlib.sha256(body).hexdigest()
        good = wanted == told[3] and set(names) >= NEEDED and self.headers["x-amz-content-sha256"] == digest
        self.seen.append(told[2])
        if not good:
            self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        return not good

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def handler() -> Iterator[tuple[str, type[Handler]]]:
    made = type("Made", (Handler,), {"objects": {}, "refuse": 0, "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", made
    server.shutdown()
    server.server_close()


def requester(settings: Settings, folder: Path) -> str:
    """The part of the boot script that can make requests, with its program in this folder."""
    text = boot_script(settings, names_of(settings, "default"), 1.0)
    names = next(line for line in text.splitlines() if line.startswith("export BUCKET"))
    program = text[text.index("cat >/opt/objects.py") : text.index("set -e\n")]
    return f"{names}\n{program}".replace("/opt/", f"{folder}/")


def ask(script: str, arguments: str, metadata: str) -> subprocess.CompletedProcess[str]:
    # as in the first seconds of a machine: no environment, the system's Python
    return subprocess.run(
        ["bash", "-c", f"set -u\n{script}\nrequest {arguments}"], env={"METADATA": metadata, "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture
def script(handler: tuple[str, type[Handler]], tmp_path: Path) -> str:
    if shutil.which("python3", path="/usr/bin:/bin") is None:
        pytest.skip("this machine has no Python of the system's")
    settings = compose(
        f"aws.endpoint={handler[0]}", "aws.bucket=frames", "aws.region=eu-central-1", "host.prefix='team a/hosts+1'"
    )
    return requester(settings, tmp_path)


def test_objects_go_and_come_with_signatures_that_s3_accepts(
    script: str, handler: tuple[str, type[Handler]], tmp_path: Path
) -> None:
    address, server = handler
    (tmp_path / "log").write_bytes(b"words\n" * 999)
    done = ask(script, f"PUT boot.log {tmp_path}/log", address)
    assert (done.returncode, done.stderr) == (0, "")
    assert server.objects == {"/frames/team%20a/hosts%2B1/default/boot.log": b"words\n" * 999}
    server.objects["/frames/team%20a/hosts%2B1/default/source.tar.gz"] = bytes(range(256)) * 500
    done = ask(script, f"GET source.tar.gz {tmp_path}/source", address)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "source").read_bytes() == bytes(range(256)) * 500
    assert set(server.seen) == {";".join(sorted(NEEDED))}


def test_a_refusal_that_passes_is_tried_again_and_one_that_stays_is_told(
    script: str, handler: tuple[str, type[Handler]], tmp_path: Path
) -> None:
    address, server = handler
    server.refuse = 1
    (tmp_path / "log").write_text("words")
    assert ask(script, f"PUT boot.log {tmp_path}/log", address).returncode == 0
    quick = script.replace("TRIES = 5", "TRIES = 1")
    done = ask(quick, f"GET absent {tmp_path}/absent", address)
    assert done.returncode == 1
    assert "404 <Error><Code>NoSuchKey" in done.stderr
    assert SECRET not in done.stderr
    assert TOKEN not in done.stderr
    assert not (tmp_path / "absent").exists()


def test_a_wrong_key_is_refused_by_the_test_itself(
    script: str, handler: tuple[str, type[Handler]], tmp_path: Path
) -> None:
    wrong = script.replace("TRIES = 5", "TRIES = 1").replace('("AWS4" +', '("AWS5" +')
    assert wrong.count("AWS5") == 1
    assert "SignatureDoesNotMatch" in ask(wrong, f"GET source.tar.gz {tmp_path}/source", handler[0]).stderr


def test_a_real_s3_server_takes_them(handler: tuple[str, type[Handler]], tmp_path: Path) -> None:
    (tmp_path / "disk" / "frames").mkdir(parents=True)
    with serve_s3(tmp_path / "disk") as server:
        settings = compose(f"aws.endpoint={server.endpoint}", "aws.bucket=frames", "aws.region=us-east-1")
        script = requester(settings, tmp_path)
        (tmp_path / "log").write_bytes(b"words")
        done = ask(script, f"PUT boot.log {tmp_path}/log", handler[0])
        assert (done.returncode, done.stderr) == (0, "")
        assert (tmp_path / "disk/frames/hosts/default/boot.log").read_bytes() == b"words"
        assert ask(script, f"GET boot.log {tmp_path}/back", handler[0]).returncode == 0
        assert (tmp_path / "back").read_bytes() == b"words"
        wrong = script.replace("TRIES = 5", "TRIES = 1").replace('("AWS4" +', '("AWS5" +')
        assert ask(wrong, f"GET boot.log {tmp_path}/no", handler[0]).returncode == 1


def test_the_program_needs_no_newer_python_than_ubuntus(settings: Settings) -> None:
    text = boot_script(settings, names_of(settings, "default"), 1.0)
    program = text[text.index("<<'OBJECTS'\n") + 12 : text.index("\nOBJECTS\n")]
    ast.parse(program, feature_version=(3, 10))
    names = {
        name.name.partition(".")[0] for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Import)
        for name in node.names
    }  # fmt: skip
    assert names <= sys.stdlib_module_names
    assert "curl -" not in text
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if shellcheck.exists():
        told = ["-e", "SC2034", "-"]
        done = subprocess.run([str(shellcheck), *told], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    assert text.startswith("#!/bin/bash\n")
