"""The events of the WebSocket API: handshakes, goodbyes and what clients send."""

import json
from collections.abc import Mapping
from typing import Any

from ws import actions, connections
from ws.world import World

OK: dict[str, Any] = {"statusCode": 200}
REFUSED: dict[str, Any] = {"statusCode": 403}
FAILED: dict[str, Any] = {"statusCode": 500}

type Answer = tuple[dict[str, Any], dict[str, Any]]


def serve(world: World, event: Mapping[str, Any]) -> Answer:
    """Serve one event; gives the response and what to log."""
    asked = event["requestContext"]
    line = {"event": asked["routeKey"], "connection": asked["connectionId"]}
    match asked["routeKey"]:
        case "$connect":
            return _connect(world, asked, line)
        case "$disconnect":
            return _disconnect(world, asked["connectionId"], line)
        case "ping":
            return OK | {"body": json.dumps(actions.PONG)}, line
    wrong = actions.act(world, asked["connectionId"], event.get("body") or "")
    return OK, line | {"wrong": wrong}


def _connect(world: World, asked: Mapping[str, Any], line: dict[str, Any]) -> Answer:
    context = asked.get("authorizer") or {}
    if not context.get("principal"):
        # The route has an authorizer; should a deployment ever lose it, nobody gets in.
        return REFUSED, line | {"wrong": ["no principal"]}
    try:
        connections.connect(world, asked["connectionId"], context)
    except actions.OUR_TROUBLE as error:
        return FAILED, line | {"wrong": [str(error)]}
    return OK, line


def _disconnect(world: World, connection_id: str, line: dict[str, Any]) -> Answer:
    try:
        connections.depart(world, connection_id)
    except actions.OUR_TROUBLE as error:
        # AWS calls this at best once: what stays is found by the next post, or ends by its ttl.
        line["wrong"] = [str(error)]
    return OK, line
