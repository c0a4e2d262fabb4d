"""compute=sagemaker against moto: the calls, in their order, and what comes of them."""

from __future__ import annotations

import json

import pytest

from tests.train.sagemaker.cloud import BUCKET, epoch_of
from tests.train.sagemaker.conftest import Client


def test_smoke(client: Client):
    trained = client.train()
    print(client.said, client.epochs, trained.about)
    assert [e.number for e in client.epochs] == [1, 2, 3]
