"""The function behind ``python -m stages.sdg``: settings and a folder in, a folder of shards out."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from stages.common.errors import RenderError, StageError
from stages.common.files import atomic_write, sha256_of, write_json
from stages.common.progress import Progress, duration
from stages.common.settings import Settings
from stages.sdg.assets.imports.prepare import check_placed, describe, prepare_all, remarks
from stages.sdg.plan.ask import check_asked
from stages.sdg.plan.planner import plan_frame
from stages.sdg.run.crew import gpu_memories_mib, gpu_names, resolved
from stages.sdg.run.frame import describe_plan
from stages.sdg.run.key import content_key
from stages.sdg.run.messages import Done, Job, disk_error
from stages.sdg.run.pool import Lost, Pool
from stages.sdg.run.settle import plans_are_whole, settle
from stages.sdg.run.store import Store, lock, plan_lines
from stages.sdg.shards.manifest import PLANS, Span, layout, write_manifest
from stages.sdg.shards.reader import read_frames, read_plans
from stages.sdg.shards.records import plan_to_line

FACTORY = "stages.sdg.render.registry:create_renderer"
HOPELESS = 5
"""Frames lost, and none done, after which a run does not try the rest."""


@dataclass
class Report:
    """What a run did.

    Attributes:
        frames: in the folder now.
        rendered: of them in this run.
        seconds: of the whole run, by the clock.
        spent: worker seconds by what they were spent on; ``render`` is the renderer's own work, ``start`` the time
            until workers had their renderers.
        workers: processes at the same time.
        targets: asked against got, as lines of text; empty when nothing is asked.
    """

    frames: int = 0
    rendered: int = 0
    seconds: float = 0.0
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    workers: int = 0
    targets: str = ""

    @property
    def frames_per_second(self) -> float:
        """Rendered frames by the clock, everything included."""
        return self.rendered / self.seconds if self.seconds else 0.0

    @property
    def outside_share(self) -> float:
        """Share of the workers' time on frames that was not spent in the renderer itself."""
        total = sum(seconds for name, seconds in self.spent.items() if name != "start")
        return 1 - self.spent["render"] / total if total else 0.0

    def summary(self, folder: Path) -> str:
        """The stage's last line."""
        if not self.rendered:
            return f"{folder}: all {self.frames} frames were there"
        return (
            f"{folder}: {self.frames} frames, {self.rendered} of them rendered in {duration(self.seconds)} "
            f"({self.frames_per_second:.3g} frames/s, {self.outside_share:.0%} of the time outside the renderer)"
        )


def render_frames(settings: Settings, folder: Path, *, log: TextIO | None = None, factory: str = FACTORY) -> Report:
    """Bring ``folder`` to hold exactly the frames that ``settings`` ask for.

    Frames of the same content key that are there already are kept to the byte, whatever shard they lie in; the rest is
    rendered. A run that was killed goes on where it was.

    Args:
        settings: of the pipeline.
        folder: for shards, plans and inputs; made when missing. Unfinished work lies in a folder beside it.
        log: stream for progress; standard error when left out.
        factory: ``module:function`` that makes the renderer in each worker.

    Raises:
        SettingsError: when a scenario, asset or renderer is not registered.
        RenderError: naming the frames that failed twice; all others are kept.
        StageError: when another run holds the folder, or the disk takes no more.
    """
    stream = log or sys.stderr
    start = time.perf_counter()
    try:
        with lock(folder):
            report = _Run(settings, folder, stream, factory).run()
    except OSError as error:
        known = disk_error(error, folder)
        if known is None:
            raise
        raise known from error
    report.seconds = time.perf_counter() - start
    return report


class _Run:
    """One run, under the lock."""

    def __init__(self, settings: Settings, folder: Path, stream: TextIO, factory: str) -> None:
        frames = settings.dataset.frames
        # before anything else: what cannot be read or yields no label must not be found out after rendering
        check_placed(settings)
        self.own = prepare_all(settings, anew=True)
        for item in self.own:
            for remark in remarks(item):
                print(f"sdg: assets.{item.entry.name}: {remark}", file=stream, flush=True)
        self.settings = resolved(settings)
        self.folder, self.stream, self.factory = folder, stream, factory
        self.key = content_key(settings)
        self.spans = layout(frames.count, frames.test_count, frames.shard_size)
        self.store = Store(folder, self.key)
        self.report = Report(frames=frames.count + frames.test_count, workers=self.settings.renderer.runtime.workers)

    def run(self) -> Report:
        self._refuse_contradictions()
        self.manifest = settle(self.settings, self.store, self.spans, self._say)
        kept = {shard.name for shard in self.manifest.shards}
        self.open = {span.name: span for span in self.spans if span.name not in kept}
        self.waiting = self.store.frames()
        lost = self._render()
        if lost:
            raise self._failure(lost)
        if not self.manifest.complete:
            self._write_plans()
        self._write_rest()
        self._write_targets()
        self.store.remove()
        return self.report

    def _refuse_contradictions(self) -> None:
        """Let targets that contradict each other end the run before any work; a plan shows what else is wrong."""
        check_asked(self.settings)
        try:
            plan_frame(self.settings, 0)
        except StageError:
            raise
        except Exception:
            return  # a mistake in a sampler is reported later, with the frames that it costs

    def _render(self) -> list[Lost]:
        """Render what is missing, and close each shard as soon as its frames are there."""
        missing = [n for span in self.open.values() for n in span.numbers if n not in self.waiting]
        for span in list(self.open.values()):
            self._close_if_full(span)
        if not missing:
            return []
        by_number = {number: span for span in self.open.values() for number in span.numbers}
        lost: list[Lost] = []
        done = self.report.frames - len(missing)
        with Progress("sdg", total=self.report.frames, unit="frames", done=done, stream=self.stream) as progress:
            pool = self._pool()
            with closing(pool.render(missing)) as outcomes:
                for outcome in outcomes:
                    if isinstance(outcome, Done):
                        self.report.rendered += 1
                        for name, seconds in outcome.seconds.items():
                            self.report.spent[name] += seconds
                        self.waiting.add(outcome.frame)
                        progress.advance()
                        self._close_if_full(by_number[outcome.frame])
                        continue
                    lost.append(outcome)
                    progress.note(self._obituary(outcome))
                    if len(lost) >= HOPELESS and not self.report.rendered:
                        break
            self.report.spent["start"] = pool.start_seconds
        return lost

    def _say(self, text: str) -> None:
        print(f"sdg: {text}", file=self.stream, flush=True)

    def _pool(self) -> Pool:
        runtime = self.settings.renderer.runtime
        gpus = gpu_names(len(gpu_memories_mib())) if runtime.device != "cpu" else []
        return Pool(
            Job(self.settings, self.store.work.resolve(), self.factory, self.own),
            size=runtime.workers,
            timeout=runtime.frame_timeout,
            lifetime=runtime.shards_per_worker * self.settings.dataset.frames.shard_size,
            gpus=gpus,
        )

    def _close_if_full(self, span: Span) -> None:
        if not self.waiting.issuperset(span.numbers):
            return
        shard = self.store.pack(span)
        self.manifest = replace(self.manifest.with_shard(shard), complete=False)
        write_manifest(self.folder, self.manifest)
        self.store.forget(span)
        del self.open[span.name]

    def _obituary(self, lost: Lost) -> str:
        try:
            plan = describe_plan(plan_frame(self.settings, lost.frame))
        except Exception as error:  # the plan may be what failed
            plan = f"frame {lost.frame}, for which there is no plan ({type(error).__name__}: {error})"
        log = "".join(f"\n  | {line}" for line in lost.log)
        return f"sdg: lost {plan}: {lost.reason}; `python -m stages.sdg --frame {lost.frame}` renders it again{log}"

    def _failure(self, lost: list[Lost]) -> RenderError:
        numbers = sorted(item.frame for item in lost)
        named = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
        noun = "frame" if len(numbers) == 1 else "frames"
        return RenderError(
            f"{noun} {named} could not be rendered ({lost[0].reason}); see why with "
            f"`python -m stages.sdg --frame {numbers[0]}`, then run the same command again, "
            "which goes on from the frames that are done"
        )

    def _write_plans(self) -> None:
        """Write ``plan.jsonl`` in the order of frames, then declare the folder complete."""
        lines = plan_lines(self.store, trusted=plans_are_whole(self.folder, self.manifest))
        path = self.folder / PLANS
        with atomic_write(path) as stream:
            for number in _numbers(self.spans):
                line = lines.get(number) or plan_to_line(plan_frame(self.settings, number))
                stream.write(f"{line}\n")
        self.manifest = replace(self.manifest, complete=True, plans=sha256_of(path))

    def _write_rest(self) -> None:
        """Inputs, manifest and contact sheet."""
        from stages.sdg.assets.catalogue import families
        from stages.sdg.preview import SHEET, SHEET_FRAMES, write_sheet

        values = self.settings.model_dump(mode="json", include={"seed", "scene", "randomization", "presets", "targets"})
        if self.settings.assets:
            values["assets"] = [entry.model_dump(mode="json") for entry in self.settings.assets]
        values["renderer"] = self.settings.renderer.model_dump(mode="json", exclude={"name", "runtime"})
        values["dataset"] = {"frames": self.settings.dataset.frames.model_dump(mode="json")}
        write_json(self.folder / "inputs" / "settings.json", values)
        own = {item.entry.name: describe(item) for item in self.own}
        write_json(self.folder / "inputs" / "assets.json", {**families(), **own})
        write_manifest(self.folder, self.manifest)
        write_sheet(self.folder, self.folder / SHEET, SHEET_FRAMES, self.settings.scene.classes)

    def _write_targets(self) -> None:
        """Asked against got, of plans and of labels, beside the inputs; nothing where nothing is asked."""
        from stages.sdg.plan.own import own_objects
        from stages.sdg.targets import as_json, from_label, from_plan, missed, rows, table, wanted_labels

        path = self.folder / "inputs" / "targets.json"
        if not (self.settings.targets.any() or self.settings.presets.shares):
            path.unlink(missing_ok=True)
            return
        labels, own = wanted_labels(self.settings), own_objects(self.settings)
        planned = rows(self.settings, (from_plan(plan, labels, own) for plan in read_plans(self.folder)))
        rendered = rows(self.settings, (from_label(frame.label) for frame in read_frames(self.folder)), rendered=True)
        write_json(path, as_json(planned, rendered))
        self.report.targets = "\n".join(filter(None, [table(planned, rendered), missed(planned, rendered)]))


def _numbers(spans: Iterable[Span]) -> Iterable[int]:
    for span in spans:
        yield from span.numbers
