"""The drift job: read what was captured, compare, write it down, tell CloudWatch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stages.common.errors import InputError, ServiceError, SparseError
from stages.common.files import atomic_write, write_json
from stages.common.settings import Settings
from stages.deploy.bundle import Bundle, open_bundle
from stages.deploy.drift.captured import Seen, count, in_bucket, in_folder
from stages.deploy.drift.compare import LEAST, Drift, compare, worst
from stages.deploy.drift.measures import Histograms
from stages.deploy.drift.reference import reference_of
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.archive import fetched
from stages.deploy.endpoint.inventory import container_of, model_of
from stages.deploy.endpoint.requests import drift_metric

MOST_HOURS = 8760
"""A year: each hour is a folder that is listed."""


def drift_of_endpoint(settings: Settings, hours: float, out: Path, strict: bool) -> str:
    """Compare what the endpoint saw in the last hours; report, and put the measures into CloudWatch.

    Args:
        settings: of the endpoint.
        hours: to look back.
        out: JSON file; a page for people is written beside it.
        strict: a drift above ``endpoint.alarms.drift`` is an error.

    Returns:
        A summary line.

    Raises:
        InputError: when the bundle has nothing to compare with, or the hours are none or too many.
        SparseError: when too little was captured.
        ServiceError: when there is no endpoint, or no model of it, AWS refuses, or, if ``strict``, the drift is too
            large.
    """
    if not 0 < hours <= MOST_HOURS:
        raise InputError(f"--hours {hours:g} is no time to look back: give more than 0 and at most {MOST_HOURS}")
    account = Account(settings)
    there = account.endpoint()
    if there is None:
        raise ServiceError(f"endpoint '{account.names.endpoint}' does not exist: make it with python -m stages.deploy")
    container = container_of(account, model_of(account.configuration(there["EndpointConfigName"])))
    if not container:
        raise ServiceError(
            f"endpoint '{account.names.endpoint}' has lost its configuration or its model: deploy the model again"
        )
    with fetched(account, container["ModelDataUrl"]) as bundle:
        where = f"endpoint '{account.names.endpoint}' in the last {hours:g} hours"
        drifts, seen = _compared(bundle, in_bucket(account, hours), where)
        write_report(out, drifts, seen, where)
    measured = {drift.measure: drift.index for drift in drifts} | {"Worst": worst(drifts)}
    data = []
    for measure, value in measured.items():
        metric = drift_metric(account.names, measure)
        data.append({"MetricName": metric["MetricName"], "Dimensions": metric["Dimensions"], "Value": value})
    account.act("cloudwatch", "put_metric_data", Namespace=account.names.project, MetricData=data)
    return _told(drifts, seen, out, settings.endpoint.alarms.drift, strict)


def drift_of_folder(folder: Path, bundle: Path, out: Path, limit: float, strict: bool) -> str:
    """Compare captured files of a folder with a bundle here; CloudWatch is not told.

    Raises:
        InputError: when the bundle has nothing to compare with.
        SparseError: when too little was captured.
        ServiceError: if ``strict``, when the drift is too large.
    """
    where = f"the files in '{folder}'"
    drifts, seen = _compared(open_bundle(bundle), in_folder(folder), where)
    write_report(out, drifts, seen, where)
    return _told(drifts, seen, out, limit, strict)


def _compared(bundle: Bundle, lines: Iterable[bytes], where: str) -> tuple[list[Drift], Seen]:
    reference = reference_of(bundle)
    histograms = Histograms(bundle.settings.names, reference["threshold"])
    seen = count(lines, histograms, bundle.settings.model_sha256, bundle.settings.serving.max_pixels)
    if histograms.answers < LEAST:
        raise SparseError(
            f"{where} hold {histograms.answers} answers of this model ({seen.others} of others, {seen.unreadable} "
            f"unreadable), fewer than {LEAST}: look back further with --hours, or raise endpoint.capture.percent"
        )
    return compare(reference, histograms.as_json()), seen


def write_report(out: Path, drifts: list[Drift], seen: Seen, where: str) -> None:
    """Write the figures as JSON, and beside them a page in Markdown."""
    histograms = seen.histograms
    values: dict[str, Any] = {
        "source": where,
        "answers": histograms.answers,
        "pictures": histograms.pictures,
        "of_other_models": seen.others,
        "unreadable": seen.unreadable,
        "worst": worst(drifts),
        "measures": {
            drift.measure: {
                "index": drift.index,
                "chance": drift.chance,
                "sure": drift.sure,
                "expected": dict(drift.expected),
                "found": dict(drift.found),
            }
            for drift in drifts
        },
    }
    write_json(out, values)
    with atomic_write(out.with_suffix(".md")) as page:
        page.write(_page(drifts, seen, where))


def _page(drifts: list[Drift], seen: Seen, where: str) -> str:
    histograms = seen.histograms
    rows = "".join(
        f"| {drift.measure} | {drift.index:.3f} | {drift.chance:.2g} | {'yes' if drift.sure else 'no'} "
        f"| {drift.moved} |\n"
        for drift in drifts
    )
    return f"""# Drift

What {where} answered, against the model's answers to test frames and the boxes it was trained with.
{histograms.answers} answers, {histograms.pictures} with their picture; {seen.others} of other models and \
{seen.unreadable} unreadable ones were left out.

The index is the population stability index: above 0.1 is a moderate, above 0.25 a large change. Rendered frames are the
reference, so that some of it is the step to real pictures: watch how it grows.

| measure | index | by chance | sure | moved most |
|---|---:|---:|---|---|
{rows}"""


def _told(drifts: list[Drift], seen: Seen, out: Path, limit: float, strict: bool) -> str:
    large = [drift for drift in drifts if drift.sure and drift.index > limit]
    names = ", ".join(f"{drift.measure} {drift.index:.2f} ({drift.moved})" for drift in large[:3])
    if large and strict:
        raise ServiceError(
            f"what the service sees has drifted: {names}: look into {out.with_suffix('.md')}, then render, or label, "
            "pictures that are alike"
        )
    said = f"{len(large)} of {len(drifts)} measures drifted: {names}" if large else f"none of {len(drifts)} drifted"
    return f"drift: of {seen.histograms.answers} answers {said}; {out.with_suffix('.md')} has all"
