"""The service side by side with others, for hours, and against hostile clients.

    python -m benchmarks.serving speed --others /path/to/venv/bin/python
    python -m benchmarks.serving soak --requests 50000
    python -m benchmarks.serving hostile --bodies 10000

`speed` sends 1280x720 JPEGs to a nano model at 640 behind each server, with 1, 4 and 16 clients, and prints the CPU
time of the server's processes for a request, requests per second, and latencies. CPU time counts: it hardly depends on
what else the machine does. Bare ONNX Runtime on a prepared input is the ceiling. The other servers run this project's
own decoding and detector (benchmarks/servers): MLflow in this environment, BentoML and LitServe in one made by

    python -m venv others
    others/bin/pip install "bentoml>=1.4" litserve numpy==1.26.4 "opencv-python-headless<4.12" onnxruntime pillow

`soak` shows whether memory grows; `hostile` whether any body crashes the server, gets a 5xx other than 503, or keeps
`/ping` waiting.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import psutil

from benchmarks import hostile

ROUNDS = 8
"""Of requests and bare inferences in turns."""

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Body:
    """What a server is sent."""

    content: bytes
    content_type: str
    path: str = "/invocations"


@dataclass(frozen=True)
class Measured:
    """One server under one load, and bare ONNX Runtime in the same minutes."""

    rate: float
    cpu_ms: float
    bare_cpu_ms: float
    bare_ms: float
    p50_ms: float
    p95_ms: float


def nano_model(folder: Path) -> Path:
    """YOLO11n with random weights, as the project exports models; kept between runs."""
    path = folder / "yolo11n.onnx"
    if not path.exists():
        os.environ["YOLO_OFFLINE"] = "1"
        from ultralytics import YOLO

        network = YOLO("yolo11n.yaml")
        os.chdir(folder)
        Path(network.export(format="onnx", imgsz=640, opset=17, simplify=False)).rename(path)
        os.chdir(REPOSITORY)
    return path


def photograph(seed: int = 0) -> bytes:
    """A JPEG of 1280x720 with the size of a photograph's."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.integers(0, 256, (36, 64, 3), np.uint8), (1280, 720), interpolation=cv2.INTER_CUBIC)
    fine = rng.normal(0, 2, (720, 1280, 1))
    return bytes(cv2.imencode(".jpg", np.clip(coarse + fine, 0, 255).astype(np.uint8))[1])


class Bare:
    """ONNX Runtime alone, one thread, on a prepared input."""

    def __init__(self, model: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name
        self.tensor = np.random.default_rng(0).random((1, 3, 640, 640), np.float32)
        self.run(2)

    def run(self, count: int) -> tuple[float, list[float]]:
        """CPU seconds of so many inferences, and the wall seconds of each."""
        walls = []
        cpu = time.process_time()
        for _ in range(count):
            before = time.perf_counter()
            self.session.run(None, {self.name: self.tensor})
            walls.append(time.perf_counter() - before)
        return time.process_time() - cpu, walls


@contextmanager
def running(command: list[str], port: int, model: Path, ready: str = "/ping") -> Iterator[psutil.Process]:
    """A server as a process group of its own, up as soon as it answers."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "BENCHMARK_MODEL": str(model), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            deadline = time.monotonic() + 240
            while not answers(port, ready):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise SystemExit(f"{command[:4]} does not start: {log.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.2)
            yield psutil.Process(process.pid)
        finally:
            family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
            process.terminate()
            _, alive = psutil.wait_procs(family, 15)
            for left in alive:
                left.kill()
            with suppress(ProcessLookupError):  # LitServe's workers outlive it
                os.killpg(process.pid, signal.SIGKILL)


def answers(port: int, path: str) -> bool:
    try:
        status, _ = ask(port, b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 5)
    except OSError:
        return False
    return status == 200


def ask(port: int, request: bytes, seconds: float) -> tuple[int, bytes]:
    """One request on a connection of its own; status 0 when the server closes without an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    answer = b"".join(parts)
    return (int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0), answer


def request_of(body: Body, close: bool = False) -> bytes:
    connection = "close" if close else "keep-alive"
    head = (
        f"POST {body.path} HTTP/1.1\r\nHost: x\r\nContent-Type: {body.content_type}\r\nAccept: application/json\r\n"
        f"Content-Length: {len(body.content)}\r\nConnection: {connection}\r\n\r\n"
    )
    return head.encode() + body.content


def one_answer(stream: socket.SocketIO) -> int:  # type: ignore[name-defined]
    """Read one answer from a connection that stays open."""
    status = int(stream.readline()[9:12])
    length = 0
    chunked = False
    while (line := stream.readline().strip().lower()) != b"":
        if line.startswith(b"content-length:"):
            length = int(line[15:])
        chunked |= line.startswith(b"transfer-encoding: chunked")
    if chunked:
        while size := int(stream.readline(), 16):
            stream.read(size + 2)
        stream.readline()
    else:
        stream.read(length)
    return status


def load(port: int, body: Body, clients: int, requests: int) -> tuple[list[float], Counter[int], float]:
    """Requests of so many clients on open connections: latencies of those answered 200, statuses, and seconds."""
    message = request_of(body)
    left = iter(range(requests))
    lock = threading.Lock()
    latencies: list[float] = []
    statuses: Counter[int] = Counter()

    def client() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
            stream = connection.makefile("rb")
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                started = time.perf_counter()
                connection.sendall(message)
                status = one_answer(stream)
                with lock:
                    statuses[status] += 1
                    if status == 200:
                        latencies.append(time.perf_counter() - started)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies, statuses, time.perf_counter() - started


def cpu_seconds(server: psutil.Process) -> float:
    """Of a server with all its workers."""
    total = 0.0
    for process in [server, *server.children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def measure(server: psutil.Process, port: int, body: Body, clients: int, requests: int, bare: Bare) -> Measured:
    """Requests in rounds, with bare inferences in between: what else the machine does then weighs on both alike."""
    load(port, body, clients, 2 * clients)
    cpu = bare_cpu = seconds = 0.0
    latencies: list[float] = []
    walls: list[float] = []
    share = max(requests // ROUNDS, clients)
    for _ in range(ROUNDS):
        spent, single = bare.run(share)
        bare_cpu, walls = bare_cpu + spent, walls + single
        before = cpu_seconds(server)
        answered, statuses, took = load(port, body, clients, share)
        cpu, seconds = cpu + cpu_seconds(server) - before, seconds + took
        latencies += answered
        if set(statuses) != {200}:
            raise SystemExit(f"answers other than 200: {dict(statuses)}")
    count = share * ROUNDS
    latencies.sort()
    return Measured(
        rate=count / seconds,
        cpu_ms=cpu / count * 1000,
        bare_cpu_ms=bare_cpu / count * 1000,
        bare_ms=statistics.median(walls) * 1000,
        p50_ms=statistics.median(latencies) * 1000,
        p95_ms=latencies[int(len(latencies) * 0.95)] * 1000,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def bundle_of(model: Path, folder: Path) -> Path:
    from stages.deploy.bundle import Serving, pack

    return pack(model, folder / "bundle", Serving()).folder


def ours(bundle: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "stages.deploy", "serve", "--bundle", str(bundle), "--port", str(port)]


def speed(args: argparse.Namespace, folder: Path) -> None:
    """Print one line for each server and number of clients."""
    model, jpeg = nano_model(args.cache), photograph()
    print(f"JPEG of {len(jpeg) // 1024} KiB, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    raw = Body(jpeg, "image/jpeg")
    port = free_port()
    servers: dict[str, tuple[list[str], Body, str]] = {
        "this project": (ours(bundle_of(model, folder), port), raw, "/ping")
    }
    if args.others:
        servers |= others(args.others, port, jpeg, model, folder)
    bare = Bare(model)
    servers = {name: server for name, server in servers.items() if args.only.lower() in name.lower()}
    for name, (command, body, ready) in servers.items():
        with running(command, port, model, ready) as server:
            for clients in (1, 4, 16):
                done = measure(server, port, body, clients, args.requests, bare)
                print(
                    f"{name:20} {clients:2} clients: {done.cpu_ms:5.1f} ms CPU a request, "
                    f"{1000 / done.cpu_ms:.1f} requests a CPU second; bare {done.bare_cpu_ms:.1f} ms CPU, ratio "
                    f"{done.bare_cpu_ms / done.cpu_ms:.3f}; {done.rate:.1f}/s, p50 {done.p50_ms:.0f} ms, "
                    f"p95 {done.p95_ms:.0f} ms, {done.p95_ms / done.bare_ms:.1f} times a single inference",
                    flush=True,
                )


def others(python: str, port: int, jpeg: bytes, model: Path, folder: Path) -> dict[str, tuple[list[str], Body, str]]:
    """Commands of the other servers, and the body that each takes."""
    boundary = "gap"
    form = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        + jpeg
        + f"\r\n--{boundary}--\r\n".encode()
    )
    frame = {"dataframe_split": {"columns": ["picture"], "data": [[base64.b64encode(jpeg).decode()]]}}
    save = (
        "import mlflow, sys\n"
        "code = 'benchmarks/servers/mlflow_model.py'\n"
        "mlflow.pyfunc.save_model(sys.argv[1], python_model=code, pip_requirements=[])\n"
    )
    saved = folder / "mlflow model"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "BENCHMARK_MODEL": str(model)}
    subprocess.run(
        [sys.executable, "-c", save, str(saved)], check=True, env=environment, cwd=REPOSITORY, capture_output=True
    )
    return {
        "LitServe": (
            [python, "-m", "benchmarks.servers.lit", str(port)],
            Body(form, f"multipart/form-data; boundary={boundary}", "/predict"),
            "/health",
        ),
        "BentoML": (
            [python, "-m", "bentoml", "serve", "benchmarks.servers.bento:Service", "--port", str(port)],
            Body(jpeg, "image/jpeg"),
            "/readyz",
        ),
        "mlflow models serve": (
            [
                *(sys.executable, "-m", "mlflow", "models", "serve", "-m", str(saved), "-p", str(port)),
                *("--env-manager", "local", "--workers", "2"),
            ],
            Body(json.dumps(frame).encode(), "application/json"),
            "/ping",
        ),
    }


def soak(args: argparse.Namespace, folder: Path) -> None:
    """Send many requests and print how the server's memory went."""
    model, port = nano_model(args.cache), free_port()
    bodies = [Body(photograph(seed), "image/jpeg") for seed in range(4)]
    sizes = []
    with running(ours(bundle_of(model, folder), port), port, model) as server:
        step = max(args.requests // 50, 16)
        for number in range(0, args.requests, step):
            _, statuses, _ = load(port, bodies[number // step % len(bodies)], 8, step)
            if set(statuses) != {200}:
                raise SystemExit(f"answers other than 200: {dict(statuses)}")
            sizes.append(server.memory_info().rss / 2**20)
            print(f"{number + step} requests: {sizes[-1]:.1f} MiB", flush=True)
    first, last = statistics.median(sizes[len(sizes) // 10 :][:5]), statistics.median(sizes[-5:])
    print(f"memory {first:.1f} -> {last:.1f} MiB, {100 * (last / first - 1):+.1f} %")
    if last > first * 1.05:
        raise SystemExit("memory grew by more than 5 %")


def attack(args: argparse.Namespace, folder: Path) -> None:
    """Send hostile requests from several clients while /ping is watched."""
    model, port = nano_model(args.cache), free_port()
    command = [*ours(bundle_of(model, folder), port), "--client-timeout", "2"]
    with running(command, port, model) as server:
        result = hostile.attack(port, args.bodies, random.Random(args.seed), lambda: server.is_running())
        alive = ask(port, request_of(Body(photograph(), "image/jpeg"), close=True), 60)[0] == 200
    print(result.report())
    if not alive or result.mistakes():
        raise SystemExit(f"the service does not stand it: {result.mistakes() or 'it no longer answers'}")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.serving", description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "benchmark-serving")
    commands = parser.add_subparsers(required=True)
    tasks: dict[str, tuple[Callable[[argparse.Namespace, Path], None], dict[str, object]]] = {
        "speed": (speed, {"--requests": 320, "--others": "", "--only": ""}),
        "soak": (soak, {"--requests": 50_000}),
        "hostile": (attack, {"--bodies": 10_000, "--seed": 0}),
    }
    for name, (task, options) in tasks.items():
        command = commands.add_parser(name)
        command.set_defaults(task=task)
        for option, default in options.items():
            command.add_argument(option, type=type(default), default=default)
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        args.task(args, Path(folder))


if __name__ == "__main__":
    main()
