"""The WebSocket API and its one Lambda, which also reads the queue."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import apigatewayv2, lambda_

from stack import grants
from stack.function import Function, FunctionArgs
from stack.package import Architecture
from stack.schedule import call_regularly
from stack.store import Store
from stack.throttle import by_default, throttled

STAGE = "live"
#: A bucket of 2,500 posts takes a few seconds; what is not done by then continues as a message of its own.
TIMEOUT_S = 15
#: More than half a vCPU, which posts some thousand times a second.
MEMORY_MB = 1_024
#: The most a FIFO queue hands out at once (AWS).
BATCH_MAX = 10
#: By route: so many requests a second of all clients together. Only the handshake can be authorized; what follows is on
#: the connection's own record. Whoever is refused comes again, ever later (`client/backoff.py`): after a cut 5,000
#: clients are back within some ten seconds. Of $disconnect none may be lost: its rows would stay until they expire.
ROUTES: Mapping[str, int] = {"$connect": 500, "$disconnect": 2_000, "$default": 1_000, "ping": 100}
LEAST_PER_S = min(ROUTES.values())


@dataclass(frozen=True, kw_only=True)
class SocketsArgs:
    """What the Lambda runs on, and who decides about handshakes."""

    store: Store
    code: pulumi.Archive
    architecture: Architecture
    authorizer: Function
    environment: Mapping[str, Input[str]]
    requests_per_second: int
    """The account's, for all its APIs and posts together."""
    fan_outs_at_once: int
    """How many batches of the queue are served at a time."""
    traced: bool = False


class Sockets(pulumi.ComponentResource):
    """Where subscribers connect."""

    url: Output[str]
    function_name: Output[str]

    def __init__(self, name: str, args: SocketsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Sockets", name, None, opts)
        self._name, self._args = name, args
        self._child = ResourceOptions(parent=self)
        self._api = apigatewayv2.Api(
            name,
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.action",
            opts=self._child,
        )
        function = self._function()
        self._read_queue(function)
        self._look_each_minute(function)
        routes = self._routes(function)
        apigatewayv2.Stage(
            f"{name}-stage",
            api_id=self._api.id,
            name=STAGE,
            auto_deploy=True,
            default_route_settings=by_default(LEAST_PER_S),
            route_settings=[
                throttled(key, per_s, account_per_s=args.requests_per_second) for key, per_s in ROUTES.items()
            ],
            opts=ResourceOptions(parent=self, depends_on=routes),
        )
        self.url = Output.concat(self._api.api_endpoint, "/", STAGE)
        self.function_name = function.name
        self.register_outputs({"url": self.url, "function_name": self.function_name})

    def _function(self) -> Function:
        stage_arn = Output.concat(self._api.execution_arn, "/", STAGE)
        function = Function(
            f"{self._name}-handler",
            FunctionArgs(
                handler="ws.handler.handler",
                code=self._args.code,
                architecture=self._args.architecture,
                grants=grants.serve_subscribers(self._args.store, stage_arn=stage_arn),
                environment={
                    **self._args.environment,
                    "CALLBACK_URL": self._callback_url(),
                    "REQUESTS_PER_SECOND": str(self._args.requests_per_second),
                },
                timeout_s=TIMEOUT_S,
                memory_mb=MEMORY_MB,
                traced=self._args.traced,
            ),
            self._child,
        )
        function.allow(f"{self._name}-may-call", Output.concat(self._api.execution_arn, "/*"))
        return function

    def _callback_url(self) -> Output[str]:
        """Derive where to post to connections from where they connect: ws → http, wss → https."""
        return self._api.api_endpoint.apply(lambda endpoint: f"http{endpoint.removeprefix('ws')}/{STAGE}")

    def _read_queue(self, function: Function) -> None:
        """Feed the queue to the function; it may queue more of its own work, which AWS would cut as a loop."""
        lambda_.EventSourceMapping(
            f"{self._name}-queue",
            event_source_arn=self._args.store.queue.arn,
            function_name=function.name,
            batch_size=BATCH_MAX,
            function_response_types=["ReportBatchItemFailures"],
            # Else a burst takes all that the account may run at once, the authorizer's and the APIs' with it. Reserved
            # concurrency would hold the connects of the same function back too, and young accounts refuse it.
            scaling_config={"maximum_concurrency": self._args.fan_outs_at_once},
            opts=self._child,
        )
        lambda_.FunctionRecursionConfig(
            f"{self._name}-recursion", function_name=function.name, recursive_loop="Allow", opts=self._child
        )

    def _look_each_minute(self, function: Function) -> None:
        """Call the function each minute, to cut the connections whose right has ended."""
        event = {"time": "$.time"}, '{"minute": <time>}'
        call_regularly(f"{self._name}-minute", function, every="1 minute", opts=self._child, event=event)

    def _routes(self, function: Function) -> list[pulumi.Resource]:
        integration = apigatewayv2.Integration(
            f"{self._name}-integration",
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=function.invoke_arn,
            opts=self._child,
        )
        target = Output.concat("integrations/", integration.id)
        return [made for key in ROUTES for made in self._route(key, target)]

    def _route(self, key: str, target: Output[str]) -> list[pulumi.Resource]:
        name = f"{self._name}-{key.removeprefix('$')}"
        answers, guarded = key == "ping", key == "$connect"
        route = apigatewayv2.Route(
            f"{name}-route",
            api_id=self._api.id,
            route_key=key,
            target=target,
            authorization_type="CUSTOM" if guarded else "NONE",
            authorizer_id=self._authorize().id if guarded else None,
            route_response_selection_expression="$default" if answers else None,
            opts=self._child,
        )
        if not answers:
            return [route]
        response = apigatewayv2.RouteResponse(
            f"{name}-response",
            api_id=self._api.id,
            route_id=route.id,
            route_response_key="$default",
            opts=self._child,
        )
        return [route, response]

    def _authorize(self) -> apigatewayv2.Authorizer:
        function = self._args.authorizer
        authorizer = apigatewayv2.Authorizer(
            f"{self._name}-authorizer",
            api_id=self._api.id,
            authorizer_type="REQUEST",
            authorizer_uri=function.invoke_arn,
            opts=self._child,
        )
        function.allow(
            f"{self._name}-may-authorize", Output.concat(self._api.execution_arn, "/authorizers/", authorizer.id)
        )
        return authorizer
