"""What the program declares, as tests read it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parent.parent.parent
#: Some seconds; a machine where everything else is tested at once takes longer.
TIMEOUT_S = 300


def run() -> str:
    """Run each variant, in a process of its own: Pulumi leaves an event loop behind in every thread it uses."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.stack.record"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    return done.stdout


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource of the program."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    """The URN of the component it belongs to."""
    ignored: list[str]
    protected: bool
    retained: bool = False
    """Whether AWS keeps it when the program lets go of it."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """Everything the program declared, and what it exports."""

    resources: list[Declared]
    exports: Mapping[str, Any]

    @classmethod
    def read_all(cls, text: str) -> dict[str, Self]:
        """Read what `run` gave, by variant."""
        return {
            variant: cls(resources=[Declared(**one) for one in body["resources"]], exports=body["exports"])
            for variant, body in json.loads(text).items()
        }

    def of(self, kind: str) -> list[Declared]:
        """Find every resource whose type ends so, such as `Queue`."""
        return [one for one in self.resources if one.type.endswith(f":{kind}")]

    def named(self, name: str) -> Declared:
        """Find the one custom resource of a logical name."""
        (found,) = [one for one in self.resources if one.name == name]
        return found

    def statements(self) -> list[tuple[str, dict[str, Any]]]:
        """List every statement of every policy, with the policy's name."""
        return [
            (policy.name, statement)
            for policy in self.of("RolePolicy")
            for statement in json.loads(policy.inputs["policy"])["Statement"]
        ]

    def may(self, function: str) -> dict[str, set[str]]:
        """Say what a function's role allows: resource → actions."""
        rights: dict[str, set[str]] = {}
        for name, statement in self.statements():
            for resource in statement["Resource"] if name == f"{function}-policy" else ():
                rights.setdefault(resource, set()).update(statement["Action"])
        return rights
