"""The minute's call: nobody stays connected longer than the right that let them in."""

from typing import Any

from contracts.clock import MINUTE_MS
from tests.ws.service import NOW_MS, Service
from ws import handler, minute

AN_HOUR_MS = 60 * MINUTE_MS


def connect(service: Service, name: str, expires_ms: int) -> None:
    """Let somebody in until then."""
    service.event("$connect", name, authorizer={"principal": name, "scopes": "read", "expiry": str(expires_ms)})


def sweep(service: Service, *, time_left_ms: int = 10_000) -> dict[str, Any]:
    """Call as EventBridge does, and give what is logged."""
    answer, line = handler.serve(service.world, {"minute": "2026-01-01T00:00:00Z"}, lambda: time_left_ms)
    assert answer == {}
    return line


def names(service: Service) -> set[str]:
    """Who is still written down."""
    return {connection for connection, row in service.connection_rows() if row == "#"}


def test_a_connection_whose_right_ended_is_cut_and_forgotten(service: Service):
    """The others stay, and no row of the cut one does."""
    connect(service, "ended", NOW_MS - 2 * MINUTE_MS)
    connect(service, "stays", NOW_MS + AN_HOUR_MS)

    assert sweep(service)["cut"] == 1
    assert names(service) == {"stays"}
    assert "ended" not in str(service.connection_rows())


def test_a_renewed_right_is_respected(service: Service):
    """The row under the old minute is only a hint; the connection's own row decides."""
    connect(service, "renewed", NOW_MS - 2 * MINUTE_MS)
    connect(service, "renewed", NOW_MS + AN_HOUR_MS)

    line = sweep(service)

    assert (line["cut"], line["renewed"]) == (0, 1)
    assert names(service) == {"renewed"}
    assert sweep(service)["renewed"] == 0


def test_long_ended_minutes_are_not_looked_at(service: Service):
    """They were, several times; what is still there ends by its ttl."""
    connect(service, "old", NOW_MS - (minute.MINUTES_BACK + 2) * MINUTE_MS)

    assert sweep(service)["cut"] == 0


def test_a_sweep_stops_before_its_invocation_does(service: Service):
    """What it did not reach the next minute will."""
    connect(service, "ended", NOW_MS - 2 * MINUTE_MS)

    assert sweep(service, time_left_ms=100)["unfinished"] is True
    assert names(service) == {"ended"}
    assert sweep(service)["cut"] == 1


def test_a_connection_that_cannot_be_cut_is_tried_again(service: Service):
    """Its rows stay, so the next minute finds it."""
    connect(service, "stuck", NOW_MS - 2 * MINUTE_MS)
    service.post.stuck.add("stuck")

    assert sweep(service)["stuck"] == 1
    assert names(service) == {"stuck"}
