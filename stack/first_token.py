"""The first API token of a stack: whoever deploys chooses it, only its hash is kept."""

import json

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import dynamodb

from contracts.access import READ, WRITE, Right, token_row
from contracts.table.schema import SCHEMAS
from contracts.table.values import write_item

PRINCIPAL = "operator"
#: The program has no clock: a real time would be a difference at every deploy.
CREATED_AT = "1970-01-01T00:00:00.000Z"


class FirstToken(pulumi.ComponentResource):
    """A token that may read and write, until somebody deletes its row."""

    def __init__(
        self, name: str, *, table: Input[str], token: Output[str], opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("fleet:stack:FirstToken", name, None, opts)
        dynamodb.TableItem(
            f"{name}-item",
            table_name=table,
            hash_key=SCHEMAS["Access"].hash.name,
            item=token.apply(_item),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _item(token: str) -> str:
    right = Right(principal=PRINCIPAL, scopes=frozenset({READ, WRITE}))
    return json.dumps(write_item(token_row(token, right, name="first", created_at=CREATED_AT)))
