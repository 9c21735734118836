"""
The tables: the key of each, and what the code calls it.

Names and key fields of DataSources, SheetsData and Connections are the spec's. `stack/` creates the tables from
these, the tests create them from these, and every request builder takes the physical name as its first argument.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, Self

type KeyType = Literal["S", "N"]


@dataclass(frozen=True, kw_only=True)
class Key:
    """One attribute of a key: its name and DynamoDB type."""

    name: str
    type: KeyType = "S"


@dataclass(frozen=True, kw_only=True)
class Index:
    """A global secondary index that projects everything."""

    name: str
    hash: Key
    range: Key | None = None


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The shape of one table."""

    hash: Key
    range: Key | None = None
    index: Index | None = None
    has_ttl: bool = False


TTL_ATTRIBUTE = "ttl"

#: Sparse: only sources that are not healthy, or whose certificate is about to end, carry `attention`.
ATTENTION_INDEX = "attention"

#: By the logical names of the design; `TableNames` has a field for each.
SCHEMAS: Mapping[str, Schema] = {
    "DataSources": Schema(
        hash=Key(name="id"),
        index=Index(name=ATTENTION_INDEX, hash=Key(name="attention"), range=Key(name="id")),
    ),
    "SheetsData": Schema(hash=Key(name="id"), has_ttl=True),
    "Changes": Schema(hash=Key(name="sheetId"), range=Key(name="version", type="N"), has_ttl=True),
    "Connections": Schema(hash=Key(name="connectionId"), range=Key(name="sheetId"), has_ttl=True),
    "Subscribers": Schema(hash=Key(name="bucket"), range=Key(name="connectionId"), has_ttl=True),
    "Fleet": Schema(hash=Key(name="pk"), range=Key(name="sk"), has_ttl=True),
    "Access": Schema(hash=Key(name="id"), has_ttl=True),
    "Budget": Schema(hash=Key(name="id"), has_ttl=True),
}


@dataclass(frozen=True, kw_only=True)
class TableNames:
    """The physical names, as a process gets them."""

    data_sources: str = ""
    sheets_data: str = ""
    changes: str = ""
    connections: str = ""
    subscribers: str = ""
    fleet: str = ""
    access: str = ""
    budget: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read `TABLE_DATA_SOURCES` and its kin; a process is told only of the tables it may use."""
        return cls(**{field.name: environ.get(f"TABLE_{field.name.upper()}", "") for field in fields(cls)})


#: Logical name → field of `TableNames` (and, upper-cased after `TABLE_`, the environment variable).
FIELDS: Mapping[str, str] = dict(zip(SCHEMAS, (field.name for field in fields(TableNames)), strict=True))


def create_table(table: str, schema: Schema) -> dict[str, object]:
    """Build the CreateTable request (tests and the memory store use it; the stack declares the same shape)."""
    keys = [key for key in (schema.hash, schema.range) if key]
    indexed = [key for key in (schema.index.hash, schema.index.range) if key] if schema.index else []
    types = {key.name: key.type for key in (*keys, *indexed)}
    request: dict[str, object] = {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": key_schema(keys),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()],
    }
    if schema.index:
        request["GlobalSecondaryIndexes"] = [
            {"IndexName": schema.index.name, "KeySchema": key_schema(indexed), "Projection": {"ProjectionType": "ALL"}}
        ]
    return request


def key_schema(keys: list[Key]) -> list[dict[str, str]]:
    """Say which key hashes and which ranges, as CreateTable wants it."""
    return [{"AttributeName": key.name, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]
