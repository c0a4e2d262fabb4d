"""The checkout that outlives an experiment."""

from __future__ import annotations

import subprocess
from pathlib import Path


def main_checkout(root: Path) -> Path:
    """The user's own checkout that ``root`` belongs to.

    ``dvc exp run --temp`` and queued experiments run in a repository of their own below ``.dvc/tmp/exps`` of the
    user's checkout and remove it afterwards; a Git worktree lies wherever the user put it. What every run shares (the
    local remote, the runs' database) belongs to the checkout behind both.

    Args:
        root: top of the repository in which a stage runs.

    Returns:
        An absolute path; ``root`` itself when there is nothing behind it, or no Git.
    """
    root = root.resolve()
    for folder in root.parents:
        if folder.parts[-3:] == (".dvc", "tmp", "exps"):
            return main_checkout(folder.parents[2])
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--path-format=absolute", "--show-prefix", "--git-common-dir"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return root
    prefix, common = answer.stdout.split("\n")[:2]
    # with a prefix, root is a folder inside some other repository; a bare one has no checkout beside it
    return Path(common).parent if not prefix and Path(common).name == ".git" else root
