"""Functions that are called by the clock."""

from collections.abc import Mapping

from pulumi import ResourceOptions
from pulumi_aws import cloudwatch

from stack.function import Function


def call_regularly(
    name: str,
    function: Function,
    *,
    every: str,
    event: tuple[Mapping[str, str], str] | None = None,
    opts: ResourceOptions | None = None,
) -> None:
    """
    Call a function by a rule, such as `every="1 minute"`.

    `event` gives the paths into the rule's own event and the template of what the function gets; None: that event.
    """
    rule = cloudwatch.EventRule(name, schedule_expression=f"rate({every})", opts=opts)
    permission = function.allow(f"{name}-may-call", rule.arn, service="events")
    cloudwatch.EventTarget(
        f"{name}-target",
        rule=rule.name,
        arn=function.arn,
        input_transformer=event
        and cloudwatch.EventTargetInputTransformerArgs(input_paths=event[0], input_template=event[1]),
        opts=ResourceOptions.merge(opts, ResourceOptions(depends_on=[permission])),
    )
