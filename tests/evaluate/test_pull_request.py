"""The comment of a pull request, on a real repository with two branches, with a made-up ``cml`` and ``gh``."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.common.cli import run
from stages.common.errors import InputError, MissingDependencyError, ServiceError
from stages.evaluate.__main__ import parser
from stages.evaluate.comment import MARK, post
from stages.evaluate.pull_request import MOST_CHARACTERS, Source, shortened, write_pull_request
from tests.evaluate.test_short_report import DETAILS, SHOWN, details, measured, metrics
from tests.settings import REPOSITORY

LINK = "https://code.host/owner/name/actions/runs/1/artifacts/2"


class Repository:
    """Two branches: ``main``, and ``better`` with other settings and figures, which is checked out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "nobody@example.org")
        self.git("config", "user.name", "nobody")

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, settings, numbers=None, folder=None) -> None:
        """Settings, and figures in the places that evaluate writes."""
        folder = folder or self.root
        (folder / "reports").mkdir(exist_ok=True, parents=True)
        (folder / "params.yaml").write_text(yaml.safe_dump(settings))
        if numbers is not None:
            (folder / "reports/metrics.json").write_text(json.dumps({"schema": 2, **numbers}))

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "more")
        return self.git("rev-parse", "HEAD")

    def pull_request(self, *, base="main", folder=None, link=LINK) -> str:
        """The Markdown."""
        out = self.root / "reports/pull-request.md"
        source = Source(base, folder)
        self.said = write_pull_request(self.root / "reports", self.root / "params.yaml", source, out, link, self.root)
        return out.read_text()


BEFORE = {"train": {"epochs": 2, "batch": 8}, "seed": 0}
NOW = {"train": {"epochs": 5, "batch": 8}, "seed": 0}


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path / "a project")
    made.write(BEFORE, metrics(real={"loco-dev": measured(0.7, 0.6, 0.8)}))
    made.commit()
    made.git("checkout", "-q", "-b", "better")
    made.write(NOW, metrics())
    made.commit()
    content = details(real={"loco-dev": measured(shown=SHOWN)})
    (made.root / ".git/info/exclude").write_text("evaluation.json\n")
    (made.root / "reports/evaluation.json").write_text(json.dumps(content))
    return made


def test_figures_and_settings_are_compared_with_the_base_branch(repository):
    text = repository.pull_request()
    commit = repository.git("rev-parse", "main")[:12]
    assert f"differences to main ({commit})" in text
    assert "0.800<br><sub>0.70 to 0.90</sub><br>+0.100 |" in text
    assert "| <code>train.epochs</code> | <code>2</code> | <code>5</code> |" in text
    assert "batch" not in text
    assert f"[report.html]({LINK})" in text
    assert text.count("![") == 4
    assert repository.said == (
        f"pull-request: {repository.root}/reports/pull-request.md against main ({commit}); 1 settings changed"
    )


def test_the_base_may_have_been_run_in_a_folder_of_its_own(repository, tmp_path):
    repository.write({"seed": 7}, metrics(real={"loco-dev": measured(0.5, 0.4, 0.6)}), tmp_path / "base")
    text = repository.pull_request(folder=tmp_path / "base")
    assert "<br>**+0.300** |" in text
    assert "| <code>seed</code> | <code>7</code> | <code>0</code> |" in text
    assert "differences to main (" in text, "the revision names it"


def test_a_base_without_metrics_is_told_and_no_error(repository):
    repository.git("checkout", "-q", "main")
    repository.git("rm", "-q", "reports/metrics.json")
    repository.commit()
    repository.git("checkout", "-q", "better")
    text = repository.pull_request()
    assert "has no figures (Git has neither its reports nor a dvc.lock: run the base and name its folder" in text
    assert "| <code>train.epochs</code> |" in text, "settings are compared all the same"
    assert "±0" not in text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"schema": 0}', "they are of schema 0, these of 2"),
        ("<html>", "its metrics.json is damaged (JSONDecodeError)"),
        ("[]", "its metrics.json is damaged (TypeError)"),
    ],
)
def test_figures_of_the_base_that_cannot_be_compared(content, reason, repository):
    repository.git("checkout", "-q", "main")
    (repository.root / "reports/metrics.json").write_text(content)
    repository.commit()
    repository.git("checkout", "-q", "better")
    assert f"has no figures ({reason})." in repository.pull_request()


def test_a_base_of_dvc_is_read_from_its_cache(repository):
    """As the pipeline keeps them: metrics.json in DVC's cache, only its digest in Git."""

    def dvc(*words):
        subprocess.run([sys.executable, "-m", "dvc", *words], cwd=repository.root, check=True, capture_output=True)

    repository.git("checkout", "-q", "main")
    repository.git("rm", "-q", "--cached", "reports/metrics.json")
    (repository.root / ".gitignore").write_text("/reports/\n")
    stage = {"cmd": "true", "metrics": ["reports/metrics.json"]}
    (repository.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"evaluate": stage}}))
    dvc("init", "-q")
    dvc("commit", "-q", "--force", "evaluate")
    repository.commit()
    assert repository.git("ls-files", "reports") == ""
    repository.git("branch", "-f", "cached")
    (repository.root / "reports/metrics.json").unlink()
    text = repository.pull_request(base="cached")
    assert "<br>+0.100 |" in text
    for folder in (repository.root / ".dvc/cache/files/md5").iterdir():
        for file in folder.iterdir():
            file.chmod(0o600)
            file.unlink()
    assert "has no figures (DVC cannot get them: " in repository.pull_request(base="cached")


def test_what_is_wrong_is_said_in_a_sentence(repository):
    with pytest.raises(InputError, match="'elsewhere' is no revision of this repository; fetch it, as with `git fetch"):
        repository.pull_request(base="elsewhere")
    with pytest.raises(InputError, match="'--output=x' is no revision"):
        repository.pull_request(base="--output=x")
    (repository.root / "params.yaml").write_text(": [")
    with pytest.raises(InputError, match=r"params\.yaml' holds no settings; write it again"):
        repository.pull_request()
    (repository.root / "params.yaml").unlink()
    with pytest.raises(InputError, match=r"params\.yaml' cannot be read; write it with"):
        repository.pull_request()
    (repository.root / "reports/evaluation.json").write_text("[]")
    with pytest.raises(InputError, match=r"evaluation\.json' is not what evaluate writes"):
        repository.pull_request()
    (repository.root / "reports/evaluation.json").unlink()
    with pytest.raises(InputError, match=r"evaluation\.json' cannot be read; run `dvc repro evaluate` first"):
        repository.pull_request()


def test_a_huge_report_is_cut_to_what_a_comment_holds(repository):
    sentences = [{"sentence": f"slice {number}: {'ä' * 200}"} for number in range(5)]
    sets = {f"set-{number}": measured(worst_slices=sentences) for number in range(80)}
    (repository.root / "reports/evaluation.json").write_text(json.dumps(details(real=sets)))
    text = repository.pull_request()
    assert len(text) <= len(text.encode()) <= MOST_CHARACTERS < 65_536
    assert text.endswith(
        f"\n\n**Cut here, since a comment holds no more: the rest is in [the full report]({LINK}).**\n"
    )
    assert text.count("<details>") == text.count("</details>") == 1
    assert repository.said.endswith("; cut to what a comment holds")


def test_a_fold_that_is_cut_is_closed():
    text = "head\n<details><summary>a</summary>\n" + "row\n" * 100 + "</details>\n"
    assert shortened(text, "", 10_000) == text
    cut = shortened(text, "", 300)
    assert len(cut) <= 300
    assert cut.count("<details>") == cut.count("</details>") == 1
    assert "the rest is in report.html.**" in cut


# ---- the comment ----

PROGRAM = """
import json, os, sys
with open({record!r}, "a") as stream:
    given = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
    words = sys.argv[1:]
    named = [open(word).read() for word in words if word.endswith(".md")]
    told = {{"program": {name!r}, "words": words, "given": given, "read": named, "folder": os.getcwd()}}
    told["tokens"] = {{key: os.environ.get(key) for key in ("GH_TOKEN", "REPO_TOKEN")}}
    stream.write(json.dumps(told) + "\\n")
if os.path.exists({answers!r}) and "graphql" in words:
    print(open({answers!r}).read())
if os.path.exists({broken!r}):
    sys.exit("HTTP 403: Resource not accessible by integration")
"""


class Host:
    """Programs on a path that write down what they are given, and a comment that GitHub is said to have."""

    def __init__(self, folder: Path, *programs: str) -> None:
        self.folder, self.record = folder, folder / "record.jsonl"
        (folder / "bin").mkdir(parents=True)
        for name in programs:
            places = {key: str(folder / key) for key in ("answers", "broken")}
            script = folder / f"{name}.py"
            script.write_text(PROGRAM.format(name=name, record=str(self.record), **places))
            # a line "#!" holds no path with spaces
            start = f"exec {shlex.quote(sys.executable)} {shlex.quote(str(script))}"
            (folder / "bin" / name).write_text(f'#!/bin/sh\n{start} "$@"\n')
            (folder / "bin" / name).chmod(0o755)
        event = folder / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 42, "title": "$(touch /tmp/x) `id`"}}))
        self.environment = {
            "PATH": str(folder / "bin"),
            "GITHUB_TOKEN": "secret",
            "GITHUB_REPOSITORY": "owner/name",
            "GITHUB_EVENT_PATH": str(event),
        }

    def has(self, *comments) -> None:
        nodes = {"comments": {"nodes": list(comments)}}
        (self.folder / "answers").write_text(json.dumps([{"data": {"repository": {"pullRequest": nodes}}}]))

    @property
    def calls(self):
        return [json.loads(line) for line in self.record.read_text().splitlines()] if self.record.exists() else []


def comment(number, body, mine, kind="User", login="somebody"):
    author = {"__typename": kind, "login": login}
    return {"databaseId": number, "body": body, "viewerDidAuthor": mine, "author": author}


@pytest.fixture
def markdown(repository):
    repository.pull_request()
    return repository.root / "reports/pull-request.md"


def test_the_first_call_posts_a_comment_and_the_next_one_renews_it(markdown, tmp_path):
    host = Host(tmp_path / "host", "gh")
    host.has(comment(1, "Looks good", False), comment(2, f"{MARK}\nof somebody who wants to be us", False))
    assert post(markdown, host.environment) == "comment: posted on pull request 42 by the GitHub CLI"
    asked, posted = host.calls
    assert asked["words"][:2] == ["api", "graphql"]
    assert {"owner=owner", "name=name", "number=42"} < set(asked["words"])
    assert posted["words"] == ["api", "--method", "POST", "--input", "-", "repos/owner/name/issues/42/comments"]
    body = json.loads(posted["given"])["body"]
    assert body.startswith(f"{MARK}\n# Evaluation of best.onnx\n")
    assert "![" not in body, "what the GitHub CLI cannot publish is told by its caption"
    assert "<sub>largest missed object: 1.jpg: missed</sub>" in body
    assert posted["tokens"]["GH_TOKEN"] == "secret"

    host.has(comment(1, "Looks good", False), comment(7, body, True))
    assert post(markdown, host.environment) == "comment: updated on pull request 42 by the GitHub CLI"
    assert host.calls[-1]["words"] == ["api", "--method", "PATCH", "--input", "-", "repos/owner/name/issues/comments/7"]


def test_a_comment_of_the_workflows_own_token_is_known_by_its_author(markdown, tmp_path):
    host = Host(tmp_path / "host", "gh")
    host.has(comment(9, f"{MARK}\nold", False, "Bot", "github-actions"))
    post(markdown, host.environment)
    assert host.calls[-1]["words"][-1] == "repos/owner/name/issues/comments/9"


def test_cml_is_taken_where_it_is_installed_and_shows_the_pictures(markdown, tmp_path):
    host = Host(tmp_path / "host", "gh", "cml")
    for _ in range(2):
        assert post(markdown, host.environment) == "comment: posted to pull request 42 by CML"
    first, second = host.calls
    assert first == second
    assert first["program"] == "cml"
    assert first["words"] == [
        "comment", "update", "--target=pr/42", "--watermark-title=sim-to-cloud report", "pull-request.md",
    ]  # fmt: skip
    assert first["folder"] == str(markdown.parent), "pictures are named beside the file"
    assert first["read"][0].count("](pictures/") == 4
    assert first["tokens"]["REPO_TOKEN"] == "secret"


def test_a_fork_without_a_token_posts_nothing_and_has_the_file(markdown, tmp_path):
    host = Host(tmp_path / "host", "gh", "cml")
    del host.environment["GITHUB_TOKEN"]
    said = post(markdown, host.environment)
    assert said.startswith("comment: not posted, since there is no token, as for pull requests from forks; '")
    assert host.calls == []
    assert markdown.is_file()
    assert post(markdown, {**host.environment, "GITHUB_TOKEN": ""}) == said


def test_what_the_host_refuses_is_said_in_a_sentence_without_the_token(markdown, tmp_path):
    host = Host(tmp_path / "host", "gh")
    host.has()
    (host.folder / "broken").touch()
    with pytest.raises(
        ServiceError, match=r"gh could not post the comment \(HTTP 403: Resource not accessible"
    ) as error:
        post(markdown, host.environment)
    assert "secret" not in str(error.value)
    (host.folder / "broken").unlink()
    (host.folder / "answers").write_text('{"message": "Not Found"}')
    with pytest.raises(ServiceError, match="GitHub's list of comments cannot be read"):
        post(markdown, host.environment)


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"PATH": "/nowhere"}, MissingDependencyError, "neither cml nor gh is installed"),
        ({"GITHUB_EVENT_PATH": ""}, InputError, "no pull request is known: give --number"),
        ({"GITHUB_REPOSITORY": "a/b/../c"}, InputError, "GITHUB_REPOSITORY is 'a/b/../c', not OWNER/NAME"),
    ],
)
def test_what_is_not_there_is_named(changes, error, sentence, markdown, tmp_path):
    host = Host(tmp_path / "host", "gh")
    with pytest.raises(error, match=sentence):
        post(markdown, {**host.environment, **changes})
    with pytest.raises(InputError, match=r"absent\.md' cannot be read"):
        post(markdown.with_name("absent.md"), host.environment)


def test_the_command_writes_and_posts(repository, tmp_path, monkeypatch, capsys):
    host = Host(tmp_path / "host", "gh")
    host.has()
    for name, value in host.environment.items():
        monkeypatch.setenv(name, value if name != "PATH" else f"{value}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(repository.root)
    args = parser().parse_args(["pull-request", "--base", "main", "--link", LINK, "--post"])
    assert run(args.command, args) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("pull-request: reports/pull-request.md against main (")
    assert said[1] == "comment: posted on pull request 42 by the GitHub CLI"
    assert LINK in json.loads(host.calls[-1]["given"])["body"]
    args = parser().parse_args(["pull-request"])
    assert run(args.command, args) == InputError.exit_code
    assert "nothing to compare with: give --base" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parser().parse_args(["pull-request", "--base", "main", "--link", "javascript:alert(1)"])


def test_the_comment_needs_no_packages(markdown, tmp_path):
    """The job that may write comments installs nothing."""
    host = Host(tmp_path / "host", "gh")
    host.has()
    environment = {**host.environment, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-S", "-m", "stages.evaluate.comment", str(markdown)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "comment: posted on pull request 42 by the GitHub CLI\n"


def test_the_made_up_figures_have_the_keys_of_real_ones():
    """Of what ``stages.evaluate.run`` writes; see tests/evaluate/test_run.py."""
    assert DETAILS.keys() == {"schema", "model", "sim", "real", "gap"}
