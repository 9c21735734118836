"""A task definition as the agent needs it: what to start, as whom, and how long it may take to end."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

#: Fargate's own, where a container does not say.
STOP_TIMEOUT_S = 30


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one container of a task definition runs."""

    command: Sequence[str]
    environment: Mapping[str, str]
    role_arn: str
    stop_timeout_s: float

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Self:
        """Read an answer of DescribeTaskDefinition."""
        container = definition["containerDefinitions"][0]
        return cls(
            command=tuple(container["command"]),
            environment={pair["name"]: pair["value"] for pair in container["environment"]},
            role_arn=definition["taskRoleArn"],
            stop_timeout_s=container.get("stopTimeout", STOP_TIMEOUT_S),
        )

    def process_environment(
        self, base: Mapping[str, str], *, endpoint: str, credentials_url: str, credentials_token: str
    ) -> dict[str, str]:
        """Add what Fargate adds, with the emulator's address; `python` of the command is this interpreter."""
        return {
            **base,
            **self.environment,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{base['PATH']}",
            "HEALTH_PORT": "0",  # on Fargate each task has an address of its own, here they share one
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": credentials_url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": credentials_token,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
