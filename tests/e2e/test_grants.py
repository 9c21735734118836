"""
Each right is needed: with one action on one resource taken from a role, a use of that process is refused.

The embedded AWS enforces what roles may do; what it does not enforce is named here and held by `tests/stack`. Alerts
are deployed where a rule asks for them, and looked at in `test_alerts`. Nothing is restarted but workers: a policy is
read anew at every call.
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.table.sweeps import LATE
from local import scale as scaling
from tests.conftest import ROOT
from tests.e2e.grants_uses import USES
from tests.e2e.grants_world import LARGE, SMALL, Logs, Policy, Right, World, large
from tests.e2e.outside import Reader, is_alive, until_true
from ws.records import AGAIN_AFTER_S

SHEETS = "googleSheet"
#: A worker polls these sources each second, renews every two and reads the log each second.
REFUSED_WITHIN_S = 2.5
#: A fleet that starts anew claims its shards first.
RESTARTED_WITHIN_S = 60

#: What the embedded AWS lets anybody do, and the rule of tests/stack/test_rights.py that holds it instead.
NOT_SEEN = {
    "ecs:DescribeServices": "test_who_shows_the_fleet_may_ask_after_its_services",
    "logs:CreateLogStream": "test_every_function_may_write_its_log",
    "logs:PutLogEvents": "test_every_function_may_write_its_log",
    "secretsmanager:TagResource": "test_whoever_makes_a_secret_may_tag_it",
    "sqs:ReceiveMessage": "test_the_reader_of_the_queue_may_read_it",
    "sqs:DeleteMessage": "test_the_reader_of_the_queue_may_read_it",
    "sqs:GetQueueAttributes": "test_the_reader_of_the_queue_may_read_it",
    "s3:ListBucket": "test_whoever_reads_documents_is_told_of_a_missing_one",
}
#: What a function does only when another was quicker by a moment, which no call from outside brings about.
ONLY_IN_A_RACE = {"api-imports": {"dynamodb:DeleteItem", "secretsmanager:DeleteSecret"}}
#: How a refusal reads: AWS's own words, S3's, or what a use finds undone.
REFUSED = re.compile(r"AccessDenied|not authorized to perform|left behind|could not be cut|failed")

type Lasting = tuple[asyncio.Runner, World]


@pytest.fixture(scope="module")
def lasting(state: dict[str, Any]) -> Iterator[Lasting]:
    """Give one world to all tests of this file, and the loop that it lives in."""
    with asyncio.Runner() as runner:
        entered = World.of(state)
        world = runner.run(entered.__aenter__())
        try:
            yield runner, world
        finally:
            runner.run(entered.__aexit__(None, None, None))


def seen_rights(policy: Policy) -> list[Right]:
    """List the rights whose absence can show."""
    return [right for right in policy.rights if right.action not in NOT_SEEN]


def test_every_function_has_its_uses(lasting: Lasting):
    """A new endpoint brings its uses along, or its rights would go unchecked."""
    assert set(USES) == set(lasting[1].operator.functions)


def test_what_cannot_be_seen_here_is_held_by_a_rule(lasting: Lasting):
    """And no exception outlives the right that it was made for."""
    rules = (ROOT / "tests" / "stack" / "test_rights.py").read_text()
    operator = lasting[1].operator
    policies = [*map(operator.policy_of, USES), operator.policy_of_workers("external")]

    assert all(f"def {rule}(" in rules for rule in NOT_SEEN.values())
    assert set(NOT_SEEN) <= {right.action for policy in policies for right in policy.rights}


@pytest.mark.parametrize("function", USES)
def test_a_function_needs_each_of_its_rights(lasting: Lasting, function: str):
    """A right that nothing needs is one to take away; and a right that is missing is refused, not worked around."""
    runner, world = lasting
    policy = world.operator.policy_of(function)
    assert runner.run(trouble(function, world)) == "", f"{function} fails with all its rights"
    races = ONLY_IN_A_RACE.get(function, set())
    # Who cannot be posted to is cut: what the world's own connection is needed for comes before.
    rights = sorted(
        (right for right in seen_rights(policy) if right.action not in races),
        key=lambda right: "/POST/@connections" in right.resource,
    )
    said: Mapping[Right, str] = {}
    for right in rights:
        with policy.without(right):
            said = {**said, right: runner.run(trouble(function, world))}

    assert bool(rights) == bool(USES[function])
    assert [str(right) for right, text in said.items() if not text] == [], "nobody noticed that these were missing"
    assert {str(right): text for right, text in said.items() if not REFUSED.search(text)} == {}


async def trouble(function: str, world: World) -> str:
    """Use a function in every way until something fails, and tell what that said."""
    for use in USES[function]:
        said = await use(world)
        if said:
            return said
    return ""


def test_a_change_that_met_trouble_is_told_soon_after(lasting: Lasting):
    """Not when the queue's time-out ends, which is six times what an invocation may take."""
    runner, world = lasting
    policy = world.operator.policy_of("sockets-handler")
    heads = [one for one in policy.rights if one.action == "dynamodb:GetItem" and "SheetsData" in one.resource]

    row = {"connectionId": {"S": LATE}, "sheetId": {"S": f"{world.ids[SMALL]}#0"}}
    of_message = {"TableName": world.state["tables"]["Connections"], "Key": row}

    async def has_come_again() -> bool:
        """Find the row that a message leaves when it comes more than once."""
        return "Item" in await asyncio.to_thread(world.operator.dynamodb.get_item, **of_message)

    async def story() -> None:
        news = {"n": secrets.token_hex(4)}
        async with Reader.connected(world.state) as reader:
            await reader.follow(world.ids[SMALL])
            world.operator.dynamodb.delete_item(**of_message)
            with policy.without(*heads):
                world.feeds.set(SMALL, news)
                await until_true(has_come_again, 20)
            async with asyncio.timeout(sum(AGAIN_AFTER_S)):
                await reader.until_equal(world.ids[SMALL], news)

    assert len(heads) == 1
    runner.run(story())


@pytest.mark.parametrize("function", sorted(set(USES) - {"api-preview"}))
def test_no_other_function_can_read_a_key(lasting: Lasting, function: str):
    """Whoever finds a hole in one of them finds no key behind it; only workers and the preview read keys."""
    runner, world = lasting
    secret = {"SecretId": runner.run(world.secret_id())}

    with pytest.raises(ClientError, match="not authorized to perform: secretsmanager:GetSecretValue"):
        world.operator.assumed(function, "secretsmanager").get_secret_value(**secret)

    kept = world.operator.assumed("api-preview", "secretsmanager").get_secret_value(**secret)["SecretString"]
    assert "apiKey" in kept


def test_a_worker_needs_each_of_its_rights(
    lasting: Lasting, folder: Path, scale: Callable[[int], None], read_state: Callable[[], dict[str, Any]]
):
    """
    It says in its log what AWS refused, and goes on when the right is back.

    What a worker only does at its start, or for sources that were another's, shows once the fleet starts anew.
    """
    runner, world = lasting
    logs, policy = Logs(folder, "external"), world.operator.policy_of_workers("external")

    async def stop() -> None:
        pids = read_state()["pids"]["workers"]["external"]
        scale(0)
        await until_gone(pids)

    silent = [right for right in seen_rights(policy) if not runner.run(is_missed(world, logs, policy, right))]
    for right in list(silent):
        runner.run(stop())
        if runner.run(is_missed(world, logs, policy, right, start=lambda: scale(1))):
            silent.remove(right)

    world.feeds.set(SMALL, {"n": "back"})
    assert [str(right) for right in silent] == []
    assert runner.run(follows(world, {"n": "back"}))


def test_a_worker_of_sheets_needs_its_own_rights_too(
    lasting: Lasting, folder: Path, read_state: Callable[[], dict[str, Any]]
):
    """The quota is asked for before each read and summed up each minute, the accounts are read at the start."""
    runner, world = lasting
    logs, policy = Logs(folder, SHEETS), world.operator.policy_of_workers(SHEETS)
    common = {str(right) for right in world.operator.policy_of_workers("external").rights}
    own = {right.action: right for right in policy.rights if str(right) not in common}
    source_id = runner.run(world.api.register(world.state["sheet"]["url"], type=SHEETS, pollingInterval=10))
    world.made.append(source_id)

    assert set(own) == {"dynamodb:GetItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue"}
    for action in ("dynamodb:GetItem", "dynamodb:UpdateItem"):
        with policy.without(own[action]):
            runner.run(until_refused(logs, action))

    pids = read_state()["pids"]["workers"][SHEETS]
    try:
        scaling.scale(folder, kind=SHEETS, count=0)
        runner.run(until_gone(pids))
        with policy.without(own["secretsmanager:GetSecretValue"]):
            scaling.scale(folder, kind=SHEETS, count=1)
            runner.run(until_refused(logs, "secretsmanager:GetSecretValue"))
    finally:
        scaling.scale(folder, kind=SHEETS, count=1)
    runner.run(world.until_stored(source_id))


async def until_refused(logs: Logs, action: str) -> None:
    """Wait until a worker says what it may not."""

    async def is_told() -> bool:
        return f"not authorized to perform: {action} " in logs.news()

    logs.news()
    await until_true(is_told, RESTARTED_WITHIN_S)


async def until_gone(pids: Sequence[int]) -> None:
    """Wait for the end of workers: one that still hands over might do what the next must not."""

    async def are_gone() -> bool:
        return not any(map(is_alive, pids))

    await until_true(are_gone, RESTARTED_WITHIN_S)


async def is_missed(
    world: World, logs: Logs, policy: Policy, right: Right, *, start: Callable[[], None] | None = None
) -> bool:
    """Take a right away, give the workers something of everything to do, and wait for one to say what it may not."""
    refusal = f"not authorized to perform: {right.action} "

    async def is_told() -> bool:
        return refusal in logs.news()

    with policy.without(right):
        logs.news()
        if start:
            start()
        await stir(world)
        try:
            await until_true(is_told, RESTARTED_WITHIN_S if start else REFUSED_WITHIN_S)
        except TimeoutError:
            return False
    return True


async def stir(world: World) -> None:
    """Change both documents, and bring a new source with a key."""
    url = world.fresh_url()
    for name, document in ((SMALL, {"n": url}), (LARGE, large()), (url.rsplit("/", 1)[1], {"n": 0})):
        world.feeds.set(name, document)
    world.made.append(await world.api.register(url, apiKey="k"))


async def follows(world: World, document: Any) -> bool:
    """Tell whether a subscriber gets to this document."""
    async with Reader.connected(world.state) as reader:
        await reader.ask(action="subscribe", sourceId=world.ids[SMALL])
        await reader.until_equal(world.ids[SMALL], document, RESTARTED_WITHIN_S)
    return True
