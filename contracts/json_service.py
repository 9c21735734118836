"""
Requests to AWS services that speak JSON, signed: where they go and what their heads hold.

Whoever sends them, sends them as they are: what boto3 puts around each (events, shapes, endpoint rules, urllib3) takes
a worker more than all polling does, and a Lambda longer to import than all of ours.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Self

from yarl import URL

from contracts.clock import SECOND_MS
from contracts.signature import Credentials, Moment

#: A moment is in force for five minutes (AWS), and credentials are renewed well before they end.
MOMENT_MS = 60 * SECOND_MS


@dataclass(frozen=True, kw_only=True)
class Place:
    """
    Where a service is, and how it is named: in the header `X-Amz-Target` (`api`) and in signatures (`name`).

    `version` is that of its JSON.
    """

    url: URL
    region: str
    api: str
    name: str
    version: str

    @classmethod
    def of(cls, client: Any) -> Self:
        """Take it from a boto3 client, which knows regions, partitions and endpoints that were set."""
        meta = client.meta
        return cls(
            url=URL(meta.endpoint_url),
            region=meta.region_name,
            api=meta.service_model.metadata["targetPrefix"],
            name=meta.service_model.signing_name,
            version=meta.service_model.metadata["jsonVersion"],
        )


class Seal:
    """What the heads of one moment's requests share."""

    def __init__(self, place: Place, credentials: Credentials, *, now_ms: int) -> None:
        self._began_ms = now_ms
        self._moment = Moment(credentials, now_s=now_ms / SECOND_MS, region=place.region, service=place.name)
        self._api = place.api
        content_type = f"application/x-amz-json-{place.version}"
        self._sent = {"Content-Type": content_type, "X-Amz-Date": self._moment.at}
        names = ["content-type", "host", "x-amz-date"]
        lines = [
            f"content-type:{content_type}",
            f"host:{place.url.host_port_subcomponent}",
            f"x-amz-date:{self._moment.at}",
        ]
        if credentials.token:
            self._sent["X-Amz-Security-Token"] = credentials.token
            names.append("x-amz-security-token")
            lines.append(f"x-amz-security-token:{credentials.token}")
        self._names = ";".join([*names, "x-amz-target"])
        self._canonical = "\n".join([f"POST\n{place.url.raw_path}\n", *lines, "x-amz-target:"])

    def holds_at(self, now_ms: int) -> bool:
        """Tell whether it is young enough; a clock that was set back makes a new one."""
        return 0 <= now_ms - self._began_ms < MOMENT_MS

    def headers(self, operation: str, body: bytes) -> dict[str, str]:
        """Give the headers of one request."""
        target = f"{self._api}.{operation}"
        canonical = f"{self._canonical}{target}\n\n{self._names}\n{hashlib.sha256(body).hexdigest()}"
        signed = f"{self._moment.authorization}{self._names}, Signature={self._moment.sign(canonical)}"
        return {**self._sent, "X-Amz-Target": target, "Authorization": signed}


def error_code(told: object, status: int) -> str:
    """Name an error as botocore does, by the `__type` that its answer tells, or else by its status."""
    return str(told or status).rpartition("#")[2].partition(":")[0]
