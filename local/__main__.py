"""`python -m local up | down | scale --count N [--kind external|googleSheet]`."""

import argparse
import sys
from pathlib import Path

from local.demo import RegistrationFailedError
from local.down import StillRunningError, down
from local.emulator import EmulatorFailedError
from local.hold import AlreadyRunningError
from local.launch import StartFailedError
from local.running import COUNT_KEYS
from local.scale import NotRunningError, scale
from local.up import up
from stack.package import PackagingFailedError

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".local"
WORKERS_MAX = 50
#: What an operator can do something about; anything else is a fault of ours and keeps its traceback.
EXPECTED = (
    AlreadyRunningError,
    EmulatorFailedError,
    NotRunningError,
    PackagingFailedError,
    RegistrationFailedError,
    StartFailedError,
    StillRunningError,
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
                scale(FOLDER, kind=arguments.kind, count=arguments.count)
    except EXPECTED as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole stack on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything; Ctrl-C stops it")
    commands.add_parser("down", help="stop what runs, or clean up after what was killed")
    scaling = commands.add_parser("scale", help="set how many workers run")
    scaling.add_argument("--count", type=_count, required=True, help=f"0 to {WORKERS_MAX}")
    scaling.add_argument("--kind", choices=sorted(COUNT_KEYS), default="external")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > WORKERS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and {WORKERS_MAX}")
    return int(text)


if __name__ == "__main__":
    main()
