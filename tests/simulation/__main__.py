"""Replay a seed: `python -m tests.simulation SEED [--scale short] [--planted BUG]`; every event, in virtual time."""

import argparse
import asyncio
import logging

from tests.simulation.planted import PLANTED, planted
from tests.simulation.scale import SCALES
from tests.simulation.schedule import simulate
from tests.simulation.virtual import run

_OWN = frozenset(vars(logging.makeLogRecord({})))


class VirtualTimes(logging.Formatter):
    """One event a line: virtual seconds, event, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a line."""
        fields = {name: value for name, value in vars(record).items() if name not in _OWN}
        return f"{asyncio.get_running_loop().time():9.3f} {record.getMessage()} {fields}"


def main() -> None:
    """Run one seed and say how it ended; a violation comes as a traceback."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("seed", type=int)
    parser.add_argument("--scale", choices=sorted(SCALES), default="long")
    parser.add_argument("--planted", choices=sorted(PLANTED))
    asked = parser.parse_args()
    handler = logging.StreamHandler()
    handler.setFormatter(VirtualTimes())
    logging.getLogger("monitor_fleet").setLevel(logging.INFO)
    logging.getLogger("monitor_fleet").addHandler(handler)
    with planted(asked.planted):
        outcome = run(simulate(asked.seed, SCALES[asked.scale]))
    print(f"seed {asked.seed}: {outcome}")  # noqa: T201 - a command line prints


if __name__ == "__main__":
    main()
