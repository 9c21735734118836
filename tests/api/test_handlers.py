"""The entries that Lambda calls: they start from the environment alone, and light."""

import json
import re
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

from stack.package import BUNDLES, Bundle
from tests.api.account import ENVIRON, RIGHT, Aws, event, prices
from tests.conftest import ROOT

VERBS = {
    "list": "GET /datasources",
    "get": "GET /datasources/{sourceId}",
    "data": "GET /datasources/{sourceId}/data",
    "register": "POST /datasources/register",
    "preview": "POST /datasources/preview",
    "update": "PUT /datasources/{sourceId}/update",
    "delete": "DELETE /datasources/{sourceId}/delete",
    "imports": "POST /datasources/import",
    "exports": "GET /datasources/export",
    "changes": "GET /datasources/{sourceId}/changes",
    "series": "GET /datasources/{sourceId}/series",
    "poll": "POST /datasources/{sourceId}/poll",
    "openapi": "GET /openapi.json",
    "tickets": "POST /tickets",
    "fleet": "GET /fleet",
}


@pytest.fixture(autouse=True)
def environ(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell the handlers where things are, as the stack does."""
    told = ENVIRON | {"QUEUE_URL": aws.queue_url, "DOCUMENTS_BUCKET": aws.bucket}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    for verb in VERBS:
        import_module(f"api.{verb}")._act.cache_clear()
    import_module("api.authorize")._find.cache_clear()


def call(verb: str, **request: Any) -> dict[str, Any]:
    """Call a handler as Lambda does."""
    answer: dict[str, Any] = import_module(f"api.{verb}").handler(event(VERBS[verb], right=RIGHT, **request), None)
    return answer


def test_the_handlers_work_together():
    """Register, see, delete: each from its own entry."""
    made = call("register", body=json.dumps(prices(apiKey="secret")))
    assert made["statusCode"] == 201
    source_id = json.loads(made["body"])["id"]
    assert [item["id"] for item in json.loads(call("list")["body"])["items"]] == [source_id]
    assert call("get", source_id=source_id)["statusCode"] == 200
    assert call("data", source_id=source_id)["statusCode"] == 404
    exported = json.loads(call("exports")["body"])
    assert json.loads(call("imports", body=json.dumps(exported))["body"])["unchanged"] == 1
    assert json.loads(call("changes", source_id=source_id)["body"])["items"] == []
    assert json.loads(call("series", source_id=source_id, query={"path": ""})["body"])["points"] == []
    assert call("poll", source_id=source_id)["statusCode"] == 202
    assert call("update", source_id=source_id, body="{}")["statusCode"] == 428
    assert json.loads(call("preview", body=json.dumps({"url": "http://a.invalid/"}))["body"])["reason"] == "dns"
    assert call("tickets")["statusCode"] == 201
    assert json.loads(call("openapi")["body"])["openapi"] == "3.1.0"
    assert set(json.loads(call("fleet")["body"])["kinds"]) == {"external", "googleSheet"}
    assert call("delete", source_id=source_id)["statusCode"] == 204
    assert call("get", source_id=source_id)["statusCode"] == 404


def test_the_authorizer_starts_from_the_environment_too():
    """And lets nobody in by default."""
    answer = import_module("api.authorize").handler({"version": "2.0", "routeKey": "GET /fleet"}, None)
    assert answer == {"isAuthorized": False, "context": {}}


def test_no_handler_starts_with_pydantic():
    """It doubles the imports of a Lambda; who validates does so by what it compiled (`api/models.py`)."""
    verbs = [*VERBS, "authorize"]
    look = (
        "import sys; from importlib import import_module\n"
        f"for verb in {verbs}: import_module(f'api.{{verb}}'); print(verb, 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{verb} False" for verb in verbs]


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_no_zip_holds_pydantic(bundle: Bundle):
    """What nobody imports need not be there; its compiled core is, in the version that compiled the models."""
    (core,) = re.findall(r"^pydantic-core==(\S+)", (ROOT / "locks" / "dev.txt").read_text(), re.MULTILINE)
    held = (ROOT / "locks" / bundle.lock).read_text()
    assert not re.search(r"^pydantic==", held, re.MULTILINE)
    assert f"\npydantic-core=={core} " in held
