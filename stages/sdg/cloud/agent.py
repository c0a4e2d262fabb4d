"""On the host: takes work from object storage, renders it, sends what is finished, ends after a time without work.

``python -m stages.sdg.cloud.agent FOLDER --bucket B --prefix P --region R --idle-seconds N``, started by ``boot.sh``.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.common.errors import StageError
from stages.common.settings.aws import Aws
from stages.sdg.cloud.box import FRAMES, LOG, STATUS, WORK, Box, sendable

METADATA = "http://169.254.169.254/latest"
PAUSE = 5.0
"""Seconds between looks for work, for the end of it, and for EC2's notice of an interruption."""

STOP_PATIENCE = 20.0
"""Seconds that a render gets to end when EC2 has given its two minutes' notice."""

Notice = Callable[[], bool]


@dataclass
class Agent:
    """Serves one host.

    Attributes:
        folder: of the checkout.
        box: in object storage.
        idle_seconds: without work after which it ends.
        noticed: whether EC2 is about to take the machine.
        pause: seconds between looks.
        command: renders; ``--params`` and ``--folder`` follow.
    """

    folder: Path
    box: Box
    idle_seconds: float
    noticed: Notice = lambda: False
    pause: float = PAUSE
    command: Sequence[str] = field(default_factory=lambda: [sys.executable, "-m", "stages.sdg"])

    def serve(self) -> str:
        """Do what there is to do; why it ended: ``idle`` or ``interrupted``."""
        done = ""
        idle_since = time.monotonic()
        self._say(state="waiting")
        while True:
            if self.noticed():
                self._say(state="interrupted")
                return "interrupted"
            work = self.box.get_json(WORK)
            if work and work["id"] != done:
                if self._work(work) == "interrupted":
                    return "interrupted"
                done = work["id"]
                idle_since = time.monotonic()
            if time.monotonic() - idle_since > self.idle_seconds:
                self._say(state="idle")
                return "idle"
            time.sleep(self.pause)

    def _work(self, work: dict[str, Any]) -> str:
        """Render; how it ended."""
        data = self.folder / "data"
        self.box.fetch(data)
        params = self.folder / "params.yaml"
        params.write_text(work["params"], encoding="utf-8")
        log = self.folder / "job.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [*self.command, "--params", str(params), "--folder", str(data / "frames")],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        sent_at, state = 0.0, "running"
        while process.poll() is None:
            if self.noticed():
                state = "interrupted"
                self._stop(process)
                break
            if time.monotonic() - sent_at > work["sync_seconds"]:
                self._send(work, data, log, state)
                sent_at = time.monotonic()
            with suppress(subprocess.TimeoutExpired):
                process.wait(self.pause)
        if state == "running":
            state = "done" if process.returncode == 0 else "failed"
        self._send(work, data, log, state)
        return state

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_PATIENCE)
                return

    def _send(self, work: dict[str, Any], data: Path, log: Path, state: str) -> None:
        """Send frames, then the log, then the news of them; a failure that may pass waits for the next time."""
        try:
            self.box.send(data, FRAMES, sendable)
            self.box.put(LOG, log.read_bytes()[-200_000:])
            self._say(state=state, work=work["id"], frames=frames_in(data))
        except StageError as error:
            print(f"agent: {error}", file=sys.stderr, flush=True)
            if state != "running":
                time.sleep(self.pause)
                self.box.send(data, FRAMES, sendable)
                self._say(state=state, work=work["id"], frames=frames_in(data))

    def _say(self, **news: Any) -> None:
        self.box.put_json(STATUS, {"time": time.time(), **news})


def frames_in(data: Path) -> int:
    """Frames that are finished, in shards or waiting for one."""
    from stages.common.errors import InputError
    from stages.sdg.run.store import SUFFIX
    from stages.sdg.shards.manifest import read_manifest

    waiting = sum(1 for _ in data.rglob(f"*{SUFFIX}"))
    try:
        packed = sum(shard.frames for shard in read_manifest(data / "frames").shards)
    except (InputError, OSError):
        packed = 0
    return waiting + packed


def interruption_notice() -> bool:
    """Whether EC2 has announced that it takes this spot instance (instance metadata, ``spot/instance-action``)."""
    try:
        wanted = urllib.request.Request(
            f"{METADATA}/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        )
        with urllib.request.urlopen(wanted, timeout=2) as answer:
            token = answer.read().decode()
        asked = urllib.request.Request(
            f"{METADATA}/meta-data/spot/instance-action", headers={"X-aws-ec2-metadata-token": token}
        )
        with urllib.request.urlopen(asked, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until there is nothing to do."""
    from stages.common.aws.session import client

    parser = argparse.ArgumentParser("python -m stages.sdg.cloud.agent")
    parser.add_argument("folder", type=Path)
    for name in ("--bucket", "--prefix", "--region"):
        parser.add_argument(name, required=True)
    parser.add_argument("--endpoint", default="")
    parser.add_argument("--idle-seconds", type=float, required=True)
    args = parser.parse_args(arguments)
    aws = Aws(name="host", region=args.region, endpoint=args.endpoint)
    box = Box(client(aws, "s3"), args.bucket, args.prefix)
    print(Agent(args.folder, box, args.idle_seconds, interruption_notice).serve(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
