"""From Hydra's errors to sentences."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

from stages.common.settings import Settings
from stages.common.settings.messages import allowed, find, listed, unknown


def refused_sentence(override: str, error: Exception, config: Any, conf: Path) -> str:
    """Why one override of the command line cannot be used, and what to write instead.

    Args:
        override: as the user wrote it.
        error: what Hydra raised for it.
        config: composed without it.
        conf: folder of the groups.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException:
        return f"'{override}' cannot be read: write key=value, as in train.epochs=5, and quote it in the shell"
    key = parsed.key_or_group.replace("/", ".")
    if parsed.is_sweep_override():
        return f"{override} gives several values: give one, or queue a sweep with dvc exp run --queue -S '{override}'"
    if (conf / key).is_dir():
        return _option(key, str(parsed.value()), conf)
    if find(Settings, key.split(".")).annotation is None:
        return unknown(key, Settings)
    parent, _, name = key.rpartition(".")
    known = [str(name) for name in OmegaConf.select(config, parent, default=None) or []]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {parent}.{close[0]}" if close else f"there are {listed(known)}"
        return f"{key} is not in {conf.name}/: {meant}, or add it with +{override.lstrip('+~')}"
    return (
        f"{override} has the wrong kind of value ({_first_line(error)}): give {allowed(find(Settings, key.split('.')))}"
    )


def reading_sentence(error: Exception, conf: Path) -> str:
    """Why the files in ``conf/`` cannot be composed."""
    import yaml

    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{mark.name} line {mark.line + 1} is not YAML ({error.problem}): mend that line"
    if not (conf / "config.yaml").is_file():
        return f"{conf / 'config.yaml'} is missing: restore it with git checkout -- {conf.name}"
    missing = re.search(r"Could not find '([^']*)'", str(error))
    if missing:
        group, _, option = missing[1].rpartition("/")
        return f"in {conf}, " + _option(group, option, conf)
    return f"{conf} cannot be composed: {_first_line(error)}"


def _option(group: str, option: str, conf: Path) -> str:
    options = sorted(path.stem for path in (conf / group).glob("*.yaml"))
    close = difflib.get_close_matches(option, options, n=1)
    meant = f"did you mean {group}={close[0]} (of {listed(options)})?" if close else f"choose one of {listed(options)}"
    return f"{group}={option} does not exist: {meant}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
