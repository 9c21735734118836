"""
Scaling by itself: off unless the configuration gives a most.

The fleet's size is the operator's; where it may scale, the configured count is its least, and CPU decides in between,
and how late polls start, if it is asked to. Of several policies the one that wants most tasks wins (AWS, "Target
tracking").
"""

from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import appautoscaling

from contracts.metrics import KIND, NAMESPACE, POLL_LAG_P99, STACK

Tracking = appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs

#: A worker is one event loop: beyond this its polls start late.
CPU_PERCENT = 60
#: A hand-off is cheap, but moving shards back and forth helps nobody.
SCALE_IN_PAUSE_S, SCALE_OUT_PAUSE_S = 300, 60


@dataclass(frozen=True, kw_only=True)
class ScalingArgs:
    """Which service, and its bounds."""

    cluster: Input[str]
    service: Input[str]
    least: int
    most: int
    kind: str
    """Of source, as the workers' metrics name it."""
    stack: str
    lag_ms: int
    """How late one in a hundred polls may start; 0: nobody looks."""


class Scaling(pulumi.ComponentResource):
    """Holds one service's CPU, and the lag of its polls, near a target."""

    def __init__(self, name: str, args: ScalingArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Scaling", name, None, opts)
        child = ResourceOptions(parent=self)
        target = appautoscaling.Target(
            name,
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=Output.concat("service/", args.cluster, "/", args.service),
            min_capacity=args.least,
            max_capacity=args.most,
            opts=child,
        )
        tracked = {"cpu": _track_cpu()} | ({"lag": _track_lag(args)} if args.lag_ms else {})
        for what, policy in tracked.items():
            appautoscaling.Policy(
                f"{name}-{what}",
                policy_type="TargetTrackingScaling",
                service_namespace=target.service_namespace,
                scalable_dimension=target.scalable_dimension,
                resource_id=target.resource_id,
                target_tracking_scaling_policy_configuration=policy,
                opts=child,
            )
        self.register_outputs({})


def _track_cpu() -> Tracking:
    metric = appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
        predefined_metric_type="ECSServiceAverageCPUUtilization"
    )
    return Tracking(
        predefined_metric_specification=metric,
        target_value=CPU_PERCENT,
        scale_in_cooldown=SCALE_IN_PAUSE_S,
        scale_out_cooldown=SCALE_OUT_PAUSE_S,
    )


def _track_lag(args: ScalingArgs) -> Tracking:
    """Scale out alone: that polls start in time does not say that there are too many workers; CPU does."""
    dimensions = {STACK: args.stack, KIND: args.kind}
    metric = appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationArgs(
        namespace=NAMESPACE,
        metric_name=POLL_LAG_P99.name,
        # Of the workers' minutes: one that is stuck is no reason to start more; the alarms tell of it.
        statistic="Average",
        dimensions=[
            appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationDimensionArgs(
                name=name, value=value
            )
            for name, value in dimensions.items()
        ],
    )
    return Tracking(
        customized_metric_specification=metric,
        target_value=args.lag_ms,
        disable_scale_in=True,
        scale_out_cooldown=SCALE_OUT_PAUSE_S,
    )
