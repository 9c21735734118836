"""
What a poll costs others, asked of the same server in the same run: urlwatch and Prometheus, where they are installed.

`pip install urlwatch` (in an environment of its own) and `apt-get install prometheus`, on the PATH. They are nobody's
dependency; which one is missing is said.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from yarl import URL

from bench.claim import Claim

URLS = 1_000
TARGETS = 1_000
WARM_UP_S, WINDOW_S = 10.0, 20.0
#: A document of about the size of the other ones, in Prometheus's format.
METRICS = b"".join(b'item_price{id="%05d",name="item"} %d\n' % (one, one) for one in range(20))
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def measure(root: URL, folder: Path, *, ours_us: float) -> list[Claim]:
    """Measure each that is there, against what a poll of the same bytes costs us."""
    found = []
    for name, measured in (("urlwatch", urlwatch_us), ("prometheus", prometheus_us)):
        program = shutil.which(name)
        if program is None:
            print(f"{name} is not installed, so nothing is said of it")
            continue
        theirs_us, how = measured(program, root, folder)
        found.append(
            Claim(
                claim=f"CPU of a poll of {name}, against one of ours", value=theirs_us / ours_us, unit="times",
                op=">=", bar=1, how=f"real, {how}: {theirs_us:.0f} µs against {ours_us:.0f} µs (200, the same bytes)",
            )
        )  # fmt: skip
    return found


def urlwatch_us(program: str, root: URL, folder: Path) -> tuple[float, str]:
    """Let it look at many urls that do not change, less what a look at one costs: its start."""
    many, one = (_urlwatch_s(program, root, folder / f"urlwatch-{count}", count) for count in (URLS, 1))
    return 1e6 * (many - one) / (URLS - 1), f"{URLS} urls, their second look, its start left out"


def _urlwatch_s(program: str, root: URL, folder: Path, count: int) -> float:
    folder.mkdir()
    jobs = (f"name: n{number}\nurl: {root / 'plain' / str(number)}\n" for number in range(count))
    (folder / "urls.yaml").write_text("---\n".join(jobs))
    (folder / "config.yaml").write_text("{}\n")
    command = [program, "--urls", "urls.yaml", "--config", "config.yaml", "--cache", "cache.db", "--hooks", "hooks.py"]
    taken_s = 0.0
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"HOME": str(folder)}
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return taken_s


def prometheus_us(program: str, root: URL, folder: Path) -> tuple[float, str]:
    """Let it scrape many targets each second, and take its CPU over a while, storing what it scrapes included."""
    lines = "".join(f'  - targets: ["127.1.{one // 200}.{one % 200 + 1}:{root.port}"]\n' for one in range(TARGETS))
    config = (
        f"scrape_configs:\n- job_name: a\n  scrape_interval: 1s\n  metrics_path: /metrics/1\n  static_configs:\n{lines}"
    )
    (folder / "prometheus.yml").write_text(config)
    listen = folder / "prometheus.log"
    with listen.open("wb") as log:
        running = subprocess.Popen(
            [
                program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
                "--web.listen-address=127.0.0.1:19091",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        time.sleep(WARM_UP_S)
        polls, cpu_s = _scrapes(), _cpu_s(running.pid)
        time.sleep(WINDOW_S)
        polls, cpu_s = _scrapes() - polls, _cpu_s(running.pid) - cpu_s
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    return 1e6 * cpu_s / polls, f"{TARGETS} targets at 1 s, 20 samples each, {polls:.0f} scrapes in {WINDOW_S:.0f} s"


def _scrapes() -> float:
    """Ask it how often it has scraped."""
    with urllib.request.urlopen("http://127.0.0.1:19091/metrics", timeout=10) as answer:
        text = answer.read().decode()
    counts = re.findall(r"^prometheus_target_interval_length_seconds_count\{.*\} (\S+)$", text, re.MULTILINE)
    return sum(map(float, counts))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S
