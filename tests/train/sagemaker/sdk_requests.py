"""Run by a Python that has the ``sagemaker`` package: orders in JSON come in, requests go out."""

from __future__ import annotations

import json
import sys

from stages.common.settings.aws import Aws
from stages.common.settings.jobs import TrainingJobs
from stages.train.sagemaker.engines import make_request
from stages.train.sagemaker.request import Order

if __name__ == "__main__":
    made = [
        make_request(Order(**order), Aws(**aws), TrainingJobs(**jobs, engine="sdk"))
        for order, aws, jobs in json.load(sys.stdin)
    ]
    print(json.dumps(made))
