"""Rollouts that go well, and those that do not: whoever served before serves on."""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from stages.common.errors import InputError, ServiceError, SettingsError, SparseError, StageError, UnwellError
from stages.deploy.bundle import Bundle
from stages.deploy.deploy import deploy
from stages.deploy.endpoint import lease
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.cost import cost
from stages.deploy.endpoint.history import entries
from stages.deploy.endpoint.lease import Lease
from stages.deploy.endpoint.status import check, in_words, look
from tests.deploy.conftest import picture
from tests.deploy.endpoint.aws import Aws
from tests.deploy.endpoint.conftest import ENDPOINT, SECRET, settings_of
from tests.deploy.endpoint.killed import Killed, cut, do
from tests.tiny_models import write_constant_model


def serving(fake: Aws) -> str:
    """The configuration that answers."""
    name, status = fake.state()["endpoints"][ENDPOINT]
    assert status == "InService"
    return str(name)


def data_of(fake: Aws, config: str) -> str:
    model = fake.sagemaker.endpoint_configs[config].production_variants[0]["ModelName"]
    return str(fake.sagemaker._models[model].primary_container["ModelDataUrl"])


def test_the_receipt_says_what_serves(fake: Aws, model: Path, frames: Path, tmp_path: Path) -> None:
    settings = settings_of(fake)
    receipt = tmp_path / "deploy.json"
    said = str(deploy(model, frames, tmp_path / "bundle", receipt, settings))
    assert said.endswith("the sagemaker service answered 2 test frames as the model does (4 detections)")
    written = json.loads(receipt.read_text())
    assert written["service"]["configuration"] == serving(fake)
    assert written["service"]["data"] == data_of(fake, serving(fake))
    assert written["check"]["box_difference"] == 0
    before = receipt.read_bytes()
    deploy(model, frames, tmp_path / "bundle", receipt, settings)
    assert receipt.read_bytes() == before
    assert len(entries(Account(settings))) == 1


def test_nothing_is_changed_by_the_same_deployment(fake: Aws, model: Path, frames: Path) -> None:
    do("deploy", settings_of(fake), model, frames)
    before = fake.state()
    fake.calls.clear()
    do("deploy", settings_of(fake), model, frames)
    assert fake.state() == before
    assert not {call.partition(":")[2] for call in fake.calls} & {
        *("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "DeleteModel")
    }


def test_a_new_model_goes_by_canary(fake: Aws, model: Path, other: Path, frames: Path) -> None:
    do("deploy", settings_of(fake), model, frames)
    first = serving(fake)
    asked: list[Any] = []
    update = fake._update

    def watched(environ: Any, start: Any) -> Any:
        made = update(environ, start)
        asked.append(fake.sagemaker.endpoints[ENDPOINT].pending["asked"])
        return made

    fake._update = watched  # type: ignore[method-assign]
    try:
        do("deploy", settings_of(fake), other, frames)
    finally:
        fake._update = update  # type: ignore[method-assign]
    second = serving(fake)
    assert second != first
    (request,) = asked
    policy = request["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == {
        "Type": "CANARY",
        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 600,
    }
    watching = request["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert [alarm["AlarmName"] for alarm in watching] == [f"{second}-{what}" for what in ("5xx", "p95", "smoke")]
    assert request["RetainAllVariantProperties"] is True
    assert request["ExcludeRetainedVariantProperties"] == [{"VariantPropertyType": "DataCaptureConfig"}]
    assert entries(Account(settings_of(fake)))[0].config == second
    assert set(fake.state()["configs"]) == {first, second}


def test_only_the_last_configurations_are_kept(fake: Aws, frames: Path, tmp_path: Path) -> None:
    from tests.deploy.conftest import NAMES

    made = []
    for number in range(4):
        boxes = [(0, 16 + number, 32, 48, 0.9, 1)]
        model = write_constant_model(tmp_path / f"{number}.onnx", NAMES, (64, 64), boxes, threshold=0.5)
        do("deploy", settings_of(fake), model, frames)
        made.append(serving(fake))
    state = fake.state()
    assert set(state["configs"]) == set(made[1:])
    assert len(state["models"]) == 3
    assert len(state["alarms"]) == 9
    assert sum(key.endswith("model.tar.gz") for key in state["objects"]) == 3


def test_a_canary_that_answers_wrongly_is_turned_back(fake: Aws, model: Path, other: Path, frames: Path) -> None:
    """The alarm that this client sets off does it, while the old fleet still has most of the traffic."""
    do("deploy", settings_of(fake), model, frames)
    before, first = fake.state(), serving(fake)
    fake.lies.add(_data_after(fake, other, frames))
    fake.looks = 20  # a canary bakes for many of them
    with pytest.raises(ServiceError, match=rf"turned the update .* back .*: {first} serves on"):
        do("deploy", settings_of(fake), other, frames)
    assert fake.state() == before
    assert any(datum.name == "SmokeTestFailures" for datum in fake.cloudwatch.metric_data)


def _data_after(fake: Aws, model: Path, frames: Path) -> str:
    """Where a model would be packed to, by packing it and putting everything back."""
    start = fake.snapshot()
    do("deploy", settings_of(fake), model, frames)
    data = data_of(fake, serving(fake))
    fake.restore(start)
    return data


def test_an_alarm_turns_a_rollout_back(fake: Aws, model: Path, other: Path, frames: Path) -> None:
    do("deploy", settings_of(fake), model, frames)
    before, first = fake.state(), serving(fake)
    start = fake.snapshot()
    do("deploy", settings_of(fake), other, frames)
    fake.trips = {f"{serving(fake)}-p95"}
    fake.restore(start)
    with pytest.raises(ServiceError, match=rf"alarms are in the ALARM state.*{first} serves on"):
        do("deploy", settings_of(fake), other, frames)
    assert fake.state() == before


def test_wrong_answers_after_the_switch_bring_the_old_one_back(
    fake: Aws, model: Path, other: Path, frames: Path
) -> None:
    """A client that was killed while the canary was there sees the new model only when it has all traffic."""
    do("deploy", settings_of(fake), model, frames)
    before, first = fake.state(), serving(fake)
    lying = _data_after(fake, other, frames)
    with cut(_number_of(fake, other, frames, "UpdateEndpoint") + 1), pytest.raises(Killed):
        do("deploy", settings_of(fake), other, frames)
    endpoint = fake.sagemaker.endpoints[ENDPOINT]
    for _ in range(fake.looks):
        fake.looked_at(endpoint)
    fake.lies.add(lying)
    with pytest.raises(ServiceError, match=rf"answers 1000000\.jpg otherwise .*; {first}, which served before, serves"):
        do("deploy", settings_of(fake), other, frames)
    assert fake.state() == before


def _number_of(fake: Aws, model: Path, frames: Path, operation: str) -> int:
    start = fake.snapshot()
    with cut(1000) as made:
        do("deploy", settings_of(fake), model, frames)
    fake.restore(start)
    return made.index(operation) + 1


def test_a_first_endpoint_that_answers_wrongly_is_taken_down(fake: Aws, model: Path, frames: Path) -> None:
    do("deploy", settings_of(fake), model, frames)
    fake.lies.add(data_of(fake, serving(fake)))
    do("teardown", settings_of(fake, "endpoint.keep=3"), model, frames)
    with pytest.raises(ServiceError, match="nothing served before, so it was taken down"):
        do("deploy", settings_of(fake), model, frames)
    assert fake.state()["endpoints"] == {}
    assert fake.state()["targets"] == {}


def test_an_endpoint_that_does_not_come_up(fake: Aws, model: Path, frames: Path) -> None:
    fake.creation_fails = True
    with pytest.raises(ServiceError, match=r"is Failed .*ping health check.*mend that, then run this again"):
        do("deploy", settings_of(fake), model, frames)
    do("deploy", settings_of(fake), model, frames)
    assert serving(fake)


def test_another_kind_needs_another_name(fake: Aws, model: Path, frames: Path) -> None:
    do("deploy", settings_of(fake), model, frames)
    settings = settings_of(fake, "endpoint=serverless", "endpoint.service=detector", "deploy.max_body_mb=4")
    with pytest.raises(ServiceError, match="is of kind instances, which an update cannot change into serverless"):
        do("deploy", settings, model, frames)


def test_serverless(fake: Aws, model: Path, other: Path, frames: Path) -> None:
    settings = settings_of(fake, "deploy=sagemaker-serverless")
    do("deploy", settings, model, frames)
    state = fake.state()
    assert state["targets"] == {}
    assert state["alarms"] == []
    (config,) = state["configs"].values()
    assert config[0]["ServerlessConfig"] == {"MemorySizeInMB": 4096, "MaxConcurrency": 5}
    do("deploy", settings, other, frames)
    assert len(fake.state()["configs"]) == 2
    assert "nothing while nobody asks" in cost(settings)


def test_async_goes_by_way_of_s3_and_down_to_nothing(fake: Aws, model: Path, frames: Path) -> None:
    settings = settings_of(fake, "deploy=sagemaker-async")
    do("deploy", settings, model, frames)
    state = fake.state()
    assert state["targets"] == {f"endpoint/{ENDPOINT}-async/variant/AllTraffic": (0, 4)}
    assert [name.rpartition("\t")[2] for name in state["policies"]] == ["from-zero", "load"]
    assert state["alarms"] == [f"{ENDPOINT}-async-from-zero"]
    assert fake.cloudwatch.alarms[state["alarms"][0]].alarm_actions[0].startswith("arn:aws:autoscaling:")
    assert not [key for key in state["objects"] if "/async/" in key]
    do("teardown", settings, model, frames)
    assert fake.state()["alarms"] == []


def test_schedules_follow_the_settings(fake: Aws, model: Path, frames: Path) -> None:
    do("deploy", settings_of(fake, "deploy=sagemaker-scheduled"), model, frames)
    assert fake.state()["schedules"] == ["day", "night"]
    do("deploy", settings_of(fake), model, frames)
    assert fake.state()["schedules"] == []


def test_people_are_told_once_a_topic_is_named(fake: Aws, model: Path, frames: Path) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:on-call"
    do("deploy", settings_of(fake, f"endpoint.alarms.topic={topic}"), model, frames)
    told = {name for name, alarm in fake.cloudwatch.alarms.items() if alarm.alarm_actions == [topic]}
    assert told == {f"{ENDPOINT}-{what}" for what in ("5xx", "p95", "idle", "drift")}
    do("deploy", settings_of(fake), model, frames)
    assert not set(fake.state()["alarms"]) & told


def test_neighbours_are_left_alone(fake: Aws, model: Path, frames: Path) -> None:
    """An endpoint whose name starts alike has configurations, models and alarms that a prefix would find."""
    do("deploy", settings_of(fake, "endpoint.service=detector-two"), model, frames)
    neighbour = fake.state()
    do("deploy", settings_of(fake), model, frames)
    do("teardown", settings_of(fake), model, frames)
    left = fake.state()
    assert left["configs"] == neighbour["configs"]
    assert left["models"] == neighbour["models"]
    assert left["alarms"] == neighbour["alarms"]
    assert left["endpoints"] == neighbour["endpoints"]


def test_teardown_leaves_data_alone_unless_told(fake: Aws, model: Path, frames: Path) -> None:
    settings = settings_of(fake)
    do("deploy", settings, model, frames)
    fake.put(f"s3://models/sim-to-cloud/endpoints/{ENDPOINT}/capture/{ENDPOINT}/AllTraffic/x.jsonl", b"{}\n")
    said = do("teardown", settings, model, frames)
    assert "captured data and the history stay" in said
    assert [key.split("/")[3] for key in fake.state()["objects"]] == ["capture", "history"]
    from stages.deploy.endpoint.teardown import take_down

    take_down(settings, data=True)
    empty = {key: type(value)() for key, value in fake.state().items()}
    assert fake.state() == empty


def test_rollback_and_its_sentences(fake: Aws, model: Path, other: Path, frames: Path) -> None:
    settings = settings_of(fake)
    with pytest.raises(ServiceError, match="does not exist: make it with"):
        do("rollback", settings, model, frames)
    do("deploy", settings, model, frames)
    first = serving(fake)
    with pytest.raises(ServiceError, match="has no earlier configuration"):
        do("rollback", settings, model, frames)
    do("deploy", settings, other, frames)
    second = serving(fake)
    said = do("rollback", settings, model, frames)
    assert f"is back at {first}" in said
    assert serving(fake) == first
    assert entries(Account(settings))[0].why == "rollback"
    from stages.deploy.endpoint.rollback import roll_back

    roll_back(settings, frames, to=second)
    assert serving(fake) == second
    with pytest.raises(ServiceError, match=f"'x' does not exist: choose one of .*{first}"):
        roll_back(settings, frames, to="x")


def test_status(fake: Aws, model: Path, frames: Path) -> None:
    settings = settings_of(fake)
    assert look(settings)["status"] == "absent"
    do("deploy", settings, model, frames)
    found = look(settings)
    assert (found["status"], found["range"], found["left_over"]) == ("InService", [2, 4], [])
    words = in_words(found)
    assert f"configuration   {serving(fake)}" in words
    assert "instances       2 of 2 wanted, scaled from 2 to 4" in words
    fake.sagemaker.endpoints.clear()  # somebody's console
    assert len(look(settings)["left_over"]) == 5
    assert "runs 2 x ml.c5.xlarge: about 0.408 US dollars an hour, 298 to 596 a month" not in cost(settings)


def test_cost(fake: Aws, model: Path, frames: Path) -> None:
    settings = settings_of(fake)
    assert cost(settings).endswith("does not exist and costs nothing")
    do("deploy", settings, model, frames)
    assert "runs 2 x ml.c5.xlarge: about 0.408 US dollars an hour, 298 to 596 a month" in cost(settings)
    assert "AWS billed 0.00 US dollars this month" in cost(settings, billed=True)
    assert "runs 2 x ml.c5.xlarge" in cost(settings_of(fake, "endpoint.instance=ml.g5.xlarge"))
    scheduled = settings_of(fake, "deploy=sagemaker-scheduled", "endpoint.service=detector")
    assert "about 0.408 US dollars an hour, 149 to 596 a month" in cost(scheduled)
    fake.sagemaker.endpoint_configs[serving(fake)].production_variants[0]["InstanceType"] = "ml.c5.9xlarge"
    unknown = cost(settings, billed=True)
    assert "runs 2 x ml.c5.9xlarge: what that costs is not known here, until endpoint.price_hour names" in unknown
    assert "AWS billed 0.00 US dollars this month" in unknown


def test_a_verdict_is_one_on_the_endpoint(fake: Aws, model: Path, other: Path, frames: Path) -> None:
    """In service without a rollout alarm of the configuration in use: nothing else is well, and no failed look is."""
    settings = settings_of(fake)
    with pytest.raises(UnwellError, match=f"'{ENDPOINT}' is absent: go back with"):
        check(settings)
    do("deploy", settings, model, frames)
    first = serving(fake)
    do("deploy", settings, other, frames)
    assert check(settings)["status"] == "InService"
    fake.calls.clear()
    check(settings, minutes=0.02)
    assert fake.calls.count("sagemaker:DescribeEndpoint") > 1
    fake.cloudwatch.alarms[f"{first}-p95"].state_value = "ALARM"  # of one that no longer serves
    check(settings)
    fake.cloudwatch.alarms[f"{serving(fake)}-p95"].state_value = "ALARM"
    with pytest.raises(UnwellError, match=f"serves with {serving(fake)}-p95 in ALARM: go back with"):
        check(settings, minutes=1)
    fake.sagemaker.endpoints[ENDPOINT].endpoint_status = "Failed"
    with pytest.raises(UnwellError, match=f"'{ENDPOINT}' is Failed"):
        check(settings)
    fake.refuse = lambda _: "ThrottlingException"
    with pytest.raises(ServiceError) as caught:
        check(settings)
    assert caught.value.exit_code == ServiceError.exit_code != UnwellError.exit_code


def test_the_newest_image_and_the_role_of_the_account(fake: Aws, model: Path, frames: Path) -> None:
    settings = settings_of(fake, "endpoint.image=''")
    with pytest.raises(ServiceError, match="registry 'sim-to-cloud-serve' in us-east-1 has no image: push one"):
        do("deploy", settings, model, frames)
    account = Account(settings)
    assert Account(settings_of(fake, "endpoint.image=''", "aws.image=training@sha256:1")).image() == "training@sha256:1"
    assert account.role() == "arn:aws:iam::123456789012:role/sim-to-cloud-execution"
    ecr = account.client("ecr")
    ecr.create_repository(repositoryName="sim-to-cloud-serve")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    config = {"digest": "sha256:" + "0" * 64, "size": 1, "mediaType": "application/json"}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": [], "config": config})
    pushed = ecr.put_image(repositoryName="sim-to-cloud-serve", imageManifest=manifest, imageTag="git-1")
    assert account.image().endswith(f"/sim-to-cloud-serve@{pushed['image']['imageId']['imageDigest']}")


# two at once ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.3)
    monkeypatch.setattr(lease, "TTL_SECONDS", 3.0)


def test_two_deployments_at_once(fake: Aws, model: Path, other: Path, frames: Path, hasty: None) -> None:
    """The second is told who is at it; the first ends as if it had been alone."""
    settings = settings_of(fake, "endpoint.poll_seconds=0.05")
    fake.looks = 60
    ended: list[object] = []
    first = threading.Thread(target=lambda: ended.append(do("deploy", settings, model, frames)))
    first.start()
    _until(lambda: "sagemaker:CreateEndpoint" in fake.calls)
    with pytest.raises(ServiceError, match=r"is being changed by another client \(deploy on .*\): wait for it"):
        do("deploy", settings_of(fake), other, frames)
    first.join(120)
    assert len(ended) == 1
    state = fake.state()
    assert (len(state["configs"]), len(state["models"]), state["held"]) == (1, 1, [False])


def test_the_lease_of_a_client_elsewhere_runs_out(fake: Aws, model: Path, frames: Path, hasty: None) -> None:
    holder = {"id": "x", "held": True, "doing": "deploy", "host": "elsewhere", "pid": 1, "born": 0.0}
    fake.put(f"s3://models/sim-to-cloud/endpoints/{ENDPOINT}/lease.json", json.dumps(holder).encode())
    do("deploy", settings_of(fake), model, frames)
    assert serving(fake)


def test_a_client_that_stood_still_changes_nothing(fake: Aws, hasty: None) -> None:
    """Its lease ran out and was taken; it notices before its next change."""
    settings = settings_of(fake)
    clock = [0.0]
    slow = Account(settings)
    with Lease(slow, "deploy", now=lambda: clock[0]) as mine:
        lease._held.discard(mine._id)  # as if this process were another one, and gone
        with Lease(Account(settings), "deploy"):
            clock[0] += 100
            with pytest.raises(ServiceError, match="another client took over"):
                slow.act("cloudwatch", "put_dashboard", DashboardName="x", DashboardBody="{}")
            assert fake.state()["dashboards"] == []


def test_one_of_many_gets_a_free_lease(fake: Aws, hasty: None) -> None:
    settings = settings_of(fake)
    inside, most = [0], [0]
    refused: list[str] = []
    guard = threading.Lock()

    def take() -> None:
        try:
            with Lease(Account(settings), "deploy"):
                with guard:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                threading.Event().wait(0.05)
                with guard:
                    inside[0] -= 1
        except ServiceError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1]


def test_a_lease_between_request_and_answer_is_not_taken_for_a_dead_one(fake: Aws) -> None:
    """Another thread of this process may read the object at that moment."""
    settings = settings_of(fake)
    account, other = Account(settings), Account(settings)
    dead: list[bool | None] = []

    def look(**_: object) -> None:
        there = other.read(other.bucket, f"{other.names.folder}/lease.json")
        dead.append(None if there is None else lease._dead(lease._holder(there)))

    for moment in ("before-call", "after-call"):
        account.client("s3").meta.events.register(f"{moment}.s3.PutObject", look)
    with Lease(account, "deploy"):
        assert dead == [None, False]
    assert dead == [None, False, False, False]
    assert not fake.held


# AWS refuses ----------------------------------------------------------------------------------------------------------


EXPIRING = {
    "first": ("deploy", "model", ()),
    "update": ("deploy", "other", ("model",)),
    "rollback": ("rollback", "model", ("model", "other")),
    "teardown": ("teardown", "model", ("model", "other")),
}


@pytest.mark.parametrize("case", EXPIRING)
def test_credentials_that_expire_at_any_operation(
    case: str, fake: Aws, model: Path, other: Path, frames: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, no key in it; with new credentials the next run ends where an undisturbed one does."""
    command, which, before = EXPIRING[case]
    models, settings = {"model": model, "other": other}, settings_of(fake)
    fake.looks = 1
    for name in before:
        do("deploy", settings, models[name], frames)
    start = fake.snapshot()
    fake.calls.clear()
    do(command, settings, models[which], frames)
    undisturbed = fake.state()
    # the first and the last call of each operation, from which on all are refused
    last = {operation: number for number, operation in enumerate(fake.calls)}
    moments = sorted({*last.values(), *(fake.calls.index(operation) for operation in last)})
    for good in moments:
        fake.restore(start)
        fake.calls.clear()
        fake.refuse = lambda _, good=good: "ExpiredTokenException" if len(fake.calls) >= good else ""
        with contextlib.suppress(StageError):  # the lease's end is a courtesy
            do(command, settings, models[which], frames)
            assert good == moments[-1], good
        fake.refuse = lambda _: ""
        if command != "rollback" or fake.state() != undisturbed:  # a second rollback would turn round
            do(command, settings, models[which], frames)
        assert fake.state() == undisturbed, f"expired at call {good}"
    shown = "".join(capsys.readouterr())
    assert SECRET not in shown


@pytest.mark.parametrize("command", ["status", "cost", "drift"])
def test_credentials_that_expire_while_looking(
    command: str, fake: Aws, model: Path, frames: Path, tmp_path: Path
) -> None:
    from stages.deploy.drift.report import drift_of_endpoint

    settings = settings_of(fake)
    deploy(model, frames, tmp_path / "bundle", tmp_path / "deploy.json", settings)  # with what drift compares with
    looks = {
        "status": lambda: look(settings),
        "cost": lambda: cost(settings, billed=True),
        "drift": lambda: drift_of_endpoint(settings, 1, tmp_path / "drift.json", False),
    }
    fake.calls.clear()
    with contextlib.suppress(SparseError):
        looks[command]()
    for good, operation in enumerate(list(fake.calls)):
        fake.calls.clear()
        fake.refuse = lambda _, good=good: "ExpiredTokenException" if len(fake.calls) >= good else ""
        with pytest.raises(
            StageError, match=r"AWS refuses \w+ to these credentials \(ExpiredTokenException\)"
        ) as caught:
            looks[command]()
        assert SECRET not in str(caught.value), operation


def test_storage_that_fails_now_and_then(fake: Aws, model: Path, frames: Path) -> None:
    count = [0]

    def every_fifth(operation: str) -> str:
        count[0] += operation.startswith("s3:")
        return "InternalError" if operation.startswith("s3:") and count[0] % 5 == 0 else ""

    fake.refuse = every_fifth
    do("deploy", settings_of(fake), model, frames)
    state = fake.state()
    assert (len(state["configs"]), state["held"]) == (1, [False])
    assert count[0] >= 5


def test_no_bucket(fake: Aws, model: Path, frames: Path) -> None:
    with pytest.raises(SettingsError, match=r"aws\.bucket is empty: name the bucket"):
        do("deploy", settings_of(fake, "aws.bucket=''"), model, frames)
    with pytest.raises(StageError, match="NoSuchBucket"):
        do("deploy", settings_of(fake, "aws.bucket=nothing-here"), model, frames)


def test_no_frames_to_check_with(fake: Aws, model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no pictures"):
        do("deploy", settings_of(fake), model, tmp_path)
    assert fake.calls == []


def test_a_frame_that_is_too_large(fake: Aws, bundle: Bundle, model: Path, tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(picture(1001, 1000, ".png"))
    with pytest.raises(InputError, match=r"big\.png' cannot be used"):
        do("deploy", settings_of(fake), model, tmp_path)


def _until(condition: Any) -> None:
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came true")
