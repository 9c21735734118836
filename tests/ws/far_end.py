"""The stand-in gateway with connections that keep what they get, and our client before it."""

import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from typing import Any
from urllib.parse import urlsplit

from contracts.signature import Credentials
from local.gateway.hub import Held, Hub
from local.gateway.limits import Quotas
from local.gateway.running import Gateway, running
from ws.poster import Poster
from ws.signature import Signer

CREDENTIALS = Credentials(access_key="testing", secret_key="testing")


class FarEnd:
    """Connections behind a gateway; what the tests' own `FakePost` offers, over sockets."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self.hub = gateway, gateway.hub
        self.posted: dict[str, list[Any]] = defaultdict(list)

    def open(self, *connection_ids: str, waiting: Callable[[], int] = lambda: 0) -> None:
        """Open connections without sockets."""

        def send(connection_id: str, text: bytes) -> None:
            self.posted[connection_id].append(json.loads(text))

        for each in connection_ids:
            held = Held(id=each, send=partial(send, each), waiting=waiting)
            self.gateway.on_loop(partial(self.hub.open, held))

    def plant(self, connection_id: str, answers: Iterable[int], verb: str = "POST") -> None:
        """Let the next requests about a connection be answered so."""
        self.hub.faults[verb, connection_id] = iter(answers)

    def always(self, connection_id: str, answer: int, verb: str = "POST") -> None:
        """Let every request about a connection be answered so."""
        self.plant(connection_id, repeat(answer), verb)

    def opened(self) -> set[str]:
        """Say which connections are open."""
        return set(self.hub.held)

    def take(self, connection_id: str) -> list[Any]:
        """Take what a connection received."""
        return self.posted.pop(connection_id, [])


@contextmanager
def far_end(quotas: Quotas | None = None) -> Iterator[FarEnd]:
    """Run a gateway that knows the tests' credentials."""
    hub = Hub(now=time.monotonic, quotas=quotas or Quotas())
    with running(hub, secrets={CREDENTIALS.access_key: CREDENTIALS.secret_key}) as gateway:
        yield FarEnd(gateway)


@contextmanager
def poster(url: str, *, credentials: Credentials = CREDENTIALS) -> Iterator[Poster]:
    """Make our client."""
    parts = urlsplit(url)
    signer = Signer(host=parts.netloc, stage=parts.path, region="eu-west-1", credentials=lambda: credentials)
    made = Poster(url, signer, now_s=time.time, chance=random.Random(7))
    yield made
    made.shut()
