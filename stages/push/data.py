"""What DVC versions, and its way to the remote."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.common.errors import StorageError
from stages.common.settings.platform import Storage
from stages.push.remotes import Remote, remote_of


@dataclass(frozen=True)
class Output:
    """A versioned output as ``dvc.lock`` has it.

    Attributes:
        path: relative to the repository, with forward slashes.
        revision: md5 of the file, or of the folder's listing with ``.dir`` behind it.
        files: how many files.
        bytes: their size.
    """

    path: str
    revision: str
    files: int
    bytes: int


@dataclass
class Transfer:
    """What a transfer did.

    Attributes:
        sent: objects that the remote lacked and now has.
        checksums: of each output's files, md5 by path within it.
        lost: outputs that are whole neither in the cache nor in the remote.
    """

    sent: int = 0
    checksums: dict[str, dict[str, str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


@contextmanager
def open_with_remote(root: Path, storage: Storage) -> Iterator[tuple[Any, Remote]]:
    """DVC's repository at ``root`` with the settings' remote as its default, ready to be asked.

    Raises:
        StorageError: as :func:`open_repository` does, or when the remote does not answer, refuses, or is missing.
    """
    remote = remote_of(storage, root)
    with open_repository(root) as repo:
        use_remote(repo, remote)
        remote.prepare(repo.config["remote"][remote.name])
        yield repo, remote


@contextmanager
def open_repository(root: Path) -> Iterator[Any]:
    """DVC's repository at ``root``, held while nobody else changes it.

    Raises:
        StorageError: when there is none, its files are broken, or another DVC command does not end.
    """
    from dvc.config import ConfigError
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.lock import LockError
    from dvc.repo import Repo, lock_repo

    try:
        with Repo(str(root), _wait_for_lock=False) as repo, lock_repo(repo):
            yield repo
    except NotDvcRepoError:
        raise StorageError(f"'{root}' is not a DVC repository: run in the top folder of your clone") from None
    except LockError:
        raise StorageError("another dvc command is at work here: wait until it has ended, then push again") from None
    except ConfigError as error:
        raise StorageError(f"DVC's configuration is broken ({error}): mend .dvc/config or .dvc/config.local") from error
    except DvcException as error:
        raise StorageError(f"DVC cannot read this pipeline ({error}): mend dvc.yaml, then run dvc status") from error


def use_remote(repo: Any, remote: Remote) -> None:
    """Make ``remote`` DVC's default, so that plain ``dvc pull``, ``push`` and ``gc`` go there too.

    Only what differs is written, and only to ``.dvc/config.local``, which Git ignores; other options that the user set
    there, credentials among them, stay.
    """
    configured = repo.config["remote"].get(remote.name, {})
    same = all(str(configured.get(key, "")) == value for key, value in remote.options.items())
    if same and repo.config["core"].get("remote") == remote.name:
        return
    with repo.config.edit("local") as local:
        local.setdefault("core", {})["remote"] = remote.name
        options = local.setdefault("remote", {}).setdefault(remote.name, {})
        for key, value in remote.options.items():
            if value:
                options[key] = value
            else:
                options.pop(key, None)


def outputs(repo: Any) -> dict[str, tuple[Output, Any]]:
    """Versioned outputs that go to the remote, each with DVC's own object, by path."""
    found = {}
    for out in repo.index.outs:
        if out.use_cache and out.can_push and out.hash_info:
            path = Path(out.fs_path).relative_to(repo.root_dir).as_posix()
            found[path] = Output(path, out.hash_info.value, out.meta.nfiles or 1, out.meta.size or 0), out
    return found


def send(repo: Any, remote: Remote, wanted: Iterable[tuple[Output, Any]]) -> Transfer:
    """Send what the remote lacks.

    Each object is looked for in the remote itself. DVC's own push believes that a folder is whole when its listing
    is there, and so never notices a shard that was lost.

    Raises:
        StorageError: when objects could not be sent.
    """
    store = repo.cloud.get_remote(remote.name).odb
    remote.tune(store.fs)
    result = Transfer()
    objects: set[Any] = set()
    with _complaints() as complaints:
        try:
            for output, out in wanted:
                files = files_of(out, repo.cache.local, store)
                if files is None:
                    result.lost.append(output.path)
                    continue
                result.checksums[output.path] = {name: info.value for name, info in files.items()}
                objects |= {out.hash_info, *files.values()}
            failed, missing = _copy(repo.cache.local, store, objects, result)
        except Exception as error:  # of fsspec, botocore, the file system: whatever the remote is made of
            raise remote.explain(error) from error
    if failed:
        raise remote.explain(complaints[0] if complaints else RuntimeError("unknown"))
    result.lost += [path for path, files in result.checksums.items() if missing & set(files.values())]
    return result


def _copy(cache: Any, store: Any, objects: set[Any], result: Transfer) -> tuple[int, set[str]]:
    """Copy from the cache; returns how many failed and the md5s that neither side has."""
    from dvc.fs.callbacks import TqdmCallback
    from dvc_data.hashfile.transfer import transfer

    missing: set[str] = set()
    with TqdmCallback(desc="Pushing", unit="file", disable=not sys.stderr.isatty()) as callback:
        done = transfer(
            cache,
            store,
            objects,
            cache_odb=cache,
            callback=callback,
            validate_status=lambda status: missing.update(str(info.value) for info in status.missing),
        )
    result.sent = len(done.transferred)
    return len(done.failed), missing


def files_of(out: Any, cache: Any, store: Any) -> dict[str, Any] | None:
    """Hashes of an output's files by path within it, from the cache or else the remote; None when neither has them."""
    from dvc_data.hashfile.tree import Tree
    from dvc_objects.errors import ObjectFormatError

    if not out.hash_info.isdir:
        return {"": out.hash_info}
    for side in (cache, store):
        try:
            return {"/".join(key): info for key, _, info in Tree.load(side, out.hash_info)}
        except (FileNotFoundError, ObjectFormatError):
            continue
    return None


@contextmanager
def _complaints() -> Iterator[list[BaseException]]:
    """Errors that DVC would log with their traceback, kept for one sentence instead."""
    found: list[BaseException] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[1]:
                found.append(record.exc_info[1])

    loggers = [logging.getLogger(name) for name in ("dvc_data", "dvc_objects")]
    before = [(log, log.handlers, log.propagate) for log in loggers]
    for log in loggers:
        log.handlers, log.propagate = [Keep()], False
    try:
        yield found
    finally:
        for log, handlers, propagate in before:
            log.handlers, log.propagate = handlers, propagate
