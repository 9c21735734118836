"""
What Fargate is to the cloud: worker processes for every task that an ECS service wants.

`python -m local.agent`, started by a run, gets its request as one line of JSON on stdin and ends, with its workers,
when it is told to or when stdin closes because the run is gone.
"""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import state
from local.aws import Aws
from local.children import clean_environment
from local.credentials import TaskCredentials
from local.hold import SCRATCH, clean
from local.ports import HOST, port_of
from local.task import Task
from local.workers import Workers

#: A changed desired count is obeyed within this.
LOOK_EVERY_S = 0.5
#: When everything ends, nobody waits for a planned hand-off to somebody who ends as well.
STOP_ALL_TIMEOUT_S = 10.0
CREDENTIALS_PATH = "/credentials"
#: A control plane that hangs must not keep the agent from starting again who died: it asks anew soon.
ASKING = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"})


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a run asks of its agent. `listener_fd` is the credentials server's socket, open already."""

    root: Path
    folder: Path
    listener_fd: int

    @classmethod
    def read(cls, line: str) -> "Request":
        """Read the line of JSON."""
        body = json.loads(line)
        return cls(root=Path(body["root"]), folder=Path(body["folder"]), listener_fd=body["listenerFd"])

    def line(self) -> str:
        """Write the line of JSON."""
        body = {"root": str(self.root), "folder": str(self.folder), "listenerFd": self.listener_fd}
        return json.dumps(body) + "\n"


@dataclass(kw_only=True)
class Desired:
    """
    The desired counts as last heard: as on Fargate, no task ends because the control plane does not answer.

    `ask` gives the count of a kind or raises what botocore raises. An outage is told once, however long it lasts.
    """

    kinds: Collection[str]
    ask: Callable[[str], int]
    say: Callable[[str], None]
    _heard: Mapping[str, int] = field(default_factory=dict)
    _fails: bool = False

    def look(self) -> Mapping[str, int]:
        """Ask for every kind; gives the counts of before when that fails, none at all if it never worked."""
        try:
            self._heard = {kind: self.ask(kind) for kind in self.kinds}
            self._fails = False
        except (BotoCoreError, ClientError) as error:
            if not self._fails:
                self.say(f"the desired counts cannot be read, the workers stay as they are: {error}")
            self._fails = True
        return self._heard


@dataclass(frozen=True, kw_only=True)
class Agent:
    """Holds every service to its desired count."""

    request: Request
    known: state.State
    aws: Aws
    credentials: TaskCredentials
    credentials_url: str

    async def run(self, stopped: asyncio.Event) -> None:
        """Look, start and stop until told to end; then end every worker."""
        services = {kind: self._workers(kind) for kind in self.known.services}
        desired = Desired(kinds=services, ask=self._desired, say=_say)
        told: Mapping[str, tuple[int, ...]] = self.known.pids.workers
        try:
            while not stopped.is_set():
                for kind, count in (await asyncio.to_thread(desired.look)).items():
                    services[kind].hold(count)
                pids = {kind: workers.pids() for kind, workers in services.items()}
                if pids != told:
                    state.write(self.request.folder, self.known.with_workers(pids))
                    told = pids
                await _pause(stopped, LOOK_EVERY_S)
        finally:
            await asyncio.gather(*(workers.stop_all(timeout_s=STOP_ALL_TIMEOUT_S) for workers in services.values()))

    def _desired(self, kind: str) -> int:
        count: int = self._service(kind)["desiredCount"]
        return count

    def _service(self, kind: str) -> dict[str, Any]:
        names = self.known.services[kind]
        answer = self.aws.client("ecs").describe_services(cluster=names.cluster, services=[names.service])
        found: dict[str, Any] = answer["services"][0]
        return found

    def _workers(self, kind: str) -> Workers:
        definition = self._service(kind)["taskDefinition"]
        task = Task.of(self.aws.client("ecs").describe_task_definition(taskDefinition=definition)["taskDefinition"])
        folder = self.request.folder
        environment = task.process_environment(
            clean_environment(folder / SCRATCH, folder),
            endpoint=self.aws.endpoint,
            credentials_url=self.credentials_url,
            credentials_token=self.credentials.token(task.role_arn),
        )
        return Workers(
            kind=kind,
            task=task,
            environment=environment,
            root=self.request.root,
            logs=folder / "logs",
            say=_say,
        )


def _say(text: str) -> None:
    print(text, flush=True)


async def run(request: Request, stopped: asyncio.Event) -> None:
    """Serve credentials and run the agent until told to stop."""
    known = state.read(request.folder)
    if known is None:
        raise RuntimeError(f"no state in {request.folder}")
    aws = Aws(endpoint=known.aws_endpoint, region=known.region, credentials=known.credentials, config=ASKING)
    credentials = TaskCredentials(aws=aws)
    url = await _serve(credentials, socket.socket(fileno=request.listener_fd))
    agent = Agent(request=request, known=known, aws=aws, credentials=credentials, credentials_url=url)
    await agent.run(stopped)


async def _serve(credentials: TaskCredentials, listener: socket.socket) -> str:
    app = web.Application()
    app.router.add_get(CREDENTIALS_PATH, credentials.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return f"http://{HOST}:{port_of(listener)}{CREDENTIALS_PATH}"


async def _pause(stopped: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopped.wait(), seconds)
    except TimeoutError:
        return


async def _main() -> None:
    line = await asyncio.to_thread(sys.stdin.readline)
    if not line:
        return  # the run ended before it had anything to ask
    request, stopped, orphaned = Request.read(line), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    def stdin_closed() -> None:
        loop.remove_reader(sys.stdin.fileno())
        orphaned.set()
        stopped.set()

    loop.add_reader(sys.stdin.fileno(), stdin_closed)  # readable again only when it closes
    await run(request, stopped)
    if orphaned.is_set():  # the run was killed and cannot clean up; the emulator would never notice
        await asyncio.to_thread(clean, request.folder)


if __name__ == "__main__":
    asyncio.run(_main())
