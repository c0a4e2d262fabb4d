"""The benchmark of planning runs, and tells plans apart."""

from __future__ import annotations

import pytest

from benchmarks import checkouts, plan_speed


def test_a_checkout_plans_like_itself(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["plan_speed", "-n", "1", "--other", str(plan_speed.REPOSITORY)])
    plan_speed.main()
    *rows, verdict = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["start", *plan_speed.KINDS]
    assert all(float(number) > 0 for row in rows for number in row.split()[1:])
    assert verdict == "all plans are the same"


def test_other_plans_are_told_apart(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([{"seconds": {"default": 2.0}, "plans": "a"}, {"seconds": {"default": 1.0}, "plans": "b"}])
    monkeypatch.setattr(checkouts, "of_checkout", lambda *_: next(answers))
    monkeypatch.setattr("sys.argv", ["plan_speed", "--other", "."])
    plan_speed.main()
    row, verdict = capsys.readouterr().out.splitlines()
    assert row.split() == ["default", "2.00", "1.00", "2.00"]
    assert verdict == "plans differ"
