"""Clients and sentences of AWS, without AWS."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto

from stages.common.aws.session import client, code_of, explain, tags, told
from stages.common.errors import StageError
from stages.common.settings.aws import Aws


def refusal(code: str, message: str = "no") -> boto.ClientError:
    return boto.ClientError({"Error": {"Code": code, "Message": message}}, "CreateModel")


def test_tags_start_with_the_project():
    assert tags(Aws(name="x", tags={"team": "a"}), job="b") == [
        {"Key": "project", "Value": "sim-to-cloud"},
        {"Key": "job", "Value": "b"},
        {"Key": "team", "Value": "a"},
    ]


def test_a_client_has_the_region_and_the_endpoint():
    made = client(Aws(name="x", region="eu-central-1", endpoint="http://127.0.0.1:1"), "sagemaker")
    assert (made.meta.region_name, made.meta.endpoint_url) == ("eu-central-1", "http://127.0.0.1:1")


def test_an_address_that_is_none_is_one_sentence():
    with pytest.raises(StageError, match=r"aws\.endpoint is no address"):
        client(Aws(name="x", endpoint="nowhere"), "sagemaker")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("ExpiredTokenException"), "refuses CreateModel"),
        (refusal("ValidationException", "name\n too long"), "ValidationException (name too long)"),
        (boto.NoCredentialsError(), "no AWS credentials are there"),
        (boto.EndpointConnectionError(endpoint_url="http://x"), "does not answer"),
        (boto.NoRegionError(), "aws.region is empty"),
        (boto.BotoCoreError(), "see --debug"),
    ],
)
def test_every_answer_is_one_sentence(error, words):
    sentence = str(explain(error, "model 'm'"))
    assert words in sentence
    assert "\n" not in sentence


def test_the_text_of_a_refusal_is_not_shown_since_it_can_hold_a_key():
    assert "AKIA" not in str(explain(refusal("InvalidClientTokenId", "key AKIA123 is wrong"), "model 'm'"))


def test_told_turns_only_what_botocore_raises():
    with pytest.raises(StageError, match="model 'm'"), told("model 'm'"):
        raise refusal("Throttling")
    with pytest.raises(ZeroDivisionError), told("model 'm'"):
        _ = 1 / 0
    assert code_of(refusal("Throttling")) == "Throttling"
    assert code_of(ValueError()) == ""
