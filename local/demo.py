"""Register the demo sources as anybody would: over HTTP, with the token."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from local.state import State

#: A first call starts the Lambdas of the authorizer and of the endpoint.
TIMEOUT_S = 30
SOURCES: Mapping[str, Mapping[str, Any]] = {
    "prices": {"name": "Prices", "description": "A price list that ticks", "dataFormat": "json", "pollingInterval": 1},
    "weather": {"name": "Weather", "description": "An XML report", "dataFormat": "xml", "pollingInterval": 2},
}

SHEET: Mapping[str, Any] = {
    "name": "Stock of the shop",
    "description": "A spreadsheet to type into",
    "pollingInterval": 10,
    "keyColumn": "Item",
}


class RegistrationFailedError(RuntimeError):
    """The API refused a demo source; the text is its answer."""


def register_feeds(state: State) -> None:
    """Register both feeds, and the spreadsheet."""
    for name, fields in SOURCES.items():
        _register(state, {"type": "external", "url": state.feeds[name].url, **fields})
    _register(state, {"type": "googleSheet", "url": state.sheet.url, **SHEET})


def _register(state: State, source: Mapping[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{state.api_url}/datasources/register",
        data=json.dumps(source).encode(),
        headers={"Authorization": f"Bearer {state.token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 - our own loopback address
            return
    except urllib.error.HTTPError as refused:
        with refused:
            said = refused.read().decode(errors="replace")
        raise RegistrationFailedError(f"{source['name']}: {refused.code} {said}") from refused
