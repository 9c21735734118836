"""
When the certificates of hosts end, as seen at each handshake: whoever is to renew one is told before all polls fail.

Polls over a kept connection see no certificate, so what the last handshake with a host showed is remembered.
"""

import math
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from contracts.clock import DAY_S

#: Hosts that are remembered, those with the oldest handshake given up first.
HOSTS_MAX = 16_384
#: A certificate is told of when so many days are left, and again at each further step: not every day.
STEPS_DAYS = (14, 7, 3, 1)


class Certificates:
    """Ends of certificates (seconds since the epoch), by `host:port`."""

    def __init__(self) -> None:
        self._ends_s: OrderedDict[str, float] = OrderedDict()

    def note(self, place: str, certificate: Mapping[str, Any]) -> None:
        """Remember when a certificate ends, as `getpeercert` tells it."""
        self._ends_s[place] = ssl.cert_time_to_seconds(certificate["notAfter"])
        self._ends_s.move_to_end(place)
        while len(self._ends_s) > HOSTS_MAX:
            self._ends_s.popitem(last=False)

    def days_left(self, place: str, now_s: float) -> int | None:
        """Say how many whole days a host's certificate is good for; None if none was seen."""
        ends_s = self._ends_s.get(place)
        return None if ends_s is None else max(0, math.floor((ends_s - now_s) / DAY_S))


def step_of(days_left: int | None) -> int | None:
    """Give the step within which a certificate ends; None where there is nothing to tell."""
    return None if days_left is None else min((step for step in STEPS_DAYS if days_left <= step), default=None)


def warning(place: str, days_left: int) -> str:
    """Say what is to be done, and how soon."""
    when = "within a day" if not days_left else f"in {days_left} day{'s' * (days_left > 1)}"
    return f"the certificate of {place} ends {when}: it has to be renewed, or every poll fails"
