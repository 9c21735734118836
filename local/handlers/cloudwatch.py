"""Alarms and the dashboard: records, since the embedded AWS measures nothing."""

from typing import Any

from local.aws import ACCOUNT, Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:cloudwatch/metricAlarm:MetricAlarm")
def metric_alarm(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create an alarm."""
    name = physical_name(logical, props)
    dimensions = [{"name": key, "value": value} for key, value in props["dimensions"].items()]
    renamed = {"alarmActions": props["alarmActions"], "okActions": props["okActions"]}
    aws.call("cloudwatch", "PutMetricAlarm", {**props, **renamed, "alarmName": name, "dimensions": dimensions})
    return name, {"arn": f"arn:aws:cloudwatch:{aws.region}:{ACCOUNT}:alarm:{name}"}


@handles("aws:cloudwatch/dashboard:Dashboard")
def dashboard(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create the dashboard."""
    aws.call("cloudwatch", "PutDashboard", props)
    return props["dashboardName"], {"dashboardArn": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{props['dashboardName']}"}
