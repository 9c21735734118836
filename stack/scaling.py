"""
Scaling by itself: off unless the configuration gives a most.

The fleet's size is the operator's; where it may scale, the configured count is its least, and CPU decides in between.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

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


class Scaling(pulumi.ComponentResource):
    """Holds one service's CPU near a target."""

    def __init__(self, name: str, args: ScalingArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Scaling", name, None, opts)
        child = ResourceOptions(parent=self)
        target = aws.appautoscaling.Target(
            name,
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=Output.concat("service/", args.cluster, "/", args.service),
            min_capacity=args.least,
            max_capacity=args.most,
            opts=child,
        )
        aws.appautoscaling.Policy(
            f"{name}-cpu",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=_track_cpu(),
            opts=child,
        )
        self.register_outputs({})


def _track_cpu() -> aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs:
    metric = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
        predefined_metric_type="ECSServiceAverageCPUUtilization"
    )
    return aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
        predefined_metric_specification=metric,
        target_value=CPU_PERCENT,
        scale_in_cooldown=SCALE_IN_PAUSE_S,
        scale_out_cooldown=SCALE_OUT_PAUSE_S,
    )
