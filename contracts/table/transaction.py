"""Several writes that land together or not at all (TransactWriteItems, at most 100 actions)."""

from collections.abc import Mapping
from typing import Any, Literal

from contracts.table.values import Item, read_item

type Act = Literal["Put", "Update", "Delete", "ConditionCheck"]
type Request = dict[str, Any]

#: What a transaction takes of a plain request: it has no ReturnValues of its own.
_NOT_IN_A_TRANSACTION = frozenset({"ReturnValues"})

#: A token is 1 to 36 characters (AWS); a retry under the same token within 10 minutes does nothing twice.
TOKEN_LENGTH_MAX = 36


def transaction(actions: list[tuple[Act, Request]], *, token: str | None = None) -> Request:
    """Build the request from single requests; without a token where a condition sees to it that it lands once."""
    items = [
        {act: {name: value for name, value in request.items() if name not in _NOT_IN_A_TRANSACTION}}
        for act, request in actions
    ]
    return {"TransactItems": items} | ({"ClientRequestToken": token[:TOKEN_LENGTH_MAX]} if token else {})


def reasons(cancelled: Exception) -> list[tuple[str, Item | None]]:
    """Say why a transaction was cancelled: each action's code (`None`, `ConditionalCheckFailed`, …) and old item."""
    response: Mapping[str, Any] = getattr(cancelled, "response", {})
    return [
        (reason.get("Code", "None"), read_item(reason["Item"]) if reason.get("Item") else None)
        for reason in response.get("CancellationReasons", [])
    ]
