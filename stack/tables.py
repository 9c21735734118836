"""
The tables: on demand, encrypted, with point-in-time recovery; their shapes are those of `contracts`.

They are encrypted by the key that AWS manages in this account: a customer's would ask each role for one right more,
and would keep nobody out whom the grants on the tables let in.
"""

from collections.abc import Mapping

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import dynamodb

from contracts.table.schema import SCHEMAS, TTL_ATTRIBUTE, Index, Key, Schema

#: What nobody could make again, and who polls what (Fleet), without which no source is polled, though all are there:
#: where a stack is protected, `pulumi destroy` and DynamoDB itself refuse.
PROTECTED = frozenset({"DataSources", "SheetsData", "Changes", "Access", "Fleet"})


class Tables(pulumi.ComponentResource):
    """Every table of the design, by its name there."""

    names: Output[Mapping[str, str]]

    def __init__(self, name: str, *, protect: bool, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Tables", name, None, opts)
        self._protect = protect
        self._tables = {table: self._table(name, table, schema) for table, schema in SCHEMAS.items()}
        self.names = Output.all(**{table: made.name for table, made in self._tables.items()})
        self.register_outputs({"names": self.names})

    def name(self, table: str) -> Output[str]:
        """Give the physical name of a table by its logical one."""
        return self._tables[table].name

    def arn(self, table: str) -> Output[str]:
        """Give the ARN of a table by its logical name."""
        return self._tables[table].arn

    def index_arn(self, table: str) -> Output[str]:
        """Give the ARN of the one index a table has."""
        index = SCHEMAS[table].index
        if index is None:
            raise ValueError(f"{table} has no index")
        return Output.concat(self.arn(table), "/index/", index.name)

    def _table(self, name: str, table: str, schema: Schema) -> dynamodb.Table:
        protected = self._protect and table in PROTECTED
        return dynamodb.Table(
            f"{name}-{table}",
            billing_mode="PAY_PER_REQUEST",
            attributes=[dynamodb.TableAttributeArgs(name=key.name, type=key.type) for key in _keys(schema)],
            hash_key=schema.hash.name,
            range_key=schema.range.name if schema.range else None,
            global_secondary_indexes=[_index(schema.index)] if schema.index else None,
            ttl=dynamodb.TableTtlArgs(attribute_name=TTL_ATTRIBUTE, enabled=True) if schema.has_ttl else None,
            point_in_time_recovery=dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            server_side_encryption=dynamodb.TableServerSideEncryptionArgs(enabled=True),
            deletion_protection_enabled=protected,
            opts=ResourceOptions(parent=self, protect=protected),
        )


def _keys(schema: Schema) -> list[Key]:
    """List each attribute that is part of some key, once: DynamoDB refuses any other."""
    index = (schema.index.hash, schema.index.range) if schema.index else ()
    return list({key.name: key for key in (schema.hash, schema.range, *index) if key}.values())


def _index(index: Index) -> dynamodb.TableGlobalSecondaryIndexArgs:
    keys = zip((index.hash, index.range), ("HASH", "RANGE"), strict=True)
    return dynamodb.TableGlobalSecondaryIndexArgs(
        name=index.name,
        projection_type="ALL",
        key_schemas=[
            dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=key.name, key_type=kind)
            for key, kind in keys
            if key
        ],
    )
