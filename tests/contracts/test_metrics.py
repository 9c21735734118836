"""Metrics as CloudWatch reads them off a log line."""

import json
from typing import Any

import pytest

from contracts import metrics
from contracts.metrics import COMMITS, FAN_OUT_LAG, KIND, POLLS, STACK, Metric, embed

DIMENSIONS = {STACK: "fleet-dev", KIND: "external"}


def test_a_line_becomes_metrics():
    """Every name in the directive is a member of the line itself, or CloudWatch drops it; other members stay."""
    line = {"event": "metrics", **embed({POLLS: 12, FAN_OUT_LAG: [3.5, 40]}, dimensions=DIMENSIONS, at_ms=1_795_000)}

    assert json.loads(json.dumps(line, allow_nan=False)) == {
        "event": "metrics",
        "_aws": {
            "Timestamp": 1_795_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "SheetMonitorFleet",
                    "Dimensions": [["Stack", "Kind"]],
                    "Metrics": [{"Name": "Polls", "Unit": "Count"}, {"Name": "FanOutLag", "Unit": "Milliseconds"}],
                }
            ],
        },
        "Stack": "fleet-dev",
        "Kind": "external",
        "Polls": 12,
        "FanOutLag": [3.5, 40],
    }


@pytest.mark.parametrize(
    ("values", "dimensions", "named"),
    [
        ({}, DIMENSIONS, "1 to 100 metrics"),
        ({Metric(name=f"M{n}"): 1 for n in range(101)}, DIMENSIONS, "1 to 100 metrics"),
        ({POLLS: []}, DIMENSIONS, "Polls has 1 to 100 values"),
        ({FAN_OUT_LAG: [1.0] * 101}, DIMENSIONS, "FanOutLag has 1 to 100 values"),
        ({COMMITS: float("nan")}, DIMENSIONS, "Commits is not a number"),
        ({COMMITS: [1, float("inf")]}, DIMENSIONS, "Commits is not a number"),
        ({COMMITS: 1}, {STACK: ""}, "Stack cannot be ''"),
        ({COMMITS: 1}, {STACK: " "}, "Stack cannot be"),
        ({COMMITS: 1}, {STACK: "é"}, "Stack cannot be"),
        ({COMMITS: 1}, {STACK: "s" * 1_025}, "Stack cannot be"),
    ],
)
def test_what_aws_would_drop_in_silence_is_refused(values: Any, dimensions: Any, named: str):
    """A metric that never arrives is an alarm that never rings."""
    with pytest.raises(ValueError, match=named):
        embed(values, dimensions=dimensions, at_ms=0)


def test_names_are_ours_once():
    """Two metrics of one name would be added up."""
    names = [one.name for one in vars(metrics).values() if isinstance(one, Metric)]

    assert len(names) == len(set(names))
    assert all(name.isalnum() for name in names)
