"""
POST /datasources/import: many sources at once, each judged for itself.

What is good is registered, some at a time, each such part whole or not at all; what is wrong is named. The same
request again finds what is there and does the rest, so whoever is interrupted repeats it.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import batched
from typing import Any

from api import door, parameters
from api.body import read_object
from api.edit import Cancelled, Edit
from api.fields import not_shared, refuse
from api.idempotency import Birth
from api.key_uses import Move
from api.models import Source
from api.newborn import newborn, put_newborn
from api.parameters import Flag, Parameter
from api.portable import Portable
from api.problem import FieldError, Problem, try_again
from api.registrar import Registrar
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, log, serve
from api.rows import read_many
from contracts.clock import iso
from contracts.kinds import SourceType
from contracts.rules import origin
from contracts.table import sources
from contracts.table.values import read_item

#: One transaction holds 100 actions (AWS): up to six for each source, and the counter.
SOURCES_PER_TRANSACTION = 16
ITEMS_MAX = 100
#: Of a Lambda's 28 s: the part that is begun before has its calls to make, and the caller an answer to get.
TIME_MAX_MS = 15_000
BODY_BYTES_MAX = 1_000_000
#: Others may register the same sources meanwhile: then it is looked again what is left.
LAND_TRIES_MAX = 3
INCARNATION_BITS = 64
CREATED, UNCHANGED, REFUSED = "created", "unchanged", "refused"

PARAMETERS: Sequence[Parameter] = (Flag(name="dryRun", about="only say what would become of each item"),)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of an item, or would in a dry run."""

    index: int
    outcome: str
    source_id: str | None = None
    errors: Sequence[FieldError] = ()

    @property
    def shown(self) -> dict[str, Any]:
        """Show it."""
        wrong = [{"field": error.field, "message": error.message} for error in self.errors]
        return {"index": self.index, "id": self.source_id, "outcome": self.outcome, "errors": wrong}


@dataclass(frozen=True, kw_only=True)
class New:
    """An item whose source is not there yet."""

    index: int
    portable: Portable


def import_sources(request: Request, at: Registrar) -> Response:
    """Register what is new and good; say what became of each item, in their order."""
    dry = parameters.read(request, PARAMETERS)["dryRun"]
    verdicts, asked = _read(_items(request), at)
    known, new = _sort(asked, at)
    verdicts += known
    if dry:
        verdicts += [Verdict(index=one.index, outcome=CREATED, source_id=one.portable.source_id) for one in new]
    else:
        until_ms = at.now_ms() + TIME_MAX_MS
        for some in _parts(new):
            if at.now_ms() > until_ms:
                raise try_again("that took long; what is registered stays: repeat the request for the rest")
            verdicts += _landed(some, request, at)
    verdicts.sort(key=lambda verdict: verdict.index)
    counts = Counter(verdict.outcome for verdict in verdicts)
    told = {outcome: counts[outcome] for outcome in (CREATED, UNCHANGED, REFUSED)}
    return json_response({"dryRun": dry, **told, "items": [verdict.shown for verdict in verdicts]})


def _items(request: Request) -> list[Any]:
    document = read_object(request, bytes_max=BODY_BYTES_MAX)
    items = document.get("items")
    wrong = [
        FieldError(field=name[:128], message="there is no such field")
        for name in document
        if name not in {"items", "next"}
    ]
    if not isinstance(items, list) or not 1 <= len(items) <= ITEMS_MAX:
        wrong.append(FieldError(field="items", message=f"a list of 1 to {ITEMS_MAX} sources"))
    if wrong:
        raise refuse(*wrong)
    assert isinstance(items, list)
    return items


def _read(items: Sequence[Any], at: Registrar) -> tuple[list[Verdict], list[New]]:
    """Read each item for itself; the second of two under one id is wrong."""
    refused: list[Verdict] = []
    asked: dict[str, New] = {}
    for index, item in enumerate(items):
        try:
            if not isinstance(item, dict):
                raise refuse(FieldError(field="item", message="must be an object"))
            portable = Portable.read(item, at.rules.policy)
            if portable.source_id in asked:
                raise refuse(FieldError(field="id", message=f"the same as item {asked[portable.source_id].index}"))
        except Problem as problem:
            refused.append(Verdict(index=index, outcome=REFUSED, errors=problem.errors))
        else:
            asked[portable.source_id] = New(index=index, portable=portable)
    return refused, list(asked.values())


def _sort(asked: Sequence[New], at: Registrar) -> tuple[list[Verdict], list[New]]:
    """Tell those that are there already, or lack what an export leaves out, from those to register."""
    stored = _stored([one.portable.source_id for one in asked], at)
    known: list[Verdict] = []
    new: list[New] = []
    for one in asked:
        errors = list(_wrong(one.portable, stored.get(one.portable.source_id), at))
        if errors:
            known.append(Verdict(index=one.index, outcome=REFUSED, source_id=one.portable.source_id, errors=errors))
        elif one.portable.source_id in stored:
            known.append(Verdict(index=one.index, outcome=UNCHANGED, source_id=one.portable.source_id))
        else:
            new.append(one)
    return known, new


def _wrong(portable: Portable, stored: dict[str, Any] | None, at: Registrar) -> Iterator[FieldError]:
    if stored is not None:
        if not portable.is_the_same_as(stored):
            yield FieldError(field="id", message="there is such a source, and it differs: update or delete it")
        return
    yield from portable.missing()
    secret_id = portable.registration.api_key_secret_id
    if secret_id and not at.keys.belongs_to(secret_id, origin(portable.registration.url)):
        yield not_shared()


def _stored(source_ids: Sequence[str], at: Registrar) -> dict[str, dict[str, Any]]:
    found = read_many(at.dynamodb, sources.get_many(at.tables.data_sources, source_ids)) if source_ids else []
    return {row["id"]: row for row in map(read_item, found)}


def _parts(new: Sequence[New]) -> Iterator[Sequence[New]]:
    """Part them by what one transaction takes: one kind's log, and of a shared secret's users one each."""
    yield from ([one] for one in new if _shares(one))
    for kind in SourceType:
        own = (one for one in new if one.portable.registration.type is kind and not _shares(one))
        yield from batched(own, SOURCES_PER_TRANSACTION, strict=False)


def _shares(one: New) -> bool:
    return one.portable.registration.api_key_secret_id is not None


def _landed(some: Sequence[New], request: Request, at: Registrar) -> list[Verdict]:
    """Register some together, and leave a line that names them: that of the request may come to no good end."""
    owner = request.right.principal if request.right else ""
    verdicts = _land(some, owner, at)
    made = [verdict.source_id for verdict in verdicts if verdict.outcome == CREATED]
    if made:
        log({
            "what": "imported", "at": iso(at.now_ms()), "request": request.id, "from": request.address,
            "principal": owner, "sources": made,
        })  # fmt: skip
    return verdicts


def _land(some: Sequence[New], owner: str, at: Registrar) -> list[Verdict]:
    """Register some together, but for those that somebody else registers meanwhile."""
    verdicts: list[Verdict] = []
    for _ in range(LAND_TRIES_MAX):
        try:
            _register(some, owner, at)
        except Cancelled:
            known, some = _sort(some, at)
            verdicts += known
            if not some:
                return verdicts
        else:
            return verdicts + [
                Verdict(index=one.index, outcome=CREATED, source_id=one.portable.source_id) for one in some
            ]
    raise try_again("others register the same sources; what is registered stays: repeat the request")


def _register(some: Sequence[New], owner: str, at: Registrar) -> None:
    """
    Keep the keys, then land one transaction.

    Where it ends in doubt the keys stay held: `api.tidy` finds out which of them have a source.
    """
    moves: list[Move] = []
    try:
        born = [_born(one, owner, moves, at) for one in some]
        actions = [
            action for source, move in zip(born, moves, strict=True) for action in put_newborn(source, move, at.tables)
        ]
        at.configuration.land(actions, *(Edit.put(source) for source in born))
    except (Problem, Cancelled):
        for move in moves:
            at.uses.take_back(move)
        raise
    at.quota.count(source.item() for source in born)


def _born(one: New, owner: str, moves: list[Move], at: Registrar) -> Source:
    registration, source_id = one.portable.registration, one.portable.source_id
    key = registration.api_key
    move = Move(after=registration.api_key_secret_id)
    if key:
        move = at.uses.bring(source_id, key.get_secret_value(), origin(registration.url), before=None)
    moves.append(move)
    birth = Birth(source_id=source_id, incarnation=f"{at.chance.getrandbits(INCARNATION_BITS):016x}", at_ms=at.now_ms())
    return newborn(registration, birth, owner=owner, secret_id=move.after, at=at)


@cache
def _act() -> Act:
    return partial(import_sources, at=Registrar.at_the_door(os.environ))


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="import", make=_act, now_ms=door.wall_ms)
