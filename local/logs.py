"""Print what workers and Lambdas said, merged by time: the one place to look when something is odd."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from contracts.clock import iso
from local import state
from local.aws import Aws
from local.cloud import Cloud
from local.config import STACK, project
from local.log_lines import LambdaGroups, Line, WorkerFiles, readable
from local.running import COUNT_KEYS

LINES_MAX = 200
#: What is printed of one look while following; more than that nobody reads.
NEW_LINES_MAX = 5_000


class NoLogsError(RuntimeError):
    """There is nothing to print, or nobody to ask for it."""


class Source(Protocol):
    """Names, and the lines of some of them that are new."""

    def names(self) -> list[str]:
        """List the names."""

    def new(self, names: Collection[str]) -> Iterable[Line]:
        """Give the new lines."""


def logs(sources: Sequence[Source], *, name: str | None, pause: Callable[[], None] | None) -> None:
    """
    Print the last lines of everybody, or of those whose name begins with `name`.

    With a `pause` it goes on with what comes, for as long as that returns.
    """
    try:
        _print_new(sources, name, lines_max=LINES_MAX)
        while pause:
            pause()
            _print_new(sources, name, lines_max=NEW_LINES_MAX)
    except (BotoCoreError, ClientError) as error:
        raise NoLogsError(f"AWS does not give the logs: {error}") from error


def here(root: Path, folder: Path) -> list[Source]:
    """Find the logs of this machine's stack. Those of its workers outlive it: without a stack there are only these."""
    files = WorkerFiles(folder=folder / "logs", kinds=tuple(COUNT_KEYS))
    known = state.read(folder)
    if known is None:
        return [files]
    aws = Aws(endpoint=known.aws_endpoint, region=known.region, credentials=known.credentials)
    return [files, LambdaGroups(client=aws.client("logs"), prefix=f"/{project(root)}-{STACK}/")]


def in_cloud(cloud: Cloud) -> list[Source]:
    """Find the logs of a stack in the cloud: workers and Lambdas alike write to its log groups."""
    return [LambdaGroups(client=cloud.client("logs"), prefix=cloud.log_prefix())]


def _print_new(sources: Iterable[Source], name: str | None, *, lines_max: int) -> None:
    found = [(source, source.names()) for source in sources]
    known = [one for _, names in found for one in names]
    if not any(_is_meant(one, name) for one in known):
        raise NoLogsError(f"no log of {name or 'anybody'}; there is: {', '.join(known) or 'none'}")
    lines = [line for source, names in found for line in source.new([one for one in names if _is_meant(one, name)])]
    for line in sorted(lines, key=lambda line: line.at_ms)[-lines_max:]:
        print(f"{iso(line.at_ms)} {line.name} | {readable(line.text)}", flush=True)


def _is_meant(one: str, name: str | None) -> bool:
    return one.startswith(name or "")
