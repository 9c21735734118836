"""
Secrets: each is there as long as some source uses it, and no longer.

Whoever is killed, at whatever call, and whoever comes between: afterwards `api.tidy` leaves exactly the secrets that
sources name.
"""

import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from api.delete import delete_source
from api.tidy import sweep
from api.update import update_source
from contracts.clock import SECOND_MS
from contracts.table.secrets import HOLD_MS
from tests.api.account import PREFIX, Answer, Aws, Caller, later, prices
from tests.api.breaking import Calls
from tests.api.stored import items

KEY = "k3y"
#: One registration, edit or deletion, given what breaks or overtakes it.
type Act = Callable[[Calls], Answer]
CALLS_MAX = 14


class Sharing:
    """Sources of one origin, and what people do with them."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.caller = aws, Caller(aws=aws)

    def register(self, calls: Calls | None = None, **fields: Any) -> Answer:
        """Register a source, with a key of its own unless the fields say otherwise."""
        given = fields if "apiKeySecretId" in fields else {"apiKey": KEY} | fields
        return self.caller.register(prices(**given), at=self._registrar(calls))

    def edit(self, source: dict[str, Any], calls: Calls | None = None, **fields: Any) -> Answer:
        """Edit a source as it is now; one that is gone as it was."""
        now = next((row for row in items(self.aws, self.aws.tables.data_sources) if row["id"] == source["id"]), source)
        headers = {"content-type": "application/json", "if-match": f'"{now["revision"]}"'}
        act = partial(update_source, at=self._registrar(calls))
        route = "PUT /datasources/{sourceId}/update"
        return self.caller.call(act, route, source_id=source["id"], headers=headers, body=json.dumps(fields))

    def delete(self, source: dict[str, Any], calls: Calls | None = None) -> Answer:
        """Delete a source."""
        clients = {"dynamodb": self.aws.dynamodb, "sqs": self.aws.sqs, "secrets": self.aws.secrets}
        remover = self.aws.remover(**{name: (calls or Calls()).client(one) for name, one in clients.items()})
        route = "DELETE /datasources/{sourceId}/delete"
        return self.caller.call(partial(delete_source, at=remover), route, source_id=source["id"])

    def tidy(self) -> None:
        """Come by with the broom once nobody is behind a hold any more."""
        later(self.aws, HOLD_MS / SECOND_MS + 1)
        sweep(self.aws.uses())

    def check(self) -> None:
        """Every source's secret is alive and counted, and there is no other."""
        named = [row.get("apiKeySecretId") for row in items(self.aws, self.aws.tables.data_sources)]
        counted = {row["sk"]: row["uses"] for row in items(self.aws, self.aws.tables.fleet) if row["pk"] == "secrets"}
        used = {name: named.count(name) for name in named if name}
        assert sorted(self.aws.secret_names()) == sorted(used)
        assert counted == used

    def _registrar(self, calls: Calls | None) -> Any:
        counting = calls or Calls()
        return self.aws.registrar(
            dynamodb=counting.client(self.aws.dynamodb), secrets=counting.client(self.aws.secrets)
        )


@pytest.fixture
def sharing(aws: Aws) -> Sharing:
    """Give an empty account."""
    return Sharing(aws)


def a_new_source(sharing: Sharing) -> Act:
    """Bring a key."""
    return sharing.register


def a_new_source_that_shares(sharing: Sharing) -> Act:
    """Use a key that is there."""
    secret_id = sharing.register().json["apiKeySecretId"]
    return lambda calls: sharing.register(calls, apiKeySecretId=secret_id)


def a_key_added_again(sharing: Sharing) -> Act:
    """Bring back what was taken away a moment ago."""
    source = sharing.register().json
    sharing.edit(source, apiKey=None)
    return lambda calls: sharing.edit(source, calls, apiKey=KEY)


def a_key_replaced(sharing: Sharing) -> Act:
    """Rotate."""
    source = sharing.register().json
    return lambda calls: sharing.edit(source, calls, apiKey="another")


def a_key_taken_away(sharing: Sharing) -> Act:
    """Poll without a key from now on."""
    source = sharing.register().json
    return lambda calls: sharing.edit(source, calls, apiKey=None)


def an_own_key_instead_of_a_shared_one(sharing: Sharing) -> Act:
    """Leave others' key to them."""
    secret_id = sharing.register().json["apiKeySecretId"]
    source = sharing.register(apiKeySecretId=secret_id).json
    return lambda calls: sharing.edit(source, calls, apiKey=KEY)


def a_shared_key_instead_of_an_own_one(sharing: Sharing) -> Act:
    """Pay for one secret less."""
    secret_id, source = sharing.register().json["apiKeySecretId"], sharing.register().json
    return lambda calls: sharing.edit(source, calls, apiKeySecretId=secret_id)


def the_owner_deleted(sharing: Sharing) -> Act:
    """Leave the key to who shares it."""
    source = sharing.register().json
    sharing.register(apiKeySecretId=source["apiKeySecretId"])
    return lambda calls: sharing.delete(source, calls)


def the_last_source_deleted(sharing: Sharing) -> Act:
    """Take the key along."""
    source = sharing.register().json
    return lambda calls: sharing.delete(source, calls)


ACTS = [
    a_new_source,
    a_new_source_that_shares,
    a_key_added_again,
    a_key_replaced,
    a_key_taken_away,
    an_own_key_instead_of_a_shared_one,
    a_shared_key_instead_of_an_own_one,
    the_owner_deleted,
    the_last_source_deleted,
]


@pytest.mark.parametrize("act", ACTS)
def test_whoever_is_left_alone_keeps_the_count(sharing: Sharing, act: Callable[[Sharing], Act]):
    """And AWS takes every request of it; tests below break them in memory, in hundreds of orders."""
    assert act(sharing)(Calls()).status in {200, 201, 204}
    sharing.check()
    sharing.tidy()
    sharing.check()


@pytest.mark.parametrize("lands", [False, True])
@pytest.mark.parametrize("act", ACTS)
def test_whoever_is_killed_at_whatever_call_leaves_no_orphan_and_no_source_without_its_key(
    swift: Aws, act: Callable[[Sharing], Act], lands: bool
):
    """From there on nothing of the process is heard any more, whether AWS saw that last call or not."""
    broken = 0
    for breaks_at in range(1, CALLS_MAX):
        sharing = Sharing(swift)
        calls = Calls(breaks_at=breaks_at, lands=lands, for_good=True)
        act(sharing)(calls)
        sharing.tidy()
        sharing.check()
        if calls.count < breaks_at:  # it was done before
            break
        broken += 1
    assert 3 <= broken < CALLS_MAX - 1


def current_key(aws: Aws, secret_id: str) -> str:
    """Read the key that workers get; moto gives the version that was put last unless it is asked for this one."""
    kept = aws.secrets.get_secret_value(SecretId=secret_id, VersionStage="AWSCURRENT")["SecretString"]
    return str(json.loads(kept)["apiKey"])


@pytest.mark.parametrize("lands", [False, True])
def test_a_key_is_read_once_its_edit_is_made_and_never_before(swift: Aws, lands: bool):
    """Killed at any call: a source is polled with the key of the edit that is shown, at the latest after a tidy."""
    ends = set()
    for breaks_at in range(1, CALLS_MAX):
        sharing = Sharing(swift)
        source = sharing.register().json
        calls = Calls(breaks_at=breaks_at, lands=lands, for_good=True)
        sharing.edit(source, calls, apiKey="another")
        made = any(
            row["id"] == source["id"] and row["revision"] == 2 for row in items(swift, swift.tables.data_sources)
        )
        at_once = current_key(swift, source["apiKeySecretId"])
        assert made or at_once == KEY
        sharing.tidy()
        sharing.check()
        assert current_key(swift, source["apiKeySecretId"]) == ("another" if made else KEY)
        ends.add((made, at_once))
        if calls.count < breaks_at:
            break
    assert ends == {(False, KEY), (True, KEY), (True, "another")}


def test_a_key_that_was_chosen_once_does_not_come_back_over_a_later_one(aws: Aws, sharing: Sharing):
    """Its edit was made by somebody who died; then the key was taken away, and another one brought."""
    source = sharing.register().json
    calls = Calls()
    sharing.edit(sharing.register().json, calls, apiKey="another")
    chosen_at = calls.names.index("transact_write_items") + 1
    sharing.edit(source, Calls(breaks_at=chosen_at, lands=True, for_good=True), apiKey="second")
    sharing.edit(source, apiKey=None)
    sharing.edit(source, apiKey="third")
    sharing.tidy()
    sharing.check()
    assert current_key(aws, source["apiKeySecretId"]) == "third"


def test_of_two_that_replace_a_key_the_later_edit_is_read(swift: Aws):
    """At each call of the slower one: what is shown last is what is sent."""
    for overtaken_at in range(1, CALLS_MAX):
        sharing = Sharing(swift)
        source = sharing.register().json
        calls = Calls(overtaken_at=overtaken_at, by=lambda: sharing.edit(source, apiKey="quick"))  # noqa: B023 - called before the next turn
        status = sharing.edit(source, calls, apiKey="slow").status
        sharing.tidy()
        sharing.check()
        if calls.count < overtaken_at:
            assert (status, current_key(swift, source["apiKeySecretId"])) == (200, "slow")
            break
        assert status in {200, 412}
        assert current_key(swift, source["apiKeySecretId"]) == "quick"


def joins(sharing: Sharing, secret_id: str) -> Act:
    """Have another source use the key."""
    return lambda calls: sharing.register(calls, apiKeySecretId=secret_id)


@pytest.mark.parametrize("act", [the_last_source_deleted, a_key_taken_away])
@pytest.mark.parametrize("joins_first", [False, True])
def test_of_a_last_source_that_goes_and_one_that_joins_each_finds_its_key_or_is_refused(
    swift: Aws, act: Callable[[Sharing], Act], joins_first: bool
):
    """At each call of either: the key is there for whoever got in, and gone if nobody did."""
    for overtaken_at in range(1, CALLS_MAX):
        sharing = Sharing(swift)
        goes = act(sharing)
        secret_id = max(
            row["sk"] for row in items(swift, swift.tables.fleet) if row["pk"] == "secrets" and row["uses"] == 1
        )
        slow, quick = (joins(sharing, secret_id), goes)[:: 1 if joins_first else -1]
        calls = Calls(overtaken_at=overtaken_at, by=partial(quick, Calls()))
        assert slow(calls).status in {200, 201, 204, 422}
        sharing.tidy()
        sharing.check()
        if calls.count < overtaken_at:
            break


@pytest.mark.parametrize("act", [a_key_added_again, a_key_taken_away, a_new_source])
def test_the_broom_disturbs_nobody_who_is_at_it(swift: Aws, act: Callable[[Sharing], Act]):
    """Whoever makes or deletes a secret holds it for longer than they can live."""
    for overtaken_at in range(1, CALLS_MAX):
        sharing = Sharing(swift)
        calls = Calls(overtaken_at=overtaken_at, by=partial(sweep, swift.uses()))
        assert act(sharing)(calls).status in {200, 201}
        sharing.check()
        if calls.count < overtaken_at:
            break


def test_a_refused_edit_leaves_the_key_as_it_was(aws: Aws, sharing: Sharing):
    """Somebody else was quicker: the answer says so, and the key they rely on is not replaced behind their back."""
    source = sharing.register().json
    calls = Calls(overtaken_at=5, by=lambda: sharing.edit(source, name="Quick"))
    stale = sharing.edit(source, calls, apiKey="mine")
    assert (stale.status, stale.json["current"]["name"]) == (412, "Quick")
    assert current_key(aws, PREFIX + source["id"]) == KEY


def test_a_name_that_others_use_is_not_taken_back(aws: Aws, sharing: Sharing):
    """The source that brought a key leaves it to others, then wants one again: theirs must stay what it is."""
    owner = sharing.register().json
    other = sharing.register(apiKeySecretId=owner["apiKeySecretId"]).json
    sharing.edit(owner, apiKey=None)
    again = sharing.edit(owner, apiKey="new").json
    assert again["apiKeySecretId"].startswith(f"{PREFIX}{owner['id']}-")
    assert other["apiKeySecretId"] == PREFIX + owner["id"]
    kept = aws.secrets.get_secret_value(SecretId=other["apiKeySecretId"])["SecretString"]
    assert json.loads(kept)["apiKey"] == KEY
    sharing.check()


def test_a_secret_that_its_last_source_leaves_cannot_be_joined_any_more(aws: Aws, sharing: Sharing):
    """It looks alive until it is deleted; the transaction knows better."""
    source = sharing.register().json
    secret_id = source["apiKeySecretId"]
    sharing.delete(source, Calls(breaks_at=6, for_good=True))
    assert aws.secret_names() == [secret_id]
    assert sharing.register(apiKeySecretId=secret_id).fields == {"apiKeySecretId"}


def test_any_order_of_acts_and_deaths_ends_tidy(swift: Aws):
    """Many people, some of them killed at some call, in random order."""
    edits: list[dict[str, Any]] = [{"apiKey": KEY}, {"apiKey": None}]
    for seed in range(6):
        chance, sharing = random.Random(seed), Sharing(swift)
        for _ in range(8):
            rows = items(swift, swift.tables.data_sources)
            keyed = [row["apiKeySecretId"] for row in rows if row.get("apiKeySecretId")]
            calls = Calls(breaks_at=chance.randrange(1, 20), lands=chance.random() < 0.5, for_good=True)
            sharing_with = {"apiKeySecretId": chance.choice(keyed)} if keyed else {"apiKey": KEY}
            match chance.randrange(5) if rows else 0:
                case 0:
                    sharing.register(calls, apiKey=KEY)
                case 1:
                    sharing.register(calls, **sharing_with)
                case 2:
                    sharing.edit(chance.choice(rows), calls, **chance.choice(edits))
                case 3:
                    sharing.edit(chance.choice(rows), calls, **sharing_with)
                case _:
                    sharing.delete(chance.choice(rows), calls)
        sharing.tidy()
        sharing.check()


def test_every_change_leaves_a_line_that_says_who_what_when_and_from_where(
    sharing: Sharing, capsys: pytest.CaptureFixture[str]
):
    """Behind CloudFront the address is CloudFront's; the caller's is the one before it. No line holds a key."""
    headers = {"content-type": "application/json", "x-forwarded-for": "made up, 203.0.113.9, 198.51.100.7"}
    source = sharing.caller.register(prices(apiKey=KEY), headers=headers).json
    sharing.edit(source, apiKey="another-k3y")
    sharing.delete(source)
    out = capsys.readouterr().out
    lines = [json.loads(line) for line in out.splitlines()]
    assert all(line["at"] and line["request"] and line["ms"] >= 0 for line in lines)
    assert {(line["principal"], line["from"], line["source"]) for line in lines} == {
        ("ada", "198.51.100.7", source["id"])
    }
    assert [line["status"] for line in lines] == [201, 200, 204]
    assert lines[0]["forwarded"].endswith("203.0.113.9, 198.51.100.7")
    assert KEY not in out
