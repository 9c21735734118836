"""The compiled models: what a Lambda validates by is what `contracts.source` says."""

from typing import Any

import pydantic
from hypothesis import given
from hypothesis import strategies as st

from api import compiled, models, thin
from contracts import source
from tests.api.account import prices

THIN: Any = models  # to a type checker these are pydantic's own
SHEET = "https://docs.google.com/spreadsheets/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit"
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 90_000), st.floats(allow_nan=False), st.text(max_size=20),
    st.sampled_from(["json", "googleSheet", SHEET, "https://feeds.example.com/p", "http://127.1/", "/a/*", "a[", "~"]),
    st.lists(st.sampled_from(["/a", "a", "", 1, "Tab!A1"]), max_size=3),
    st.dictionaries(st.sampled_from(["scheme", "name", "X-A", "Host"]), st.sampled_from(["basic", "k", "a\nb", 1])),
)  # fmt: skip
DOCUMENTS = st.dictionaries(
    st.sampled_from([*models.SOURCE_FIELDS.values(), "apiKey", "apiKeySecretId", "polling_interval_s", "shard"]), VALUES
)


def test_the_file_is_what_the_models_compile_to():
    """`python -m api.compiled` writes it."""
    assert thin.FILE.read_text() == compiled.text()


@given(document=DOCUMENTS, fields=st.fixed_dictionaries({}, optional={"name": st.just("n"), "url": st.just(SHEET)}))
def test_both_accept_refuse_and_say_the_same(document: dict[str, Any], fields: dict[str, Any]):
    """Whatever is sent: the same values, or the same errors at the same places."""
    told = [_told(model, {**fields, **document}) for model in (THIN.Registration, source.Registration)]
    assert told[0] == told[1]


def test_a_source_is_read_and_written_as_by_the_model():
    """From the table and back, with a status and without."""
    item = {
        **prices(), "id": "external-00000001", "incarnation": "i", "shard": 3, "createdAt": "c", "lastUpdated": "u",
        "apiKeySecretId": "s", "status": {"state": "failing", "since": 5}, "attention": "failing",
    }  # fmt: skip
    assert THIN.Source.from_item(item).item() == source.Source.from_item(item).item()
    del item["status"]
    assert THIN.Source.from_item(item).item() == source.Source.from_item(item).item()
    assert THIN.Status(since=4).model_dump() == source.Status(since=4).model_dump()


def test_a_key_is_shown_by_nothing_but_its_name():
    """Neither by a dump nor by a text of it."""
    registration = THIN.Registration.model_validate(prices(apiKey="s3cret-key"))
    assert registration.api_key.get_secret_value() == "s3cret-key"
    assert "s3cret" not in f"{registration.model_dump(mode='json')} {registration.api_key!r} {registration.api_key}"


def _told(model: Any, document: dict[str, Any]) -> Any:
    try:
        made = model.model_validate(document, by_alias=True, by_name=False)
    except pydantic.ValidationError as refused:
        return [(error["loc"], error["type"], error["msg"]) for error in refused.errors()]
    key = made.api_key.get_secret_value() if made.api_key else None
    return made.model_dump(mode="json", by_alias=True), key
