"""Alarms and the dashboard: records, since the embedded AWS measures nothing."""

from collections.abc import Mapping
from typing import Any

from local.aws import ACCOUNT, Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:cloudwatch/metricAlarm:MetricAlarm")
def metric_alarm(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create an alarm."""
    name = physical_name(logical, props)
    inputs = {key: value for key, value in props.items() if key not in {"dimensions", "metricQueries"}}
    if "dimensions" in props:
        inputs["dimensions"] = _pairs(props["dimensions"])
    if "metricQueries" in props:
        inputs["metrics"] = [_query(one) for one in props["metricQueries"]]
    aws.call("cloudwatch", "PutMetricAlarm", {**inputs, "alarmName": name})
    return name, {"arn": f"arn:aws:cloudwatch:{aws.region}:{ACCOUNT}:alarm:{name}"}


@handles("aws:cloudwatch/dashboard:Dashboard")
def dashboard(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create the dashboard."""
    aws.call("cloudwatch", "PutDashboard", props)
    return props["dashboardName"], {"dashboardArn": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{props['dashboardName']}"}


def _query(one: Mapping[str, Any]) -> dict[str, Any]:
    """Nest what is looked at as CloudWatch does."""
    if "metric" not in one:
        return dict(one)
    looked_at = one["metric"]
    metric = {name: looked_at[name] for name in ("namespace", "metricName")}
    return {
        "id": one["id"],
        "returnData": one["returnData"],
        "metricStat": {
            "metric": {**metric, "dimensions": _pairs(looked_at["dimensions"])},
            "stat": looked_at["stat"],
            "period": looked_at["period"],
        },
    }


def _pairs(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": key, "value": value} for key, value in dimensions.items()]
