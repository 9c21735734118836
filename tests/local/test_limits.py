"""What AWS would refuse is refused on the laptop too, with its place and the reason."""

from typing import Any

import pytest

from local.aws import Aws
from local.limits import OutOfLimitsError

#: Nobody listens there: what is refused is refused before anything is sent.
AWS = Aws(endpoint="http://127.0.0.1:1", region="eu-central-1")
FUNCTION = {"FunctionName": "f", "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": b"zip"}}


@pytest.mark.parametrize(
    ("service", "method", "params", "said"),
    [
        ("ecs", "create_service", {"serviceName": "s", "propagateTags": "ALL"}, "propagateTags is ALL, none of TASK_D"),
        ("logs", "create_log_group", {"logGroupName": "/my group"}, "logGroupName is /my group, which "),
        ("iam", "create_role", {"RoleName": "r" * 65, "AssumeRolePolicyDocument": "{}"}, "RoleName is 65, at most 64"),
        ("lambda", "create_function", FUNCTION | {"MemorySize": 99_999}, "MemorySize is 99999, at most "),
        ("lambda", "create_function", FUNCTION | {"Architectures": ["arm64", "x86_64"]}, "is 2, at most 1"),
        ("lambda", "create_function", FUNCTION | {"Architectures": ["sparc"]}, r"Architectures\[0\] is sparc, none of"),
        (
            "lambda", "create_function", FUNCTION | {"Environment": {"Variables": {"no-name": "1"}}},
            "Environment.Variables.no-name is no-name, which ",
        ),
    ],
    ids=["word", "characters", "length", "number", "list", "in a list", "key of a map"],
)  # fmt: skip
def test_what_aws_would_refuse_is_not_sent(service: str, method: str, params: dict[str, Any], said: str):
    """By AWS's own description, at every depth: the embedded AWS would take it."""
    with pytest.raises(OutOfLimitsError, match=said):
        getattr(AWS.client(service), method)(**params)


def test_all_that_is_wrong_is_said_at_once():
    """Nobody likes to be told the next mistake after mending the last."""
    with pytest.raises(OutOfLimitsError, match=r"propagateTags .*; CreateService.schedulingStrategy"):
        AWS.client("ecs").create_service(serviceName="s", propagateTags="ALL", schedulingStrategy="NEVER")
