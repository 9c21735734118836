"""
Encryption in transit, where AWS leaves it to the owner: buckets and queues answer plain http too unless told not to.

Tables, secrets, functions and the APIs have no such door.
"""

from collections.abc import Sequence

from pulumi import Input, Output


def refuse_plain(service: str, resources: Sequence[Input[str]]) -> dict[str, object]:
    """Refuse everybody whatever is asked of a service's resources but not over TLS."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def policy(*statements: dict[str, object]) -> Output[str]:
    """Write the statements as the policy of a resource."""
    return Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})
