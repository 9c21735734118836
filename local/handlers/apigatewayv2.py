"""HTTP and WebSocket APIs; their addresses in the form that needs no name resolution."""

from typing import Any

from local.aws import ACCOUNT, Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:apigatewayv2/api:Api")
def api(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create an API."""
    name = physical_name(logical, props)
    made = aws.call("apigatewayv2", "CreateApi", {**props, "name": name})["ApiId"]
    scheme = "ws" if props["protocolType"] == "WEBSOCKET" else "http"
    return made, {
        "name": name,
        "apiEndpoint": f"{scheme}://{aws.endpoint.removeprefix('http://')}/_aws/execute-api/{made}",
        "executionArn": f"arn:aws:execute-api:{aws.region}:{ACCOUNT}:{made}",
    }


@handles("aws:apigatewayv2/authorizer:Authorizer")
def authorizer(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create an authorizer; AWS takes an absent identity source for none, the emulator for a header."""
    name = physical_name(logical, props)
    inputs = {**props, "name": name, "identitySource": []}
    made = aws.call("apigatewayv2", "CreateAuthorizer", inputs)["AuthorizerId"]
    return made, {"name": name}


@handles("aws:apigatewayv2/integration:Integration")
def integration(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create an integration."""
    return aws.call("apigatewayv2", "CreateIntegration", props)["IntegrationId"], {}


@handles("aws:apigatewayv2/route:Route")
def route(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a route."""
    return aws.call("apigatewayv2", "CreateRoute", props)["RouteId"], {}


@handles("aws:apigatewayv2/routeResponse:RouteResponse")
def route_response(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Let a route answer on the connection."""
    return aws.call("apigatewayv2", "CreateRouteResponse", props)["RouteResponseId"], {}


@handles("aws:apigatewayv2/stage:Stage")
def stage(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a stage; the emulator keeps its throttles and does not apply them."""
    inputs = {key: value for key, value in props.items() if key not in {"name", "routeSettings"}}
    by_route = {
        one["routeKey"]: {key: value for key, value in one.items() if key != "routeKey"}
        for one in props.get("routeSettings", [])
    }
    aws.call("apigatewayv2", "CreateStage", {**inputs, "stageName": props["name"], "routeSettings": by_route})
    return props["name"], {}
