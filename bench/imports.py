"""
What a Lambda's start costs before its first request: importing its handler and making its clients.

Against boto3 with the same clients, in one run. CPU time of fresh processes, the two taken in turns so that the
machine's moods hit both; the least of each counts, since the work is the same every time and moods only add. Bytecode
is compiled already for both, as it is in a Lambda's zip.

What most calls of a handler never need is imported by the first that does.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.claim import Claim, report

ROOT = Path(__file__).parent.parent
ROUNDS = 11
BAR = 1.3
#: Clients by the function of `api/door.py` that makes them.
SERVICES = {
    "dynamodb": "dynamodb",
    "s3": "s3",
    "secrets_manager": "secretsmanager",
    "sqs": "sqs",
    "ecs": "ecs",
    "sns": "sns",
}
#: Which imports its door later, and which is not of `api`.
KNOWN = {"api.preview": {"secretsmanager"}, "ws.handler": {"dynamodb", "s3", "sqs"}}
#: Who asks these services without boto3.
WITHOUT_BOTO3 = {"api.preview"}
#: What is no Lambda's entry has no `handler`.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true", "PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT),
}  # fmt: skip
TIMED = "import time; began = time.process_time(); {work}; print(time.process_time() - began)"


def main() -> None:
    """Measure every handler."""
    report([measured(handler) for handler in handlers()])


def handlers() -> list[str]:
    """Name the modules that Lambda enters."""
    files = sorted([*(ROOT / "api").glob("*.py"), ROOT / "ws" / "handler.py"])
    return [f"{path.parent.name}.{path.stem}" for path in files if "def handler(" in path.read_text()]


def measured(handler: str) -> Claim:
    """Compare one handler's start with boto3's."""
    services = sorted(clients_of(handler))
    make = "; ".join(f"boto3.client({service!r})" for service in services)
    base = f"import boto3; {make}" if make else "import boto3"
    alone = not make or handler in WITHOUT_BOTO3
    whole = f"import {handler}" if alone else f"import {handler}, boto3; {make}"
    for work in (base, whole):  # compiles what is not compiled yet
        cpu_s(work)
    rounds = [(cpu_s(whole), cpu_s(base)) for _ in range(ROUNDS)]
    ours_s, theirs_s = map(min, zip(*rounds, strict=True))
    how = f"real, CPU of fresh processes, least of {ROUNDS}; {ours_s * 1e3:.0f} ms against {theirs_s * 1e3:.0f} ms"
    told = (", ".join(services) or "no client") + (", which itself it does not use" if make and alone else "")
    return Claim(
        claim=f"start of {handler}, against boto3 with its clients ({told})",
        value=ours_s / theirs_s, unit="times the CPU", op="<=", bar=BAR, how=how,
    )  # fmt: skip


def clients_of(handler: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """Name the services that a handler asks, by what it and what it imports of `api` call of `api.door`."""
    if handler in KNOWN:
        return KNOWN[handler]
    path = ROOT / (handler.replace(".", "/") + ".py")
    tree = ast.parse(path.read_text())
    found = {SERVICES[name] for name in called_of_door(tree) if name in SERVICES}
    for module in imported(tree):
        if module not in seen and module.startswith("api.") and module != "api.door":
            found |= clients_of(module, seen | {module, handler})
    return found


def called_of_door(tree: ast.AST) -> set[str]:
    """Name what is called as `door.…()`."""
    return {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "door"
    }


def imported(tree: ast.AST) -> Sequence[str]:
    """Name the modules that a file imports by name."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "api":
            found += [f"api.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


def cpu_s(work: str) -> float:
    """Run some work in a fresh process, and give its CPU seconds."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED.format(work=work)],
        env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


if __name__ == "__main__":
    main()
