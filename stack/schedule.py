"""Functions that are called by the clock."""

from collections.abc import Mapping

import pulumi_aws as aws
from pulumi import ResourceOptions

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
    rule = aws.cloudwatch.EventRule(name, schedule_expression=f"rate({every})", opts=opts)
    permission = function.allow(f"{name}-may-call", rule.arn, service="events")
    aws.cloudwatch.EventTarget(
        f"{name}-target",
        rule=rule.name,
        arn=function.arn,
        input_transformer=event
        and aws.cloudwatch.EventTargetInputTransformerArgs(input_paths=event[0], input_template=event[1]),
        opts=ResourceOptions.merge(opts, ResourceOptions(depends_on=[permission])),
    )
