"""A worker's settings and its log lines."""

import json
import logging
import sys
from io import StringIO

import pytest

from monitor_fleet.log import JsonLines
from monitor_fleet.settings import SettingRefused, Settings

GOOD = {
    "KIND": "external", "TABLE_DATA_SOURCES": "a", "TABLE_SHEETS_DATA": "b", "TABLE_CHANGES": "c", "TABLE_FLEET": "d",
    "EXTERNAL_SHARDS": "1024", "SHEET_SHARDS": "256", "QUEUE_URL": "https://q", "DOCUMENTS_BUCKET": "e",
    "SECRETS_PREFIX": "f/", "STACK": "project-dev",
}  # fmt: skip


SHEETS = {"KIND": "googleSheet", "TABLE_BUDGET": "g", "GOOGLE_ACCOUNTS_SECRET": "h"}


def test_a_worker_is_told_all_it_needs():
    """The shards are those of its own kind; what is not said has a safe default."""
    settings = Settings.from_environ(GOOD)
    assert (settings.shards, settings.health_port, settings.policy.allow_private) == (1_024, 0, False)
    sheets = Settings.from_environ(GOOD | SHEETS | {"GATE_FORBIDDEN_PORTS": "80, 443"})
    assert (sheets.shards, sheets.policy.forbidden_ports) == (256, frozenset({80, 443}))


@pytest.mark.parametrize(
    ("image", "release"),
    [
        (f"1.dkr.ecr.eu-west-1.amazonaws.com/fleet@sha256:{'0123456789abcdef' * 4}", "0123456789ab"),
        (f"localhost:5000/fleet:v7@sha256:{'fedcba' * 10}", "fedcbafedcba"),
        ("localhost:5000/fleet:2026-11-28", "2026-11-28"),
        ("registry/sheet-monitor-fleet", "sheet-monitor-fleet"),
        ("", ""),
    ],
)
def test_a_release_is_told_by_what_tells_its_image_from_others(image: str, release: str):
    """People see it in `GET /fleet`; and to the newest of two all shards move."""
    assert Settings.from_environ(GOOD | {"RELEASE": image}).release == release


@pytest.mark.parametrize("name", sorted(GOOD.keys() - {"SHEET_SHARDS"}))
def test_a_missing_setting_is_named(name: str):
    """A start that fails says which variable to mend."""
    with pytest.raises(SettingRefused, match=f"^{name} "):
        Settings.from_environ({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize("name", ["TABLE_BUDGET", "GOOGLE_ACCOUNTS_SECRET", "SHEET_SHARDS"])
def test_workers_of_sheets_need_more(name: str):
    """The quota that all of them share, and who reads."""
    with pytest.raises(SettingRefused, match=f"^{name} "):
        Settings.from_environ({key: value for key, value in (GOOD | SHEETS).items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KIND", "other"), ("EXTERNAL_SHARDS", "0"), ("EXTERNAL_SHARDS", "many"), ("HEALTH_PORT", "70000"),
        ("GATE_ALLOW_PRIVATE", "yes"), ("GATE_FORBIDDEN_PORTS", "80;81"), ("HISTORY_DAYS", "-1"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(name: str, value: str):
    """And never quietly repaired."""
    with pytest.raises(SettingRefused, match=f"^{name} "):
        Settings.from_environ(GOOD | {name: value})


def test_a_log_line_is_one_json_object_with_its_fields():
    """Whoever searches logs searches by event and field."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    record = logging.makeLogRecord({"msg": "claimed", "levelname": "INFO", "name": "n", "created": 1.5, "shard": 7})
    handler.emit(record)
    assert json.loads(stream.getvalue()) == {
        "at": "1970-01-01T00:00:01.500Z", "level": "info", "event": "claimed", "logger": "n", "shard": 7,
    }  # fmt: skip
    assert sys.stdout is not stream
