"""The trainer of ``compute.target=sagemaker``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.common.aws import session
from stages.common.aws.account import Identity, find_image, identity, role_of
from stages.common.aws.objects import Item
from stages.common.errors import InputError, SettingsError, TrainingError
from stages.common.settings.aws import Aws
from stages.common.settings.platform import Tracking
from stages.push.channel import push_channel_of
from stages.train.contract import TRAINING, WEIGHTS, hyperparameters, metric_definitions, read_result
from stages.train.registry import register_trainer
from stages.train.sagemaker import cost
from stages.train.sagemaker.clients import Patience, Services
from stages.train.sagemaker.engines import QuotaError, make_request, submit
from stages.train.sagemaker.follow import Follower, fetch
from stages.train.sagemaker.jobs import ACTIVE, Description, lacked_capacity, latest, why
from stages.train.sagemaker.receipt import Receipt, read_receipt
from stages.train.sagemaker.request import Order, job_base
from stages.train.types import Job, Trained

UNDER_WAY = {"submitting", "submitted"}
"""States of a receipt whose job's end was not told yet."""

MODEL = "model"
"""Folder of the fetched model, in the work folder."""


@register_trainer("sagemaker")
def train_in_sagemaker(job: Job) -> Trained:
    """Train in a SageMaker job: find or make it, follow it, and fetch its model.

    The job's name follows from what is trained, so whoever comes after a client that was killed, at whatever step,
    finds the job and makes no second one.

    Raises:
        SettingsError: when no bucket is named.
        TrainingError: when the job fails or is stopped, or its model is damaged or of other data.
        StageError: when AWS refuses, or does not answer for too long.
    """
    if job.aws is None or job.storage is None:
        raise SettingsError("compute.target=sagemaker needs the groups aws and storage: run it with dvc repro train")
    training = _Training(job, Services(job.aws, job.storage), read_receipt(job.work), job.aws)
    try:
        return training.run()
    except KeyboardInterrupt:
        if training.receipt.state == "submitted":
            job.notify(
                f"job '{training.receipt.name}' goes on in AWS: follow it again with python -m stages.train attach, or "
                "end it with python -m stages.train stop"
            )
        raise


@dataclass
class _Training:
    """One training on its way through SageMaker."""

    job: Job
    services: Services
    receipt: Receipt
    aws: Aws

    def run(self) -> Trained:
        jobs, job = self.job.compute.sagemaker, self.job
        patience = Patience(self.services, jobs.patience_minutes * 60, jobs.poll_seconds, job.notify)
        who = patience(lambda: identity(self.services["sts"]))
        receipt = self.receipt
        if receipt.state not in UNDER_WAY or receipt.asked != self.aws.image:
            receipt.asked = self.aws.image
            receipt.image = patience(lambda: find_image(self.aws, self.services["ecr"], who)).uri
        base = job_base(self.aws.project, job.model.architecture, job.work.name, self.receipt.image)
        found = self._find(base, patience)
        while True:
            if found is None:
                self._submit(base, who, patience)
            ended = Follower(job, self.services, self.receipt)()
            if ended["TrainingJobStatus"] == "Completed":
                return self._take(ended, patience)
            if not (lacked_capacity(ended) and self._next_instance()):
                self.receipt.state = "failed"
                self.receipt.save(job.work)
                raise TrainingError(why(ended))
            found = None

    def _find(self, base: str, patience: Patience) -> Description | None:
        """The job to follow, when there is one: it runs, is complete, or was followed until its client was killed."""
        receipt = self.receipt
        known = receipt.attempt if receipt.name.startswith(base) else 0
        receipt.attempt, found = patience(lambda: latest(base, self.services["sagemaker"], known))
        if found is None:
            return None
        name = str(found["TrainingJobName"])
        told = receipt.state not in UNDER_WAY or receipt.name != name
        status = found["TrainingJobStatus"]
        if (
            status in ACTIVE
            or (status == "Completed" and self.job.train.resume)
            or (status != "Completed" and not told)
        ):
            self._note(name, "submitted")
            self.job.notify(f"job '{name}' is there already ({status}); this follows it and makes no other")
            return found
        receipt.instance = 0
        return None

    def _submit(self, base: str, who: Identity, patience: Patience) -> None:
        """Make the next job, with the first kind of machine that the quota has room for."""
        job, jobs, receipt = self.job, self.job.compute.sagemaker, self.receipt
        name = f"{base}-{receipt.attempt + 1}"
        if not job.submit:
            raise TrainingError(f"there is no job '{name}' to follow: make it with dvc repro train")
        channels = self._channels(patience)
        receipt.attempt += 1
        while True:
            instances = self._instances()
            order = self._order(name, base, instances, channels, role_of(self.aws, who))
            self._note(name, "submitting")
            job.notify(f"job '{name}': {cost.estimate(instances, jobs)}")
            request = make_request(order, self.aws, jobs)
            try:
                patience(lambda request=request: submit(request, self.services["sagemaker"]))  # type: ignore[misc]
                break
            except QuotaError as error:
                if not self._next_instance():
                    receipt.attempt, receipt.instance = receipt.attempt - 1, 0
                    self._note("", "")
                    raise
                job.notify(f"{error}; the next one is tried")
        self._note(name, "submitted")

    def _instances(self) -> list[str]:
        """Those to ask for: AWS chooses among several itself, but not for spot."""
        kinds = self.job.compute.sagemaker.instances
        return [kinds[self.receipt.instance % len(kinds)]] if self.job.compute.sagemaker.spot else list(kinds)

    def _next_instance(self) -> bool:
        """Go to the next kind of machine; False after the last."""
        jobs = self.job.compute.sagemaker
        if not jobs.spot or not self.job.submit or self.receipt.instance + 1 >= len(jobs.instances):
            return False
        self.receipt.instance += 1
        self.receipt.save(self.job.work)
        return True

    def _channels(self, patience: Patience) -> dict[str, str]:
        """Prefixes by channel name, with what they hold sent."""
        job, services = self.job, self.services
        assert job.storage is not None
        tree, cache = _tree(job), job.work.parents[1]
        storage = job.storage
        sent = patience(lambda: push_channel_of(cache.parent, tree, self.aws, storage, job.compute.sagemaker))
        channels = {TRAINING: sent.uri}
        if job.weights.path is not None:
            path, prefix = job.weights.path, f"weights/{job.weights.sha256}"
            item = Item(path, f"{prefix}/{path.name}", job.weights.sha256, path.stat().st_size)
            if item.key not in patience(lambda: services.objects.sizes(f"{prefix}/")):
                patience(lambda: services.objects.put(item))
            channels[WEIGHTS] = f"{services.objects.uri(prefix)}/"
        return channels

    def _order(self, name: str, base: str, instances: Sequence[str], channels: Mapping[str, str], role: str) -> Order:
        job, objects = self.job, self.services.objects
        checkpoints = base if job.train.resume else name
        return Order(
            name=name,
            image=self.receipt.image,
            role=role,
            channels=channels,
            checkpoints=objects.uri(f"checkpoints/{checkpoints}/"),
            output=objects.uri("jobs"),
            hyperparameters=hyperparameters(job.model, job.train, job.compute),
            instances=instances,
            environment=environment(job.tracking, job.run.run_id if job.run else "", self.aws),
            metrics=metric_definitions(),
            tags=session.tags(self.aws, training=job.work.name, data=job.data.sha256[:32]),
        )

    def _take(self, ended: Description, patience: Patience) -> Trained:
        """Fetch, check, and say what it cost."""
        job, folder = self.job, self.job.work / MODEL
        fetch(ended, self.services, patience, folder, job.notify)
        trained = read_result(folder, job.data.sha256)
        bill = cost.bill(ended, job.compute.sagemaker)
        job.notify(f"job '{ended['TrainingJobName']}' is complete: {bill}")
        if job.run is not None:
            job.run.log_tags(
                {
                    "sagemaker.job": str(ended["TrainingJobName"]),
                    "sagemaker.image": self.receipt.image,
                    "sagemaker.instance": bill.instance,
                }
            )
            figures = {"seconds/billable": float(bill.billable)}
            figures |= {"cost/usd": bill.dollars} if bill.dollars is not None else {}
            job.run.log_metrics(figures, time_ms=int(ended["TrainingEndTime"].timestamp() * 1000))
        about = {
            "name": ended["TrainingJobName"],
            "arn": ended["TrainingJobArn"],
            "image": self.receipt.image,
            "spot": bool(ended.get("EnableManagedSpotTraining", False)),
            **dataclasses.asdict(bill),
        }
        return dataclasses.replace(trained, about=about)

    def _note(self, name: str, state: str) -> None:
        if name != self.receipt.name:
            self.receipt.log = {}
        self.receipt.name, self.receipt.state = name, state
        self.receipt.save(self.job.work)


def environment(tracking: Tracking | None, run_id: str, aws: Aws) -> dict[str, str]:
    """Variables by which the container logs to MLflow meanwhile, where it can reach a server.

    An address with a user name or password is left out, since whoever may describe the job reads it.
    """
    if tracking is None or not tracking.enabled or not run_id or aws.isolation:
        return {}
    if not tracking.uri.startswith(("http://", "https://", "arn:")) or "@" in tracking.uri:
        return {}
    return {
        "MLFLOW_TRACKING_URI": tracking.uri,
        "MLFLOW_RUN_ID": run_id,
        "MLFLOW_EXPERIMENT_NAME": tracking.experiment,
    }


def _tree(job: Job) -> Path:
    """Top of the YOLO tree, which is above ``images/train``."""
    tree = job.data.train.folder.parents[1]
    if not (tree / "data.yaml").is_file():
        raise InputError(f"'{tree}' has no data.yaml: make the data set again with dvc repro convert")
    return tree
