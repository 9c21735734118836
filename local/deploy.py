"""
The stack program, run through Pulumi's own test runtime.

No engine, state or diff: it creates, once, on an emulator that is empty. `python -m local.deploy` reads a request
from stdin and writes the program's exports to stdout, both JSON: a process of its own, because the runtime keeps
its settings in globals and its event loop for itself.
"""

import asyncio
import contextlib
import json
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.stack import run_pulumi_func

from local.aws import Aws
from local.config import NOT_CREATED, STACK, project
from local.handlers import SKIPPED
from local.mocks import LocalMocks


def run_program(
    root: Path,
    mocks: pulumi.runtime.Mocks,
    config: Mapping[str, Any],
    monitor: pulumi.runtime.mocks.MockMonitor | None = None,
) -> dict[str, Any]:
    """Run `__main__.py` of the given folder as the local stack, and give its exports."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # before set_mocks, which ties the root resource to the current loop
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    pulumi.runtime.set_all_config(texts)
    pulumi.runtime.set_mocks(mocks, project=project(root), stack=STACK, preview=False, monitor=monitor)
    exports: dict[str, Any] = {}

    async def program() -> None:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")
        stack: Any = pulumi.runtime.get_root_resource()
        for name, value in stack.outputs.items():
            exports[name] = await pulumi.Output.from_input(value).future()

    try:
        loop.run_until_complete(run_pulumi_func(program))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return exports


def main() -> None:
    """Deploy what stdin asks for; whatever the program prints goes to stderr."""
    request = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        aws = Aws(endpoint=request["endpoint"], region=request["config"]["aws:region"])
        mocks = LocalMocks(aws)
        exports = run_program(Path(request["root"]), mocks, request["config"])
        for typ in sorted(mocks.skipped):
            print(f"{NOT_CREATED}{typ} ({SKIPPED[typ]})")
    json.dump(exports, sys.stdout)


if __name__ == "__main__":
    main()
