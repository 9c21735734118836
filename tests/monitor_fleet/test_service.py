"""Asking AWS over the loop's own sockets: signed as botocore signs, sent once, and every ending in our own words."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import boto3
import pytest
from aiohttp import ClientSession
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Botos
from botocore.exceptions import CredentialRetrievalError
from yarl import URL

from contracts.json_service import MOMENT_MS, Place, Seal
from contracts.signature import Credentials
from monitor_fleet.errors import Ambiguous, Refused, StoreError, StoreFailed, Throttled
from monitor_fleet.service import Service, session
from monitor_fleet.store import Store

NOW_MS = 1_790_000_000_000
KEYS = Credentials(access_key="AKIDEXAMPLE", secret_key="wJalr/XUtnFEMI+K7")
ROW = {"TableName": "T", "Key": {"id": {"S": "a"}}}


class FarSide:
    """A server that answers each request with the next of `answers`, and closes the socket without one at None."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.asked: list[bytes] = []
        self.url = URL()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                self.asked.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0)
                if answer is None:
                    break
                writer.write(answer)
        except asyncio.IncompleteReadError:
            pass  # the client hung up, as it does at the end of each test
        finally:
            writer.close()


def answer(status: int, body: bytes, *, length: int | None = None, more: str = "") -> bytes:
    """Write an answer."""
    return f"HTTP/1.1 {status} X\r\n{more}Content-Length: {length or len(body)}\r\n\r\n".encode() + body


def error(code: str, status: int = 400, **more: Any) -> bytes:
    """Write an error as DynamoDB does."""
    return answer(status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **more}).encode())


def service(
    url: URL, http: ClientSession, threads: ThreadPoolExecutor, *,
    credentials: Callable[[], Credentials] = lambda: KEYS, now_ms: Callable[[], int] = lambda: NOW_MS,
) -> Service:  # fmt: skip
    """Ask DynamoDB there."""
    place = Place(url=url, region="eu-central-1", api="DynamoDB_20120810", name="dynamodb", version="1.0")
    return Service(place, http, credentials=credentials, threads=threads, now_ms=now_ms)


@asynccontextmanager
async def sockets(threads: ThreadPoolExecutor, *, read_timeout_s: float = 5) -> AsyncIterator[ClientSession]:
    """Open sockets."""
    async with session(
        threads, at_once_max=8, connect_timeout_s=1, read_timeout_s=read_timeout_s, trust=None
    ) as opened:
        yield opened


@asynccontextmanager
async def served(far: FarSide, threads: ThreadPoolExecutor, **settings: Any) -> AsyncIterator[Service]:
    """Run the far side, and give what asks it."""
    server = await asyncio.start_server(far.serve, "127.0.0.1", 0)
    far.url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server, sockets(threads, read_timeout_s=settings.pop("read_timeout_s", 5)) as http:
        yield service(far.url, http, threads, **settings)


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjE/+=="])
@pytest.mark.parametrize("url", ["https://dynamodb.eu-central-1.amazonaws.com", "http://127.0.0.1:4566"])
@pytest.mark.parametrize(
    ("api", "name", "version"),
    [
        ("DynamoDB_20120810", "dynamodb", "1.0"),
        ("AmazonSQS", "sqs", "1.0"),
        ("secretsmanager", "secretsmanager", "1.1"),
    ],
)
def test_a_request_is_signed_as_botocore_signs_it(token: str | None, url: str, api: str, name: str, version: str):
    """A signature that is wrong in one byte is refused with everything that a worker does."""
    place = Place(url=URL(url), region="eu-central-1", api=api, name=name, version=version)
    keys = Credentials(access_key="AKIDEXAMPLE", secret_key="wJalr/XUtnFEMI+K7", token=token)
    body = '{"Item":{"id":{"S":"ü"}}}'.encode()

    ours = Seal(place, keys, now_ms=NOW_MS).headers("PutItem", body)

    headers = {name: value for name, value in ours.items() if name != "Authorization"}
    theirs = AWSRequest("POST", url, headers=headers, data=body)
    theirs.context["timestamp"] = ours["X-Amz-Date"]
    auth: Any = SigV4Auth(Botos(keys.access_key, keys.secret_key, token), name, "eu-central-1")
    signature = auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs)
    names = auth.signed_headers(auth.headers_to_sign(theirs))
    scope = f"{auth.credential_scope(theirs)}, SignedHeaders={names}, Signature={signature}"
    assert ours["Authorization"] == f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}"
    assert datetime.strptime(ours["X-Amz-Date"], "%Y%m%dT%H%M%S%z").timestamp() * 1_000 == NOW_MS


def test_a_place_is_where_boto3_would_ask():
    """Regions, partitions and endpoints that were set are its business."""
    place = Place.of(boto3.client("sqs", region_name="cn-north-1", endpoint_url=None))
    assert (str(place.url), place.region) == ("https://sqs.cn-north-1.amazonaws.com.cn", "cn-north-1")
    assert (place.api, place.name) == ("AmazonSQS", "sqs")


async def test_an_answer_that_is_lost_is_ambiguous_and_nothing_is_sent_twice(threads: ThreadPoolExecutor):
    """The write may have landed. Also over a socket that was good before, where a client may think it knows better."""
    far = FarSide(answer(200, b"{}"), None, answer(200, b"{}"))
    async with served(far, threads) as asked:
        await asked.ask("PutItem", ROW)
        with pytest.raises(Ambiguous):
            await asked.ask("TransactWriteItems", {"ClientRequestToken": "t"})
        await asked.ask("PutItem", ROW)
    assert [head.count(b"TransactWriteItems") for head in far.asked] == [0, 1, 0]


@pytest.mark.parametrize(
    "lost",
    [
        answer(200, b'{"Item"', length=99),
        answer(200, b"<html>a proxy's page"),
        b"no HTTP at all\r\n\r\n",
        answer(500, b'{"__type":"InternalServerError","message":"x"}'),
        answer(503, b"<html>busy"),
        error("TransactionInProgressException"),
    ],
)
async def test_an_answer_that_says_nothing_is_ambiguous(threads: ThreadPoolExecutor, lost: bytes):
    """Half of one, none of DynamoDB's, a 5xx: nobody knows whether the write landed."""
    far = FarSide(lost, None)
    async with served(far, threads, read_timeout_s=0.1) as asked:
        with pytest.raises(Ambiguous):
            await asked.ask("PutItem", ROW)
    assert len(far.asked) == 1


async def test_silence_is_ambiguous_after_the_time_for_it(threads: ThreadPoolExecutor):
    """A request that hangs must not hang its source."""
    far = FarSide(b"")
    async with served(far, threads, read_timeout_s=0.05) as asked:
        with pytest.raises(Ambiguous):
            await asked.ask("PutItem", ROW)


async def test_where_nobody_listens_it_is_ambiguous_too(threads: ThreadPoolExecutor):
    """A proxy may have passed the request on before."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        async with sockets(threads) as http:
            asked = service(URL(f"http://127.0.0.1:{unheard.getsockname()[1]}"), http, threads)
            with pytest.raises(Ambiguous):
                await asked.ask("GetItem", ROW)


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        (error("ProvisionedThroughputExceededException"), Throttled),
        (error("ThrottlingException"), Throttled),
        (error("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]), Throttled),
        (error("AccessDeniedException", Message="no"), StoreFailed),
        (answer(400, b'{"__type":"UnrecognizedClientException:http://internal/","message":"x"}'), StoreFailed),
        (answer(403, b"<html>a firewall"), StoreFailed),
        (answer(307, b"", more="Location: http://127.0.0.1:9/\r\n"), StoreFailed),
    ],
)
async def test_each_answer_is_one_of_our_words(threads: ThreadPoolExecutor, said: bytes, ours: type[StoreError]):
    """As through boto3; a redirect is followed nowhere, since the signature is for here."""
    async with served(FarSide(said), threads) as asked:
        with pytest.raises(StoreError) as raised:
            await asked.ask("PutItem", ROW)
    assert type(raised.value) is ours


async def test_a_refusal_carries_the_item_as_a_client_holds_it(threads: ThreadPoolExecutor):
    """Bytes too, which travel as base64."""
    item = {"id": {"S": "a"}, "B": {"S": "not bytes"}, "body": {"B": "aGk="}}
    said = error("ConditionalCheckFailedException", message="no", Item=item)
    async with served(FarSide(said), threads) as asked:
        with pytest.raises(Refused) as refused:
            await Store(asked.ask).update(ROW)
    assert refused.value.old == {**item, "body": {"B": b"hi"}}


async def test_a_moment_signs_for_a_minute_and_then_the_keys_are_read_again(threads: ThreadPoolExecutor):
    """A role's keys change; many who ask at once have them read once."""
    now, read = [NOW_MS], list[int]()

    def credentials() -> Credentials:
        read.append(now[0])
        return Credentials(access_key=f"AKID{len(read)}", secret_key="s")

    far = FarSide(*[answer(200, b"{}")] * 9)
    async with served(far, threads, credentials=credentials, now_ms=lambda: now[0]) as asked:
        for passed_ms in (0, MOMENT_MS - 1, 1):
            now[0] += passed_ms
            await asyncio.gather(*(asked.ask("GetItem", ROW) for _ in range(3)))
    assert read == [NOW_MS, NOW_MS + MOMENT_MS]
    assert [head.partition(b"Credential=")[2][:5] for head in far.asked] == [b"AKID1"] * 6 + [b"AKID2"] * 3


async def test_without_keys_nothing_is_sent(threads: ThreadPoolExecutor):
    """And it is known that nothing landed."""

    def credentials() -> Credentials:
        raise CredentialRetrievalError(provider="container", error_msg="away")

    far = FarSide()
    async with served(far, threads, credentials=credentials) as asked:
        with pytest.raises(StoreFailed, match=r"not sent: .*away"):
            await asked.ask("GetItem", ROW)
    assert far.asked == []


async def test_names_of_sources_that_hang_delay_nothing(threads: ThreadPoolExecutor):
    """All threads that look up sources' names may wait for a name server: commits go on."""
    hangs, far = threading.Event(), FarSide(answer(200, b"{}"))
    async with served(far, threads), sockets(threads) as http:
        asked = service(far.url.with_host("localhost"), http, threads)
        with ThreadPoolExecutor(1) as names:
            asyncio.get_running_loop().set_default_executor(names)
            hung = names.submit(hangs.wait)
            try:
                assert await asked.ask("GetItem", ROW) == {}
                assert not hung.done()
            finally:
                hangs.set()
