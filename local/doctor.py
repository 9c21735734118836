"""
`python -m local.doctor [--aws [--stack NAME]]`: what is wrong with this machine, or with an AWS account.

Without `--aws` it needs no virtual environment and any Python from 3.10 on, since both may be what is wrong.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from local.doctor_finding import WARN, WRONG, Finding
from local.doctor_machine import machine
from local.doctor_probes import real

ROOT = Path(__file__).parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Look, say what was found, and give 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m local.doctor", description=__doc__)
    add_arguments(parser)
    asked = parser.parse_args(arguments)
    return doctor(ROOT, stack=asked.stack if asked.aws else None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the doctor takes."""
    parser.add_argument("--aws", action="store_true", help="look at the AWS account of this shell as well")
    parser.add_argument("--stack", default="dev", help="whose Pulumi.<stack>.yaml (dev)")


def doctor(root: Path, *, stack: str | None) -> int:
    """Look at the machine, and at AWS for a stack that is named."""
    return tell([*machine(real(root)), *(_cloud(root, stack) if stack else ())])


def tell(findings: Iterable[Finding]) -> int:
    """Print findings, and give the exit code."""
    levels = []
    for finding in findings:
        print(finding)
        levels.append(finding.level)
    print(f"{levels.count(WRONG)} wrong, {levels.count(WARN)} to know of")
    return int(WRONG in levels)


def _cloud(root: Path, stack: str) -> Iterator[Finding]:
    from local import doctor_cloud  # noqa: PLC0415 - needs what may not be installed; the machine's half does not

    return doctor_cloud.cloud(root, stack)


if __name__ == "__main__":
    sys.exit(main())
