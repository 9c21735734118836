"""The mock engine in front of the embedded AWS: everything it cannot do faithfully stops the deploy."""

from typing import Any

import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs
from pulumi_aws import sqs

from local.aws import Aws, physical_name
from local.handlers import HANDLERS
from local.mocks import LocalMocks, UnsupportedError
from local.props import MISSING, Props

QUEUE = "aws:sqs/queue:Queue"


@pytest.fixture
def mocks(monkeypatch: pytest.MonkeyPatch) -> LocalMocks:
    """Give mocks that know one type, whose handler reads one input and returns one output."""
    assert sqs.Queue is not None  # loaded, as any program that declares one has

    def handler(_aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
        return logical, {"arn": f"arn:{props['fifoQueue']}"}

    monkeypatch.setitem(HANDLERS, QUEUE, handler)
    return LocalMocks(Aws(endpoint="http://127.0.0.1:1", region="eu-central-1"))


def resource(typ: str, inputs: dict[str, Any], *, custom: bool = True) -> MockResourceArgs:
    """Register a resource."""
    return MockResourceArgs(typ=typ, name="logical", inputs=inputs, custom=custom)


def test_outputs_that_a_handler_leaves_out_are_marked(mocks: LocalMocks):
    """Their first use fails by name; inputs and returned outputs are what they are."""
    made, state = mocks.new_resource(resource(QUEUE, {"fifoQueue": True}))

    assert (made, state["arn"], state["fifoQueue"]) == ("logical", "arn:True", True)
    assert state["url"].startswith(f"{MISSING} {QUEUE}.url")


def test_an_input_that_no_handler_reads_stops_the_deploy(mocks: LocalMocks):
    """The local stack must not be more forgiving than the cloud."""
    with pytest.raises(UnsupportedError, match="inputs without effect: delaySeconds"):
        mocks.new_resource(resource(QUEUE, {"fifoQueue": True, "delaySeconds": 5.0}))


def test_an_unknown_type_stops_the_deploy(mocks: LocalMocks):
    """A resource that is not there is found out at the first deploy, not at the first use."""
    with pytest.raises(UnsupportedError, match="aws:rds/instance:Instance logical: no local handler"):
        mocks.new_resource(resource("aws:rds/instance:Instance", {}))


def test_an_unknown_look_up_stops_the_deploy(mocks: LocalMocks):
    """An empty answer would become None somewhere inside of a name."""
    with pytest.raises(UnsupportedError, match="getAmi"):
        mocks.call(MockCallArgs(token="aws:ec2/getAmi:getAmi", args={}, provider=""))


def test_a_component_is_only_a_bracket(mocks: LocalMocks):
    """Its children are registered by themselves."""
    assert mocks.new_resource(resource("fleet:stack:Queue", {"a": 1}, custom=False)) == ("", {"a": 1})


def test_a_name_is_made_up_as_pulumi_does():
    """Logical name, dash, seven characters: nobody may come to rely on the logical name alone."""
    made = physical_name("changes", Props({}), suffix=".fifo")

    assert made.startswith("changes-")
    assert len(made) == len("changes-") + 7 + len(".fifo")
    assert made != physical_name("changed", Props({}), suffix=".fifo")


def test_a_chosen_name_is_kept():
    """Log groups and stages are found by name."""
    props = Props({"name": "/mine"})

    assert physical_name("logs", props) == "/mine"
    assert props.unread == []
