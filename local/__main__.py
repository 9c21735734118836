"""
`python -m local up | down`.

And, for what runs here or is named by `--stack FILE` (what `pulumi stack output --json` says; `make` names it):
`scale --count N [--kind external|googleSheet] | logs [--follow] [NAME]`,
`backup [--file FILE] [--at TIME] | restore --file FILE [--replace] | redrive [--list] [--force]`,
`token [--new NAME [--scopes read,write] [--days N] | --end ID]`; `doctor [--aws]`.
"""

import argparse
import contextlib
import random
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from contracts.access import READ
from contracts.clock import SECOND_MS
from contracts.kinds import SourceType
from local import doctor, tokens
from local.backup import BackupFailed, backup, default_file, say_counts
from local.backup_file import Backup, BackupRefused
from local.cloud import Cloud
from local.demo import RegistrationFailedError
from local.down import StillRunningError, down
from local.emulator import EmulatorFailedError
from local.hold import AlreadyRunningError
from local.launch import StartFailedError
from local.logs import NoLogsError, here, in_cloud, logs
from local.past import as_of
from local.reach import NotReachableError, reach
from local.redrive import redrive, show
from local.restore import RestoreFailed, restore
from local.running import COUNT_KEYS
from local.scale import NotRunningError, scale, scale_cloud
from local.scaled import LOOK_AT_CLOUD_EVERY_S, LOOK_EVERY_S, follow, looking, looking_at_cloud
from local.tokens import TokenRefused
from local.up import PartEndedError, up
from stack.package import PackagingFailedError
from stack.settings import COUNT_MAX

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".local"
FOLLOW_EVERY_S = 1
#: What an operator can do something about; anything else is a fault of ours and keeps its traceback.
EXPECTED = (
    AlreadyRunningError,
    BackupFailed,
    BackupRefused,
    EmulatorFailedError,
    NoLogsError,
    NotReachableError,
    NotRunningError,
    PackagingFailedError,
    PartEndedError,
    RegistrationFailedError,
    RestoreFailed,
    StartFailedError,
    StillRunningError,
    TokenRefused,
)


def main() -> None:
    """Do what the command line says."""
    arguments = _parser().parse_args()
    try:
        match arguments.command:
            case "up":
                up(ROOT, FOLDER)
            case "down":
                down(FOLDER)
            case "scale":
                _scale(arguments)
            case "logs":
                _logs(arguments)
            case "backup" | "restore" | "redrive" | "token":
                _CARE[arguments.command](arguments)
            case "doctor":
                sys.exit(doctor.doctor(ROOT, stack=arguments.stack if arguments.aws else None))
    except EXPECTED as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole stack on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything; Ctrl-C stops it")
    commands.add_parser("down", help="stop what runs, or clean up after what was killed")
    scaling = commands.add_parser("scale", help="set how many workers run")
    scaling.add_argument("--count", type=_count, required=True, help=f"0 to {COUNT_MAX}")
    scaling.add_argument("--kind", choices=sorted(COUNT_KEYS), default="external")
    logging = commands.add_parser("logs", help="print the last lines of workers and Lambdas, merged by time")
    logging.add_argument("name", nargs="?", help="only those whose name begins so: external-1, api, sockets-handler")
    logging.add_argument("--follow", action="store_true", help="go on with what comes; Ctrl-C ends it")
    for one in (scaling, logging):
        _add_stack(one)
    _add_care(commands)
    return parser


def _add_care(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    saving = commands.add_parser("backup", help="write sources, documents and history into a file; no keys")
    saving.add_argument("--file", type=Path, help="backup-<time>.jsonl.gz if not given")
    saving.add_argument("--at", type=_moment, metavar="TIME", help="as it was then: 2026-11-27T12:00:00Z")
    restoring = commands.add_parser("restore", help="put the sources of a file back, under new incarnations")
    restoring.add_argument("--file", type=Path, required=True)
    restoring.add_argument("--replace", action="store_true", help="also those that are there")
    driving = commands.add_parser("redrive", help="move dead letters back to the queue")
    driving.add_argument("--list", action="store_true", help="only say what lies there")
    driving.add_argument("--force", action="store_true", help="also what is no message of ours")
    granting = commands.add_parser("token", help="list API tokens, make one, end one")
    wanted = granting.add_mutually_exclusive_group()
    wanted.add_argument("--new", metavar="NAME", help="make one, and print it this once")
    wanted.add_argument("--end", metavar="ID", help="shut it out, and cut the connections of its name")
    granting.add_argument("--scopes", default=READ, help="read, write or both; write may read too")
    granting.add_argument("--days", type=int, default=tokens.DAYS_DEFAULT, help="0: until it is ended")
    for parser in (saving, restoring, driving, granting):
        _add_stack(parser)
    doctor.add_arguments(commands.add_parser("doctor", help="say what is wrong with this machine or AWS account"))


def _add_stack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", metavar="FILE", help="a stack in the cloud: pulumi stack output --json > FILE")


def _scale(arguments: argparse.Namespace) -> None:
    began_s, kind, every_s = time.monotonic(), SourceType(arguments.kind), LOOK_EVERY_S
    if arguments.stack:
        cloud, every_s = Cloud.of_outputs(Path(arguments.stack)), LOOK_AT_CLOUD_EVERY_S
        look = looking_at_cloud(cloud, kind=kind, now_ms=_now_ms)
        scale_cloud(cloud, kind=kind, count=arguments.count)
    else:
        look = looking(FOLDER, kind=kind, now_ms=_now_ms)
        scale(FOLDER, kind=kind, count=arguments.count)
    with contextlib.suppress(KeyboardInterrupt):  # the count is set, nobody has to watch
        follow(
            look, count=arguments.count, elapsed_s=lambda: time.monotonic() - began_s, pause=time.sleep, every_s=every_s
        )


def _logs(arguments: argparse.Namespace) -> None:
    pause = (lambda: time.sleep(FOLLOW_EVERY_S)) if arguments.follow else None
    sources = in_cloud(Cloud.of_outputs(Path(arguments.stack))) if arguments.stack else here(ROOT, FOLDER)
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        logs(sources, name=arguments.name, pause=pause)


def _backup(arguments: argparse.Namespace) -> None:
    stack, file = reach(FOLDER, arguments.stack), arguments.file or default_file()
    if arguments.at is None:
        backup(stack, file, now_ms=_now_ms())
        return
    with as_of(stack, arguments.at) as then:
        backup(then, file, now_ms=int(arguments.at.timestamp() * SECOND_MS))


def _restore(arguments: argparse.Namespace) -> None:
    stack, saved = reach(FOLDER, arguments.stack), Backup.open(arguments.file)
    print(f"{arguments.file}, taken {saved.taken_at}: {say_counts(saved.counts)}")
    done = restore(
        stack,
        saved,
        replaces=arguments.replace,
        now_ms=_now_ms,
        chance=random.SystemRandom(),
        pause=time.sleep,
    )
    print(", ".join(f"{count} {what}" for what, count in done.items()) or "nothing to do")


def _redrive(arguments: argparse.Namespace) -> None:
    stack = reach(FOLDER, arguments.stack)
    if arguments.list:
        show(stack)
    else:
        redrive(stack, force=arguments.force, chance=random.SystemRandom())


def _token(arguments: argparse.Namespace) -> None:
    known, now_ms = tokens.tokens(FOLDER, arguments.stack), _now_ms()
    if arguments.new:
        chance = random.SystemRandom()
        tokens.make(known, arguments.new, scopes=arguments.scopes, days=arguments.days, now_ms=now_ms, chance=chance)
    elif arguments.end:
        tokens.end(known, arguments.end, now_ms=now_ms)
    else:
        tokens.show(known, now_ms=now_ms)


_CARE: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "backup": _backup,
    "restore": _restore,
    "redrive": _redrive,
    "token": _token,
}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-27T12:00:00Z") from error
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} does not say whose time it is: end it with Z, or +02:00")
    return found.astimezone(UTC).replace(microsecond=0)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > COUNT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and {COUNT_MAX}")
    return int(text)


if __name__ == "__main__":
    main()
