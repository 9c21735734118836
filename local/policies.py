"""Policies of resources, as far as the embedded AWS can hold them."""

import json

#: Everything on this machine is asked over plain http, so a policy that refuses that would refuse everybody.
ONLY_OVER_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def without_tls(policy: str) -> str | None:
    """Leave out what refuses plain http; None if nothing else is in the policy."""
    document = json.loads(policy)
    rest = [one for one in document["Statement"] if one.get("Condition") != ONLY_OVER_TLS]
    return json.dumps({**document, "Statement": rest}) if rest else None
