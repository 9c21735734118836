"""A stack in the cloud as whoever scales it and reads its logs sees it: by its outputs, with the credentials here."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.reach import NotReachableError
from local.state import Service


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Clients by AWS's names for its services, and what `pulumi stack output --json` says."""

    client: Callable[[str], Any]
    services: Mapping[str, Service]
    """Kind of source → its service."""
    fleet_table: str

    @classmethod
    def of_outputs(cls, file: Path) -> Self:
        """Read a file of outputs; raises NotReachableError that says what is wrong with it."""
        try:
            said = json.loads(file.read_text())
            services = {kind: Service(**names) for kind, names in said["services"].items()}
            fleet_table = str(said["tables"]["Fleet"])
        except OSError as error:
            raise NotReachableError(f"{file} cannot be read: {error}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise NotReachableError(
                f"{file} names no services and tables: pulumi stack output --json > {file}"
            ) from error
        session: Any = boto3.session.Session(region_name=os.environ.get("AWS_REGION"))
        return cls(client=session.client, services=services, fleet_table=fleet_table)

    def running(self, kind: str) -> int:
        """Ask how many tasks of a kind run."""
        names = self.services[kind]
        found = self.client("ecs").describe_services(cluster=names.cluster, services=[names.service])["services"]
        if not found:
            raise NotReachableError(f"there is no service {names.service}: another region or account?")
        count: int = found[0]["runningCount"]
        return count

    def log_prefix(self) -> str:
        """Ask where the logs are: every function and worker of the stack writes below one name."""
        names = next(iter(self.services.values()))
        try:
            ecs = self.client("ecs")
            (found,) = ecs.describe_services(cluster=names.cluster, services=[names.service])["services"]
            task = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
        except (BotoCoreError, ClientError, ValueError) as error:
            raise NotReachableError(f"service {names.service} of cluster {names.cluster}: {error}") from error
        group: str = task["containerDefinitions"][0]["logConfiguration"]["options"]["awslogs-group"]
        return group.rpartition("/")[0] + "/"
