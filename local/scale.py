"""Change the desired count of an ECS service, as an operator would in the cloud; the agent sees to the rest."""

from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local import state
from local.aws import Aws
from local.children import marked
from local.state import State


class NotRunningError(RuntimeError):
    """There is no stack to scale, or only a part of one; the text says which is missing."""


def scale(folder: Path, *, kind: str, count: int) -> None:
    """Set how many workers of a kind should run."""
    known = state.read(folder)
    if known is None:
        raise NotRunningError("no stack runs: make up")
    if known.pids.agent not in marked(folder.resolve()):  # the mark, as its number may be somebody else's by now
        raise NotRunningError(f"the agent (process {known.pids.agent}) is dead: make down, then make up")
    try:
        before = _set(known, kind, count)
    except (BotoCoreError, ClientError) as error:
        raise NotRunningError(f"the embedded AWS did not take the count: {error}") from error
    print(f"{kind}: {count} wanted, {'as before' if count == before else f'{before} before'}", flush=True)


def _set(known: State, kind: str, count: int) -> int:
    service = known.services[kind]
    ecs = Aws(endpoint=known.aws_endpoint, region=known.region, credentials=known.credentials).client("ecs")
    (found,) = ecs.describe_services(cluster=service.cluster, services=[service.service])["services"]
    ecs.update_service(cluster=service.cluster, service=service.service, desiredCount=count)
    before: int = found["desiredCount"]
    return before
