"""
The documents themselves: stored as rows or in the bucket, and the current ones kept in memory within a bound.

A document in memory saves reading its stored body when the next step is made; without it nothing is wrong.
"""

from collections import OrderedDict
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Protocol

from contracts import bodies
from contracts.bodies import Body
from contracts.table import heads
from contracts.table.heads import Ref
from contracts.table.values import read_item
from monitor_fleet.errors import StoreFailed
from monitor_fleet.offload import Offload
from monitor_fleet.store import StoreVerbs, ask

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CACHE_BYTES_MAX = 256 * 1_024 * 1_024
#: A document of more than this is unpacked in another process.
INLINE_UNPACK_BYTES_MAX = 1_024 * 1_024


class BucketVerbs(Protocol):
    """What is asked of the bucket."""

    async def put(self, key: str, data: bytes) -> None:
        """Store an object."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Read an object; None if there is none."""
        ...


class Bucket:
    """The verbs over a boto3 client."""

    def __init__(self, client: "S3Client", threads: Executor, *, name: str) -> None:
        self._client = client
        self._threads = threads
        self._name = name

    async def put(self, key: str, data: bytes) -> None:
        """Store an object: gzipped JSON, and whoever downloads it by a link gets JSON."""
        request = {
            "Bucket": self._name, "Key": key, "Body": data,
            "ContentType": "application/json", "ContentEncoding": "gzip",
        }  # fmt: skip
        await ask(self._threads, self._client.put_object, request)

    async def get(self, key: str) -> bytes | None:
        """Read an object."""
        try:
            data: bytes = await ask(self._threads, self._read, {"Bucket": self._name, "Key": key})
        except StoreFailed as error:
            if _code(error) == "NoSuchKey":
                return None
            raise
        return data

    def _read(self, **request: str) -> bytes:
        return self._client.get_object(Bucket=request["Bucket"], Key=request["Key"])["Body"].read()


class Documents:
    """Bodies by their refs."""

    def __init__(
        self, *, store: StoreVerbs, table: str, bucket: BucketVerbs, offload: Offload,
        cache_bytes_max: int = CACHE_BYTES_MAX,
    ) -> None:  # fmt: skip
        self._store = store
        self._table = table
        self._bucket = bucket
        self._offload = offload
        self._cache_bytes_max = cache_bytes_max
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached_bytes = 0

    async def put(self, body: Body, *, source_id: str, at_ms: int) -> None:
        """Store a body; doing it twice does no harm, because its name holds its hash."""
        if body.ref.encoding == bodies.BUCKET:
            assert isinstance(body.data, bytes)  # what goes to the bucket is gzipped
            await self._bucket.put(body.ref.id, body.data)
        else:
            request = heads.put_body(self._table, body.ref, source_id=source_id, data=body.data, at_ms=at_ms)
            await self._store.put(request)

    async def get(self, ref: Ref) -> bytes | None:
        """Give the canonical bytes of a body; None if it is gone."""
        cached = self._cache.get(ref.id)
        if cached is not None:
            self._cache.move_to_end(ref.id)
            return cached
        data = await self._stored(ref)
        if data is None:
            return None
        if ref.bytes <= INLINE_UNPACK_BYTES_MAX:
            return bodies.unpack(ref.encoding, data)
        return await self._offload(bodies.unpack, ref.encoding, data)

    def held(self, ref: Ref) -> bytes | None:
        """Give the canonical bytes of a body if they are in memory."""
        return self._cache.get(ref.id)

    def keep(self, ref: Ref, canonical: bytes) -> None:
        """Hold a current document in memory, and let go of those unused for longest."""
        self.drop(ref)
        self._cache[ref.id] = canonical
        self._cached_bytes += len(canonical)
        while self._cached_bytes > self._cache_bytes_max:
            _, oldest = self._cache.popitem(last=False)
            self._cached_bytes -= len(oldest)

    def drop(self, ref: Ref) -> None:
        """Let go of a document that is not current any more."""
        self._cached_bytes -= len(self._cache.pop(ref.id, b""))

    async def _stored(self, ref: Ref) -> str | bytes | None:
        if ref.encoding == bodies.BUCKET:
            return await self._bucket.get(ref.id)
        item = await self._store.get(heads.get(self._table, ref.id))
        return None if item is None else read_item(item)["data"]


def _code(error: StoreFailed) -> str:
    response = getattr(error.__cause__, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
