"""Whatever happens on the way, every client ends with the source's document (`deliveries.py` says what happens)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.table import subscribers
from tests.ws.deliveries import run
from ws import news


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_every_client_ends_with_the_sources_document(seed: int):
    """With frames lost, doubled and swapped, Lambdas that die, connections that vanish, and new histories."""
    assert run(seed, 250) > 0


def _never_subscribes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribers, "put_subscriber", _elsewhere)


def _elsewhere(table: str, subscription: Any) -> dict[str, Any]:
    item = {"bucket": {"S": "elsewhere"}, "connectionId": {"S": subscription.connection_id}}
    return {"TableName": table, "Item": item}


def _cursor_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "_is_told", lambda cursor, _: bool(cursor.version))


@pytest.mark.parametrize("plant", [_never_subscribes, _cursor_ahead])
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch, plant: Any):
    """A search that finds nothing proves something only if it can find."""
    plant(monkeypatch)

    with pytest.raises(AssertionError):
        _search()


def _search() -> None:
    for seed in range(30):
        run(seed, 250)
