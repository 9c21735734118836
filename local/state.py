"""What a running local stack tells everybody else: one file, written whole, readable by its owner alone."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from local.aws import Credentials

FILE = "state.json"
OWNER_ONLY = 0o600


@dataclass(frozen=True, kw_only=True)
class Service:
    """An ECS service and its cluster, by name."""

    cluster: str
    service: str


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A demo feed: where it is read, and where a PUT replaces it."""

    url: str
    set_url: str


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The demo spreadsheet: what to register, and where to type into it."""

    url: str
    edit_url: str


@dataclass(frozen=True, kw_only=True)
class Pids:
    """The processes."""

    emulator: int
    agent: int
    workers: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class State:
    """A running stack."""

    dashboard_url: str
    api_url: str
    web_socket_url: str
    token: str
    aws_endpoint: str
    region: str
    credentials: Credentials
    services: Mapping[str, Service]
    tables: Mapping[str, str]
    queue_url: str
    feeds: Mapping[str, Feed]
    sheet: Sheet
    pids: Pids

    def with_workers(self, workers: Mapping[str, tuple[int, ...]]) -> Self:
        """Tell of other worker processes."""
        return replace(self, pids=replace(self.pids, workers=workers))

    def to_json(self) -> dict[str, Any]:
        """Give the file's content."""
        return {
            "dashboardUrl": self.dashboard_url,
            "apiUrl": self.api_url,
            "webSocketUrl": self.web_socket_url,
            "token": self.token,
            "awsEndpoint": self.aws_endpoint,
            "region": self.region,
            "credentials": {
                "accessKeyId": self.credentials.access_key_id,
                "secretAccessKey": self.credentials.secret_access_key,
            },
            "services": {kind: {"cluster": one.cluster, "service": one.service} for kind, one in self.services.items()},
            "tables": dict(self.tables),
            "queueUrl": self.queue_url,
            "feeds": {name: {"url": feed.url, "setUrl": feed.set_url} for name, feed in self.feeds.items()},
            "sheet": {"url": self.sheet.url, "editUrl": self.sheet.edit_url},
            "pids": {
                "emulator": self.pids.emulator,
                "agent": self.pids.agent,
                "workers": {kind: list(pids) for kind, pids in self.pids.workers.items()},
            },
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read the file's content."""
        keys, pids = body["credentials"], body["pids"]
        return cls(
            dashboard_url=body["dashboardUrl"],
            api_url=body["apiUrl"],
            web_socket_url=body["webSocketUrl"],
            token=body["token"],
            aws_endpoint=body["awsEndpoint"],
            region=body["region"],
            credentials=Credentials(access_key_id=keys["accessKeyId"], secret_access_key=keys["secretAccessKey"]),
            services={kind: Service(**one) for kind, one in body["services"].items()},
            tables=body["tables"],
            queue_url=body["queueUrl"],
            feeds={name: Feed(url=one["url"], set_url=one["setUrl"]) for name, one in body["feeds"].items()},
            sheet=Sheet(url=body["sheet"]["url"], edit_url=body["sheet"]["editUrl"]),
            pids=Pids(
                emulator=pids["emulator"],
                agent=pids["agent"],
                workers={kind: tuple(found) for kind, found in pids["workers"].items()},
            ),
        )


def write(folder: Path, state: State) -> None:
    """Replace the file at once: a reader sees the old one or the new one. Created closed, not closed later."""
    scratch = folder / f"{FILE}.part"
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w") as out:
        json.dump(state.to_json(), out, indent=2)
    scratch.replace(folder / FILE)


def read(folder: Path) -> State | None:
    """Read the file; None if no stack runs there."""
    try:
        return State.from_json(json.loads((folder / FILE).read_text()))
    except FileNotFoundError:
        return None
