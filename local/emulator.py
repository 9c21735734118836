"""The embedded AWS: a process of its own, on loopback, with IAM enforced and its own temporary folder."""

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from local.children import Child, spawn

#: Each concurrent Lambda call is a process of 45 MB; a burst of requests would else fill the memory.
LAMBDA_CONCURRENCY_MAX = 32
START_TIMEOUT_S = 30
PROBE_EVERY_S = 0.05
PROBE_TIMEOUT_S = 2


class EmulatorFailedError(RuntimeError):
    """The embedded AWS did not come up; the text says where its log is."""


def start(root: Path, *, port: int, scratch: Path, log: Path, environment: Mapping[str, str]) -> Child:
    """Start it; it answers some hundred milliseconds later, see `wait_until_ready`."""
    python = root / ".venv-emulator" / "bin" / "python"
    own = _environment(port, scratch)
    return spawn([str(python), "-m", "ministack"], environment={**environment, **own}, log=log, cwd=scratch)


def wait_until_ready(child: Child, endpoint: str, *, sleep: Callable[[float], None]) -> None:
    """Wait for its health page."""
    for _ in range(int(START_TIMEOUT_S / PROBE_EVERY_S)):
        if child.process.poll() is not None:
            raise EmulatorFailedError(f"the embedded AWS ended at once: see {child.log}")
        if _answers(endpoint):
            return
        sleep(PROBE_EVERY_S)
    raise EmulatorFailedError(f"the embedded AWS did not answer within {START_TIMEOUT_S} s: see {child.log}")


def _environment(port: int, scratch: Path) -> dict[str, str]:
    return {
        "STATE_DIR": str(scratch / "state"),
        "S3_DATA_DIR": str(scratch / "s3"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(LAMBDA_CONCURRENCY_MAX),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",  # a live daemon would be asked to run the tasks
        "LOG_LEVEL": "WARNING",
    }


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=PROBE_TIMEOUT_S):  # noqa: S310 - our own loopback address
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
