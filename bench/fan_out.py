"""
To every subscriber: what posts cost, how fast a large audience is told, and how few bytes it takes.

Everything but `virtual` runs the Lambda's own code over real sockets to the stand-in gateway, with tables in memory.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import boto3
from botocore.config import Config

from bench import crowds
from bench.audience import CREDENTIALS, REGION, Far, Service, far, poster, wall_ms
from bench.claim import Claim, percentile, report
from contracts import frames, steps
from contracts.table.subscribers import BUCKET_SUBSCRIBERS_MAX
from contracts.table.values import read_item
from fetching.parse import parse
from local.feeds import demo_feeds
from local.memory import NAMES
from ws import actions, connections
from ws.budget import DEFAULT_QUOTA_PER_S, SHARE
from ws.post import Letter, Outcome
from ws.poster import Place

ROUNDS = 5
BOTO_POSTS, OUR_POSTS = 300, 5_000
BODY = b'{"type":"patch","pad":"' + b"x" * 500 + b'"}'
AUDIENCE = 100_000
LAMBDAS = 8
WEB_PER_S = 1_000

#: us-east-1, on demand, 2026: per million messages of up to 32 KB, GB out, GB-second on arm64, million strong reads of
#: 4 KB, writes of 1 KB and FIFO requests (https://aws.amazon.com/…/pricing/ of each service).
MESSAGE_USD, GB_OUT_USD, GB_S_USD, READ_USD, WRITE_USD, FIFO_USD = 1.0, 0.09, 0.0000133334, 0.125, 0.625, 0.5


def main() -> None:
    """Measure all."""
    claims = [*sizes(), *replayed(), imports()]
    with far(checks=False) as gateway:
        claims += posts(gateway)
    with far() as gateway:
        claims += large_audience(gateway)
    with far() as gateway:
        claims += many_small(gateway)
    with far(checks=False) as gateway:
        claims += [crowds.real_clients(gateway)]
    with far(checks=False) as gateway:
        claims += crowds.axway(gateway)
        claims += [crowds.storm(Service(gateway.post_url))]
        claims += crowds.too_fast(Service(gateway.post_url))
    report(claims)


class Unsigned:
    """Heads without a signature: what the sockets alone cost."""

    def __init__(self, url: str) -> None:
        place = Place.read(url)
        self._path, self._host = f"{place.path}/@connections/", place.netloc

    def seal(self, _now_s: float) -> "Unsigned":
        """Fix nothing."""
        return self

    def head(self, verb: str, connection_id: str, *, body_hash: str, body_bytes: int) -> bytes:
        """Write a head as long as a signed one."""
        return (
            f"{verb} {self._path}{connection_id} HTTP/1.1\r\nHost: {self._host}\r\nX-Pad: {body_hash * 8}\r\n"
            f"Content-Length: {body_bytes}\r\n\r\n"
        ).encode()


def posts(gateway: Far) -> list[Claim]:
    """Post the same to the same connections in three ways, in turns."""
    ids = [f"L0SM9cOFvHc{number}=" for number in range(200)]
    gateway.ask("open", ids)
    gateway.ask("unlimited")
    boto: Any = boto3.client(
        "apigatewaymanagementapi", endpoint_url=gateway.post_url, region_name=REGION,
        aws_access_key_id=CREDENTIALS.access_key, aws_secret_access_key=CREDENTIALS.secret_key,
        aws_session_token=CREDENTIALS.token, config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    ours, bare = poster(gateway.post_url), poster(gateway.post_url, Unsigned(gateway.post_url))
    letters = [Letter(connection_id=ids[i % len(ids)], frames=[BODY]) for i in range(OUR_POSTS)]

    def with_boto() -> None:
        for i in range(BOTO_POSTS):
            boto.post_to_connection(ConnectionId=ids[i % len(ids)], Data=BODY)

    def delivered(post: Any) -> None:
        if set(post.deliver(letters, 60.0)) != {Outcome.SENT}:
            raise RuntimeError("the stand-in did not answer as it should")

    us = {"boto3": list[float](), "ours": list[float](), "bare": list[float]()}
    for _ in range(ROUNDS):
        us["boto3"].append(cpu_us(with_boto, BOTO_POSTS))
        us["ours"].append(cpu_us(lambda: delivered(ours), OUR_POSTS))
        us["bare"].append(cpu_us(lambda: delivered(bare), OUR_POSTS))
    for each in (ours, bare):
        each.shut()
    how = (
        f"real: medians of {ROUNDS} rounds in turns, loopback, no TLS, signatures not looked at, 520 B; boto3"
        f" {median(us['boto3']):.0f}, ours {median(us['ours']):.0f}, unsigned {median(us['bare']):.0f} µs of CPU each"
    )
    return [
        Claim(
            claim="posts per CPU second against single-threaded boto3", unit="times", op=">=", bar=8, how=how,
            value=median(a / b for a, b in zip(us["boto3"], us["ours"], strict=True)),
        ),
        Claim(
            claim="CPU of a signed post against an unsigned one on such sockets", unit="times", op="<=", bar=1.5,
            how=how,
            value=median(a / b for a, b in zip(us["ours"], us["bare"], strict=True)),
        ),
    ]  # fmt: skip


def cpu_us(work: Callable[[], object], times: int) -> float:
    """Give the CPU of this process for each of so many."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / times * 1e6


def large_audience(gateway: Far) -> list[Claim]:
    """Tell 100,000 subscribers at the default quota, while the HTTP API is in use."""
    ids = [f"c{number:06}=" for number in range(AUDIENCE)]
    for start in range(0, AUDIENCE, 10_000):
        gateway.ask("open", ids[start : start + 10_000])
    service = Service(gateway.post_url)
    service.register("large", {"n": 0})
    service.subscribe("large", ids)
    gateway.ask("web", WEB_PER_S)
    time.sleep(0.5)
    service.memory.calls.clear()
    # A full burst is not the rule: begin within a second, as changes do.
    message = service.commit("large", {"n": 1})
    began = time.time()
    with ThreadPoolExecutor(LAMBDAS) as lambdas:
        service.invoke([message.encode()])
        while service.queue.waiting:
            bodies, service.queue.waiting = service.queue.waiting, []
            wait([lambdas.submit(service.invoke, [body]) for body in bodies])
    last, got, heard = gateway.ask("last")
    served, refused = gateway.ask("web done")
    answers = gateway.ask("answers")
    used = {item["id"]: item["used"] for item in map(read_item, service.memory.scan(TableName=NAMES.budget)["Items"])}
    whole = [used[each] for each in sorted(used)[1:-1]]
    service.shut()
    how = (
        f"real: sockets and clock; {LAMBDAS} invocations at a time in one process, tables in memory,"
        f" {AUDIENCE // BUCKET_SUBSCRIBERS_MAX} buckets, the quota's bucket in the stand-in"
    )
    if heard != AUDIENCE:
        raise RuntimeError(f"{heard} of {AUDIENCE} heard of it")
    return [
        Claim(claim="100,000 subscribers at the default quota", value=last - began, unit="s", op="<=", bar=13, how=how),
        Claim(
            claim="… of the budget (85 % of the quota) used in whole seconds", unit="%", op=">=", bar=92, how=how,
            value=100 * sum(whole) / max(1, len(whole)) / (DEFAULT_QUOTA_PER_S * SHARE),
        ),
        Claim(claim="… 429s", value=100 * answers.get(429, 0) / got, unit="%", op="<=", bar=0.1, how=how),
        Claim(
            claim="… 429s of 1,000 HTTP requests/s meanwhile", value=refused, unit=f"of {served + refused}", op="==",
            bar=0, how=how,
        ),
        cost(service, sent=got),
    ]  # fmt: skip


def cost(service: Service, *, sent: int) -> Claim:
    """Price what was counted: calls of tables and queue, invocations by their time, messages and bytes out."""
    calls = service.memory.calls
    reads = calls["query"] * 90 + calls["get_item"]  # a page of 2,500 rows of 145 B is some 90 reads of 4 KB
    writes = calls["update_item"] + calls["put_item"] + calls["batch_write_item"] * 25
    usd = {
        "messages": MESSAGE_USD,
        "bytes out": (220 + 100) / 1e3 * GB_OUT_USD,
        "Lambda": service.busy_s * GB_S_USD / sent * 1e6,
        "reads": reads * READ_USD / sent,
        "writes": writes * WRITE_USD / sent,
        "queue": (service.queue.sent * 3 + service.invocations) * FIFO_USD / sent,
    }
    listed = ", ".join(f"{name} {value:.4f}" for name, value in usd.items())
    return Claim(
        claim="cost per million deliveries to an audience of 100,000", value=sum(usd.values()), unit="$", op="<=",
        bar=1.1,
        how=f"counted: {dict(calls)}, {service.invocations} invocations of {service.busy_s:.0f} s in all: {listed}",
    )  # fmt: skip


def many_small(gateway: Far) -> list[Claim]:
    """Tell of 1,000 changes within a second, to five subscribers each; and of one source faster than its audience."""
    service = Service(gateway.post_url)
    sources = [f"s{number:04}" for number in range(1_000)]
    for source_id in sources:
        ids = [f"{source_id}-{number}" for number in range(5)]
        gateway.ask("open", ids)
        service.register(source_id, {"n": 0})
        service.subscribe(source_id, ids)
    lags, began = list[float](), time.monotonic()

    def invoke(batch: list[str], due: list[float]) -> None:
        service.invoke(batch)
        done = time.monotonic()
        lags.extend(done - each for each in due)

    with ThreadPoolExecutor(LAMBDAS) as lambdas:
        flights = []
        batch, due = list[str](), list[float]()
        for i, source_id in enumerate(sources):
            at = began + i / len(sources)
            time.sleep(max(0.0, at - time.monotonic()))
            batch.append(service.commit(source_id, {"n": 1}).encode())
            due.append(at)
            if len(batch) == 10:
                flights.append(lambdas.submit(invoke, batch, due))
                batch, due = [], []
        wait(flights)
        for flight in flights:
            flight.result()
    _, _, heard = gateway.ask("last")
    invocations = service.invocations
    reconnected = resumes(service, gateway)
    service.shut()
    if heard != 5_000:
        raise RuntimeError(f"{heard} of 5,000 heard of it")
    how = f"real: {LAMBDAS} invocations at a time in one process with the committing itself, {invocations} invocations"
    return [
        Claim(
            claim="1,000 changes/s to 5 subscribers each: p99 from due to the last post",
            value=percentile(lags, 0.99) * 1e3, unit="ms", op="<=", bar=1_000, how=how,
        ),
        reconnected,
    ]  # fmt: skip


def resumes(service: Service, gateway: Far) -> Claim:
    """Let clients come back with what they had, up to 300 versions old, and count snapshots."""
    for number in range(2, 302):
        service.commit("s0000", {"n": number})
    chance, snapshots, clients = random.Random(1), 0, 500
    gateway.ask("open", [f"back-{number}" for number in range(clients)])
    real = service.world.post.deliver

    def watch(letters: list[Letter], within_s: float) -> list[Outcome]:
        nonlocal snapshots
        snapshots += sum(b'"type":"snapshot"' in frame for each in letters for frame in each.frames)
        return real(letters, within_s)

    service.poster.deliver = watch  # type: ignore[method-assign, assignment]  # counts on the way
    for number in range(clients):
        name = f"back-{number}"
        connections.connect(service.world, name, {"principal": "bench", "scopes": "read"})
        version = chance.randint(2, 302)
        actions.act(service.world, name, f'{{"action": "resume", "positions": {{"s0000": ["i", {version}]}}}}')
    return Claim(
        claim="snapshots for clients that come back within the newest 300 versions", value=snapshots,
        unit=f"of {clients}", op="==", bar=0,
        how="real: resumes through the Lambda's own code; 500 a second are API Gateway's quota",
    )  # fmt: skip


def sizes() -> list[Claim]:
    """Weigh a change of a thousandth of a table, and a row on top of 5,000."""
    chance = random.Random(1)
    rows = [{"sku": f"SKU-{i}", **{f"c{c}": chance.randrange(10_000) for c in range(11)}} for i in range(5_000)]
    whole = snapshot_bytes(rows)
    changed = [dict(row) for row in rows]
    for _ in range(60):
        changed[chance.randrange(5_000)][f"c{chance.randrange(11)}"] = chance.randrange(10_000)
    small = patch_bytes(rows, changed)
    on_top = patch_bytes(rows, [{"sku": "SKU-new", "c0": 1, "c1": 2}, *rows])
    how = f"counted: frames as they are posted, a table of 5,000 rows of 12 ({whole:,} B whole)"
    return [
        Claim(
            claim="bytes of 0.1 % of the cells changed, against the snapshot", value=small / whole, unit="times",
            op="<=", bar=0.01, how=how,
        ),
        Claim(
            claim="bytes of a row inserted on top of 5,000", value=on_top, unit="B", op="<=", bar=200,
            how=f"{how}; the row itself has 3 short cells",
        ),
    ]  # fmt: skip


def replayed() -> list[Claim]:
    """Replay an hour of each demo feed and compare patches with whole documents."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    feeds = demo_feeds(random.Random(1), now)
    states: dict[str, list[Any]] = {name: [] for name in feeds}
    for second in range(3_600):
        for name, feed in feeds.items():
            feed.advance(now + timedelta(seconds=second))
            states[name].append(parsed(feed.document.body, feed.document.content_type))
    return [_saved(name, found) for name, found in states.items()]


def _saved(name: str, states: list[Any]) -> Claim:
    changed = [(old, new) for old, new in pairwise(states) if old != new]
    whole = sum(snapshot_bytes(new) for _, new in changed)
    patches = sum(min(patch_bytes(old, new), snapshot_bytes(new)) for old, new in changed)
    each, patched, empty = whole // len(changed), patches // len(changed), patch_bytes(None, None)
    return Claim(
        claim=f"bytes saved by patches over an hour of the demo feed {name}", value=100 * (1 - patches / whole),
        unit="%", op=">=", bar=80,
        how=f"counted: {len(changed)} changes, frames of {each} B whole and {patched} B as patches, of which a patch"
        f" without operations has {empty} B: below {empty * 5} B whole no patch can save 80 %",
    )  # fmt: skip


def parsed(body: bytes, content_type: str) -> Any:
    """Parse a feed's body as a worker does."""
    return parse(body.decode(), "json" if "json" in content_type else "xml")


def snapshot_bytes(document: Any) -> int:
    """Weigh the whole document as a frame."""
    frame = frames.snapshot(
        "external-1a2b3c4d", ("a1b2c3d4e5f6", 1), document_hash="0" * 16, data=document, exact=False
    )
    return len(frames._dump(frame))  # noqa: SLF001 - what `encode` writes before it cuts


def patch_bytes(old: Any, new: Any) -> int:
    """Weigh the step as a frame."""
    step = (2, steps.make(old, new))
    frame = frames.patch("external-1a2b3c4d", ("a1b2c3d4e5f6", 2), base=1, steps=[step], at_ms=wall_ms())
    return len(frames._dump(frame))  # noqa: SLF001 - what `encode` writes before it cuts


IMPORTS = {
    "ours": "import ws.handler",
    "boto3": 'import boto3; s = boto3.session.Session(); [s.client(n) for n in ("dynamodb", "sqs", "s3")]',
    "ours whole": "import ws.handler; ws.handler.world()",
}


def imports() -> Claim:
    """Start the Lambda and, in turns, boto3 with the clients it uses."""
    took: dict[str, list[float]] = {name: [] for name in IMPORTS}
    environ = os.environ | {
        "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "QUEUE_URL": "q",
        "DEAD_LETTER_URL": "d", "DOCUMENTS_BUCKET": "b", "CALLBACK_URL": "https://a.example/live",
    }  # fmt: skip
    for _ in range(ROUNDS):
        for name, code in IMPORTS.items():
            began = os.times()
            subprocess.run([sys.executable, "-c", code], check=True, env=environ)
            ended = os.times()
            took[name].append(ended.children_user + ended.children_system - began.children_user - began.children_system)
    ratio = median(a / b for a, b in zip(took["ours whole"], took["boto3"], strict=True))
    ms = {name: round(median(values) * 1e3) for name, values in took.items()}
    return Claim(
        claim="start of the sockets' Lambda with its clients against boto3 with the same clients", value=ratio,
        unit="times", op="<=", bar=1.3, how=f"real: CPU of new processes, medians of {ROUNDS} in turns: {ms} ms",
    )  # fmt: skip


if __name__ == "__main__":
    main()
