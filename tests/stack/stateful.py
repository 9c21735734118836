"""
What of a stack must outlive an upgrade: its identity to Pulumi, and the inputs that AWS can only change by a new one.

`python -m tests.stack.stateful > tests/stack/recorded/<version>.json` records a release's.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tests.stack.program import Built, Declared, run

#: Type → inputs whose change is a replacement (the provider's schema, `replaceOnChanges`), and why it must not be.
KEPT: Mapping[str, Sequence[str]] = {
    "aws:dynamodb/table:Table": ("hashKey", "rangeKey", "name"),  # sources, documents, history, leases, tokens
    "aws:s3/bucket:Bucket": ("bucket", "bucketPrefix"),  # large documents; the site's, which is uploaded anew
    "aws:sqs/queue:Queue": ("fifoQueue", "name", "namePrefix"),  # changes under way, dead letters
    "aws:ecr/repository:Repository": ("name", "encryptionConfigurations"),  # every image one may roll back to
    "aws:secretsmanager/secret:Secret": ("name", "namePrefix"),  # keys that somebody put there by hand
    "aws:ecs/service:Service": ("name", "cluster", "launchType"),  # its desired count, which is the owner's
    "aws:apigatewayv2/api:Api": ("protocolType",),  # its address is written down by clients
    "aws:apigatewayv2/stage:Stage": ("name", "apiId"),  # a part of it
    "aws:cloudfront/distribution:Distribution": (),  # the same
    "aws:ec2/eip:Eip": ("domain",),  # others let in whom they know
}


#: What names things that are made at run time: under another prefix no source would find its key.
EXPORTS_KEPT = ("secretsPrefix",)


def kept(built: Built) -> dict[str, dict[str, Any]]:
    """Give each of them by its identity, with those inputs."""
    exports = {name: built.exports[name] for name in EXPORTS_KEPT}
    return {identity(one): _inputs(one) for one in built.resources if one.type in KEPT} | {"exports": exports}


def identity(one: Declared) -> str:
    """Name a resource as its URN does: the types it stands under, and its name."""
    parents = one.parent.split("::")[2] if one.parent.count("::") > 2 else ""
    return f"{parents}${one.type}::{one.name}"


def replaced(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what an upgrade would delete or make anew."""
    gone = [f"{name} would be deleted" for name in before if name not in after]
    other = [
        f"{name} would be replaced: {key} is {after[name].get(key)!r}, was {value!r}"
        for name, inputs in before.items()
        if name in after
        for key, value in {**dict.fromkeys(after[name]), **inputs}.items()
        if after[name].get(key) != value
    ]
    return [*gone, *other]


def _inputs(one: Declared) -> dict[str, Any]:
    return {key: one.inputs[key] for key in KEPT[one.type] if key in one.inputs}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(kept(Built.read_all(run())["production"]), indent=1, sort_keys=True) + "\n")
