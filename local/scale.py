"""Change the desired count of an ECS service, as an operator would in the cloud; the agent sees to the rest."""

from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import state
from local.aws import Aws
from local.children import marked
from local.cloud import Cloud
from local.state import Service

#: Processes of 60 MB each; a laptop has had enough before.
LAPTOP_WORKERS_MAX = 50


class NotRunningError(RuntimeError):
    """There is no stack to scale, or only a part of one; the text says which is missing."""


def scale(folder: Path, *, kind: str, count: int) -> None:
    """Set how many workers of a kind should run on this machine."""
    known = state.read(folder)
    if known is None:
        raise NotRunningError("no stack runs: make up, or name one in the cloud with STACK=…")
    if known.pids.agent not in marked(folder.resolve()):  # the mark, as its number may be somebody else's by now
        raise NotRunningError(f"the agent (process {known.pids.agent}) is dead: make down, then make up")
    if count > LAPTOP_WORKERS_MAX:
        raise NotRunningError(f"{count} workers: at most {LAPTOP_WORKERS_MAX} on one machine")
    ecs = Aws(endpoint=known.aws_endpoint, region=known.region, credentials=known.credentials).client("ecs")
    _set(ecs, known.services[kind], kind, count)


def scale_cloud(cloud: Cloud, *, kind: str, count: int) -> None:
    """Set how many workers of a kind should run in the cloud."""
    _set(cloud.client("ecs"), cloud.services[kind], kind, count)


def _set(ecs: Any, service: Service, kind: str, count: int) -> None:
    try:
        (found,) = ecs.describe_services(cluster=service.cluster, services=[service.service])["services"]
        ecs.update_service(cluster=service.cluster, service=service.service, desiredCount=count)
    except (BotoCoreError, ClientError, ValueError) as error:
        raise NotRunningError(f"ECS did not take the count: {error}") from error
    before = found["desiredCount"]
    print(f"{kind}: {count} wanted, {'as before' if count == before else f'{before} before'}", flush=True)
