"""A source as it is when it is born: the same registration and birth give the same source; and what writes it."""

from api.edit import Action
from api.idempotency import Birth
from api.key_uses import Move
from api.models import Registration, Source, Status
from api.registrar import Registrar
from contracts.clock import iso
from contracts.table import heads, sources
from contracts.table.schema import TableNames


def newborn(registration: Registration, birth: Birth, *, owner: str, secret_id: str | None, at: Registrar) -> Source:
    """Make the source; its key is in the secret named."""
    shard = at.rules.shard_of(registration, secret_id)
    given = registration.model_dump(by_alias=True, exclude={"api_key", "api_key_secret_id"})
    born = iso(birth.at_ms)
    return Source.model_validate(
        given
        | {
            "id": birth.source_id, "incarnation": birth.incarnation, "apiKeySecretId": secret_id, "shard": shard,
            "createdAt": born, "lastUpdated": born, "owner": owner, "status": Status(since=birth.at_ms),
        }
    )  # fmt: skip


def put_newborn(source: Source, move: Move, tables: TableNames) -> list[Action]:
    """Write a source that must not be there yet, its head, and the use of its key."""
    return [
        ("Put", sources.put_new(tables.data_sources, source)),
        ("Put", heads.put_new(tables.sheets_data, source.id, source.incarnation)),
        *move.actions(tables.fleet),
    ]
