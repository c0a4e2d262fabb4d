"""One comment on a pull request, made or brought up to date: ``python -m stages.evaluate.comment FILE``.

Needs nothing but Python, Git's host and one of two programs, so that the job which may write comments installs and runs
nothing else: CML (https://cml.dev), which shows pictures too, or the GitHub CLI.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.common.cli import add_debug, run
from stages.common.errors import InputError, MissingDependencyError, ServiceError

TITLE = "sim-to-cloud report"
MARK = f"<!-- {TITLE} -->"
"""First line of the comment, by which it is found again."""

TOKENS = ("GH_TOKEN", "GITHUB_TOKEN", "REPO_TOKEN")
"""Environment variables that may hold the token; CML reads the last."""

BOT = "Bot", "github-actions"
"""GraphQL's type and login of the author of what a workflow's own token writes."""

COMMENTS = """\
query($owner: String!, $name: String!, $number: Int!, $endCursor: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    comments(first: 100, after: $endCursor) {
      nodes { databaseId body viewerDidAuthor author { login __typename } }
      pageInfo { hasNextPage endCursor }
    }
  } }
}"""

REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
PICTURE = re.compile(r"^!\[(?P<caption>(?:[^\]\\]|\\.)*)\]\((?!https://)[^)]*\)\n\n?", re.MULTILINE)
"""A picture beside the file, which only CML can publish; its caption stands below it too."""

DESCRIPTION = """\
Put a Markdown file into one comment on a pull request: the same comment each time.

reads   the file; GITHUB_REPOSITORY, and the number of the pull request from --number or GITHUB_EVENT_PATH;
        a token from GH_TOKEN, GITHUB_TOKEN or REPO_TOKEN. Without a token nothing is posted, and that is no error
runs    cml where it is installed, which also publishes the pictures that the file names; or else gh"""


def post(path: Path, environment: Mapping[str, str], number: int | None = None) -> str:
    """Post or update the comment.

    Args:
        path: Markdown file.
        environment: variables, of which those of GitHub Actions are read.
        number: of the pull request; None takes it from the event.

    Returns:
        One line for the user.

    Raises:
        InputError: when the file, the repository or the number are not known.
        MissingDependencyError: when neither program is installed.
        ServiceError: when the program fails.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"'{path}' cannot be read ({error}); write it with `python -m stages.evaluate pull-request`"
        ) from None
    token = next((environment[name] for name in TOKENS if environment.get(name)), "")
    if not token:
        return f"comment: not posted, since there is no token, as for pull requests from forks; '{path}' has the text"
    number = number or _number(environment)
    if cml := shutil.which("cml", path=environment.get("PATH")):
        _run(
            [cml, "comment", "update", f"--target=pr/{number}", f"--watermark-title={TITLE}", path.name],
            {**environment, "REPO_TOKEN": token},
            path.parent,
        )
        return f"comment: posted to pull request {number} by CML"
    if gh := shutil.which("gh", path=environment.get("PATH")):
        known = {**environment, "GH_TOKEN": token}
        old = _earlier(gh, known, number, path.parent)
        place = f"issues/comments/{old}" if old else f"issues/{number}/comments"
        body = {"body": f"{MARK}\n{PICTURE.sub('', text)}"}
        address = f"repos/{_repository(environment)}/{place}"
        how = ["--method", "PATCH" if old else "POST", "--input", "-"]
        _run([gh, "api", *how, address], known, path.parent, json.dumps(body))
        return f"comment: {'updated' if old else 'posted'} on pull request {number} by the GitHub CLI"
    raise MissingDependencyError("neither cml nor gh is installed; install the GitHub CLI, or CML to show pictures too")


def _earlier(gh: str, environment: Mapping[str, str], number: int, folder: Path) -> int | None:
    """Id of the comment of an earlier call. Anyone may write the mark: only comments of ours count."""
    owner, name = _repository(environment).split("/")
    variables = ["-f", f"owner={owner}", "-f", f"name={name}", "-F", f"number={number}", "-f", f"query={COMMENTS}"]
    pages = _run([gh, "api", "graphql", "--paginate", "--slurp", *variables], environment, folder)
    try:
        found: list[Mapping[str, Any]] = [
            node
            for page in json.loads(pages or "[]")
            for node in page["data"]["repository"]["pullRequest"]["comments"]["nodes"]
        ]
        mine = [int(item["databaseId"]) for item in found if item["body"].startswith(MARK) and _ours(item)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServiceError(f"GitHub's list of comments cannot be read ({error}); run it again") from None
    return mine[0] if mine else None


def _ours(comment: Mapping[str, Any]) -> bool:
    author = comment.get("author") or {}
    return bool(comment["viewerDidAuthor"]) or (author.get("__typename"), author.get("login")) == BOT


def _repository(environment: Mapping[str, str]) -> str:
    found = environment.get("GITHUB_REPOSITORY", "")
    if not REPOSITORY.fullmatch(found):
        raise InputError(f"GITHUB_REPOSITORY is '{found}', not OWNER/NAME; set it")
    return found


def _number(environment: Mapping[str, str]) -> int:
    path = Path(environment.get("GITHUB_EVENT_PATH", ""))
    try:
        return int(json.loads(path.read_bytes())["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError("no pull request is known: give --number, or run it on a pull request's event") from None


def _run(command: list[str], environment: Mapping[str, str], folder: Path, given: str = "") -> str:
    try:
        done = subprocess.run(
            command, env=dict(environment), cwd=folder, input=given, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise ServiceError(f"'{command[0]}' cannot be run ({error.strerror}); install it again") from None
    if done.returncode:
        said = " ".join(done.stderr.split())[-300:] or f"exit status {done.returncode}"
        raise ServiceError(f"{Path(command[0]).name} could not post the comment ({said}); check the token's rights")
    return done.stdout


def main(args: argparse.Namespace) -> str:
    """What the command line calls."""
    return post(args.file, os.environ, args.number)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        "python -m stages.evaluate.comment",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("file", type=Path, help="Markdown")
    made.add_argument("--number", type=int, metavar="N", help="of the pull request")
    add_debug(made)
    return made


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(run(main, arguments))
