"""An alert as it is deployed: from a source that fails to a webhook that somebody else's code can check."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local.running import running_stack
from tests.conftest import ROOT
from tests.e2e.grants_world import Operator
from tests.e2e.outside import Api, Feeds, until_true

SECRET = "signs-the-webhooks-of-this-test"
HEARD_WITHIN_S = 30


@dataclass
class Hook:
    """A receiver on loopback that takes everything."""

    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def events(self) -> list[tuple[str, str]]:
        """Give what was told, in order: event and source."""
        return [(one["event"], one["sourceId"]) for _, body in self.got for one in json.loads(body)["alerts"]]


@pytest.fixture
def hook() -> Iterator[tuple[Hook, str]]:
    """Serve a receiver; give its url too."""
    served = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served, f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def alerting(hook: tuple[Hook, str], tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Run a stack whose operator wants to know of what is tagged `prod`; give its state."""
    settings = {
        "alerts": [{"name": "ops", "tags": ["prod"], "afterMinutes": 0, "webhook": hook[1]}],
        "alertsSecret": SECRET,
    }
    workers = {"external": 1, "googleSheet": 0}
    with running_stack(ROOT, workers=workers, folder=tmp_path, say=print, settings=settings):
        yield json.loads((tmp_path / "state.json").read_text())


async def test_an_outage_and_its_end_are_each_told_once(hook: tuple[Hook, str], alerting: dict[str, Any]):
    """By the deployed function under its real role, through the gate, signed; the clock's rule may call it beside."""
    heard = hook[0]
    async with Feeds.serving() as feeds, Api.of(alerting) as api:
        feeds.set("there", 1)
        source_id = await api.register(feeds.url("missing"), tags=["prod"])
        quiet = await api.register(feeds.url("gone"), tags=["test"])
        await until_state(api, source_id, "failing")
        await until_state(api, quiet, "failing")
        await told(alerting, heard, ("failing", source_id))
        await look(alerting)
        feeds.set("missing", 1)
        status, answer = await api.call("POST", f"/datasources/{source_id}/poll")
        assert status == 202, answer
        await until_state(api, source_id, "healthy")
        await told(alerting, heard, ("recovered", source_id))
        await look(alerting)
    assert heard.events == [("failing", source_id), ("recovered", source_id)]
    for headers, body in heard.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        code = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{code}"


async def until_state(api: Api, source_id: str, state: str) -> None:
    """Wait until a source is in a state."""

    async def holds() -> bool:
        _, source = await api.call("GET", f"/datasources/{source_id}")
        return bool(source["status"]["state"] == state)

    await until_true(holds, HEARD_WITHIN_S)


async def told(state: dict[str, Any], hook: Hook, event: tuple[str, str]) -> None:
    """Have the function look until its receiver was told: the index that it reads may lag."""

    async def holds() -> bool:
        await look(state)
        return event in hook.events

    await until_true(holds, HEARD_WITHIN_S)


async def look(state: dict[str, Any]) -> None:
    """Call the function as the clock's rule does."""
    operator = Operator(state=state)
    (name,) = (full for short, full in operator.functions.items() if short == "alerts")
    answer = await asyncio.to_thread(operator.client("lambda").invoke, FunctionName=name["FunctionName"], Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
