"""
POST /datasources/register: a new source, whole or not at all.

The secret comes first, since a source without its key would be polled wrongly; then one transaction writes source,
head, use of the secret, place in the fleet and idempotency row. Where that ends in doubt the head decides: see
`_landed_after_all`.
"""

import os
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from api import door, shown
from api.body import read_object
from api.edit import Action, Cancelled, Edit
from api.fields import hidden_headers, not_shared, read_registration, refuse
from api.idempotency import Birth, Repeat
from api.key_uses import Move
from api.keys import Keys
from api.models import Registration, Source
from api.newborn import newborn, put_newborn
from api.problem import Problem, try_again
from api.registrar import Registrar
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from api.rows import read_row, read_source
from contracts.clock import SECOND_MS
from contracts.kinds import SourceType
from contracts.rules import origin
from contracts.table.values import returned, write_item

ID_BITS = 32
INCARNATION_BITS = 64
VOID_TTL_S = 3_600
#: Which action of the transaction counts the use of a secret.
KEY_PLACE = 2


def register_source(request: Request, at: Registrar) -> Response:
    """Register a source and show it."""
    request.allow_parameters()
    given = read_object(request)
    registration = read_registration(given, at.rules.policy, besides=hidden_headers(given.get("headers")))
    owner = request.right.principal if request.right else ""
    repeat = Repeat.read(request)
    earlier = _earlier(repeat, at)
    if earlier:
        return _repeated(registration, earlier, owner, at)
    _check_shared_secret(registration, at.keys)
    source = _source(registration, _birth(registration.type, at), owner, at)
    try:
        _register(registration, source, repeat, at)
    except Cancelled as cancelled:
        earlier = _earlier(repeat, at)
        if earlier:
            return _repeated(registration, earlier, owner, at)
        if registration.api_key_secret_id and KEY_PLACE in cancelled.places:  # its last source went meanwhile
            raise refuse(not_shared()) from cancelled
        raise try_again("try once more") from cancelled  # an id of 32 bits that was given before
    return _created(source, at.quota.foretold(source.item()))


def _repeated(registration: Registration, earlier: Birth, owner: str, at: Registrar) -> Response:
    """Answer as the first time, unless what was made then is gone: a repeat must not promise what is not there."""
    if read_source(at.dynamodb, at.tables.data_sources, earlier.source_id) is None:
        detail = "the source that this Idempotency-Key registered was deleted: use a new key"
        raise Problem(status=HTTPStatus.CONFLICT, detail=detail)
    source = _source(registration, earlier, owner, at)
    (achievable,) = at.quota.now(source.item())
    return _created(source, achievable)


def _register(registration: Registration, source: Source, repeat: Repeat | None, at: Registrar) -> None:
    """Keep the key, then land the transaction; a failure leaves neither."""
    key = registration.api_key
    move = (
        at.uses.bring_first(source.id, key.get_secret_value(), origin(source.url))
        if key
        else Move(after=registration.api_key_secret_id)
    )
    try:
        at.configuration.land(_actions(source, move, repeat, at), Edit.put(source))
    except (Problem, Cancelled):
        at.uses.take_back(move)
        raise
    except (ClientError, BotoCoreError):
        if _landed_after_all(source, at):
            return
        at.uses.take_back(move)
        raise


def _landed_after_all(source: Source, at: Registrar) -> bool:
    """
    Settle whether a transaction without an answer landed.

    A void head is put where the transaction would put its own: if there is one, it landed; if not, it never will,
    however late it arrives, and the key may be deleted. The void goes by itself.
    """
    void = {"id": source.id, "sheetId": source.id, "ttl": at.now_ms() // SECOND_MS + VOID_TTL_S}
    try:
        at.dynamodb.put_item(
            TableName=at.tables.sheets_data,
            Item=write_item(void),
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
            raise
        return (returned(error) or {}).get("incarnation") == source.incarnation
    return False


def _actions(source: Source, move: Move, repeat: Repeat | None, at: Registrar) -> list[Action]:
    birth = Birth(source_id=source.id, incarnation=source.incarnation, at_ms=source.status.since)
    actions = put_newborn(source, move, at.tables)
    return [*actions, ("Put", repeat.put(at.tables.access, birth))] if repeat else actions


def _earlier(repeat: Repeat | None, at: Registrar) -> Birth | None:
    if repeat is None:
        return None
    return repeat.earlier(read_row(at.dynamodb, repeat.get(at.tables.access)), now_ms=at.now_ms())


def _check_shared_secret(registration: Registration, keys: Keys) -> None:
    secret_id = registration.api_key_secret_id
    if secret_id and not keys.belongs_to(secret_id, origin(registration.url)):
        raise refuse(not_shared())


def _birth(kind: SourceType, at: Registrar) -> Birth:
    return Birth(
        source_id=f"{kind}-{at.chance.getrandbits(ID_BITS):08x}",
        incarnation=f"{at.chance.getrandbits(INCARNATION_BITS):016x}",
        at_ms=at.now_ms(),
    )


def _source(registration: Registration, birth: Birth, owner: str, at: Registrar) -> Source:
    secret_id = at.keys.secret_id(birth.source_id) if registration.api_key else registration.api_key_secret_id
    return newborn(registration, birth, owner=owner, secret_id=secret_id, at=at)


def _created(source: Source, achievable: dict[str, Any]) -> Response:
    item = source.item()
    headers = {"location": f"/datasources/{source.id}", **shown.revision_tag(item)}
    return json_response(
        shown.source(item) | achievable, status=HTTPStatus.CREATED, headers=headers, source_id=source.id
    )


@cache
def _act() -> Act:
    return partial(register_source, at=Registrar.at_the_door(os.environ))


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="register", make=_act, now_ms=door.wall_ms)
