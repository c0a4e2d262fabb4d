"""Every call of an AWS API in the code, found by reading it.

A call is seen as a method named as an operation (``s3.put_object(...)``), as such a method handed to another function
(``retried(iam.create_role, ...)``), or as an operation's name among the arguments of any call
(``account.act("s3", "put_object", ...)``, ``get_paginator("list_endpoints")``, ``get_waiter(...)``). Names
that other libraries have, too, are in :data:`NOT_AWS`; a new one fails the tests until it is judged.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.settings import REPOSITORY

ROOMS = ("stages", "container", "isaac", "scripts")

SERVICES = (
    "application-autoscaling",
    "ce",
    "cloudformation",
    "cloudwatch",
    "ec2",
    "ecr",
    "iam",
    "kms",
    "logs",
    "pricing",
    "resourcegroupstaggingapi",
    "s3",
    "sagemaker",
    "sagemaker-runtime",
    "service-quotas",
    "ssm",
    "sts",
)
"""Services that the code may ask; a client of any other fails the tests until it is added here."""

TRANSFERS = {
    "upload_file": (
        "PutObject",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "AbortMultipartUpload",
    ),
    "download_file": ("HeadObject", "GetObject"),
}
TRANSFERS |= {"upload_fileobj": TRANSFERS["upload_file"], "download_fileobj": TRANSFERS["download_file"]}
"""boto3's own methods of S3 clients, and the operations they are made of (boto3.s3.transfer)."""

NOT_AWS = {
    # MLflow's client has experiments and runs of its own
    "create_experiment",
    # of Jinja, of regular expressions, and of checksums
    "get_template",
    "search",
    "verify",
}
"""Names of operations that the code has for other things."""

WORDS = ("aws", "boto", "client", "s3", "sagemaker", "service", "storage")
"""A module in whose text none of these stands, asks nothing of AWS."""

Call = tuple[str, str]
"""Service and operation, as in ``("s3", "PutObject")``."""


@cache
def operations() -> dict[str, tuple[Call, ...]]:
    """Calls by the name that they have in Python."""
    import botocore.session
    from botocore import xform_name

    session = botocore.session.get_session()
    found: dict[str, tuple[Call, ...]] = {}
    for service in SERVICES:
        for operation in session.get_service_model(service).operation_names:
            found[xform_name(operation)] = (*found.get(xform_name(operation), ()), (service, operation))
        for name, call in _waiters(session, service):
            found[name] = (*found.get(name, ()), call)
    for name, several in TRANSFERS.items():
        found[name] = tuple(("s3", operation) for operation in several)
    return found


def _waiters(session: object, service: str) -> Iterator[tuple[str, Call]]:
    from botocore import xform_name
    from botocore.exceptions import UnknownServiceError

    try:
        model = session.get_waiter_model(service)  # type: ignore[attr-defined]
    except UnknownServiceError:
        return
    for name in model.waiter_names:
        yield xform_name(name), (service, model.get_waiter(name).operation)


def modules(root: Path = REPOSITORY) -> list[Path]:
    """All modules that run in production, relative to the repository."""
    return sorted(path.relative_to(root) for room in ROOMS for path in (root / room).rglob("*.py"))


@cache
def calls(module: Path, root: Path = REPOSITORY) -> frozenset[Call]:
    """Calls of AWS in one module."""
    text = (root / module).read_text(encoding="utf-8")
    if not any(word in text for word in WORDS):
        return frozenset()
    return frozenset(call for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) for call in _of(node))


def clients(module: Path, root: Path = REPOSITORY) -> set[str]:
    """Names of services of which a module makes clients, or which it names beside an operation."""
    tree = ast.parse((root / module).read_text(encoding="utf-8"))
    words: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        texts = [item.value for item in node.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        if _name(node) in ("client", "resource"):
            words |= set(texts)
        elif _name(node) in ("act", "ask", "create", "find", "pages", "remove") and len(texts) > 1:
            words.add(texts[0])
    return words


def _of(node: ast.Call) -> Iterator[Call]:
    words = [item.value for item in node.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    named = [word for word in (*words, *_receiver(node.func)) if word in SERVICES]
    for name in (_name(node), *words):
        yield from _called(name, named)
    for item in node.args:
        if isinstance(item, ast.Attribute) and (owners := [word for word in _receiver(item) if word in SERVICES]):
            yield from _called(item.attr, owners)


def _called(name: str, services: list[str]) -> Iterator[Call]:
    """The calls of that name, of those services where any is known."""
    if name not in NOT_AWS:
        yield from [call for call in operations().get(name, ()) if not services or call[0] in services]


def _receiver(method: ast.expr) -> Iterator[str]:
    """The service after which the asked object is named: ``ecr.describe_images``, ``made["ecr"].describe_images``."""
    owner = method.value if isinstance(method, ast.Attribute) else None
    if isinstance(owner, ast.Name | ast.Attribute):
        yield (owner.id if isinstance(owner, ast.Name) else owner.attr).strip("_").replace("_", "-")
    if isinstance(owner, ast.Subscript) and isinstance(owner.slice, ast.Constant):
        yield str(owner.slice.value)


def _name(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) and node.func.id == "client" else ""


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY
    for one in modules(where):
        if seen := sorted(calls(one, where)):
            print(one, *(":".join(call) for call in seen), sep="\n    ")
        if strange := sorted(clients(one, where) - set(SERVICES)):
            print(one, "STRANGE CLIENT", strange)
