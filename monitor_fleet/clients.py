"""The boto3 clients of a worker: explicit time-outs, one try, as many connections as threads."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

from contracts.clock import NowMs
from fetching.sheets.server_clock import ServerClock
from monitor_fleet.announce import Queue
from monitor_fleet.documents import Bucket
from monitor_fleet.errors import StoreFailed
from monitor_fleet.keys import Keys
from monitor_fleet.settings import Settings
from monitor_fleet.sheets.monitor import GoogleSeams
from monitor_fleet.store import Store, ask
from monitor_fleet.traces import Send

#: Leases have threads and connections of their own, so that nothing else makes a renewal wait.
LEASE_THREADS = 32
DATA_THREADS = 32
#: A sheet takes about half a second, and a project grants five a second.
GOOGLE_THREADS = 8
CONNECT_TIMEOUT_S = 1
LEASE_READ_TIMEOUT_S = 1
DATA_READ_TIMEOUT_S = 5


class Clients:
    """Makes each seam to AWS from one boto3 session; `close` ends their threads."""

    def __init__(self) -> None:
        self._session = boto3.Session()
        self._lease_threads = ThreadPoolExecutor(LEASE_THREADS, thread_name_prefix="lease")
        self._data_threads = ThreadPoolExecutor(DATA_THREADS, thread_name_prefix="data")
        self._google_threads: ThreadPoolExecutor | None = None

    def lease_store(self) -> Store:
        """Give the store for leases."""
        client = self._client("dynamodb", threads=LEASE_THREADS, read_timeout_s=LEASE_READ_TIMEOUT_S)
        return Store(client, self._lease_threads)

    def store(self) -> Store:
        """Give the store for everything else."""
        return Store(self._client("dynamodb"), self._data_threads)

    def bucket(self, name: str) -> Bucket:
        """Give the bucket of large documents."""
        return Bucket(self._client("s3"), self._data_threads, name=name)

    def queue(self, url: str, chance: random.Random) -> Queue:
        """Give the queue to the subscribers' Lambda."""
        return Queue(client=self._client("sqs"), threads=self._data_threads, url=url, chance=chance)

    def keys(self, prefix: str, now_ms: NowMs) -> Keys:
        """Give the keys of sources."""
        return Keys(self._client("secretsmanager"), self._data_threads, prefix=prefix, now_ms=now_ms)

    def traces(self) -> Send:
        """Give what takes traces."""
        put: Callable[..., Any] = self._client("xray").put_trace_segments

        async def send(documents: Sequence[str]) -> int:
            answer = await ask(self._data_threads, put, {"TraceSegmentDocuments": list(documents)})
            return len(answer.get("UnprocessedTraceSegments", []))

        return send

    def sheets(self, settings: Settings, now_ms: NowMs) -> GoogleSeams:
        """Give Google, and the secret that holds its accounts; gspread is loaded only here."""
        from fetching.sheets.client import Google  # noqa: PLC0415 - 20 MB that workers of other sources never need

        clock = ServerClock(now_ms)
        self._google_threads = ThreadPoolExecutor(GOOGLE_THREADS, thread_name_prefix="google")
        read: Callable[..., Any] = self._client("secretsmanager").get_secret_value

        async def read_secret() -> str | None:
            try:
                answer = await ask(self._data_threads, read, {"SecretId": settings.google_accounts_secret})
            except StoreFailed as error:
                response = getattr(error.__cause__, "response", {})
                if response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return None  # the stack makes the secret without a value
                raise
            secret: str = answer["SecretString"]
            return secret

        google = Google(self._google_threads, clock=clock, now_ms=now_ms, origin=settings.google_origin)
        return GoogleSeams(google=google, clock=clock, read_secret=read_secret)

    def close(self) -> None:
        """End the threads; what they still do is fenced."""
        for threads in (self._lease_threads, self._data_threads, self._google_threads):
            if threads:
                _end(threads)

    def _client(self, service: Any, *, threads: int = DATA_THREADS, read_timeout_s: int = DATA_READ_TIMEOUT_S) -> Any:
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s,
            max_pool_connections=threads,
            tcp_keepalive=True,
            # Requests are built in `contracts/`, whose tests send them validated: here it would be a sixth of a call.
            parameter_validation=False,
            user_agent="sheet-monitor-fleet",  # else it is put together anew for each call
            # A second try of a conditional write needs its caller's judgement, so nobody tries again behind its back.
            retries={"total_max_attempts": 1, "mode": "standard"},
        )
        return self._session.client(service, config=config)


def _end(threads: Executor) -> None:
    threads.shutdown(wait=False, cancel_futures=True)
