"""What a bench says: a claim, the value it measured, and the bar it is held to."""

import argparse
import json
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HOLDS: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One measured number. `how` says real, virtual or recorded, and with what."""

    claim: str
    value: float
    unit: str
    op: str
    bar: float
    how: str

    @property
    def ok(self) -> bool:
        """Tell whether the value meets its bar."""
        return _HOLDS[self.op](self.value, self.bar)

    def plain(self) -> dict[str, Any]:
        """Give the row of the JSON file."""
        return {
            "claim": self.claim, "value": round(self.value, 4), "unit": self.unit,
            "bar": {"op": self.op, "value": self.bar}, "ok": self.ok, "how": self.how,
        }  # fmt: skip


def report(claims: Sequence[Claim], argv: Sequence[str] | None = None) -> None:
    """Print the claims, and write them to the file given as `--json FILE`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    target = parser.parse_args(argv).json
    for claim in claims:
        verdict = "meets" if claim.ok else "MISSES"
        print(f"{claim.claim}: {claim.value:.4g} {claim.unit} {verdict} {claim.op} {claim.bar:g} ({claim.how})")
    if target:
        target.write_text(json.dumps([claim.plain() for claim in claims], indent=2) + "\n")


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which a share of the values lie (nearest rank)."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
