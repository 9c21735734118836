"""The agent keeps to what it last heard."""

from botocore.exceptions import EndpointConnectionError

from local.agent import Desired


class Ecs:
    """Answers with a count, or not at all."""

    def __init__(self) -> None:
        self.count: int | None = None

    def ask(self, _kind: str) -> int:
        """Give the count."""
        if self.count is None:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
        return self.count


def test_an_outage_stops_no_worker_and_is_told_once():
    """As on Fargate: tasks run on while the control plane is away. A second outage is news again."""
    ecs, said = Ecs(), list[str]()
    desired = Desired(kinds=("external",), ask=ecs.ask, say=said.append)
    heard = []
    for count in (None, 2, None, None, 3, None):
        ecs.count = count
        heard.append(dict(desired.look()))

    assert heard == [{}, *[{"external": 2}] * 3, *[{"external": 3}] * 2]
    assert len(said) == 3
    assert "the workers stay as they are" in said[0]
