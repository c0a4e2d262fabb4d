"""The service side by side with others, for hours, and against hostile clients.

    python -m benchmarks.serving speed --others /path/to/venv/bin/python
    python -m benchmarks.serving soak --requests 50000
    python -m benchmarks.serving hostile --bodies 10000

`speed` sends 1280x720 JPEGs to a nano model at 640 behind each server, with 1, 4 and 16 clients that come back as soon
as they are answered, and prints answers a second, the CPU time of the server's processes for each, and latencies,
beside bare ONNX Runtime on a prepared input in the same rounds. A server that refuses with 503 is asked again after its
Retry-After; refusals are counted. The other servers run this project's own decoding and detector (benchmarks/servers):
MLflow in this environment, BentoML and LitServe in one made by

    python -m venv others
    others/bin/pip install "bentoml>=1.4" litserve numpy==1.26.4 "opencv-python-headless<4.12" pillow \\
        onnxruntime==1.31.1

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
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import psutil

from benchmarks import hostile
from benchmarks.load import Body, Load, answers, ask, for_seconds, load, request_of, so_many

THREADS = 2
"""Inference threads of bare ONNX Runtime, and workers of the servers that are not told by the number of cores."""

SINGLE = 15
"""Inferences one at a time, of which the median is a single inference."""

PORT = "PORT"
"""In a command."""

REPOSITORY = Path(__file__).resolve().parents[1]


class Measured:
    """One server under one load, by rounds, beside bare ONNX Runtime in the same rounds."""

    def __init__(self) -> None:
        self.loads: list[Load] = []
        self.cpu: list[float] = []
        self.bare: list[BareRound] = []

    def row(self, name: str, clients: int) -> str:
        """A line of a Markdown table; ratios are medians over the rounds."""
        answered = [len(load.latencies) for load in self.loads]
        rate = sum(answered) / sum(load.seconds for load in self.loads)
        cpu_ms = 1000 * sum(self.cpu) / sum(answered)
        rounds = list(zip(self.loads, self.cpu, self.bare, strict=True))
        share = median(len(load.latencies) / load.seconds / bare.rate for load, _, bare in rounds)
        cpu_share = median(bare.cpu_single * len(load.latencies) / cpu for load, cpu, bare in rounds)
        p50, p95, waited = (
            median(percentile(values, share) for values in lists)
            for lists, share in (
                ([load.latencies for load in self.loads], 0.5),
                ([load.latencies for load in self.loads], 0.95),
                ([load.waits for load in self.loads], 0.95),
            )
        )
        times = median(percentile(load.latencies, 0.95) / bare.single for load, _, bare in rounds)
        refused = sum(load.statuses[503] for load in self.loads)
        return (
            f"| {name} | {clients} | {rate:.1f} | {share:.2f} | {cpu_ms:.1f} | {1000 / cpu_ms:.1f} | {cpu_share:.2f} "
            f"| {1000 * p50:.0f} | {1000 * p95:.0f} | {times:.1f} | {refused} of {refused + sum(answered)} "
            f"| {1000 * waited:.0f} |"
        )


HEAD = """| server | clients | answered a second | of bare | CPU ms | requests a CPU second | of bare | p50 ms \
| p95 ms | p95 in single inferences | refused | p95 ms with retries |
|---|---|---|---|---|---|---|---|---|---|---|---|"""


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


@dataclass(frozen=True)
class BareRound:
    """Bare ONNX Runtime in one round.

    Attributes:
        single: median seconds of an inference, one at a time.
        cpu_single: CPU seconds of one with all threads at work.
        rate: inferences a second with all threads at work.
    """

    single: float
    cpu_single: float
    rate: float


def nano_model(folder: Path, size: int = 640) -> Path:
    """YOLO11n with random weights, as the project exports models; kept between runs."""
    path = folder / f"yolo11n-{size}.onnx"
    if not path.exists():
        os.environ["YOLO_OFFLINE"] = "1"
        from ultralytics import YOLO

        network = YOLO("yolo11n.yaml")
        os.chdir(folder)
        Path(network.export(format="onnx", imgsz=size, opset=17, simplify=False)).rename(path)
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

    def run(self, count: int) -> list[float]:
        """Wall seconds of each of so many inferences."""
        walls = []
        for _ in range(count):
            before = time.perf_counter()
            self.session.run(None, {self.name: self.tensor})
            walls.append(time.perf_counter() - before)
        return walls

    def round(self, seconds: float) -> BareRound:
        """One at a time, then two."""
        single = median(self.run(SINGLE))
        more, counts = for_seconds(seconds), [0] * THREADS

        def work(number: int) -> None:
            while more():
                self.run(1)
                counts[number] += 1

        started, cpu = time.perf_counter(), time.process_time()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        count = sum(counts)
        return BareRound(single, (time.process_time() - cpu) / count, count / (time.perf_counter() - started))


@dataclass(frozen=True)
class Server:
    """How to start a server and talk to it; ``PORT`` in the command stands for a free one."""

    name: str
    command: list[str]
    body: Body
    ready: str


@contextmanager
def running(server: Server, model: Path) -> Iterator[tuple[psutil.Process, int]]:
    """A server as a process group of its own, up as soon as it answers; its process and port."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "BENCHMARK_MODEL": str(model), "OMP_NUM_THREADS": "1"}
    port = free_port()
    command = [str(port) if word == PORT else word for word in server.command]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            deadline = time.monotonic() + 240
            while not answers(port, server.ready):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise SystemExit(f"{command[:4]} does not start: {log.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.2)
            yield psutil.Process(process.pid), port
        finally:
            family = _family(process.pid)
            process.terminate()
            _, alive = psutil.wait_procs(family, 15)
            for left in alive:
                left.kill()
            with suppress(ProcessLookupError):  # LitServe's workers outlive it
                os.killpg(process.pid, signal.SIGKILL)


def _family(pid: int) -> list[psutil.Process]:
    """A process and those that it started; none when it is gone."""
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        return [*first.children(recursive=True), first]
    return []


def cpu_seconds(server: psutil.Process) -> float:
    """Of a server with all its workers."""
    total = 0.0
    for process in [server, *server.children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def bundle_of(model: Path, folder: Path) -> Path:
    from stages.deploy.bundle import Serving, pack

    return pack(model, folder / "bundle", Serving()).folder


def ours(bundle: Path) -> list[str]:
    return [sys.executable, "-m", "stages.deploy", "serve", "--bundle", str(bundle), "--port", PORT]


def speed(args: argparse.Namespace, folder: Path) -> None:
    """Print a table with one line for each server and number of clients.

    All servers are up; each round is bare ONNX Runtime and then each server for some seconds, in turning order.
    """
    model, jpeg = nano_model(args.cache), photograph()
    print(f"JPEG of {len(jpeg) // 1024} KiB, {args.rounds} rounds of {args.seconds:g} s, {os.cpu_count()} cores")
    bare = Bare(model)
    servers = [Server("this project", ours(bundle_of(model, folder)), Body(jpeg, "image/jpeg"), "/ping")]
    if args.others:
        servers += others(args.others, jpeg, model, folder)
    servers = [server for server in servers if args.only.lower() in server.name.lower()]
    with ExitStack() as stack:
        up = [(server, *stack.enter_context(running(server, model))) for server in servers]
        rows = []
        for clients in map(int, args.clients.split(",")):
            done = {server.name: Measured() for server in servers}
            for number in range(args.rounds):
                for server, process, port in up[number % len(up) :] + up[: number % len(up)]:
                    load(port, server.body, clients, so_many(clients))
                    measured, now = done[server.name], bare.round(args.seconds / 2)
                    before = cpu_seconds(process)
                    measured.loads.append(load(port, server.body, clients, for_seconds(args.seconds)))
                    measured.cpu.append(cpu_seconds(process) - before)
                    measured.bare.append(now)
                    if set(measured.loads[-1].statuses) - {200, 503}:
                        raise SystemExit(f"{server.name} answers {dict(measured.loads[-1].statuses)}")
            rows += [measured.row(name, clients) for name, measured in done.items()]
            singles = [now.single for measured in done.values() for now in measured.bare]
            print(f"{clients} clients: single inference {1000 * median(singles):.1f} ms, load {os.getloadavg()[0]:.1f}")
            print("\n".join(rows[-len(up) :]), flush=True)
    print(HEAD, *rows, sep="\n")


def others(python: str, jpeg: bytes, model: Path, folder: Path) -> list[Server]:
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
    saved_model = [*(sys.executable, "-m", "mlflow", "models", "serve", "-m", str(saved)), "--env-manager", "local"]
    return [
        Server(
            "LitServe",
            [python, "-m", "benchmarks.servers.lit", PORT],
            Body(form, f"multipart/form-data; boundary={boundary}", "/predict"),
            "/health",
        ),
        Server(
            "BentoML",
            [python, "-m", "bentoml", "serve", "benchmarks.servers.bento:Service", "--port", PORT],
            Body(jpeg, "image/jpeg"),
            "/readyz",
        ),
        Server(
            "mlflow models serve",
            [*saved_model, "--workers", str(THREADS), "-p", PORT],
            Body(json.dumps(frame).encode(), "application/json"),
            "/ping",
        ),
    ]


def soak(args: argparse.Namespace, folder: Path) -> None:
    """Send many requests and print how the server's memory went.

    The network's input is ``--size``: a small one makes a request cheap and leaves out nothing of what could leak.
    """
    model = nano_model(args.cache, args.size)
    bodies = [Body(photograph(seed), "image/jpeg") for seed in range(4)]
    server, sizes, started = Server("this project", ours(bundle_of(model, folder)), bodies[0], "/ping"), [], time.time()
    with running(server, model) as (process, port):
        step = max(args.requests // 50, 16)
        for number in range(0, args.requests, step):
            done = load(port, bodies[number // step % len(bodies)], 4, so_many(step))
            if set(done.statuses) != {200}:
                raise SystemExit(f"answers other than 200: {dict(done.statuses)}")
            sizes.append(process.memory_info().rss / 2**20)
            print(f"{number + step} requests: {sizes[-1]:.1f} MiB", flush=True)
    first, last = median(sizes[len(sizes) // 10 :][:5]), median(sizes[-5:])
    print(f"memory {first:.1f} -> {last:.1f} MiB, {100 * (last / first - 1):+.1f} %, {time.time() - started:.0f} s")
    if last > first * 1.05:
        raise SystemExit("memory grew by more than 5 %")


def attack(args: argparse.Namespace, folder: Path) -> None:
    """Send hostile requests from several clients while /ping is watched."""
    model, body = nano_model(args.cache), Body(photograph(), "image/jpeg")
    server = Server("this project", [*ours(bundle_of(model, folder)), "--client-timeout", "2"], body, "/ping")
    with running(server, model) as (process, port):
        result = hostile.attack(port, args.bodies, random.Random(args.seed), lambda: process.is_running())
        alive = ask(port, request_of(body, close=True), 60)[0] == 200
    print(result.report())
    if not alive or result.mistakes():
        raise SystemExit(f"the service does not stand it: {result.mistakes() or 'it no longer answers'}")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.serving", description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "benchmark-serving")
    commands = parser.add_subparsers(required=True)
    tasks: dict[str, tuple[Callable[[argparse.Namespace, Path], None], dict[str, object]]] = {
        "speed": (speed, {"--rounds": 5, "--seconds": 6.0, "--clients": "1,4,16", "--others": "", "--only": ""}),
        "soak": (soak, {"--requests": 50_000, "--size": 64}),
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
