"""Pulumi's spelling becomes botocore's, and what botocore does not know is refused."""

import boto3
import pytest
from botocore.model import Shape

from local.shapes import UnknownMemberError, shaped


@pytest.fixture(scope="module")
def create_function() -> Shape:
    """Describe the request of Lambda's CreateFunction."""
    client = boto3.client("lambda", region_name="eu-central-1")
    shape: Shape = client.meta.service_model.operation_model("CreateFunction").input_shape
    return shape


def test_names_find_their_member_whatever_the_case(create_function: Shape):
    """Pulumi writes camelCase at every depth; keys of maps are the user's own and stay."""
    inputs = {"functionName": "f", "environment": {"variables": {"lowerCase": "1"}}, "loggingConfig": {"logGroup": "g"}}

    assert shaped(create_function, inputs) == {
        "FunctionName": "f",
        "Environment": {"Variables": {"lowerCase": "1"}},
        "LoggingConfig": {"LogGroup": "g"},
    }


def test_an_unknown_name_is_refused_with_its_place(create_function: Shape):
    """Dropped in silence, a setting would be tested locally and wrong on AWS."""
    with pytest.raises(UnknownMemberError, match=r"LoggingConfig\.LoggingConfig has no logGruop"):
        shaped(create_function, {"loggingConfig": {"logGruop": "g"}})
