"""The HTTP API: a Lambda per endpoint, an authorizer in front of them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import apigatewayv2

from stack import grants
from stack.fleet import Fleet
from stack.function import MEMORY_MB, TIMEOUT_S, Function, FunctionArgs
from stack.grants import Grant
from stack.package import Architecture
from stack.store import Store
from stack.throttle import by_default, throttled

#: An import of a hundred sources keeps a key for each, three calls a key (`api.imports` ends by itself before).
IMPORTS_TIMEOUT_S = 28
#: A preview asks a source twice: ten seconds and six at most, a pause, and twice reading what came.
PREVIEW_TIMEOUT_S = 28
#: Reading 10 MiB takes twenty times that; and a vCPU's share grows with it.
PREVIEW_MEMORY_MB = 1_024


@dataclass(frozen=True, kw_only=True)
class HttpApiArgs:
    """What the endpoints run on, and who decides about their callers."""

    store: Store
    code: pulumi.Archive
    preview_code: pulumi.Archive
    architecture: Architecture
    authorizer: Function
    fleet: Fleet
    environment: Mapping[str, Input[str]]
    """The rules for sources, which registering must know."""
    requests_per_second: int
    """The account's, for all its APIs and posts together."""
    cors_origins: Sequence[str] = ()
    traced: bool = False


#: What every client gets together; beyond it API Gateway answers 429. A burst may be twice a second's worth.
READS_PER_S = 500
#: Every edit moves one counter of the fleet's: more at once would only wait for each other.
WRITES_PER_S = 20
#: Each preview is a request of ours to somebody.
PREVIEWS_PER_S = 5
#: AWS takes no more new WebSocket connections a second.
TICKETS_PER_S = 500
#: What a page of another origin may send, and see of an answer.
CORS_SENT = ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match")
CORS_SEEN = ("etag", "location", "retry-after", "x-hash", "x-incarnation", "x-request-id", "x-version")
CORS_AGE_S = 600


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One route, the file of `api/` that answers it and what that may do."""

    route: str
    verb: str
    may: Sequence[Grant]
    fetches: bool = False
    """Whether it asks sources itself: that takes its own zip, time and memory."""
    timeout_s: int = TIMEOUT_S

    @property
    def handler(self) -> str:
        """Name the entry: a file's entry is always `handler`."""
        return f"api.{self.verb}.handler"

    @property
    def per_s(self) -> int:
        """Say how many requests a second are let through."""
        if self.fetches:
            return PREVIEWS_PER_S
        if self.verb == "tickets":
            return TICKETS_PER_S
        return READS_PER_S if self.route.startswith("GET ") else WRITES_PER_S


def endpoints(store: Store, fleet: Fleet) -> list[Endpoint]:
    """List what the API answers."""
    # AWS asks for the right on each service, the embedded AWS on their cluster.
    arns = [*fleet.service_arns, fleet.cluster_arn] if fleet.service_arns else []
    seen = grants.see_fleet(store, services=fleet.services, arns=arns)
    return [
        Endpoint(route="GET /datasources", verb="list", may=grants.list_sources(store)),
        Endpoint(route="GET /datasources/{sourceId}", verb="get", may=grants.get_source(store)),
        Endpoint(route="GET /datasources/{sourceId}/data", verb="data", may=grants.get_data(store)),
        Endpoint(route="POST /datasources/register", verb="register", may=grants.register_source(store)),
        Endpoint(
            route="POST /datasources/preview",
            verb="preview",
            may=grants.preview_source(store),
            fetches=True,
            timeout_s=PREVIEW_TIMEOUT_S,
        ),
        Endpoint(route="PUT /datasources/{sourceId}/update", verb="update", may=grants.update_source(store)),
        Endpoint(route="DELETE /datasources/{sourceId}/delete", verb="delete", may=grants.delete_source(store)),
        Endpoint(
            route="POST /datasources/import",
            verb="imports",
            may=grants.import_sources(store),
            timeout_s=IMPORTS_TIMEOUT_S,
        ),
        Endpoint(route="GET /datasources/export", verb="exports", may=grants.export_sources(store)),
        Endpoint(route="GET /datasources/{sourceId}/changes", verb="changes", may=grants.see_history(store)),
        Endpoint(route="GET /datasources/{sourceId}/series", verb="series", may=grants.see_history(store)),
        Endpoint(route="POST /datasources/{sourceId}/poll", verb="poll", may=grants.poll_now(store)),
        Endpoint(route="POST /tickets", verb="tickets", may=grants.issue_tickets(store)),
        Endpoint(route="GET /openapi.json", verb="openapi", may=[]),
        Endpoint(route="GET /fleet", verb="fleet", may=seen),
    ]


class HttpApi(pulumi.ComponentResource):
    """The API that manages sources."""

    url: Output[str]
    api_id: Output[str]

    def __init__(self, name: str, args: HttpApiArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:HttpApi", name, None, opts)
        self._name, self._args = name, args
        self._child = ResourceOptions(parent=self)
        self._api = apigatewayv2.Api(
            name, protocol_type="HTTP", cors_configuration=_cors(args.cors_origins), opts=self._child
        )
        self._authorizer = self._authorize()
        answered = endpoints(args.store, args.fleet)
        routes = [self._route(endpoint) for endpoint in answered]
        apigatewayv2.Stage(
            f"{name}-stage",
            api_id=self._api.id,
            name="$default",
            auto_deploy=True,
            default_route_settings=by_default(WRITES_PER_S),
            route_settings=[
                throttled(endpoint.route, endpoint.per_s, account_per_s=args.requests_per_second)
                for endpoint in answered
            ],
            opts=ResourceOptions(parent=self, depends_on=routes),
        )
        self.url, self.api_id = self._api.api_endpoint, self._api.id
        self.register_outputs({"url": self.url, "api_id": self.api_id})

    def _authorize(self) -> apigatewayv2.Authorizer:
        """Ask the authorizer each time: no identity source (a header or a ticket will do), so nothing to cache by."""
        function = self._args.authorizer
        authorizer = apigatewayv2.Authorizer(
            f"{self._name}-authorizer",
            api_id=self._api.id,
            authorizer_type="REQUEST",
            authorizer_uri=function.invoke_arn,
            authorizer_payload_format_version="2.0",
            enable_simple_responses=True,
            authorizer_result_ttl_in_seconds=0,
            opts=self._child,
        )
        function.allow(
            f"{self._name}-may-authorize", Output.concat(self._api.execution_arn, "/authorizers/", authorizer.id)
        )
        return authorizer

    def _route(self, endpoint: Endpoint) -> apigatewayv2.Route:
        name = f"{self._name}-{endpoint.verb}"
        function = Function(
            name,
            FunctionArgs(
                handler=endpoint.handler,
                code=self._args.preview_code if endpoint.fetches else self._args.code,
                architecture=self._args.architecture,
                grants=endpoint.may,
                environment=self._args.environment,
                traced=self._args.traced,
                timeout_s=endpoint.timeout_s,
                memory_mb=PREVIEW_MEMORY_MB if endpoint.fetches else MEMORY_MB,
            ),
            self._child,
        )
        function.allow(f"{name}-may-call", Output.concat(self._api.execution_arn, "/*"))
        integration = apigatewayv2.Integration(
            f"{name}-integration",
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=function.invoke_arn,
            payload_format_version="2.0",
            opts=self._child,
        )
        return apigatewayv2.Route(
            f"{name}-route",
            api_id=self._api.id,
            route_key=endpoint.route,
            authorization_type="CUSTOM",
            authorizer_id=self._authorizer.id,
            target=Output.concat("integrations/", integration.id),
            opts=self._child,
        )


def _cors(origins: Sequence[str]) -> apigatewayv2.ApiCorsConfigurationArgs | None:
    """Let pages of these origins call; without one there is no CORS. No credentials: tokens travel in a header."""
    if not origins:
        return None
    return apigatewayv2.ApiCorsConfigurationArgs(
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=list(CORS_SENT),
        expose_headers=list(CORS_SEEN),
        max_age=CORS_AGE_S,
    )
