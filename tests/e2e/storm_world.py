"""
A fleet of real processes that the weather can be made for: killed, stopped, told to end, scaled, cut off from AWS.

The agent and the workers are those of `make up`, for an ECS service of this world's own in a stack that runs already.
Their line to AWS is a proxy, and half of the workers have wrong wall clocks (`tests.e2e.skewed`).
"""

import asyncio
import itertools
import json
import os
import signal
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from yarl import URL

from local import launch, state
from local.aws import Aws
from local.children import clean_environment, kill_marked
from local.hold import SCRATCH
from local.launch import Run
from local.ports import listen
from local.state import Service
from tests.conftest import ROOT
from tests.e2e.line import TcpLine
from tests.e2e.outside import Api, Feeds, Reader

KIND = "external"
SERVICE = "storm"
SKEWED = ("python", "-m", "tests.e2e.skewed")
SOURCES = 100
INTERVAL_S = 2
#: Each source changes this often, one after another.
CHANGE_EVERY_S = 10.0
#: For what comes sooner or later: how soon is measured where it is promised.
PATIENCE_S = 120


class Storm:
    """The world. `polls` and `documents` are the feeds'; `reader` follows every source."""

    def __init__(self, *, api: Api, feeds: Feeds, reader: Reader, line: TcpLine, aws: Aws, run: Run) -> None:
        self.api, self.feeds, self.reader, self.line = api, feeds, reader, line
        self._aws, self._run = aws, run
        self._cluster = ""
        self.ids: dict[str, str] = {}
        self._n = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def over(
        cls, base: Path, folder: Path, *, workers: int, command: Sequence[str] = SKEWED, hosts: int = 1
    ) -> AsyncIterator[Self]:
        """
        Begin with so many workers, each source registered and followed; `base` is the folder of the stack.

        On one host sources wait for each other, as at most a few polls of a host are under way at once.
        """
        known = state.read(base)
        assert known is not None
        described = json.loads((base / state.FILE).read_text())
        run = Run(root=ROOT, folder=folder, environment=clean_environment(folder / SCRATCH, folder))
        for name in (SCRATCH, "logs"):
            (folder / name).mkdir()
        aws = Aws(endpoint=known.aws_endpoint, region=known.region, credentials=known.credentials)
        port = URL(known.aws_endpoint).port
        assert port is not None
        async with (
            TcpLine.to(port) as line,
            Feeds.serving(hosts=hosts) as feeds,
            Api.of(described) as api,
            Reader.connected(described) as reader,
        ):
            storm = cls(api=api, feeds=feeds, reader=reader, line=line, aws=aws, run=run)
            storm._cluster = known.services[KIND].cluster
            await asyncio.to_thread(storm._make_service, known.services[KIND], workers, command)
            mine = replace(
                known,
                aws_endpoint=f"http://127.0.0.1:{line.port}",
                services={KIND: Service(cluster=storm._cluster, service=SERVICE)},
            )
            state.write(folder, mine.with_workers({}))
            with ExitStack() as started:
                started.callback(kill_marked, folder)
                try:
                    await asyncio.to_thread(storm._start_agent, started, workers)
                    await storm._follow_sources()
                    yield storm
                finally:
                    line.mend()
                    feeds.delay_s = 0
                    await asyncio.gather(*(api.delete(source_id) for source_id in storm.ids.values()))
                    await asyncio.to_thread(started.close)  # the workers part through the line

    # What happens to it.

    def worker_pids(self) -> tuple[int, ...]:
        """List the workers' processes as the agent knows them."""
        known = state.read(self._run.folder)
        assert known is not None
        return known.pids.workers.get(KIND, ())

    def send(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to a worker."""
        os.kill(pid, number)

    async def scale(self, count: int) -> None:
        """Change the desired count, as anybody would."""
        ecs = self._aws.client("ecs")
        await asyncio.to_thread(ecs.update_service, cluster=self._cluster, service=SERVICE, desiredCount=count)

    async def change_sources(self) -> None:
        """Change one source after another, each every ten seconds, until cancelled."""
        names = itertools.cycle(self.ids)
        while True:
            self.feeds.set(next(names), {"n": next(self._n), "rows": [{"id": row, "of": "storm"} for row in range(20)]})
            await asyncio.sleep(CHANGE_EVERY_S / SOURCES)

    # What is seen of it.

    async def fleet(self) -> dict[str, Any]:
        """See the fleet as an operator does."""
        status, seen = await self.api.call("GET", "/fleet")
        assert status == 200, seen
        kind: dict[str, Any] = seen["kinds"][KIND]
        return kind

    async def until_shared(self, workers: int, *, timeout_s: float = PATIENCE_S) -> float:
        """Wait until so many living workers own every shard, each some of them; how many seconds that took."""
        began = time.monotonic()
        while True:
            kind = await self.fleet()
            owned = [worker["owned"] for worker in kind["workers"] if worker["state"] == "UP"]
            whole = sum(owned) == kind["shards"] == len(kind["owners"])
            if len(owned) == workers and all(owned) and whole:
                return time.monotonic() - began
            assert time.monotonic() - began < timeout_s, kind
            await asyncio.sleep(0.3)

    async def until_polled(self, since: float, *, timeout_s: float) -> float:
        """Wait until every source was polled after a moment; how many seconds after it the last one was."""
        while True:
            firsts = [polls[0] for name in self.ids if (polls := self._polls_after(name, since))]
            if len(firsts) == len(self.ids):
                return max(firsts) - since
            missing = len(self.ids) - len(firsts)
            assert time.monotonic() - since < timeout_s, f"{missing} sources are not polled"
            await asyncio.sleep(0.05)

    def longest_gap_s(self, since: float) -> float:
        """Say how long a source was left alone at most after a moment."""
        seen = ([since, *self._polls_after(name, since), time.monotonic()] for name in self.ids)
        return max(after - before for polls in seen for before, after in itertools.pairwise(polls))

    def _polls_after(self, name: str, since: float) -> list[float]:
        polls = self.feeds.polls[name]
        return polls[bisect_right(polls, since) :]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Read what the workers logged of an event."""
        lines = [line for path in self._run.logs.glob(f"{KIND}-*.log") for line in path.read_text().splitlines()]
        read = (json.loads(line) for line in lines if f'"event": "{event}"' in line)
        return list(read)

    async def until_right(self, timeout_s: float) -> None:
        """Wait until every copy is what its feed serves."""

        def wrong() -> dict[str, Any]:
            return {
                name: self.reader.copies[source_id].document
                for name, source_id in self.ids.items()
                if self.reader.copies[source_id].document != json.loads(self.feeds.documents[name])
            }

        try:
            await self.reader.until(lambda: not wrong(), timeout_s)
        except TimeoutError as late:
            raise AssertionError(f"{len(wrong())} copies are wrong: {list(wrong().items())[:3]}") from late

    def check_versions(self) -> None:
        """Every version came once and in order, and no document ever fell back."""
        for source_id in self.ids.values():
            _check(source_id, [frame for _, frame in self.reader.copies[source_id].frames])

    # How it begins.

    def _make_service(self, like: Service, count: int, command: Sequence[str]) -> None:
        """Make a service as the stack's, but for its command."""
        ecs = self._aws.client("ecs")
        (known,) = ecs.describe_services(cluster=like.cluster, services=[like.service])["services"]
        task = ecs.describe_task_definition(taskDefinition=known["taskDefinition"])["taskDefinition"]
        (container,) = task["containerDefinitions"]
        made = ecs.register_task_definition(
            family=SERVICE,
            taskRoleArn=task["taskRoleArn"],
            executionRoleArn=task["executionRoleArn"],
            containerDefinitions=[container | {"command": list(command)}],
        )["taskDefinition"]
        ecs.create_service(
            cluster=like.cluster, serviceName=SERVICE, taskDefinition=made["taskDefinitionArn"], desiredCount=count
        )

    def _start_agent(self, started: ExitStack, workers: int) -> None:
        listener = started.enter_context(listen(0))
        child = launch.start_agent(self._run, started, fd=listener.fileno())
        launch.wait_for_workers(self._run, child, fd=listener.fileno(), wanted=workers)

    async def _follow_sources(self) -> None:
        names = [f"s{i:03d}" for i in range(SOURCES)]
        for name in names:
            self.feeds.set(name, {"n": 0})
        registering = (self.api.register(self.feeds.url(name), pollingInterval=INTERVAL_S) for name in names)
        self.ids = dict(zip(names, await asyncio.gather(*registering), strict=True))
        await self.reader.follow(*self.ids.values())


def _check(source_id: str, frames: list[dict[str, Any]]) -> None:
    position, n = 0, 0
    for frame in frames:
        if frame["type"] == "subscribed":
            continue
        if frame["type"] == "snapshot":
            assert frame["version"] >= position, f"{source_id} fell from version {position} to {frame['version']}"
            position, seen = frame["version"], [frame["data"]["n"]]
        else:
            new = [(version, operations) for version, operations in frame["steps"] if version > position]
            assert [version for version, _ in new] == list(range(position + 1, position + 1 + len(new))), frame
            position = max(position, frame["version"])
            seen = [one["value"] for _, operations in new for one in operations if one["path"] == "/n"]
        assert [n, *seen] == sorted([n, *seen]), f"{source_id} fell from {n} to {seen}"
        n = max([n, *seen])


async def eventually(holds: Callable[[], bool], what: str, *, timeout_s: float = PATIENCE_S) -> None:
    """Wait until something outside this process is so."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)
