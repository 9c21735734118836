"""Writing how a source does to its row: on transitions and at the first failures, never by polling alone."""

import logging
from dataclasses import dataclass, replace

from contracts.source import State, Status
from contracts.table import sources
from monitor_fleet.commit import Dropped
from monitor_fleet.errors import Refused
from monitor_fleet.store import StoreVerbs
from monitor_fleet.watched import Health, Watched

log = logging.getLogger(__name__)

WHY_LENGTH_MAX = 512


@dataclass(frozen=True, kw_only=True)
class StatusWriter:
    """Writes what is to be known. The memory of a status moves only with its row, so what failed is tried again."""

    store: StoreVerbs
    table: str

    async def write(self, watched: Watched, health: Health, *, why: str = "") -> None:
        """Write a status; `Dropped` if the source is gone or somebody newer writes it now."""
        target = watched.target
        status = Status(
            state=health.state,
            why=why[:WHY_LENGTH_MAX],
            since=health.since_ms,
            failures=health.failures,
            lastGood=health.last_good_ms,
            epoch=watched.shard.epoch,
            certificateDays=health.certificate_days,
        )
        request = sources.set_status(self.table, target.id, status, incarnation=target.incarnation)
        try:
            await self.store.update(request)
        except Refused as refused:
            raise Dropped("its row is gone or a newer owner writes it") from refused
        if health != replace(watched.health, failures=health.failures, written_ms=health.written_ms):
            _log(watched, health, why)
            watched.status_owed = True  # one more failure of the same kind is for who counts, not for subscribers
        watched.health = health


def _log(watched: Watched, health: Health, why: str) -> None:
    before = watched.health
    extra = {"source": watched.target.id, "state": health.state.value, "was": before.state.value, "why": why}
    if health.state is before.state is State.HEALTHY:
        log.info("source_certificate", extra=extra | {"days": health.certificate_days})
    elif health.state is State.HEALTHY and before.state is not State.NEW:
        log.info("source_recovered", extra=extra | {"outage_ms": health.since_ms - before.since_ms})
    else:
        log.info("source_state", extra=extra)
