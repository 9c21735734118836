"""The configuration of the local stack, as Pulumi would read it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # ships no types; two calls do not need stubs

STACK = "local"
#: How a line of a deployment begins that whoever started it should see.
NOT_CREATED = "not created locally: "


def project(root: Path) -> str:
    """Read the project's name."""
    name: str = yaml.safe_load((root / "Pulumi.yaml").read_text())["name"]
    return name


def stack_config(root: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Read the stack's file, with values that are known only now; those keys without the project's name."""
    config: dict[str, Any] = yaml.safe_load((root / f"Pulumi.{STACK}.yaml").read_text())["config"]
    return config | {f"{project(root)}:{key}": value for key, value in overrides.items()}


def own(root: Path, config: Mapping[str, Any], key: str) -> Any:
    """Look a key of the project's own up."""
    return config[f"{project(root)}:{key}"]
