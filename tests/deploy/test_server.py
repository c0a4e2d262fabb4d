"""The server as a client meets it: a process of its own, over HTTP."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from stages.deploy.app import READING
from stages.deploy.bundle import Bundle
from stages.deploy.server import _listen
from tests.deploy.conftest import LIMITS, REPOSITORY, Server, picture, serving, start

MIB = 2**20


def error_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/json"
    (key,) = response.json()
    assert key == "error"
    return str(response.json()[key])


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_start_up_line_names_model_shape_and_address(server: Server, bundle: Bundle) -> None:
    assert server.line == f"serving {bundle.folder}/model.onnx (64x64, 2 classes) on {server.url}"


def test_ping(server: Server) -> None:
    response = httpx.get(f"{server.url}/ping")
    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [
        (".jpg", "image/jpeg"),
        (".png", "image/png; charset=binary"),
        (".webp", "image/webp"),
        (".bmp", "application/octet-stream"),
    ],
)
def test_detections_in_the_pictures_own_pixels(server: Server, bundle: Bundle, suffix: str, content_type: str) -> None:
    response = server.post(picture(320, 160, suffix), Content_Type=content_type)
    assert response.status_code == 200
    answer = response.json()
    assert (answer["width"], answer["height"]) == (320, 160)
    assert answer["model"] == bundle.settings.model_sha256
    # 320x160 lies in 64x64 at a fifth of its size, 16 below the top
    assert [found["category_name"] for found in answer["detections"]] == ["pallet", "forklift"]
    assert answer["detections"][0]["bbox"] == pytest.approx([0, 0, 160, 160], abs=1e-4)
    assert answer["detections"][1]["bbox"] == pytest.approx([80, 0, 160, 80], abs=1e-4)
    assert answer["detections"][0]["score"] == pytest.approx(0.9)


def test_a_turned_photograph_is_answered_upright(server: Server) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn a quarter clockwise to see it
    stream = io.BytesIO()
    Image.new("RGB", (320, 160)).save(stream, "JPEG", exif=exif)
    answer = server.post(stream.getvalue()).json()
    assert (answer["width"], answer["height"]) == (160, 320)


def test_a_client_may_ask_for_another_threshold(server: Server) -> None:
    answer = server.post(picture(), X_Amzn_SageMaker_Custom_Attributes="threshold=0.01").json()
    assert len(answer["detections"]) == 3
    answer = server.post(picture(), X_Amzn_SageMaker_Custom_Attributes="threshold=0.7").json()
    assert len(answer["detections"]) == 1


@pytest.mark.parametrize("attributes", ["threshold=2", "threshold=nan", "colour=red", "0.4", "image_id=-1"])
def test_a_threshold_that_is_none(server: Server, attributes: str) -> None:
    response = server.post(picture(), X_Amzn_SageMaker_Custom_Attributes=attributes)
    assert response.status_code == 400
    assert error_of(response) == (
        f"x-amzn-sagemaker-custom-attributes '{attributes}' is not known: send threshold= and a number of 0 to 1, or "
        "image_id= and a whole number"
    )


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "the body is empty: send the bytes of a picture"),
        (b"no picture at all", 400, "the body is not a whole JPEG, PNG, WebP or BMP picture: send such a file"),
        (b"GIF89a" + bytes(100), 400, "the body is not a whole JPEG, PNG, WebP or BMP picture: send such a file"),
        (picture()[:700], 400, "the picture is truncated or damaged: send the whole file"),
        (picture()[:-2], 400, "the picture is truncated or damaged: send the whole file"),
        (picture(suffix=".png")[:-20], 400, "the picture is truncated or damaged: send the whole file"),
        (
            picture(20_000, 2),
            413,
            "the picture is 20000x2 pixels, more than 1000000 in all or 16384 a side: send a smaller one",
        ),
        (
            picture(1001, 1000, ".png"),
            413,
            "the picture is 1001x1000 pixels, more than 1000000 in all or 16384 a side: send a smaller one",
        ),
        (bytes(MIB + 1), 413, "the body is longer than 1048576 bytes: send a smaller picture"),
        (bytes(100 * MIB), 413, "the body is longer than 1048576 bytes: send a smaller picture"),
    ],
    ids=["empty", "text", "gif", "half", "no end", "png without end", "wide", "large", "too long", "100 MiB"],
)
def test_bad_bodies_get_a_sentence_and_the_server_lives(
    server: Server, body: bytes, status: int, sentence: str
) -> None:
    response = server.post(body)
    assert response.status_code == status
    assert error_of(response) == sentence
    assert server.lives


def test_a_bomb_in_a_header_is_refused_before_it_is_decoded(server: Server) -> None:
    # a PNG of 100,000 x 100,000 black pixels says so in its first 24 bytes
    png = picture(16, 16, ".png")
    side = (100_000).to_bytes(4, "big")
    response = server.post(png[:16] + side + side + png[24:])
    assert response.status_code in (400, 413)
    assert error_of(response)
    assert server.lives


def test_an_endless_body_without_a_length_is_cut_off(server: Server) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 64 * MIB:
            sent += MIB // 4
            yield bytes(MIB // 4)

    response = httpx.post(
        f"{server.url}/invocations", content=endless(), headers={"Content-Type": "image/jpeg"}, timeout=30
    )
    assert response.status_code == 413
    assert error_of(response) == "the body is longer than 1048576 bytes: send a smaller picture"
    assert server.lives


def test_a_content_type_that_is_no_picture(server: Server) -> None:
    response = server.post(b"{}", Content_Type="application/json")
    assert response.status_code == 415
    assert error_of(response) == (
        "Content-Type 'application/json' is not taken: send a picture as image/jpeg, image/png, or another"
    )


def test_coco_results(server: Server, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    response = server.post(
        picture(320, 160),
        Accept="text/html, application/vnd.coco+json, application/json;q=0.9",
        X_Amzn_SageMaker_Custom_Attributes="threshold=0.01; image_id=7",
    )
    assert response.headers["content-type"] == "application/vnd.coco+json"
    results = response.json()
    assert [(found["image_id"], found["category_id"]) for found in results] == [(7, 2), (7, 1), (7, 1)]
    assert results[0]["bbox"] == pytest.approx([0, 0, 160, 160], abs=1e-4)
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"images": [{"id": 7}], "annotations": [], "categories": [{"id": 1}, {"id": 2}]}))
    assert len(COCO(str(truth)).loadRes(results).anns) == 3


def test_batch_transform_is_told_what_to_send(server: Server) -> None:
    response = httpx.get(f"{server.url}/execution-parameters")
    assert response.json() == {"MaxConcurrentTransforms": 1, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}


def test_a_jpeg_of_endless_scans_is_refused(server: Server) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "JPEG", progressive=True)
    whole = stream.getvalue()
    assert server.post(whole).status_code == 200
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    response = server.post(whole[:-2] + 200 * scan + whole[-2:])
    assert response.status_code == 400
    assert error_of(response) == "the JPEG has more than 100 scans: send a plain one"


def test_only_json_can_be_had(server: Server) -> None:
    response = server.post(picture(), Accept="text/csv")
    assert response.status_code == 406
    assert (
        error_of(response) == "Accept 'text/csv' cannot be met: ask for application/json or application/vnd.coco+json"
    )
    assert server.post(picture(), Accept="text/csv, application/json;q=0.5").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/invocations", 405, "GET is not for /invocations: use POST for /invocations and GET for all others"),
        ("POST", "/ping", 405, "POST is not for /ping: use POST for /invocations and GET for all others"),
        ("GET", "/", 404, "there is no /: use /ping, /invocations, /execution-parameters or /metrics"),
    ],
)
def test_what_is_not_there(server: Server, method: str, path: str, status: int, sentence: str) -> None:
    response = httpx.request(method, server.url + path)
    assert response.status_code == status
    assert error_of(response) == sentence


def test_metrics_count_requests_and_detections(server: Server) -> None:
    before = server.metric('detector_requests_total{code="200"}'), server.metric("detector_detections_total")
    server.post(picture())
    after = server.metric('detector_requests_total{code="200"}'), server.metric("detector_detections_total")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 2)
    assert server.metric("detector_requests_under_way") == 0


def test_too_many_bodies_on_their_way_are_answered_503_and_ping_goes_on(server: Server) -> None:
    body = picture()
    waiting = [server.half_sent(body) for _ in range(1 + LIMITS.queue + READING)]
    try:
        until(lambda: server.metric("detector_requests_under_way") == len(waiting))
        response = server.post(body)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert error_of(response) == "all places in the queue are taken: try again soon"
        assert httpx.get(f"{server.url}/ping").status_code == 200
        for connection in waiting:  # one after the other, so that each finds a place in the queue
            connection.sendall(body[-1:])
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
    finally:
        for connection in waiting:
            connection.close()
    assert server.lives


def test_a_client_that_leaves_frees_its_place(server: Server) -> None:
    for _ in range(2 * (1 + LIMITS.queue + READING)):
        server.half_sent(picture()).close()
    until(lambda: server.metric("detector_requests_under_way") == 0)
    assert server.lives


def test_many_clients_at_once_are_each_answered_right(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"Content-Type": "image/png"}) as client:
        for width in (20, 40, 80):
            answer = client.post("/invocations", content=picture(width, 10, ".png")).json()
            assert answer["width"] == width


def test_slow_clients_are_let_go(bundle: Bundle) -> None:
    with serving(bundle.folder, "--client-timeout", "0.3") as server:
        with server.half_sent(picture()) as connection:
            answer = read_all(connection)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"the body did not arrive within 0.3 s: send it faster" in answer
        with socket.create_connection(server.address, timeout=30) as connection:
            connection.sendall(b"GET /ping HTTP/1.1\r\nHost:")
            assert read_all(connection) == b""
        with socket.create_connection(server.address, timeout=30) as connection:
            connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
            connection.sendall(b"GET /ping")
            read_all(connection)  # ends, so the connection was closed
        assert server.lives


def test_sigterm_lets_a_request_finish(bundle: Bundle) -> None:
    body = picture()
    with serving(bundle.folder, "--threads", "1") as server, server.half_sent(body) as connection:
        until(lambda: server.metric("detector_requests_under_way") == 1)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: not listens(server.address))
        connection.sendall(body[-1:])
        answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b'"category_name":"pallet"' in answer
        assert server.process.wait(30) == 0


def test_a_server_ends_with_the_process_it_follows(bundle: Bundle) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from stages.deploy.local import running\n"
        f"with running(Path({str(bundle.folder)!r}), '127.0.0.1', 0, 1) as url:\n"
        "    print(url, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert parent.stdout is not None
    url = httpx.URL(parent.stdout.readline().strip())
    address = (url.host, url.port or 80)
    assert listens(address)
    parent.kill()
    parent.communicate()
    until(lambda: not listens(address))


def test_answers_go_out_at_once() -> None:
    # an answer in two packets would wait for the client's delayed acknowledgement
    with _listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken(server: Server, bundle: Bundle) -> None:
    port = server.address[1]
    process = start(bundle.folder, "--port", str(port))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 7
    assert said == (
        f"error: cannot listen on 127.0.0.1 port {port} (Address already in use): choose another one, "
        "or 0 for any that is free\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--host", "192.0.2.1", "cannot listen on 192.0.2.1 port 0 (Cannot assign requested address): choose"),
        ("--port", "99999", "cannot listen on 127.0.0.1 port 99999 (no such port): choose another one"),
    ],
)
def test_an_address_that_cannot_be_had(bundle: Bundle, option: str, value: str, sentence: str) -> None:
    process = start(bundle.folder, option, value)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 7
    assert said.startswith(f"error: {sentence}")


def test_no_bundle(tmp_path: Path) -> None:
    process = start(tmp_path / "nothing")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert said == (
        f"error: '{tmp_path}/nothing' is no bundle, it has no SHA256SUMS: make it again with python -m stages.deploy\n"
    )


def test_the_server_needs_no_torch(bundle: Bundle) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from stages.deploy.bundle import open_bundle\n"
        "from stages.deploy.inference import Inference\n"
        "import stages.deploy.app, stages.deploy.server, stages.deploy.protocol, uvicorn\n"
        f"Inference(open_bundle(Path({str(bundle.folder)!r})), 1)\n"
        "print(sorted({'torch', 'ultralytics', 'boto3', 'dvc', 'mlflow', 'bpy', 'hydra'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60, cwd=REPOSITORY
    )
    assert done.stdout == "[]\n"


def test_noise_is_never_a_bug_of_ours(server: Server) -> None:
    rng = np.random.default_rng(0)
    whole = bytearray(picture(64, 64))
    for _ in range(40):
        broken = whole.copy()
        for place in rng.integers(0, len(broken), 8):
            broken[place] = rng.integers(256)
        assert server.post(bytes(broken)).status_code in (200, 400, 413)


def listens(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except OSError:
        return False
    return True


def until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")
