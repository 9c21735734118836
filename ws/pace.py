"""
The two meanings of 429.

The gateway answers `LimitExceededException` both when the account sends too much and when "the WebSocket client side
buffer is full" (API Gateway Management API, PostToConnection), and does not say which. One that meets many connections
at once is about the account: everybody waits and fewer post at a time. One that meets the same connection again and
again, while others pass, is about that connection.
"""

from enum import Enum

#: How far back a share of refusals is looked at.
WINDOW_S = 0.25
#: From this share of refusals on, met by at least two connections, the account is meant.
ACCOUNT_SHARE = 0.05
CONNECTIONS_MIN = 2
#: Lanes that come back for each window without refusals, after they were halved.
LANES_BACK = 4


class Meant(Enum):
    """Whom a 429 is about."""

    ACCOUNT = "account"
    CLIENT = "client"


class Pace:
    """How many requests may be under way at once, and whom a refusal means. Times are seconds of any steady clock."""

    def __init__(self, lanes_max: int) -> None:
        self.lanes = self._lanes_max = lanes_max
        self._began = 0.0
        self._passed = 0.0
        self._refused = 0
        self._who: set[str] = set()
        self._halved = False

    def passed(self) -> None:
        """Count a post that went through."""
        self._passed += 1

    def refused(self, connection_id: str, now: float) -> Meant:
        """Count a 429 and say whom it means."""
        self.roll(now)
        self._refused += 1
        self._who.add(connection_id)
        if len(self._who) < CONNECTIONS_MIN or self._refused < ACCOUNT_SHARE * (self._passed + self._refused):
            return Meant.CLIENT
        if not self._halved:
            self._halved = True
            self.lanes = max(1, self.lanes // 2)
        return Meant.ACCOUNT

    def roll(self, now: float) -> None:
        """Forget what is older than the window; each one without a verdict gives some lanes back."""
        age = now - self._began
        if age < WINDOW_S:
            return
        if not self._halved:
            self.lanes = min(self._lanes_max, self.lanes + LANES_BACK * int(age / WINDOW_S))
        self._passed *= WINDOW_S / age
        self._refused, self._halved = 0, False
        self._who.clear()
        self._began = now
