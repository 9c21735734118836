"""
Hosts in trouble: those that want to be left alone, and those at which source after source fails alike.

A host without trouble has no entry here. A circuit opens when several distinct sources of a host fail alike with no
answer between them: then one source at a time asks (the probe), ever less often, and what the others would have got is
known without asking. The first answer closes it, also one that only its own source has to mend.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.clock import SECOND_MS
from fetching.outcome import Failed, Reason
from monitor_fleet.backoff import growing_ms
from monitor_fleet.remedy import wants_fewer

OPENS_AT = 5
PROBE_FIRST_MS = 10 * SECOND_MS
PROBE_LONGEST_MS = 15 * 60 * SECOND_MS
#: A probe that was cut off (its shard was handed on) does not keep others from asking for longer than this.
PROBE_TAKES_MAX_MS = 60 * SECOND_MS
#: So many hosts in trouble are remembered; beyond, the one longest in trouble is forgotten, and found out again.
HOSTS_MAX = 10_000

_ALIKE: Mapping[Reason, str] = {
    Reason.DNS: "away",
    Reason.CONNECT: "away",
    Reason.TLS: "away",
    Reason.CERTIFICATE: "away",
    Reason.TIMEOUT: "away",
    Reason.RESET: "away",
    Reason.SERVER_ERROR: "broken",
    Reason.RATE_LIMITED: "busy",
}
#: Such failures are answers: the host is there, whatever is wrong with the one source.
_ANSWERED = frozenset(
    {
        Reason.UNAUTHORIZED,
        Reason.NOT_FOUND,
        Reason.STATUS,
        Reason.REDIRECT,
        Reason.TOO_LARGE,
        Reason.ENCODING,
        Reason.PARSE,
        Reason.SELECTOR,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Do not ask before `until_ms`. `known` is what asking would have given, or None if that is not known."""

    until_ms: int
    known: Failed | None


@dataclass(kw_only=True, slots=True)
class _Host:
    """What is known of one host."""

    quiet_until_ms: int = 0
    kind: str = ""
    failed: Failed | None = None
    sources: set[str] = field(default_factory=set)
    probes: int = 0
    probe_at_ms: int = 0
    probe: int | None = None

    @property
    def is_open(self) -> bool:
        return len(self.sources) >= OPENS_AT


class Circuits:
    """Says which hosts may be asked. `request` is what a source requests: those who share it share a probe."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._hosts: dict[str, _Host] = {}

    @property
    def open(self) -> int:
        """Say at how many hosts only probes ask."""
        return sum(host.is_open for host in self._hosts.values())

    def hold(self, name: str, request: int, now_ms: int) -> Hold | None:
        """Say whether a host is not to be asked now; None lets the request go, as the probe if there is to be one."""
        host = self._hosts.get(name)
        if host is None:
            return None
        if now_ms < host.quiet_until_ms:
            return Hold(until_ms=host.quiet_until_ms, known=None)
        if not host.is_open or host.probe == request:
            return None
        if now_ms < host.probe_at_ms:
            return Hold(until_ms=host.probe_at_ms, known=host.failed)
        host.probe, host.probe_at_ms = request, now_ms + PROBE_TAKES_MAX_MS
        return None

    def quiet_until_ms(self, name: str) -> int:
        """Say until when a host wants to be left alone; 0 if it never said so."""
        host = self._hosts.get(name)
        return host.quiet_until_ms if host else 0

    def good(self, name: str, now_ms: int) -> None:
        """Forget a host's trouble: it answers. That it wants to be left alone until then still holds."""
        host = self._hosts.pop(name, None)
        if host is not None and host.quiet_until_ms > now_ms:
            self._hosts[name] = _Host(quiet_until_ms=host.quiet_until_ms)

    def failed(self, name: str, source_id: str, request: int, failed: Failed, now_ms: int) -> None:
        """Note a failure: how long the host wants to be left alone, and whether others failed alike before."""
        kind = _ALIKE.get(failed.reason)
        if kind is None:
            if failed.reason in _ANSWERED:
                self.good(name, now_ms)
            return
        host = self._known(name)
        if wants_fewer(failed) and failed.retry_after_s:
            host.quiet_until_ms = max(host.quiet_until_ms, now_ms + int(failed.retry_after_s * SECOND_MS))
        if host.is_open:
            self._probed(host, request, failed, now_ms)
            return
        if host.kind != kind:
            host.kind, host.sources = kind, set()
        host.sources.add(source_id)
        host.failed = failed
        if host.is_open:
            self._wait(host, now_ms)

    def _probed(self, host: _Host, request: int, failed: Failed, now_ms: int) -> None:
        """Wait longer after a probe; what was under way when the circuit opened says nothing new."""
        if host.probe == request:
            host.failed = failed
            self._wait(host, now_ms)

    def _wait(self, host: _Host, now_ms: int) -> None:
        host.probe = None
        host.probes += 1
        host.probe_at_ms = now_ms + growing_ms(PROBE_FIRST_MS, host.probes, PROBE_LONGEST_MS, self._chance)

    def _known(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= HOSTS_MAX:
                del self._hosts[next(iter(self._hosts))]
            host = self._hosts[name] = _Host()
        return host
