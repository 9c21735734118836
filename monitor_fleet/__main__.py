"""The worker's door: environment, clocks, clients, signals. Everything else is handed what it needs from here."""

import asyncio
import logging
import os
import random
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import uvloop

from contracts.clock import SECOND_MS, NowMs
from contracts.kinds import SourceType
from contracts.metrics import KIND, STACK
from fetching.certificates import Certificates
from fetching.fetch import Ask, fetch
from fetching.guard import connector
from fetching.outcome import Outcome
from fetching.session import session
from monitor_fleet import health, sockets
from monitor_fleet.assembly import FleetWorker, Seams
from monitor_fleet.clients import Clients
from monitor_fleet.log import configure
from monitor_fleet.meter import Meter
from monitor_fleet.offload import Pool
from monitor_fleet.settings import SettingRefused, Settings
from monitor_fleet.traces import Traces
from monitor_fleet.watchdog import Watchdog

log = logging.getLogger("monitor_fleet")

WORKER_ID_BITS = 64
STUCK_EXIT = 70  # EX_SOFTWARE
#: Names are looked up by threads that a name server can hang: as many, so that a few of them delay nobody.
NAME_THREADS = 64


def main(now_ms: NowMs) -> int:
    """Run a worker until SIGTERM or Ctrl-C; 0 if it parted in good order."""
    events = configure(sys.stdout)
    try:
        settings = Settings.from_environ(os.environ)
    except SettingRefused as error:
        log.error("setting_refused", extra={"why": str(error)})  # noqa: TRY400 - the text says all there is
        return 2
    if settings.policy.allow_private:
        log.warning("private_targets_allowed")  # for a laptop; in the cloud somebody should ask why
    sockets.allow_many()
    try:
        uvloop.run(_run(settings, events, now_ms))
    except Exception:
        log.exception("worker_failed")
        return 1
    return 0


async def _run(settings: Settings, events: Counter[str], now_ms: NowMs) -> None:
    clients, pool, chance = Clients(now_ms), Pool(), random.SystemRandom()
    names = ThreadPoolExecutor(NAME_THREADS, thread_name_prefix="names")
    asyncio.get_running_loop().set_default_executor(names)
    certificates = Certificates()
    through = connector(settings.policy, certificates=certificates)
    async with session(through, contact=settings.contact) as http:

        async def ask_source(ask: Ask) -> Outcome:
            return await fetch(http, ask)

        worker = FleetWorker(
            settings,
            Seams(
                store=clients.store(),
                lease_store=clients.lease_store(),
                bucket=clients.bucket(settings.documents_bucket),
                publish=clients.queue(settings.queue_url, chance).publish,
                keys=clients.keys(settings.secrets_prefix),
                fetch=ask_source,
                certificates=certificates,
                offload=pool,
                now_ms=now_ms,
                boot_now=_boot_now,
                chance=chance,
                worker_id=f"{chance.getrandbits(WORKER_ID_BITS):016x}",
                sheets=clients.sheets(settings) if settings.kind is SourceType.GOOGLE_SHEET else None,
                traces=_traces(settings, clients, chance, now_ms) if settings.trace_percent else None,
            ),
        )
        watchdog = Watchdog(awake_now=time.monotonic, die=_die)
        watchdog.start(asyncio.get_running_loop())
        meter = Meter(
            read=worker.read, lags=worker.lags, events=events, now_ms=now_ms, sleep=asyncio.sleep,
            dimensions={STACK: settings.stack, KIND: settings.kind.value},
        )  # fmt: skip
        runner = await health.serve(worker.read, port=settings.health_port)
        try:
            await _until_told_to_stop(worker, meter)
        finally:
            watchdog.stop()
            await runner.cleanup()
            pool.close()
            await clients.close()


def _traces(settings: Settings, clients: Clients, chance: random.Random, now_ms: NowMs) -> Traces:
    return Traces(
        percent=settings.trace_percent, name=f"{settings.stack}-{settings.kind}", queue_url=settings.queue_url,
        send=clients.traces(), now_ms=now_ms, chance=chance, sleep=asyncio.sleep,
    )  # fmt: skip


async def _until_told_to_stop(worker: FleetWorker, meter: Meter) -> None:
    """Work until a first signal, then drain until done or until a second one."""
    told, told_again = asyncio.Event(), asyncio.Event()

    def hear() -> None:
        (told_again if told.is_set() else told).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, hear)
    work, metering = asyncio.create_task(worker.run()), asyncio.create_task(meter.run())
    try:
        await _first(work, told)
        if work.done():
            work.result()  # raises what ended it: nothing but a signal should
        else:
            await _drain(worker, told_again)
    finally:
        work.cancel()
        metering.cancel()
        await asyncio.gather(work, metering, return_exceptions=True)


async def _drain(worker: FleetWorker, told_again: asyncio.Event) -> None:
    log.info("draining")
    draining = asyncio.create_task(worker.drain())
    await _first(draining, told_again)
    if draining.done():
        draining.result()
        log.info("drained")
        return
    draining.cancel()
    await asyncio.gather(draining, return_exceptions=True)
    await worker.part()
    log.warning("parted_at_once")


async def _first(task: asyncio.Task[None], told: asyncio.Event) -> None:
    """Wait until the task is done or the signal came."""
    hearing = asyncio.create_task(told.wait())
    await asyncio.wait((task, hearing), return_when=asyncio.FIRST_COMPLETED)
    hearing.cancel()


def _die(_: float) -> None:
    """End at once: nothing on the loop can be ended in good order, and the others recover from a death."""
    os._exit(STUCK_EXIT)


def wall_ms() -> int:
    """Tell the time, in ms since the epoch."""
    return time.time_ns() // (1_000_000_000 // SECOND_MS)


def _boot_now() -> float:
    """Seconds that go on while the machine is suspended, unlike the monotonic clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


if __name__ == "__main__":
    sys.exit(main(wall_ms))
