"""From Hydra's errors to sentences."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

from stages.common.settings.messages import listed, unknown


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

    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException:
        return f"'{override}' cannot be read: write key=value, as in train.epochs=5, and quote it in the shell"
    key = parsed.key_or_group
    if parsed.is_sweep_override():
        return f"{override} gives several values: give one, or run dvc exp run --queue -S '{override}'"
    if (conf / key).is_dir():
        return _option(key, str(parsed.value()), conf)
    if key.replace(".", "/") != key and not _exists(config, key):
        return _unknown_key(key, config, conf)
    if "." not in key and key not in config:
        return _unknown_key(key, config, conf)
    return f"{override} cannot be used ({_first_line(error)}): give {key} a value of the kind it has"


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
        return _option(group, option, conf) + f" (asked for in {conf.name}/)"
    return f"{conf} cannot be composed: {_first_line(error)}"


def _option(group: str, option: str, conf: Path) -> str:
    options = sorted(path.stem for path in (conf / group).glob("*.yaml"))
    close = difflib.get_close_matches(option, options, n=1)
    meant = f"did you mean {group}={close[0]}?" if close else "choose another"
    return f"{group}={option} does not exist: {meant} There are {listed(options)}"


def _unknown_key(key: str, config: Any, conf: Path) -> str:
    """Say which step of a dotted key is wrong, or where a setting of that name is."""
    steps = key.split(".")
    node, depth = config, 0
    while depth < len(steps) - 1 and _is_mapping(node) and steps[depth] in node:
        node, depth = node[steps[depth]], depth + 1
    if not _is_mapping(node):
        return f"{key} is not a setting: {'.'.join(steps[:depth])} is a single value"
    return ""


def _exists(config: Any, key: str) -> bool:
    from omegaconf import OmegaConf

    return OmegaConf.select(config, key, default=None) is not None


def _is_mapping(node: Any) -> bool:
    from omegaconf import DictConfig

    return isinstance(node, DictConfig)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
