"""The embedded AWS is asked over plain http: policies that refuse that are held to on the resource graph alone."""

import json

from local.policies import without_tls
from stack.transport import refuse_plain

ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}


def policy(*statements: object) -> str:
    """Write a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_what_refuses_plain_http_is_left_out_here_and_nothing_else():
    """Or nobody on this machine could use what the program declared."""
    assert without_tls(policy(ALLOW, refuse_plain("s3:*", ["a"]))) == policy(ALLOW)
    assert without_tls(policy(ALLOW)) == policy(ALLOW)


def test_a_policy_of_nothing_else_is_not_put():
    """AWS takes none without a statement."""
    assert without_tls(policy(refuse_plain("s3:*", ["a"]))) is None
