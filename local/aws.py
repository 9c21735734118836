"""The embedded AWS as handlers call it."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from local.limits import refuse_beyond
from local.props import Props
from local.shapes import shaped

ACCOUNT = "000000000000"
NAME_HASH_CHARACTERS = 7
#: Resources are made concurrently, a thread each.
CONNECTIONS_MAX = 50


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Keys that boto3 takes."""

    access_key_id: str
    secret_access_key: str


#: The emulator knows this key id as its root, whatever the secret.
ROOT = Credentials(access_key_id="test", secret_access_key="test")  # noqa: S106 - the emulator's own fixed key


@dataclass(kw_only=True)
class Aws:
    """Clients of one endpoint, and the names that Pulumi would make up."""

    endpoint: str
    region: str
    credentials: Credentials = ROOT
    config: Config = field(default_factory=lambda: Config(max_pool_connections=CONNECTIONS_MAX))
    _clients: dict[str, Any] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def client(self, service: str) -> Any:
        """Give the client of a service, made once: making one is neither cheap nor thread-safe."""
        with self._lock:
            if service not in self._clients:
                client: Any = boto3.session.Session(
                    aws_access_key_id=self.credentials.access_key_id,
                    aws_secret_access_key=self.credentials.secret_access_key,
                    region_name=self.region,
                ).client(
                    service,  # type: ignore[call-overload]  # the stubs know a literal each, handlers name any service
                    endpoint_url=self.endpoint,
                    config=self.config,
                )
                client.meta.events.register("provide-client-params", refuse_beyond)
                self._clients[service] = client
            return self._clients[service]

    def once(self, key: str, do: Callable[[], object]) -> None:
        """Do what several resources need before any of them; whoever comes meanwhile waits until it is done."""
        with self._lock:
            if key not in self._done:
                do()
                self._done.add(key)

    def call(self, service: str, operation: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation with inputs in Pulumi's spelling."""
        client = self.client(service)
        shape = client.meta.service_model.operation_model(operation).input_shape
        method = next(name for name, known in client.meta.method_to_api_mapping.items() if known == operation)
        answer: dict[str, Any] = getattr(client, method)(**shaped(shape, inputs))
        return answer


def physical_name(logical: str, props: Props, *, key: str = "name", suffix: str = "") -> str:
    """Give the name the program chose, else what autonaming would: the logical name and seven characters."""
    chosen: str | None = props.get(key)
    return chosen or f"{logical}-{hashlib.sha256(logical.encode()).hexdigest()[:NAME_HASH_CHARACTERS]}{suffix}"
