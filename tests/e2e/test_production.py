"""Every resource that a production stack has is asked of the embedded AWS, within what AWS says of its requests."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import emulator
from local.children import clean_environment, stop
from local.config import stack_config
from local.launch import Run, deploy
from local.ports import HOST, free
from tests.conftest import ROOT
from tests.stack.record import IMAGE, TOKEN, VARIANTS

STOP_TIMEOUT_S = 5


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """Start an embedded AWS that is empty."""
    place = f"http://{HOST}:{(port := free(0))}"
    environment = clean_environment(tmp_path, tmp_path)
    child = emulator.start(ROOT, port=port, scratch=tmp_path, log=tmp_path / "emulator.log", environment=environment)
    try:
        emulator.wait_until_ready(child, place, sleep=time.sleep)
        yield place
    finally:
        stop(child, timeout_s=STOP_TIMEOUT_S)


def test_a_production_stack_can_be_deployed(endpoint: str, tmp_path: Path):
    """Alarms, notices, alerts, NAT and CORS are no part of the laptop's stack: else nothing would ever create them."""
    (tmp_path / "logs").mkdir()
    run = Run(root=ROOT, folder=tmp_path, environment=clean_environment(tmp_path, tmp_path))
    config = stack_config(ROOT, {"workerImage": IMAGE, "initialToken": TOKEN, **VARIANTS["production"]})
    missing = list[str]()

    exports = deploy(run, endpoint=endpoint, config=config, say=missing.append)

    assert len(exports["outboundAddresses"]) == config["sheet-monitor-fleet:natGateways"]
    assert all("appautoscaling" in line for line in missing)
    assert len(missing) == 2
