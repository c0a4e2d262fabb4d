"""``cloud up``, ``run``, ``down`` and ``status``: nothing is left behind, whatever happens in between."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from stages.common.errors import RenderError, ServiceError, SettingsError, StageError
from stages.common.settings import Settings
from stages.sdg.cloud.access import groups, make_profile, profiles, remove_groups, remove_profile
from stages.sdg.cloud.bill import Bill, settle, work_of
from stages.sdg.cloud.box import BILL, BOOT_LOG, FRAMES, LOG, SOURCE, STATUS, WORK, Box, lines_of
from stages.sdg.cloud.clients import client
from stages.sdg.cloud.instances import Instance, end, instances, launch, now
from stages.sdg.cloud.names import Names, names_of
from stages.sdg.shards.manifest import holds_other_things

OVERTIME = timedelta(minutes=5)
"""After its deadline a machine that still runs is ended from here."""


@dataclass
class Watch:
    """How a run is watched.

    Attributes:
        pause: seconds between two looks.
        stream: for progress.
        clock: the time.
    """

    pause: float = 10.0
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], Any] = now

    def say(self, text: str) -> None:
        """One line of progress."""
        print(f"cloud: {text}", file=self.stream, flush=True)


def box_of(settings: Settings, names: Names) -> Box:
    """The host's folder in object storage.

    Raises:
        SettingsError: when no bucket is named.
    """
    if not names.bucket:
        raise SettingsError("aws.bucket is empty: name the bucket for work and results, as in aws.bucket=my-frames")
    return Box(client(settings.aws, "s3"), names.bucket, names.prefix)


def up(settings: Settings, host: str, source: bytes, watch: Watch | None = None, spent: float = 0.0) -> Instance:
    """Start a host, or find the one that is there; one that does not fit is ended first, if it has no work.

    Args:
        settings: of the pipeline.
        host: its name.
        source: from :func:`stages.sdg.cloud.source.pack_source`.
        watch: how it is watched.
        spent: US dollars of the run so far.

    Raises:
        ServiceError: when AWS refuses or has no room; nothing is then left of it.
    """
    names, seen = names_of(settings, host), watch or Watch()
    box, digest = box_of(settings, names), hashlib.sha256(source).hexdigest()
    alive = [item for item in instances(settings, host) if item.is_alive]
    for item in alive:
        if _fits(settings, item, digest, spent):
            return item
    if alive:
        _refuse_busy(box, host)
        seen.say(f"host '{host}' has other sources or another type than asked for, or may cost more: it is ended")
        down(settings, host)
    with _nothing_left(settings, host):
        box.remove(STATUS, BOOT_LOG)
        box.put(SOURCE, source)
        make_profile(settings, names)
        made = launch(settings, names, digest, spent)
        seen.say(
            f"host '{host}' is {made.id}, {made.kind} ({settings.host.market}, at most {made.price:g} dollars an "
            f"hour), which ends by itself on {made.deadline:%Y-%m-%d %H:%M} UTC at the latest"
        )
    return made


def _fits(settings: Settings, machine: Instance, digest: str, spent: float) -> bool:
    """Whether a machine that is there has these sources, is of a type that is asked for, and ends within the limit."""
    price = settings.host.instances.get(machine.kind)
    if price is None or machine.source != digest:
        return False
    return machine.deadline <= now() + OVERTIME + timedelta(hours=max(0.0, settings.host.spend_limit - spent) / price)


def _refuse_busy(box: Box, host: str, number: str = "") -> None:
    """A ServiceError while the host's machine renders another job than this one."""
    work, news = box.get_json(WORK), box.get_json(STATUS) or {}
    if work and work["id"] != number and news.get("work") == work["id"] and news.get("state") == "running":
        raise ServiceError(
            f"host '{host}' renders another job: wait for it, end it with `cloud down --name {host}`, or use "
            "another --name"
        )


def down(settings: Settings, host: str | None) -> str:
    """End a host and remove all that it had; frames in object storage stay, and the bill of a job that is not done.

    Without the name of a bucket, object storage is left alone.

    Args:
        settings: of the account.
        host: its name, or None for all hosts of the project.

    Returns:
        A sentence on what there was.

    Raises:
        StageError: of the first part that could not be removed, once all others are.
    """
    some = instances(settings, host)
    hosts = {host} if host else _hosts(settings, some)
    errors: list[StageError] = []
    counts = [0, 0, 0, 0]

    def attempt(place: int, remove: Callable[[], int]) -> None:
        try:
            counts[place] += remove()
        except StageError as error:
            errors.append(error)

    for name in sorted(hosts):
        names = names_of(settings, name)
        # what a machine's end needs of its role is nothing, so the order is by what costs most
        mine = [item for item in some if item.host == name]
        attempt(0, lambda mine=mine, name=name: _end(settings, mine, name, counts))  # type: ignore[misc]
        attempt(2, lambda name=name: remove_groups(settings, name))  # type: ignore[misc]
        attempt(3, lambda names=names: int(remove_profile(settings, names)))  # type: ignore[misc]
        if names.bucket:
            attempt(0, lambda names=names: _forget(settings, names))  # type: ignore[misc]
    if errors:
        raise errors[0]
    if not any(counts):
        return f"nothing is left of {'host ' + repr(host) if host else 'any host'}"
    return f"ended {counts[0]} instances; removed {counts[1]} disks, {counts[2]} security groups, {counts[3]} profiles"


def _end(settings: Settings, mine: list[Instance], host: str, counts: list[int]) -> int:
    ended, disks = end(settings, mine, host)
    counts[1] += disks
    return ended


def _forget(settings: Settings, names: Names) -> int:
    box = box_of(settings, names)
    box.remove(SOURCE, WORK, STATUS)
    settle(box, now())
    return 0


def _hosts(settings: Settings, some: list[Instance]) -> set[str]:
    """Names of all hosts of which something is there."""
    ec2 = client(settings.aws, "ec2")
    tagged = ec2.describe_security_groups(GroupIds=found)["SecurityGroups"] if (found := groups(settings, None)) else []
    named = {tag["Value"] for group in tagged for tag in group.get("Tags", []) if tag["Key"] == "sdg-host"}
    return {item.host for item in some if item.is_alive} | named | profiles(settings, names_of(settings, "x"))


def status(settings: Settings) -> str:
    """All hosts of the project, a line each."""
    moment, lines = now(), []
    for item in instances(settings):
        late = ", PAST ITS DEADLINE" if item.is_alive and moment > item.deadline + OVERTIME else ""
        if item.state == "terminated":
            continue
        lines.append(
            f"{item.host}: {item.id} {item.kind} {item.state}, {_news(settings, item.host)}, "
            f"at most {item.spent(moment):.2f} dollars so far, "
            f"ends on {item.deadline:%Y-%m-%d %H:%M} UTC{late}; aws ssm start-session --target {item.id}"
        )
    left = _hosts(settings, []) - {item.host for item in instances(settings) if item.is_alive}
    lines += [
        f"{name}: no instance, but a role, profile or security group: `cloud down --name {name}`" for name in left
    ]
    return "\n".join(lines) or "no host is there"


def _news(settings: Settings, host: str) -> str:
    """What a host said last; its machine is there whatever object storage answers."""
    try:
        news = box_of(settings, names_of(settings, host)).get_json(STATUS) or {}
    except StageError as error:
        return f"no news ({error})"
    return f"{news.get('state', 'starting')} ({news.get('frames', 0)} frames)"


def run(
    settings: Settings,
    params: str,
    folder: Path,
    source: bytes,
    host: str = "default",
    *,
    keep: bool = False,
    watch: Watch | None = None,
) -> str:
    """Render on a host and bring the frames here.

    A run of the same settings and sources goes on where one before was cut off: its host when that still works, its
    frames in object storage when not.

    Args:
        settings: of the pipeline.
        params: text of ``params.yaml``, what the host renders.
        folder: for the frames, whose old frames are replaced.
        source: of this checkout.
        host: its name.
        keep: leave the host running for more work; it ends by itself when idle.
        watch: how it is watched.

    Returns:
        A sentence.

    Raises:
        SettingsError: when the folder holds something else than frames.
        RenderError: when rendering failed there.
        ServiceError: when the host cannot be had, or its time or money is used up.
    """
    folder = _place(folder)
    seen, names = watch or Watch(), names_of(settings, host)
    box = box_of(settings, names)
    number = hashlib.sha256(params.encode() + source).hexdigest()[:16]
    if any(item.is_alive for item in instances(settings, host)):
        _refuse_busy(box, host, number)
    bill = Bill(box, work_of(params, source))
    with _nothing_left(settings, host, only_when_failed=keep):
        machine = up(settings, host, source, seen, bill.spent(now()))
        bill.add(machine)
        box.put(SOURCE, source)
        box.put_json(WORK, {"id": number, "params": params, "sync_seconds": settings.host.sync_seconds})
        frames = _Run(settings, host, number, source, machine, seen, box, bill).wait()
        count = _bring(box, folder)
        box.remove(BILL)
    return f"{folder}: {frames} frames from host '{host}' ({count} files)"


@contextmanager
def _nothing_left(settings: Settings, host: str, *, only_when_failed: bool = True) -> Iterator[None]:
    """Take the host down at the end, or when something goes wrong: an error, Ctrl-C, a signal that ends Python."""
    try:
        yield
    except BaseException:
        down(settings, host)
        raise
    if not only_when_failed:
        down(settings, host)


@dataclass
class _Run:
    """One run's wait for its work.

    Attributes:
        settings, host, number, source, machine, seen, box, bill: as :func:`run` has them.
    """

    settings: Settings
    host: str
    number: str
    source: bytes
    machine: Instance
    seen: Watch
    box: Box
    bill: Bill
    restarts: int = 0
    shown: tuple[str, int] = ("", -1)

    def wait(self) -> int:
        """Frames that there are when the work is done."""
        while True:
            news = self.box.get_json(STATUS) or {}
            mine = news if news.get("work") == self.number else {}
            self._show(news)
            if mine.get("state") == "done":
                return int(mine["frames"])
            if mine.get("state") == "failed":
                last = " | ".join(lines_of(self.box.get(LOG)))
                raise RenderError(f"rendering failed on host '{self.host}' ({last}): mend that and run again")
            self._look_after_machine()
            time.sleep(self.seen.pause)

    def _look_after_machine(self) -> None:
        found = {item.id: item for item in instances(self.settings, self.host)}
        machine = found.get(self.machine.id)
        moment = self.seen.clock()
        if machine is not None and machine.is_alive:
            if moment > machine.deadline + OVERTIME:
                raise self._out_of_time(machine)
            return
        ended = machine or self.machine
        self.bill.close(ended.id, moment)
        if moment >= ended.deadline:
            raise self._out_of_time(ended)
        news = self.box.get_json(STATUS) or {}
        # one that went idle as the work came is no failure either
        if not (ended.was_interrupted or news.get("state") in ("interrupted", "idle")):
            last = " | ".join(lines_of(self.box.get(BOOT_LOG))) or "no word from it"
            raise ServiceError(
                f"host '{self.host}' ended before its work was done ({ended.reason or 'no reason given'}; {last}): "
                "run again, which goes on from the frames that are done"
            )
        if self.restarts >= self.settings.host.restarts:
            raise ServiceError(
                f"EC2 took {self.restarts + 1} machines away (host.restarts): run again, which goes on from the frames "
                "that are done, or choose host.market=on_demand"
            )
        self.restarts += 1
        self.seen.say(f"{ended.id} is gone ({ended.reason or news.get('state')}); another machine goes on")
        self.machine = up(self.settings, self.host, self.source, self.seen, self.bill.spent(moment))
        self.bill.add(self.machine)

    def _out_of_time(self, machine: Instance) -> ServiceError:
        return ServiceError(
            f"host '{self.host}' reached its deadline of {machine.deadline:%Y-%m-%d %H:%M} UTC: raise host.max_hours "
            "or host.spend_limit and run again, which goes on from the frames that are done"
        )

    def _show(self, news: dict[str, Any]) -> None:
        state = str(news.get("state", "starting")), int(news.get("frames", 0))
        if state != self.shown:
            self.shown = state
            self.seen.say(f"host '{self.host}' is {state[0]}, {state[1]} frames are done")


def _place(folder: Path) -> Path:
    """The folder that a path means; a SettingsError for one whose content would be lost."""
    place = folder.resolve()
    if place.exists() and not place.is_dir():
        raise SettingsError(f"{folder} is a file: choose another --to")
    if holds_other_things(place):
        raise SettingsError(f"{folder} holds something else than frames: choose another --to")
    return place


def _bring(box: Box, folder: Path) -> int:
    """Fetch the finished frames into a folder, in place of what is there; how many files came."""
    fresh = folder.with_name(f".{folder.name}.fetched")
    shutil.rmtree(fresh, ignore_errors=True)
    count = box.fetch(fresh, f"{FRAMES}frames/")
    if not count:
        raise ServiceError(f"s3://{box.bucket}/{box.prefix}{FRAMES} holds no frames: run again")
    old = folder.with_name(f".{folder.name}.before")
    shutil.rmtree(old, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.replace(old)
    fresh.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
    return count
