"""
Encryption in transit, where AWS leaves it to the owner.

Buckets, queues and topics answer plain http too unless told not to. Tables, secrets, functions and the APIs
have no such door.
"""

from collections.abc import Sequence

from pulumi import Input, Output

#: What carries something to a topic, and what AWS's own example refuses (SNS, "Enforce encryption of data in transit").
PUBLISH = "sns:Publish"


def refuse_plain(actions: str, resources: Sequence[Input[str]]) -> dict[str, object]:
    """Refuse everybody what is asked of resources but not over TLS: all of a service, or what can be asked of them."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def policy(*statements: dict[str, object]) -> Output[str]:
    """Write the statements as the policy of a resource."""
    return Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})
