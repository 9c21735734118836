"""The entry: what it imports and what it says."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.ws.service import SOURCE, Service
from ws import handler

HEAVY = ("pydantic", "aiohttp", "pulumi", "uvloop")


def test_a_cold_start_imports_nothing_heavy():
    """Validation by pydantic alone would double the start; the ws Lambda validates a handful of flat frames by hand."""
    code = f"import ws.handler, sys; print([name for name in {HEAVY} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_an_invocation_logs_one_line_of_json(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A silent handler costs 50 ms on the embedded AWS; two lines cost money on the real one."""
    monkeypatch.setattr(handler, "world", lambda: service.world)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 14_000)
    event = {"requestContext": {"routeKey": "ping", "connectionId": "one"}, "body": '{"action": "ping"}'}

    response = handler.handler(event, context)

    line = json.loads(capsys.readouterr().out)
    assert response == {"statusCode": 200, "body": '{"type": "pong"}'}
    assert line["event"] == "ping"
    assert line["ms"] >= 0


def test_the_world_is_made_from_the_environment(service: Service, monkeypatch: pytest.MonkeyPatch):
    """The names that the stack hands to the Lambda."""
    for name in ("QUEUE_URL", "DEAD_LETTER_URL", "DOCUMENTS_BUCKET", "TABLE_CONNECTIONS"):
        monkeypatch.setenv(name, name.lower())
    monkeypatch.setenv("CALLBACK_URL", "http://127.0.0.1:1/live")
    handler.world.cache_clear()

    made = handler.world()
    handler.world.cache_clear()
    made.pool.shutdown()

    assert made.dead_letter_url == "dead_letter_url"
    assert made.tables.connections == "table_connections"
    assert service.world.dynamodb is not made.dynamodb


def test_a_batchs_line_names_the_changes_it_told_of(service: Service):
    """By source and version an operator follows one change from the worker's line to the frame."""
    service.register()
    service.consume(service.commit({"n": 1}))
    service.subscriber()
    message = service.commit({"n": 2})
    record = {"messageId": "m", "body": message.encode(), "attributes": {"MessageGroupId": "g"}}

    _, line = handler.serve(service.world, {"Records": [record]}, lambda: service.left_ms)

    assert line["news"] == [{"source": SOURCE, "version": 2, "told": 1}]
