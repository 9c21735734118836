"""Change the desired count of an ECS service, as an operator would in the cloud; the agent sees to the rest."""

from pathlib import Path

from local import state
from local.aws import Aws


class NotRunningError(RuntimeError):
    """There is no stack to scale."""


def scale(folder: Path, *, kind: str, count: int) -> None:
    """Set how many workers of a kind should run."""
    known = state.read(folder)
    if known is None:
        raise NotRunningError("no stack runs: make up")
    service = known.services[kind]
    aws = Aws(endpoint=known.aws_endpoint, region=known.region, credentials=known.credentials)
    aws.client("ecs").update_service(cluster=service.cluster, service=service.service, desiredCount=count)
    print(f"{kind}: {count} wanted")
