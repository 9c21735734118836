"""
The tables, asked without blocking the loop.

`contracts.table` says what to ask; `Store` has it asked and answers in our own words (`monitor_fleet.errors`). Items go
in and out as a client holds them: `{"id": {"S": "…"}}`. It never tries again by itself: a second try of a conditional
write needs its caller's judgement.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from typing import Any, Protocol

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from contracts.table.values import Item
from monitor_fleet.errors import Ambiguous, Refused, StoreError, StoreFailed, Throttled

type Request = Mapping[str, Any]
#: Has one operation, by the name that AWS gives it, done once; raises a StoreError.
type AskAws = Callable[[str, Request], Awaitable[Any]]

#: A query reads at most this many pages (1 MB each): what is larger than that is not a hot path's business.
QUERY_PAGES_MAX = 64
#: BatchGetItem may leave keys unprocessed under load; asked again this often.
BATCH_TRIES_MAX = 8
BATCH_WAIT_S = 0.05

_CONDITION = "ConditionalCheckFailed"
_THROTTLES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
    }
)
#: Reasons of a cancelled transaction that another try may not meet again.
_WAIT = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})
_SERVER_ERROR = 500


class StoreVerbs(Protocol):
    """What the worker asks of the tables; `Store` here, in memory in tests and simulation."""

    async def get(self, request: Request) -> Item | None:
        """GetItem: the item, or None."""
        ...

    async def query(self, request: Request) -> list[Item]:
        """Query: the items of all pages; with a `Limit`, of as many as it takes to have that many."""
        ...

    async def batch_get(self, request: Request) -> list[Item]:
        """BatchGetItem of one table: the items found, in no order."""
        ...

    async def put(self, request: Request) -> None:
        """PutItem; Refused if its condition does not hold."""
        ...

    async def update(self, request: Request) -> Item:
        """UpdateItem: the attributes it was told to return; Refused if its condition does not hold."""
        ...

    async def delete(self, request: Request) -> None:
        """DeleteItem; Refused if its condition does not hold."""
        ...

    async def transact(self, request: Request) -> None:
        """TransactWriteItems; Refused with `reasons` if a condition does not hold."""
        ...


class Store:
    """The verbs over whatever asks DynamoDB: `monitor_fleet.service`, or a boto3 client by way of `in_threads`."""

    def __init__(self, ask_tables: AskAws) -> None:
        self._ask = ask_tables

    async def get(self, request: Request) -> Item | None:
        """GetItem."""
        answer = await self._ask("GetItem", request)
        item: Item | None = answer.get("Item")
        return item

    async def query(self, request: Request) -> list[Item]:
        """Query all pages."""
        limit = request.get("Limit")
        items: list[Item] = []
        start: Item | None = None
        for _ in range(QUERY_PAGES_MAX):
            page = await self._ask("Query", {**request, **({"ExclusiveStartKey": start} if start else {})})
            items += page["Items"]
            start = page.get("LastEvaluatedKey")
            if not start or (limit and len(items) >= limit):
                return items[:limit]
        raise StoreFailed(f"a query of {request['TableName']} has more than {QUERY_PAGES_MAX} pages")

    async def batch_get(self, request: Request) -> list[Item]:
        """BatchGetItem, asked again for what was left unprocessed."""
        items: list[Item] = []
        wanted = request["RequestItems"]
        for attempt in range(BATCH_TRIES_MAX):
            answer = await self._ask("BatchGetItem", {"RequestItems": wanted})
            items += [item for found in answer["Responses"].values() for item in found]
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return items
            await asyncio.sleep(BATCH_WAIT_S * 2**attempt)
        raise Throttled(f"keys are still unprocessed after {BATCH_TRIES_MAX} tries")

    async def put(self, request: Request) -> None:
        """PutItem."""
        await self._ask("PutItem", request)

    async def update(self, request: Request) -> Item:
        """UpdateItem."""
        answer = await self._ask("UpdateItem", request)
        attributes: Item = answer.get("Attributes", {})
        return attributes

    async def delete(self, request: Request) -> None:
        """DeleteItem."""
        await self._ask("DeleteItem", request)

    async def transact(self, request: Request) -> None:
        """TransactWriteItems."""
        await self._ask("TransactWriteItems", request)


def in_threads(client: BaseClient, threads: Executor) -> AskAws:
    """Ask through a boto3 client; `threads` bounds how many requests are under way."""

    async def ask_aws(operation: str, request: Request) -> Any:
        return await ask(threads, getattr(client, xform_name(operation)), request)

    return ask_aws


async def ask(threads: Executor, call: Callable[..., Any], request: Request) -> Any:
    """Call a boto3 method off the loop, and say in our words what went wrong."""
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: call(**request))
    except ClientError as error:
        raise in_our_words(error) from error
    except (NoConnection, HTTPClientError) as error:
        raise Ambiguous(f"no answer: {error}") from error
    except BotoCoreError as error:
        raise StoreFailed(f"not sent: {error}") from error


def in_our_words(error: ClientError) -> StoreError:
    """Translate an error that AWS answered with."""
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        old: Item | None = error.response.get("Item")  # type: ignore[assignment] # untyped extra beside the error
        return Refused(str(error), old=old)
    if code == "TransactionCanceledException":
        return _cancelled(error)
    if code in _THROTTLES:
        return Throttled(str(error))
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if code == "TransactionInProgressException" or status >= _SERVER_ERROR:
        return Ambiguous(str(error))
    return StoreFailed(str(error))


def _cancelled(error: ClientError) -> StoreError:
    causes: Any = error.response.get("CancellationReasons", [])
    codes = tuple(cause.get("Code", "None") for cause in causes)
    if _CONDITION in codes:
        return Refused(str(error), reasons=codes)
    return Throttled(str(error)) if set(codes) <= {"None", *_WAIT} else StoreFailed(str(error))
