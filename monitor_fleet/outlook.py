"""
Whose fault it is: when most hosts that were well cease to answer within half a minute, the fault is on this side.

Then nothing is held against a source, for a while: a worker that lost its network must not call a thousand sources
failing. What failed before takes no part, so that a list of dead sources is no alarm.
"""

from collections import OrderedDict

from contracts.clock import SECOND_MS
from fetching.outcome import Failed, Reason

WINDOW_MS = 30 * SECOND_MS
#: Of fewer hosts nothing can be concluded.
HOSTS_MIN = 5
#: However sure: after this long people must hear that nothing comes in.
BLAME_MAX_MS = 300 * SECOND_MS
#: A host's good answers are noted no more often than this.
NOTE_EVERY_MS = 2 * SECOND_MS

#: What a network that is gone looks like.
_OURS = frozenset({Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.RESET})


class Outlook:
    """The hosts asked within the last half minute: which answered, and which have just ceased to."""

    def __init__(self) -> None:
        #: Host → when it was noted last and whether it was well, the longest unheard first.
        self._recent: OrderedDict[str, tuple[int, bool]] = OrderedDict()
        self._turned = 0
        self._blamed_ms: int | None = None

    def blames_us(self, now_ms: int) -> bool:
        """Say whether failures are taken for our own."""
        return self._blamed_ms is not None and now_ms - self._blamed_ms < BLAME_MAX_MS

    def tell(self) -> dict[str, int | bool]:
        """Say how many hosts take part, how many have just ceased to answer, and what is concluded."""
        return {"hosts": len(self._recent), "turned": self._turned, "blamesItself": self._blamed_ms is not None}

    def good(self, host: str, now_ms: int) -> None:
        """Note an answer."""
        noted = self._recent.get(host)
        if noted is not None and noted[1] and now_ms - noted[0] < NOTE_EVERY_MS:
            return
        self._note(host, now_ms, well=True)

    def failed(self, host: str, failed: Failed, now_ms: int, *, was_well: bool) -> bool:
        """Note that a host did not answer to a source that was well; True if the fault is taken to be ours."""
        if failed.reason not in _OURS or not was_well:
            return False
        self._note(host, now_ms, well=False)
        return self.blames_us(now_ms)

    def _note(self, host: str, now_ms: int, *, well: bool) -> None:
        self._drop(host)
        self._recent[host] = (now_ms, well)
        self._turned += not well
        self._prune(now_ms)
        most = self._turned * 2 > len(self._recent)
        if self._blamed_ms is None and most and len(self._recent) >= HOSTS_MIN:
            self._blamed_ms = now_ms
        elif self._blamed_ms is not None and not most:
            self._blamed_ms = None

    def _prune(self, now_ms: int) -> None:
        while self._recent:
            host, (noted_ms, _) = next(iter(self._recent.items()))
            if now_ms - noted_ms <= WINDOW_MS:
                return
            self._drop(host)

    def _drop(self, host: str) -> None:
        noted = self._recent.pop(host, None)
        self._turned -= noted is not None and not noted[1]
