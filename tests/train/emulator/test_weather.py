"""``compute=sagemaker-local`` over an S3 server of which every fifth request and every fifth answer fails."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.push.conftest import serve_s3
from tests.train.emulator.test_emulator import Project
from tests.weather import stormy_way


def test_a_job_is_trained_as_in_good_weather(tmp_path: Path) -> None:
    buckets = tmp_path / "buckets"
    (buckets / "jobs").mkdir(parents=True)
    with serve_s3(buckets) as s3, stormy_way(s3.endpoint, 1) as (endpoint, went_wrong):
        project = Project(tmp_path / "weather", s3)
        params = project.root / "params.yaml"
        settings = yaml.safe_load(params.read_text())
        settings["storage"]["endpoint"] = endpoint
        settings["train"]["epochs"] = 2
        params.write_text(yaml.safe_dump(settings))
        code, said = project.train()
        assert code == 0, said
        assert len(went_wrong) > 3
        assert [epoch["epoch"] for epoch in project.training["epochs"]] == [1, 2]  # type: ignore[attr-defined]
        assert project.history() == [1, 2]
        assert project.supervisors() == []
        names = [path.name for path in s3.objects("jobs")]
        assert names.count("model.tar.gz") == 1
