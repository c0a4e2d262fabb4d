"""AWS as far as an endpoint sees it: moto, with what it lacks, and our own server behind InvokeEndpoint.

moto keeps endpoint configurations, models, alarms, scalable targets and objects. It has no UpdateEndpoint, makes every
endpoint at once, overwrites what exists, and answers invocations with a fixed text. Added here, after the API reference
and the guide "Deployment guardrails": states that take several looks, refusals of what SageMaker refuses, canaries that
share the traffic, and rollback by alarm. What is invoked is ``python -m stages.deploy serve`` on the very archive that
the model names.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import json
import tarfile
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import FakeEndpoint, SageMakerModelBackend, sagemaker_backends
from werkzeug.serving import make_server

from stages.deploy.local import running

REGION = "us-east-1"
LOOKS = 3
"""Descriptions of an endpoint in each state that passes."""

KEPT_BY_SAGEMAKER = ("endpoints", "endpoint_configs", "_models")
KEPT_BY_SCALING = ("targets", "policies", "scheduled_actions")

Environ = dict[str, Any]
Answer = Iterable[bytes]


class Aws:
    """The fake account; one at a time, since moto's state is the process's.

    Attributes:
        url: of the server that speaks AWS's protocols.
        calls: operations in order, as ``service:Operation``.
        refuse: called with each operation; an error code to answer with, or empty.
        creation_fails: the next endpoint does not come up.
        lies: ``model.tar.gz`` addresses whose answers have their first box moved.
        trips: names of alarms that go off while a canary takes traffic.
    """

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.folder = folder
        self.servers = contextlib.ExitStack()
        self.urls: dict[bytes, str] = {}
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """An empty account with a bucket and an image; servers of models go on."""
        for backends in (applicationautoscaling_backends, cloudwatch_backends, s3_backends, sagemaker_backends):
            backends.reset()
        self.calls: list[str] = []
        self.refuse: Callable[[str], str] = lambda _: ""
        self.creation_fails = False
        self.lies: set[str] = set()
        self.trips: set[str] = set()
        self.turn = 0
        self.looks = LOOKS
        self.answered: list[str] = []

    # the state that is there ------------------------------------------------------------------------------------------

    @property
    def sagemaker(self) -> SageMakerModelBackend:
        return sagemaker_backends[DEFAULT_ACCOUNT_ID][REGION]

    @property
    def cloudwatch(self) -> Any:
        return cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION]

    @property
    def scaling(self) -> Any:
        return applicationautoscaling_backends[DEFAULT_ACCOUNT_ID][REGION]

    @property
    def buckets(self) -> Any:
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets

    def objects(self, bucket: str = "models") -> dict[str, bytes]:
        return {key: item.value for key, item in sorted(self.buckets[bucket].keys.items())}

    @property
    def held(self) -> bool:
        """Is the lease held?"""
        leases = [body for key, body in self.objects().items() if key.endswith("lease.json")]
        return any(json.loads(body)["held"] for body in leases)

    def state(self) -> dict[str, Any]:
        """All that a deployment leaves, without times and without the history's names."""
        endpoints = self.sagemaker.endpoints
        return {
            "endpoints": {name: (one.endpoint_config_name, one.endpoint_status) for name, one in endpoints.items()},
            "configs": {name: one.production_variants for name, one in sorted(self.sagemaker.endpoint_configs.items())},
            "models": {name: one.primary_container for name, one in sorted(self.sagemaker._models.items())},
            "alarms": sorted(self.cloudwatch.alarms),
            "dashboards": sorted(self.cloudwatch.dashboards),
            "targets": {
                name: (one.min_capacity, one.max_capacity)
                for kind in self.scaling.targets.values()
                for name, one in kind.items()
            },
            "policies": sorted(self.scaling.policies),
            "schedules": sorted(one.scheduled_action_name for one in self.scaling.scheduled_actions),
            "objects": sorted(_timeless(key) for key in self.objects()),
            "held": [json.loads(body)["held"] for key, body in self.objects().items() if key.endswith("lease.json")],
        }

    def snapshot(self) -> dict[str, Any]:
        """What :meth:`restore` brings back."""
        parts = {name: copy.deepcopy(getattr(self.sagemaker, name)) for name in KEPT_BY_SAGEMAKER}
        alarms, dashboards = dict(self.cloudwatch.alarms), dict(self.cloudwatch.dashboards)
        scaling = {name: copy.deepcopy(getattr(self.scaling, name)) for name in KEPT_BY_SCALING}
        return {"parts": parts, "alarms": alarms, "dashboards": dashboards, "scaling": scaling, "s3": self.objects()}

    def restore(self, saved: dict[str, Any]) -> None:
        """The account as it was."""
        for name, value in saved["parts"].items():
            setattr(self.sagemaker, name, copy.deepcopy(value))
        for name, value in saved["scaling"].items():
            setattr(self.scaling, name, copy.deepcopy(value))
        self.cloudwatch.alarms = type(self.cloudwatch.alarms)(saved["alarms"])
        self.cloudwatch.dashboards = dict(saved["dashboards"])
        self.cloudwatch.metric_data.clear()
        for key in set(self.objects()) - set(saved["s3"]):
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].delete_object("models", key)
        for key, body in saved["s3"].items():
            self.put(f"s3://models/{key}", body)

    # the server -------------------------------------------------------------------------------------------------------

    def __call__(self, environ: Environ, start: Any) -> Answer:
        """WSGI: note the call, refuse it, answer it here, or leave it to moto."""
        operation = _operation(environ)
        with self.lock:
            code = self.refuse(operation)
            if operation:
                self.calls.append(operation)
        if code:
            return _refused(environ, start, code)
        path = environ["PATH_INFO"].split("/")
        if path[1:2] == ["endpoints"]:
            return self._runtime(environ, start, path[2], path[3])
        if operation == "sagemaker:UpdateEndpoint":
            return self._update(environ, start)
        if operation == "sagemaker:CreateTransformJob":
            body = _body(environ)
            self._transform(json.loads(body))
            environ["wsgi.input"] = io.BytesIO(body)
        if operation == "s3:PUT":
            with self.writing:  # moto looks at the condition and writes in two steps; S3 does it in one
                return list(self.moto(environ, start))
        return self.moto(environ, start)

    def _runtime(self, environ: Environ, start: Any, name: str, kind: str) -> Answer:
        body = _body(environ)
        endpoint = self.sagemaker.endpoints.get(name)
        if endpoint is None or (endpoint.endpoint_status != "InService" and not getattr(endpoint, "pending", None)):
            return _json(start, {"__type": "ValidationError", "message": f"Endpoint {name} not found."}, 400)
        configs = [endpoint.endpoint_config_name]
        if getattr(endpoint, "pending", None):
            configs.append(endpoint.pending["config"])
        self.turn += 1
        config = configs[self.turn % len(configs)]
        self.answered.append(config)
        if kind == "invocations":
            status, said = self._answer(config, body, environ)
            if status != 200:
                refusal = {"Message": said.decode(), "OriginalStatusCode": status, "OriginalMessage": said.decode()}
                return _json(start, {"__type": "ModelError", **refusal}, 424)
            start("200 OK", [("Content-Type", "application/json"), ("x-Amzn-Invoked-Production-Variant", "AllTraffic")])
            return [said]
        return self._later(environ, start, config)

    def _later(self, environ: Environ, start: Any, config: str) -> Answer:
        place = environ["HTTP_X_AMZN_SAGEMAKER_INPUTLOCATION"]
        bucket, _, key = place.removeprefix("s3://").partition("/")
        status, said = self._answer(config, self.objects(bucket)[key], environ)
        output = self.sagemaker.endpoint_configs[config].async_inference_config["OutputConfig"]
        out = f"{output['S3OutputPath']}/{uuid.uuid4()}.out"
        failed = f"{output['S3FailurePath']}/{uuid.uuid4()}-error.out"
        self.put(out if status == 200 else failed, said)
        headers = [("X-Amzn-SageMaker-OutputLocation", out), ("X-Amzn-SageMaker-FailureLocation", failed)]
        start("202 Accepted", [("Content-Type", "application/json"), *headers])
        return [json.dumps({"InferenceId": str(uuid.uuid4())}).encode()]

    def put(self, place: str, body: bytes) -> None:
        """Write an object as SageMaker would."""
        bucket, _, key = place.removeprefix("s3://").partition("/")
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, key, body)

    def _answer(self, config: str, body: bytes, environ: Environ) -> tuple[int, bytes]:
        model = self.sagemaker.endpoint_configs[config].production_variants[0]["ModelName"]
        data = self.sagemaker._models[model].primary_container["ModelDataUrl"]
        headers = {
            "Content-Type": environ.get("CONTENT_TYPE") or environ.get("HTTP_X_AMZN_SAGEMAKER_CONTENT_TYPE", ""),
            "Accept": environ.get("HTTP_ACCEPT") or environ.get("HTTP_X_AMZN_SAGEMAKER_ACCEPT", "*/*"),
        }
        attributes = environ.get("HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES")
        if attributes:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = attributes
        status, said = self.invoke(data, body, headers)
        if data in self.lies and status == 200:
            found = json.loads(said)
            found["detections"][0]["bbox"][0] += 30
            said = json.dumps(found).encode()
        return status, said

    def invoke(self, data: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Our own server's answer, with the model that lies at ``data``."""
        request = urllib.request.Request(f"{self._served(data)}/invocations", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def _served(self, data: str) -> str:
        """The server of an archive, started when it is first asked."""
        bucket, _, key = data.removeprefix("s3://").partition("/")
        archive = self.objects(bucket)[key]
        with self.lock:
            if archive not in self.urls:
                folder = self.folder / str(len(self.urls)) / "model"
                with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                    tar.extractall(folder, filter="data")
                self.urls[archive] = self.servers.enter_context(running(folder, "127.0.0.1", 0, 1))
            return self.urls[archive]

    def _update(self, environ: Environ, start: Any) -> Answer:
        asked = json.loads(_body(environ))
        endpoint = self.sagemaker.endpoints.get(asked["EndpointName"])
        config = self.sagemaker.endpoint_configs.get(asked["EndpointConfigName"])
        wrong = ""
        if endpoint is None or config is None:
            wrong = f'Could not find endpoint "{asked["EndpointName"]}" or its configuration.'
        elif endpoint.endpoint_status != "InService":
            wrong = "Cannot update in-progress endpoint."
        elif self._machine(endpoint.endpoint_config_name) != self._machine(asked["EndpointConfigName"]) and any(
            asked["EndpointName"] in name for kind in self.scaling.targets.values() for name in kind
        ):
            wrong = "The endpoint is registered with Application Auto Scaling: deregister it to change its instances."
        else:
            for alarm in asked.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {}).get("Alarms", []):
                if alarm["AlarmName"] not in self.cloudwatch.alarms:
                    wrong = f"Alarm {alarm['AlarmName']} does not exist."
        if wrong:
            return _json(start, {"__type": "ValidationException", "message": wrong}, 400)
        endpoint.pending = {"config": asked["EndpointConfigName"], "looks": self.looks, "asked": asked}
        endpoint.endpoint_status = "Updating"
        return _json(start, {"EndpointArn": endpoint.arn})

    def _machine(self, config: str) -> Any:
        there = self.sagemaker.endpoint_configs.get(config)
        return there and there.production_variants[0].get("InstanceType")

    def _transform(self, asked: dict[str, Any]) -> None:
        """Do a batch transform at once: ``<key>.out`` for each object of the manifest."""
        model = self.sagemaker._models[asked["ModelName"]].primary_container["ModelDataUrl"]
        source = asked["TransformInput"]["DataSource"]["S3DataSource"]
        bucket, _, key = source["S3Uri"].removeprefix("s3://").partition("/")
        prefix, *names = json.loads(self.objects(bucket)[key])
        bucket, _, folder = prefix["prefix"].removeprefix("s3://").partition("/")
        headers = {"Content-Type": asked["TransformInput"]["ContentType"], "Accept": asked["TransformOutput"]["Accept"]}
        for name in names:
            status, said = self.invoke(model, self.objects(bucket)[folder + name], headers)
            if status == 200:
                self.put(f"{asked['TransformOutput']['S3OutputPath'].rstrip('/')}/{name}.out", said)

    # states -----------------------------------------------------------------------------------------------------------

    def looked_at(self, endpoint: Any) -> None:
        """Each description brings an endpoint nearer to where it goes."""
        pending = getattr(endpoint, "pending", None)
        endpoint.looks = getattr(endpoint, "looks", self.looks) - 1
        if pending:
            pending["looks"] -= 1
            watched = pending["asked"].get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {})
            names = {alarm["AlarmName"] for alarm in watched.get("Alarms", [])}
            if names & self.trips or any(self._smoked(name) for name in names):
                endpoint.failure_reason = "One or more alarms are in the ALARM state: the deployment was rolled back."
                endpoint.pending, endpoint.endpoint_status = None, "InService"
            elif pending["looks"] <= 0:
                endpoint.endpoint_config_name = pending["config"]
                fleet = endpoint.production_variants
                config = self.sagemaker.endpoint_configs[pending["config"]]
                if not pending["asked"].get("RetainAllVariantProperties"):
                    fleet = endpoint._process_production_variants(config.production_variants)
                endpoint.production_variants = fleet
                endpoint.data_capture_config = config.data_capture_config
                endpoint.pending, endpoint.endpoint_status, endpoint.failure_reason = None, "InService", None
                endpoint.last_modified_time = datetime.now(endpoint.creation_time.tzinfo)
        elif endpoint.endpoint_status == "Creating" and endpoint.looks <= 0:
            endpoint.endpoint_status = "Failed" if self.creation_fails else "InService"
            if self.creation_fails:
                endpoint.failure_reason = "The primary container did not pass the ping health check."
                self.creation_fails = False
        elif endpoint.endpoint_status == "Deleting" and endpoint.looks <= 0:
            del self.sagemaker.endpoints[endpoint.endpoint_name]

    def _smoked(self, name: str) -> bool:
        """Has data come that puts this alarm of ours into ALARM?"""
        alarm = self.cloudwatch.alarms[name]
        return any(
            datum.name == alarm.metric_name
            and [(one.name, one.value) for one in datum.dimensions]
            == [(one.name, one.value) for one in alarm.dimensions]
            and datum.value > alarm.threshold
            for datum in self.cloudwatch.metric_data
        )


@contextlib.contextmanager
def aws(folder: Path) -> Iterator[Aws]:
    """Serve a fake account on a free port."""
    fake = Aws(folder)
    with _patched(fake), fake.servers:
        fake.moto = DomainDispatcherApplication(create_backend_app)
        server = make_server("127.0.0.1", 0, fake, True, request_handler=_Quiet)
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Quiet(MotoRequestHandler):
    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


@contextlib.contextmanager
def _patched(fake: Aws) -> Iterator[None]:
    backend = SageMakerModelBackend
    names = ("create_model", "create_endpoint", "create_endpoint_config", "describe_endpoint", "delete_endpoint")
    original = {name: getattr(backend, name) for name in names}

    def refuse_twice(kind: str, key: str, there: str, words: str) -> None:
        def create(self: Any, *args: Any, **kwargs: Any) -> Any:
            if kwargs[key] in getattr(self, there):
                raise ValidationError(message=f"Cannot create already existing {words}.")
            made = original[kind](self, *args, **kwargs)
            if kind == "create_endpoint":
                made.endpoint_status = "Creating"
            if kind == "create_endpoint_config":
                made.arn = made.endpoint_config_arn  # moto has a tuple
            return made

        setattr(backend, kind, create)

    refuse_twice("create_model", "model_name", "_models", "model")
    refuse_twice("create_endpoint", "endpoint_name", "endpoints", "endpoint")
    refuse_twice("create_endpoint_config", "endpoint_config_name", "endpoint_configs", "endpoint configuration")

    def describe(self: Any, endpoint_name: str) -> dict[str, Any]:
        if endpoint_name in self.endpoints:
            fake.looked_at(self.endpoints[endpoint_name])
        described = original["describe_endpoint"](self, endpoint_name)
        for private in ("Pending", "Looks"):
            described.pop(private, None)
        pending = getattr(self.endpoints[endpoint_name], "pending", None)
        if pending:
            described["PendingDeploymentSummary"] = {"EndpointConfigName": pending["config"]}
        return described

    def delete(self: Any, endpoint_name: str) -> None:
        endpoint: FakeEndpoint | None = self.endpoints.get(endpoint_name)
        if endpoint is None:
            return original["delete_endpoint"](self, endpoint_name)
        if endpoint.endpoint_status not in ("InService", "Failed"):
            raise ValidationError(message="Cannot delete in-progress endpoint.")
        endpoint.endpoint_status, endpoint.looks = "Deleting", fake.looks
        return None

    backend.describe_endpoint, backend.delete_endpoint = describe, delete
    try:
        yield
    finally:
        for name, method in original.items():
            setattr(backend, name, method)


def _operation(environ: Environ) -> str:
    """``service:Operation`` of a request; empty for one of neither JSON nor query protocol nor S3."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")
    service = scope[3] if len(scope) > 3 else ""
    if target:
        return f"{service}:{target.rpartition('.')[2]}"
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if path.startswith("/endpoints/"):
        return "sagemaker:InvokeEndpointAsync" if path.endswith("async-invocations") else "sagemaker:InvokeEndpoint"
    if service == "s3":
        return f"s3:{method}"
    return f"{service}:{path.rpartition('/')[2]}"


def _body(environ: Environ) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return bytes(environ["wsgi.input"].read(length))


def _json(start: Any, value: Any, status: int = 200) -> Answer:
    start(f"{status} x", [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps(value).encode()]


def _refused(environ: Environ, start: Any, code: str) -> Answer:
    _body(environ)
    if _operation(environ).startswith("s3:"):
        start("403 x" if "Expired" in code else "500 x", [("Content-Type", "application/xml")])
        return [f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()]
    words = "The security token included in the request is expired"
    if _operation(environ).startswith("sts:"):
        start("403 x", [("Content-Type", "text/xml")])
        return [f"<ErrorResponse><Error><Code>{code}</Code><Message>{words}</Message></Error></ErrorResponse>".encode()]
    return _json(start, {"__type": code, "message": words}, 400)


def _timeless(key: str) -> str:
    """A key without the time that the history puts into it."""
    folder, _, name = key.rpartition("/")
    return f"{folder}/{name.partition('-')[2]}" if folder.endswith("/history") else key


def captured(frames: Iterable[tuple[bytes, dict[str, Any]]], encoding: str = "JSON") -> bytes:
    """Lines as SageMaker captures them ("Capture data", developer guide): a picture in base64, an answer in JSON."""
    lines = []
    for data, answer in frames:
        said = json.dumps(answer)
        output = said if encoding == "JSON" else base64.b64encode(said.encode()).decode()
        record = {
            "captureData": {
                "endpointInput": {
                    "observedContentType": "application/x-image",
                    "mode": "INPUT",
                    "data": base64.b64encode(data).decode(),
                    "encoding": "BASE64",
                },
                "endpointOutput": {
                    "observedContentType": "application/json",
                    "mode": "OUTPUT",
                    "data": output,
                    "encoding": encoding,
                },
            },
            "eventMetadata": {"eventId": str(uuid.uuid4()), "inferenceTime": "2026-07-01T10:00:00Z"},
            "eventVersion": "0",
        }
        lines.append(json.dumps(record))
    return ("\n".join(lines) + "\n").encode()
