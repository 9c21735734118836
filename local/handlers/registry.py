"""Which resource types the embedded AWS can hold, and which it cannot and why that is no loss."""

from collections.abc import Callable, Mapping
from typing import Any

from local.aws import Aws
from local.props import Props

#: From the logical name and the inputs to the id and the outputs.
type Handler = Callable[[Aws, str, Props], tuple[str, dict[str, Any]]]

HANDLERS: dict[str, Handler] = {}
#: Types that are not created, each with its reason; a deploy prints them.
SKIPPED: Mapping[str, str] = dict.fromkeys(
    ("aws:appautoscaling/target:Target", "aws:appautoscaling/policy:Policy"),
    "the embedded AWS has no application auto scaling, and counts no CPU: make scale",
)


def handles(typ: str) -> Callable[[Handler], Handler]:
    """Register the handler of one resource type."""

    def register(handler: Handler) -> Handler:
        HANDLERS[typ] = handler
        return handler

    return register
