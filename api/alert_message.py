"""
What a receiver is told: one message for all that it is owed now.

A webhook is signed as Standard Webhooks 1.0 says, so that receivers have libraries for it: HMAC-SHA256 over id, time
and body. Each alert has an id made of its outage, so that whoever is told twice can know. No url of a source is in
it, since people put credentials there.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.alert_rules import Event
from contracts.clock import SECOND_MS, iso
from contracts.table.alerts import Told

type Item = Mapping[str, Any]

ID_CHARACTERS = 32
#: An e-mail's subject over SNS: ASCII, one line, below 100 characters (AWS).
SUBJECT_LENGTH_MAX = 99


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One thing to tell of one source, as it is now; None if it is gone meanwhile."""

    row: Told
    source: Item | None

    @property
    def id(self) -> str:
        """Name this alert, the same at each try."""
        text = f"{self.row.receiver}#{self.row.source_id}#{self.row.outage}#{self.row.owed}"
        return hashlib.sha256(text.encode()).hexdigest()[:ID_CHARACTERS]

    def document(self) -> dict[str, Any]:
        """Give what a webhook gets."""
        source = self.source or {}
        status = source.get("status", {})
        good, since_ms = status.get("lastGood"), self.row.since_ms or status.get("since", 0)
        return {
            "id": self.id, "event": self.row.owed, "rule": self.row.receiver.rpartition("/")[0],
            "sourceId": self.row.source_id, "name": source.get("name", ""), "tags": source.get("tags", []),
            "state": status.get("state", ""), "why": status.get("why", ""), "since": iso(since_ms),
            "lastGood": iso(good) if good else None,
        }  # fmt: skip


def body(alerts: Sequence[Alert], *, stack: str, dashboard: str, now_ms: int) -> bytes:
    """Write the body of a webhook."""
    document = {
        "type": "alerts", "stack": stack, "dashboard": dashboard, "at": iso(now_ms),
        "alerts": [alert.document() for alert in alerts],
    }  # fmt: skip
    return json.dumps(document, separators=(",", ":")).encode()


def signed(alerts: Sequence[Alert], sent: bytes, *, secret: bytes, now_ms: int) -> dict[str, str]:
    """Give the headers of a webhook."""
    message_id = hashlib.sha256("".join(alert.id for alert in alerts).encode()).hexdigest()[:ID_CHARACTERS]
    at_s = str(now_ms // SECOND_MS)
    code = hmac.new(secret, f"{message_id}.{at_s}.".encode() + sent, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": at_s,
        "webhook-signature": f"v1,{base64.b64encode(code).decode()}",
    }


def mail(alerts: Sequence[Alert], *, stack: str, dashboard: str) -> tuple[str, str]:
    """Write subject and text of an e-mail."""
    events = [alert.row.owed for alert in alerts]
    counted = ", ".join(f"{events.count(event)} {event}" for event in dict.fromkeys(events))
    lines = [_line(alert.document()) for alert in alerts]
    return f"{stack}: {counted}"[:SUBJECT_LENGTH_MAX], "\n".join([*lines, "", dashboard])


def _line(told: Mapping[str, Any]) -> str:
    """Write one line, whatever the source is called: a line break in its name could tell of others."""
    name, why = (" ".join(told[field].split()) for field in ("name", "why"))
    since = "" if told["event"] == Event.CERTIFICATE else f", trouble since {told['since']}"
    return f"{told['event']}  {name} ({told['sourceId']}){since}{f': {why}' if why else ''}"
