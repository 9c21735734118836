"""
Send an API what its own description says callers may send, and what it says they may not, and hold it to its word.

`make soak` runs it for longer: `python -m tests.e2e.fuzz` starts a stack of its own, and each run has another seed.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.running import running_stack

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, negative_data_rejection,
]  # fmt: skip
#: An import answers 200 and names what is wrong with each item.
CHECKS_OF = {"imports": [check for check in CHECKS if check is not negative_data_rejection]}
#: A preview asks a source twice, for up to 16 s: it has its turn in the soak.
SLOW = frozenset({"preview"})
#: Fields that chance fills in well enough, and an address at which nobody answers.
PLAIN = frozenset(
    {
        *("name", "description", "pollingInterval", "tags", "enabled", "dataFormat", "keyColumn", "header"),
        *("tolerance", "ignore", "auth"),
    }
)
NOBODYS = "http://127.0.0.1:9/fuzz"
ITEMS_REAL_MAX = 3
TIMEOUT_S = 10
DOCUMENT_WITHIN_S = 20
LOOK_EVERY_S = 0.1
EXAMPLES_LONG = 100
ROOT = Path(__file__).parents[2]


@dataclass(kw_only=True)
class Told:
    """What the API was asked and said."""

    requests: int = 0
    statuses: dict[str, set[int]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def fuzz(url: str, token: str, source_id: str, *, examples: int, chance: int, slow: bool = False) -> Told:
    """Ask each operation so often, half of the time about a source that is there."""
    told = Told()
    described = requests.get(f"{url}/openapi.json", headers=_headers(token), timeout=TIMEOUT_S).json()
    del described["security"]  # the token is put on here, and missing ones have tests of their own
    schema = schemathesis.openapi.from_dict(described)
    seen = requests.get(f"{url}/datasources/{source_id}", headers=_headers(token), timeout=TIMEOUT_S).json()["url"]
    for found in schema.get_all_operations():
        operation: Any = cast("Any", found).ok()  # an operation that is described wrongly raises here
        verb = str(operation.definition.raw["operationId"])
        if slow or verb not in SLOW:
            _ask(
                operation, verb, told,
                url=url, token=token, source_id=source_id, seen=seen, examples=examples, chance=chance,
            )  # fmt: skip
    return told


def long(*, minutes: float, say: Callable[[str], None]) -> Told:
    """Fuzz a stack of our own with ever new seeds."""
    until_s = time.monotonic() + minutes * 60
    told = Told()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        with running_stack(ROOT, workers={"external": 1}, folder=folder, say=say):
            state = json.loads((folder / "state.json").read_text())
            url, token, feed = state["apiUrl"].rstrip("/"), state["token"], state["feeds"]["prices"]["url"]
            while time.monotonic() < until_s and not told.failures:
                chance = random.SystemRandom().getrandbits(32)
                say(f"seed {chance}")
                told = fuzz(url, token, _registered(url, token, feed), examples=EXAMPLES_LONG, chance=chance, slow=True)
                say(f"{told.requests} requests, statuses {told.statuses}")
    return told


def _registered(url: str, token: str, feed: str) -> str:
    """Register a feed of the stack, and wait for its document."""
    body: Any = {"name": "fuzzed", "url": feed, "pollingInterval": 1}
    answer = requests.post(f"{url}/datasources/register", json=body, headers=_headers(token), timeout=TIMEOUT_S)
    answer.raise_for_status()
    source_id = str(answer.json()["id"])
    data = f"{url}/datasources/{source_id}/data"
    until_s = time.monotonic() + DOCUMENT_WITHIN_S
    while (found := requests.get(data, headers=_headers(token), timeout=TIMEOUT_S)).status_code != requests.codes.ok:
        if time.monotonic() > until_s:
            found.raise_for_status()
        time.sleep(LOOK_EVERY_S)
    return source_id


def _ask(
    operation: Any, verb: str, told: Told, *,
    url: str, token: str, source_id: str, seen: str, examples: int, chance: int,
) -> None:  # fmt: skip
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))
    statuses = told.statuses.setdefault(verb, set())

    @seed(chance)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases, real=st.booleans())
    def ask(case: Any, real: bool) -> None:
        # Deleting takes what a registration made: the others are about the source that there is.
        about = (told.made or [""])[-1] if verb == "delete" else source_id
        if real and about:
            _make_real(case, verb, about, seen)
            _see(case, verb, url, token, source_id)
        response = case.call(base_url=url, headers=_headers(token))
        told.requests += 1
        statuses.add(response.status_code)
        told.made += _made(verb, response)
        case.validate_response(response, checks=CHECKS_OF.get(verb, CHECKS))

    try:
        ask()
    except FailureGroup as group:
        told.failures += [f"{verb}: {failure}"[:2_000] for failure in group.exceptions]


def _made(verb: str, response: Any) -> list[str]:
    """Name the sources that an answer says were made."""
    if verb == "register" and response.status_code == 201:
        return [response.json()["id"]]
    if verb == "imports" and response.status_code == 200 and not response.json()["dryRun"]:
        return [item["id"] for item in response.json()["items"] if item["outcome"] == "created"]
    return []


def _make_real(case: Any, verb: str, source_id: str, seen: str) -> None:
    """Let a case be about a source that is there, or make one of an address that chance does not find."""
    if "sourceId" in (case.path_parameters or {}):
        case.path_parameters["sourceId"] = source_id
    if verb == "preview" and isinstance(case.body, dict):
        case.body = {**{name: value for name, value in case.body.items() if name in PLAIN}, "url": seen}
    if verb == "register" and isinstance(case.body, dict):
        told = {name: value for name, value in case.body.items() if name in PLAIN}
        case.body = {"name": "fuzz", **told, "url": NOBODYS}
    if verb == "imports" and isinstance(case.body, dict) and isinstance(case.body.get("items"), list):
        some = [item for item in case.body["items"] if isinstance(item, dict)][:ITEMS_REAL_MAX]
        case.body["items"] = [
            {"name": f"fuzz {n}", **{k: v for k, v in item.items() if k in PLAIN - {"name"}}, "url": f"{NOBODYS}/{n}"}
            for n, item in enumerate(some)
        ]


def _see(case: Any, verb: str, url: str, token: str, source_id: str) -> None:
    """Let an update name the revision that there is, and change what may be changed."""
    if verb != "update":
        return
    seen = requests.get(f"{url}/datasources/{source_id}", headers=_headers(token), timeout=TIMEOUT_S)
    case.headers = {**(case.headers or {}), "If-Match": seen.headers["ETag"]}
    if isinstance(case.body, dict):
        case.body = {name: value for name, value in case.body.items() if name in PLAIN - {"pollingInterval", "enabled"}}


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    failures = long(minutes=parser.parse_args().minutes, say=print).failures
    sys.stdout.write("\n".join(failures or ["nothing found"]) + "\n")
    sys.exit(bool(failures))
