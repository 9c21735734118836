"""A whole local stack for as long as a `with` lasts: `make up` and the end-to-end tests use this same one."""

import json
import random
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.access import new_token
from local import launch, state
from local.aws import ROOT
from local.children import Child, clean_environment
from local.config import own, stack_config
from local.google import demo
from local.google.demo import demo_key
from local.hold import SCRATCH, held
from local.launch import Run
from local.ports import DASHBOARD_PORT, EMULATOR_PORT, FEEDS_PORT, GOOGLE_PORT, HOST, free, listen, port_of, turn
from local.state import Feed, Pids, Service, Sheet, State
from stack import package

FEED_NAMES = ("prices", "weather")
#: The configuration key that says how many workers of a kind a service starts with.
COUNT_KEYS = {"external": "externalCount", "googleSheet": "sheetCount"}

type Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What a run listens on. Chosen before anything is deployed, which must know what no source may name."""

    emulator: int
    #: Closed as soon as the embedded AWS has opened its port: then the next run may choose.
    turn: ExitStack
    dashboard: socket.socket
    feeds: socket.socket
    google: socket.socket
    agent: socket.socket

    @property
    def forbidden(self) -> list[int]:
        """Our own, but for the feeds and the spreadsheet, which are there to be polled."""
        return [self.emulator, port_of(self.dashboard), port_of(self.agent)]


@dataclass(frozen=True, kw_only=True)
class Running:
    """A stack that runs: what it tells everybody, and its parts, by the name an operator reads."""

    state: State
    parts: Mapping[str, Child]


@contextmanager
def running_stack(
    root: Path,
    *,
    workers: Mapping[str, int],
    folder: Path,
    say: Say = lambda _: None,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[State]:
    """Give the state of a stack for whoever needs none of its processes: see `running`."""
    with running(root, workers=workers, folder=folder, say=say, settings=settings) as started:
        yield started.state


@contextmanager
def running(
    root: Path,
    *,
    workers: Mapping[str, int],
    folder: Path,
    say: Say = lambda _: None,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Running]:
    """
    Start everything, give it, stop everything.

    `workers` overrides how many of a kind start, `settings` other keys of the stack's configuration; state, logs and
    temporary files live in `folder`. Nothing of a run outlives the `with`, nor the next start if this process is
    killed.
    """
    root, folder = root.resolve(), folder.resolve()
    with held(folder), ExitStack() as started:
        run = _prepare(root, folder)
        own_turn = started.enter_context(ExitStack())
        own_turn.enter_context(turn(Path(tempfile.gettempdir())))
        ports = Ports(
            turn=own_turn,
            emulator=free(EMULATOR_PORT),
            dashboard=started.enter_context(listen(DASHBOARD_PORT)),
            feeds=started.enter_context(listen(FEEDS_PORT)),
            google=started.enter_context(listen(GOOGLE_PORT)),
            agent=started.enter_context(listen(0)),
        )
        yield _start(run, {**(settings or {}), **_counts(workers)}, ports, started, say)


def _counts(workers: Mapping[str, int]) -> dict[str, int]:
    return {COUNT_KEYS[kind]: count for kind, count in workers.items()}


def _prepare(root: Path, folder: Path) -> Run:
    for name in (SCRATCH, "logs"):
        (folder / name).mkdir(exist_ok=True)
    for old in (folder / "logs").glob("*.log"):
        old.unlink()
    return Run(root=root, folder=folder, environment=clean_environment(folder / SCRATCH, folder))


def _start(run: Run, settings: Mapping[str, Any], ports: Ports, started: ExitStack, say: Say) -> Running:
    chance = random.SystemRandom()
    token = new_token(chance)
    google_origin = f"http://{HOST}:{port_of(ports.google)}"
    google_key = demo_key(google_origin, chance)
    known_now = {
        **settings,
        "forbiddenPorts": ports.forbidden,
        "initialToken": token,
        "googleAccounts": json.dumps(google_key),
        "googleOrigin": google_origin,
        "dashboardOrigins": [f"http://{HOST}:{port_of(ports.dashboard)}"],
    }
    config = stack_config(run.root, known_now)
    endpoint = f"http://{HOST}:{ports.emulator}"
    with _step("packages of the Lambdas", say):
        _package(run.root, config)
    with _step("embedded AWS", say):
        aws = launch.start_emulator(run, started, port=ports.emulator, endpoint=endpoint)
    ports.turn.close()
    with _step("stack program", say):
        exports = launch.deploy(run, endpoint=endpoint, config=config, say=say)
    with _step("feeds and dashboard", say):
        servers = _serve(run, started, ports, exports, documents_origin=endpoint, google_key=google_key)
    with _step("workers", say):
        agent = launch.start_agent(run, started, fd=ports.agent.fileno())
        pids = Pids(emulator=aws.pid, agent=agent.pid, workers={})
        known = {"token": token, "endpoint": endpoint, "region": config["aws:region"]}
        state.write(run.folder, _describe(exports, ports, known, pids))
        wanted = sum(own(run.root, config, key) for key in COUNT_KEYS.values())
        ready = launch.wait_for_workers(run, agent, fd=ports.agent.fileno(), wanted=wanted)
    parts = {"the embedded AWS": aws, "what serves feeds and dashboard": servers, "the agent of the workers": agent}
    launch.check_alive(servers, "what serves feeds and dashboard")
    return Running(state=ready, parts=parts)


def _package(root: Path, config: Mapping[str, Any]) -> None:
    """Build ahead of the program, which then finds everything there: the one step that may download."""
    architecture, packages_for = (own(root, config, key) for key in ("lambdaArchitecture", "packagesFor"))
    for bundle in package.BUNDLES:
        package.build(root, architecture=architecture, packages_for=packages_for, bundle=bundle)


def _serve(
    run: Run, started: ExitStack, ports: Ports, exports: Mapping[str, Any], *,
    documents_origin: str, google_key: Mapping[str, Any],
) -> Child:  # fmt: skip
    feeds, dashboard, google = ports.feeds.fileno(), ports.dashboard.fileno(), ports.google.fileno()
    request = {
        "files": str(run.root / "web" / "dist"),
        "apiUrl": exports["apiUrl"],
        "webSocketUrl": exports["webSocketUrl"],
        "documentsOrigin": documents_origin,
        "signIn": exports["signIn"],
        "feedsFd": feeds,
        "dashboardFd": dashboard,
        "googleFd": google,
        "googleKey": google_key,
    }
    return launch.start_servers(run, started, request=request, fds=(feeds, dashboard, google))


def _describe(exports: Mapping[str, Any], ports: Ports, known: Mapping[str, str], pids: Pids) -> State:
    feeds = f"http://{HOST}:{port_of(ports.feeds)}"
    return State(
        dashboard_url=f"http://{HOST}:{port_of(ports.dashboard)}/",
        api_url=exports["apiUrl"],
        web_socket_url=exports["webSocketUrl"],
        token=known["token"],
        aws_endpoint=known["endpoint"],
        region=known["region"],
        credentials=ROOT,
        services={kind: Service(**one) for kind, one in exports["services"].items()},
        tables=exports["tables"],
        queue_url=exports["queueUrl"],
        feeds={name: Feed(url=f"{feeds}/{name}", set_url=f"{feeds}/set/{name}") for name in FEED_NAMES},
        sheet=Sheet(url=demo.URL, edit_url=f"http://{HOST}:{port_of(ports.google)}/"),
        pids=pids,
    )


@contextmanager
def _step(name: str, say: Say) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"{name:<26}{time.monotonic() - began:5.1f} s")
