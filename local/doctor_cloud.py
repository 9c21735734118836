"""The doctor's questions to a real account and to the stack program's own settings."""

import asyncio
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pulumi
import yaml  # type: ignore[import-untyped]  # ships no types; one call does not need stubs

from contracts.access import new_token
from local import doctor_aws
from local.config import project
from local.doctor_finding import Finding
from local.doctor_probes import real
from local.running import COUNT_KEYS
from stack.reading import keys_given
from stack.settings import Settings, WrongSettingError

#: As in stack/settings.py, for a configuration that does not say.
COUNTS = {"externalCount": 2, "sheetCount": 0}
#: Stands for what only Pulumi can decrypt: a token, or whatever else is a text.
STAND_IN = new_token(random.Random(0))  # noqa: S311 - it lets nobody in


def cloud(root: Path, stack: str) -> Iterator[Finding]:
    """Look at the configuration of a stack and at the account of this shell."""
    file = root / f"Pulumi.{stack}.yaml"
    name = project(root)
    config = _config(file)
    session: Any = boto3.session.Session(
        region_name=os.environ.get("AWS_REGION")
    )  # Pulumi's; boto3 knows only the other
    why = refusal(name, config) if config is not None else None
    yield from doctor_aws.configuration(file, config, why, session.region_name)
    run = real(root).run
    yield doctor_aws.deployer(run(["pulumi", "version"]))
    if config is not None:
        yield from doctor_aws.builder(config, run(["docker", "buildx", "version"]))
    own = {key.removeprefix(f"{name}:"): value for key, value in (config or {}).items()}
    yield from doctor_aws.account(doctor_aws.look(session), wanted({} if why else own))


def wanted(own: Mapping[str, Any]) -> doctor_aws.Wanted:
    """Say what a configuration that is right asks of an account: a service that may scale will, some day."""
    first = {key: int(own.get(key, COUNTS[key])) for key in COUNT_KEYS.values()}
    return doctor_aws.Wanted(
        workers=sum(first.values()),
        most=sum(max(count, int(own.get(f"{key}Max", 0))) for key, count in first.items()),
        requests_per_s=int(own.get("requestsPerSecond", doctor_aws.REQUESTS_PER_S)),
        fan_outs_at_once=int(own.get("fanOutsAtOnce", doctor_aws.FAN_OUTS_AT_ONCE)),
        spot_percent=int(own.get("spotPercent", 0)),
        production=str(own.get("production", "")).lower() == "true",
    )


def refusal(name: str, config: Mapping[str, Any]) -> str | None:
    """Have the stack program itself read a configuration; give what it says against it."""
    readable = {key: STAND_IN if _is_encrypted(value) else value for key, value in config.items()}
    pulumi.runtime.set_all_config(doctor_aws.texts(readable))
    try:
        asyncio.run(_read(name))
    except (WrongSettingError, pulumi.ConfigTypeError, pulumi.ConfigMissingError) as error:
        return str(error)
    return None


async def _read(name: str) -> None:
    """Read the settings on a loop: Pulumi makes a future of each secret."""
    Settings.read(pulumi.Config(name), given=keys_given(name))


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"secure"}


def _config(file: Path) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = yaml.safe_load(file.read_text())["config"]
    except (OSError, KeyError, TypeError):
        return None
    return found
