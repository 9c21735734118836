"""A source as it is when it is born: the same registration and birth give the same source."""

from api.idempotency import Birth
from api.models import Registration, Source, Status
from api.registrar import Registrar
from contracts.clock import iso


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
