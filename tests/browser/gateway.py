"""
A WebSocket gateway in a process of its own, to be killed: the strict stand-in before the real code, tables and queue.

Handshakes are judged and frames served by the code of the Lambdas, in this process, on the tables of a running stack.
What is posted to a connection comes from this process and from the stack's own Lambda, which is told to post here.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl

import boto3

from api.authorize import find_right
from contracts.table.schema import FIELDS, TableNames
from local.gateway.running import STAGE, running
from local.gateway.sockets import Behind
from local.ports import listen, port_of
from tests import owner
from tests.conftest import ROOT
from ws.handler import handler, wall_ms

INVOCATION_MS = 15_000
LISTENING = b"listening\n"


class GatewayProcess:
    """Started, killed and started again at the same addresses."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._post_port, self.port = _free_ports()

    @classmethod
    @asynccontextmanager
    async def before(cls, state: dict[str, Any]) -> AsyncIterator[Self]:
        """Stand before a stack until the block ends: its Lambda posts here, and afterwards where it did."""
        client = owner.client(state, "lambda")
        deployed = [one for one in client.list_functions()["Functions"] if "CALLBACK_URL" in _variables(one)]
        (function,) = deployed
        tables = {f"TABLE_{FIELDS[name].upper()}": table for name, table in state["tables"].items()}
        gateway = cls({**_variables(function), **tables, **owner.variables(state), "PATH": os.environ["PATH"]})
        post_url = f"http://127.0.0.1:{gateway._post_port}/{STAGE}"
        gateway._environment = {**gateway._environment, "CALLBACK_URL": post_url}

        def post_to(url: str) -> None:
            variables = {**_variables(function), "CALLBACK_URL": url}
            client.update_function_configuration(
                FunctionName=function["FunctionName"], Environment={"Variables": variables}
            )

        await gateway.start()
        post_to(post_url)
        try:
            yield gateway
        finally:
            post_to(_variables(function)["CALLBACK_URL"])
            await gateway.kill()

    async def start(self) -> None:
        """Come up, and answer."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.browser.gateway", str(self._post_port), str(self.port),
            cwd=ROOT, env=dict(self._environment), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == LISTENING

    async def kill(self) -> None:
        """Die at once: nobody is told, and what was half sent stays half sent."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@dataclass(frozen=True)
class Invocation:
    """What a Lambda is told of its own call."""

    left_ms: int

    def get_remaining_time_in_millis(self) -> int:
        """Say how long it may still take."""
        return self.left_ms


def main() -> None:
    """Serve until nobody wants it any more."""
    post_port, clients_port = map(int, sys.argv[1:])
    tables, dynamodb = TableNames.from_environ(os.environ), boto3.client("dynamodb")

    def authorize(headers: Mapping[str, str], query: str) -> Mapping[str, Any] | None:
        event = {"methodArn": "handshake", "headers": headers, "queryStringParameters": dict(parse_qsl(query))}
        right = find_right(event, dynamodb=dynamodb, tables=tables, now_ms=wall_ms, foreign=lambda _: None)
        return {"principal": right.principal, "scopes": " ".join(sorted(right.scopes))} if right else None

    def serve(event: dict[str, Any]) -> Mapping[str, Any]:
        return handler(event, Invocation(INVOCATION_MS))

    sys.stdout, lines = sys.stderr, sys.stdout
    behind = Behind(serve=serve, authorize=authorize)
    with running(behind=behind, port=post_port, clients_port=clients_port):
        lines.write(LISTENING.decode())
        lines.flush()
        sys.stdin.read()


def _free_ports() -> tuple[int, int]:
    with listen(0) as one, listen(0) as other:
        return port_of(one), port_of(other)


def _variables(function: Mapping[str, Any]) -> dict[str, str]:
    return dict(function.get("Environment", {}).get("Variables", {}))


if __name__ == "__main__":
    main()
