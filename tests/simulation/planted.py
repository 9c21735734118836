"""Bugs of the protocol, put in on purpose: the simulation must notice each of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from contracts.table import fleet, heads
from contracts.table.values import bind, write_item
from monitor_fleet import liveness, renewal
from monitor_fleet.holdings import Holdings
from monitor_fleet.leases import Leases
from monitor_fleet.roster import Roster

type Build = Callable[..., dict[str, Any]]


def _without(build: Build, part: str) -> Build:
    """Build the same request, but leave a part of its condition out."""

    def built(*args: Any, **kwargs: Any) -> dict[str, Any]:
        request = build(*args, **kwargs)
        assert part in request["ConditionExpression"]
        left = request["ConditionExpression"].replace(part, "")
        values = {
            name: value for name, value in request["ExpressionAttributeValues"].items() if _is_used(name, request, left)
        }
        return request | {"ConditionExpression": left, "ExpressionAttributeValues": values}

    return built


def _is_used(name: str, request: Mapping[str, Any], condition: str) -> bool:
    words = f"{request.get('UpdateExpression', '')} {condition}".replace(",", " ").split()
    return name in words


def _plain_load(table: str, source_id: str, *, epoch: int) -> dict[str, Any]:
    """Load a head and leave no trace in it."""
    return {
        "TableName": table,
        "Key": write_item({"id": source_id}),
        "UpdateExpression": "SET loadedBy = :epoch",
        "ConditionExpression": "attribute_exists(id)",
        "ExpressionAttributeValues": bind({"epoch": epoch}),
        "ReturnValues": "ALL_NEW",
    }


def _fence_without_counter(build: Build) -> Build:
    def built(*args: Any, **kwargs: Any) -> dict[str, Any]:
        request = build(*args, **kwargs)
        del request["ExpressionAttributeValues"][":one"]
        return request | {"UpdateExpression": "SET epoch = :epoch"}

    return built


def _release_from_the_start(build: Build) -> Build:
    def built(*args: Any, **kwargs: Any) -> dict[str, Any]:
        request = build(*args, **kwargs)
        request["ExpressionAttributeValues"][":next"] = {"N": "0"}
        return request

    return built


def _same_epoch(shard: fleet.Shard) -> dict[str, Any]:
    return {"ep": shard.epoch, "next": shard.epoch}


#: Each bug: what is replaced where, and by what.
PLANTED: Mapping[str, list[tuple[object, str, Any]]] = {
    "renew-the-dead": [(fleet, "renew", _without(fleet.renew, " AND st <> :dead"))],
    "release-starts-epochs-again": [(fleet, "release", _release_from_the_start(fleet.release))],
    "plain-load": [(heads, "fence", _plain_load)],
    "fence-without-counter": [(heads, "fence", _fence_without_counter(heads.fence))],
    "hand-off-unconditional": [(fleet, "hand_off", _without(fleet.hand_off, " AND own = :owner AND ep = :ep"))],
    "claim-from-the-living": [(Roster, "is_gone", lambda _roster, _worker_id: True)],
    "epoch-not-bumped": [(fleet, "_epochs", _same_epoch)],
    "right-outlasts-observer": [(renewal, "RIGHT_S", 20.0)],
    "observer-impatient": [(liveness, "DEAD_AFTER_S", 2.0)],
    "right-not-asked": [(Leases, "may_act", lambda _leases: True)],
    "dead-hold-on": [(Holdings, "lose_all", lambda _holdings: None)],
}


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """Put a bug in for a while; none for None."""
    with ExitStack() as stack:
        for where, what, instead in PLANTED[name] if name else []:
            stack.enter_context(patch.object(where, what, instead))
        yield
