"""Code of the user's own: files that are imported once, and what of them determines the results."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from stages.common.errors import SettingsError
from stages.common.settings.custom import Custom

_LOADED: set[Path] = set()


def load_custom(custom: Custom) -> None:
    """Import the files, each once in a process.

    Raises:
        SettingsError: when one is missing or cannot be imported; it names the line.
    """
    for name in custom.files:
        path = Path(name).expanduser().resolve()
        if path in _LOADED:
            continue
        if not path.is_file():
            raise SettingsError(f"custom.files names {name}, which is not there: correct the path")
        module_name = f"custom_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}_{path.stem}"
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec is not None, "a file that ends in .py has a loader"
        assert spec.loader is not None, "a file that ends in .py has a loader"
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise SettingsError(
                f"{name} cannot be imported ({_place(error, path)}{type(error).__name__}: {error}): mend it"
            ) from error
        _LOADED.add(path)


def custom_digest(custom: Custom) -> list[str]:
    """SHA-256 of each file in order; empty when there are none.

    Raises:
        SettingsError: when one is missing.
    """
    digests = []
    for name in custom.files:
        try:
            digests.append(hashlib.sha256(Path(name).expanduser().read_bytes()).hexdigest())
        except OSError:
            raise SettingsError(f"custom.files names {name}, which is not there: correct the path") from None
    return digests


def _place(error: Exception, path: Path) -> str:
    """The last line of the file that the error went through."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"line {line}, " if line else ""
