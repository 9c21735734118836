"""
Where the state of a stack is: on the embedded AWS that `make up` runs, or in a cloud account.

Everything is read from the stack itself: the task definition of its workers names tables, queue, bucket, prefix of
secrets and shards, in the cloud as on a laptop. So nobody types a table's name, and nobody can mix two stacks up.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from contracts.kinds import SourceType
from contracts.table.schema import TableNames
from local import state
from local.aws import Aws
from local.task import Task

#: Any worker knows what all are told; this kind is always there.
TOLD_BY = "external"


class NotReachableError(RuntimeError):
    """There is no stack where one was named, or nobody may look at it."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Clients and names of one stack. `shards` says over how many a kind of source is spread."""

    dynamodb: Any
    s3: Any
    sqs: Any
    secrets: Any
    tables: TableNames
    queue_url: str
    bucket: str
    secrets_prefix: str
    shards: Mapping[SourceType, int]
    history_days: int

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """Reach the stack that runs on this machine."""
        known = state.read(folder)
        if known is None:
            raise NotReachableError("no stack runs: make up, or name one in the cloud with STACK=…")
        aws = Aws(endpoint=known.aws_endpoint, region=known.region, credentials=known.credentials)
        names = known.services[TOLD_BY]
        return cls._told(aws.client, cluster=names.cluster, service=names.service)

    @classmethod
    def of_outputs(cls, file: Path) -> Self:
        """Reach a stack in the cloud by what `pulumi stack output --json` says, with the credentials of this shell."""
        try:
            names = json.loads(file.read_text())["services"][TOLD_BY]
            cluster, service = names["cluster"], names["service"]
        except OSError as error:
            raise NotReachableError(f"{file} cannot be read: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise NotReachableError(
                f"{file} names no {TOLD_BY} service: pulumi stack output --json > {file}, once the stack has workers"
            ) from error
        session: Any = boto3.session.Session(
            region_name=os.environ.get("AWS_REGION")
        )  # Pulumi's; boto3 knows only the other
        return cls._told(session.client, cluster=cluster, service=service)

    @classmethod
    def _told(cls, client: Callable[[str], Any], *, cluster: str, service: str) -> Self:
        try:
            environ = _environment(client("ecs"), cluster=cluster, service=service)
            return cls(
                dynamodb=client("dynamodb"),
                s3=client("s3"),
                sqs=client("sqs"),
                secrets=client("secretsmanager"),
                tables=TableNames.from_environ(environ),
                queue_url=environ["QUEUE_URL"],
                bucket=environ["DOCUMENTS_BUCKET"],
                secrets_prefix=environ["SECRETS_PREFIX"],
                shards={
                    SourceType.EXTERNAL: int(environ["EXTERNAL_SHARDS"]),
                    SourceType.GOOGLE_SHEET: int(environ["SHEET_SHARDS"]),
                },
                history_days=int(environ["HISTORY_DAYS"]),
            )
        except (BotoCoreError, ClientError) as error:
            raise NotReachableError(f"service {service} of cluster {cluster}: {error}") from error

    def dead_letter_url(self) -> str:
        """Ask the queue where it puts what nobody could serve."""
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["RedrivePolicy"])
        arn: str = json.loads(answer["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"]
        url: str = self.sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        return url


def reach(folder: Path, outputs: str | None) -> Reach:
    """Reach the stack of a file of outputs, else the one that runs here."""
    return Reach.of_outputs(Path(outputs)) if outputs else Reach.of_folder(folder)


def _environment(ecs: Any, *, cluster: str, service: str) -> Mapping[str, str]:
    found = ecs.describe_services(cluster=cluster, services=[service])["services"]
    if not found:
        raise NotReachableError(f"there is no service {service} in cluster {cluster}: another region or account?")
    definition = ecs.describe_task_definition(taskDefinition=found[0]["taskDefinition"])["taskDefinition"]
    return Task.of(definition).environment
