"""The worker's door: environment, clocks, clients, signals. Everything else is handed what it needs from here."""

import asyncio
import logging
import os
import random
import signal
import sys
import time

import uvloop

from contracts.clock import SECOND_MS
from fetching.fetch import Ask, fetch
from fetching.guard import connector
from fetching.outcome import Outcome
from fetching.session import session
from monitor_fleet import health
from monitor_fleet.assembly import FleetWorker, Seams
from monitor_fleet.clients import Clients
from monitor_fleet.log import configure
from monitor_fleet.offload import Pool
from monitor_fleet.settings import SettingRefused, Settings

log = logging.getLogger("monitor_fleet")

WORKER_ID_BITS = 64


def main() -> int:
    """Run a worker until SIGTERM or Ctrl-C; 0 if it parted in good order."""
    configure(sys.stdout)
    try:
        settings = Settings.from_environ(os.environ)
    except SettingRefused as error:
        log.error("setting_refused", extra={"why": str(error)})  # noqa: TRY400 - the text says all there is
        return 2
    try:
        uvloop.run(_run(settings))
    except Exception:
        log.exception("worker_failed")
        return 1
    return 0


async def _run(settings: Settings) -> None:
    clients, pool, chance = Clients(), Pool(), random.SystemRandom()
    async with session(connector(settings.policy), contact=settings.contact) as http:

        async def ask_source(ask: Ask) -> Outcome:
            return await fetch(http, ask)

        worker = FleetWorker(
            settings,
            Seams(
                store=clients.store(),
                lease_store=clients.lease_store(),
                bucket=clients.bucket(settings.documents_bucket),
                publish=clients.queue(settings.queue_url, chance).publish,
                keys=clients.keys(settings.secrets_prefix, _now_ms),
                fetch=ask_source,
                offload=pool,
                now_ms=_now_ms,
                boot_now=_boot_now,
                chance=chance,
                worker_id=f"{chance.getrandbits(WORKER_ID_BITS):016x}",
            ),
        )
        runner = await health.serve(worker.tell, port=settings.health_port)
        try:
            await _until_told_to_stop(worker)
        finally:
            await runner.cleanup()
            pool.close()
            clients.close()


async def _until_told_to_stop(worker: FleetWorker) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    work, stop = asyncio.create_task(worker.run()), asyncio.create_task(told.wait())
    try:
        await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()  # raises what ended it: nothing but a signal should
        else:
            log.info("draining")
            await worker.drain()
            log.info("drained")
    finally:
        work.cancel()
        stop.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)


def _now_ms() -> int:
    return time.time_ns() // (1_000_000_000 // SECOND_MS)


def _boot_now() -> float:
    """Seconds that go on while the machine is suspended, unlike the monotonic clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


if __name__ == "__main__":
    sys.exit(main())
