"""How many requests a second a route lets through: so that one client's loop does not use up what the account has."""

from pulumi_aws import apigatewayv2

#: An account's burst is half of its requests a second, in fast Regions and in slow ones (API Gateway, "Quotas").
ACCOUNT_BURST = 0.5
#: For a moment a route may take twice its share.
BURST = 2


def throttled(route_key: str, per_s: int, *, account_per_s: int) -> apigatewayv2.StageRouteSettingArgs:
    """Throttle one route, below what its account may have: no route's limit can exceed that (its "Throttling")."""
    return apigatewayv2.StageRouteSettingArgs(
        route_key=route_key,
        throttling_rate_limit=min(per_s, account_per_s),
        throttling_burst_limit=min(BURST * per_s, int(ACCOUNT_BURST * account_per_s)),
    )


def by_default(per_s: int) -> apigatewayv2.StageDefaultRouteSettingsArgs:
    """Throttle every other route: one that is new gets the least."""
    return apigatewayv2.StageDefaultRouteSettingsArgs(throttling_rate_limit=per_s, throttling_burst_limit=BURST * per_s)
