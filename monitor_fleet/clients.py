"""
A worker's ways to AWS: explicit time-outs, and one try each.

What every change takes goes over sockets of the loop (`monitor_fleet.service`). Leases go through boto3 in threads: a
renewal takes little, and a loop that stood still for a second must not find it timed out. So does what is rare.
"""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import NoCredentialsError
from botocore.httpsession import get_cert_path

from contracts.clock import NowMs
from contracts.json_service import Place
from contracts.signature import Credentials
from fetching.sheets.server_clock import ServerClock
from monitor_fleet.announce import Queue
from monitor_fleet.documents import Bucket
from monitor_fleet.errors import StoreFailed
from monitor_fleet.keys import Keys
from monitor_fleet.service import USER_AGENT, Service, session
from monitor_fleet.settings import Settings
from monitor_fleet.sheets.monitor import GoogleSeams
from monitor_fleet.store import Store, ask, in_threads
from monitor_fleet.traces import Send

#: Leases have threads and connections of their own, so that nothing else makes a renewal wait.
LEASE_THREADS = 32
DATA_THREADS = 32
#: Look names up and renew credentials: both rare, and neither may wait for anything else.
SERVICE_THREADS = 4
#: At 10 ms a request, 6,400 a second.
AT_ONCE_MAX = 64
#: A sheet takes about half a second, and a project grants five a second.
GOOGLE_THREADS = 8
CONNECT_TIMEOUT_S = 1
LEASE_READ_TIMEOUT_S = 1
DATA_READ_TIMEOUT_S = 5


class Clients:
    """Makes each seam to AWS from one boto3 session, inside the loop; `close` ends their threads and sockets."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._session = boto3.Session()
        self._lease_threads = ThreadPoolExecutor(LEASE_THREADS, thread_name_prefix="lease")
        self._data_threads = ThreadPoolExecutor(DATA_THREADS, thread_name_prefix="data")
        self._google_threads: ThreadPoolExecutor | None = None
        self._service_threads = ThreadPoolExecutor(SERVICE_THREADS, thread_name_prefix="service")
        self._sockets = session(
            self._service_threads, at_once_max=AT_ONCE_MAX, connect_timeout_s=CONNECT_TIMEOUT_S,
            read_timeout_s=DATA_READ_TIMEOUT_S, trust=get_cert_path(verify=True),
        )  # fmt: skip

    def lease_store(self) -> Store:
        """Give the store for leases."""
        client = self._client("dynamodb", threads=LEASE_THREADS, read_timeout_s=LEASE_READ_TIMEOUT_S)
        return Store(in_threads(client, self._lease_threads))

    def store(self) -> Store:
        """Give the store for everything else."""
        return Store(self._service("dynamodb").ask)

    def bucket(self, name: str) -> Bucket:
        """Give the bucket of large documents."""
        return Bucket(self._client("s3"), self._data_threads, name=name)

    def queue(self, url: str, chance: random.Random) -> Queue:
        """Give the queue to the subscribers' Lambda."""
        return Queue(ask_queue=self._service("sqs").ask, url=url, chance=chance)

    def keys(self, prefix: str) -> Keys:
        """Give the keys of sources."""
        return Keys(self._client("secretsmanager"), self._data_threads, prefix=prefix, now_ms=self._now_ms)

    def traces(self) -> Send:
        """Give what takes traces."""
        put: Callable[..., Any] = self._client("xray").put_trace_segments

        async def send(documents: Sequence[str]) -> int:
            answer = await ask(self._data_threads, put, {"TraceSegmentDocuments": list(documents)})
            return len(answer.get("UnprocessedTraceSegments", []))

        return send

    def sheets(self, settings: Settings) -> GoogleSeams:
        """Give Google, and the secret that holds its accounts; gspread is loaded only here."""
        from fetching.sheets.client import Google  # noqa: PLC0415 - 20 MB that workers of other sources never need

        clock = ServerClock(self._now_ms)
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

        google = Google(self._google_threads, clock=clock, now_ms=self._now_ms, origin=settings.google_origin)
        return GoogleSeams(google=google, clock=clock, read_secret=read_secret)

    async def close(self) -> None:
        """Close the sockets and end the threads; what is under way is fenced."""
        await self._sockets.close()
        for threads in (self._lease_threads, self._data_threads, self._service_threads, self._google_threads):
            if threads:
                _end(threads)

    def _service(self, name: Any) -> Service:
        return Service(
            Place.of(self._client(name)), self._sockets, credentials=self._credentials,
            threads=self._service_threads, now_ms=self._now_ms,
        )  # fmt: skip

    def _credentials(self) -> Credentials:
        """Read them as boto3 does, which renews those of a role before they end."""
        found = self._session.get_credentials()
        frozen = found and found.get_frozen_credentials()
        if not frozen or not frozen.access_key or not frozen.secret_key:
            raise NoCredentialsError
        return Credentials(access_key=frozen.access_key, secret_key=frozen.secret_key, token=frozen.token)

    def _client(self, service: Any, *, threads: int = DATA_THREADS, read_timeout_s: int = DATA_READ_TIMEOUT_S) -> Any:
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s,
            max_pool_connections=threads,
            tcp_keepalive=True,
            # Requests are built in `contracts/`, whose tests send them validated: here it would be a sixth of a call.
            parameter_validation=False,
            user_agent=USER_AGENT,  # else it is put together anew for each call
            # A second try of a conditional write needs its caller's judgement, so nobody tries again behind its back.
            retries={"total_max_attempts": 1, "mode": "standard"},
        )
        return self._session.client(service, config=config)


def _end(threads: Executor) -> None:
    threads.shutdown(wait=False, cancel_futures=True)
