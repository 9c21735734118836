"""What `make scale` and `make logs` do with a stack in the cloud: the same calls as there, answered by moto."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.schema import SCHEMAS, create_table
from local.cloud import Cloud
from local.logs import in_cloud, logs
from local.reach import NotReachableError
from local.scale import NotRunningError, scale_cloud
from local.scaled import looking_at_cloud
from tests.conftest import ROOT

REGION, CLUSTER, SERVICE, TABLE = "eu-central-1", "fleet-1a2b", "fleet-external-3c4d", "fleet-table-5e6f"
PREFIX = "/sheet-monitor-fleet-dev/"


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the outputs of a stack with one service of two tasks, one worker and one line in its log."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws():
        _make_service(boto3.client("ecs", region_name=REGION))
        dynamodb: Any = boto3.client("dynamodb", region_name=REGION)
        dynamodb.create_table(**create_table(TABLE, SCHEMAS["Fleet"]))
        worker = fleet.Worker(id="w-1", started_ms=1, release="v")
        dynamodb.transact_write_items(**fleet.join(TABLE, SourceType.EXTERNAL, worker))
        _make_log(boto3.client("logs", region_name=REGION))
        file = tmp_path / "outputs.json"
        file.write_text(json.dumps(
            {"services": {"external": {"cluster": CLUSTER, "service": SERVICE}}, "tables": {"Fleet": TABLE}}
        ))  # fmt: skip
        yield file


def _make_service(ecs: Any) -> None:
    ecs.create_cluster(clusterName=CLUSTER)
    log = {"logDriver": "awslogs", "options": {"awslogs-group": f"{PREFIX}fleet-external"}}
    container = {"name": "worker", "image": "worker", "memory": 1, "logConfiguration": log}
    task = ecs.register_task_definition(family="external", containerDefinitions=[container])["taskDefinition"]
    ecs.create_service(cluster=CLUSTER, serviceName=SERVICE, taskDefinition=task["taskDefinitionArn"], desiredCount=2)


def _make_log(client: Any) -> None:
    group = f"{PREFIX}fleet-external"
    client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName="worker/1")
    line = {"timestamp": 1_795_000_000_000, "message": '{"event": "joined"}'}
    client.put_log_events(logGroupName=group, logStreamName="worker/1", logEvents=[line])


@pytest.mark.parametrize("command", ["scale", "logs", "backup", "restore", "redrive", "token"])
def test_a_command_finds_the_stack_that_make_deployed_under_that_name(command: str):
    """A file for each stack: else whoever deployed development last would scale and restore it for production."""
    assert '> "outputs.prod.json"' in dry_run("deploy", "STACK=prod").splitlines()[-1]
    assert '--stack "outputs.prod.json"' in dry_run(command, "STACK=prod").splitlines()[-1]
    assert "--stack" not in dry_run(command)


def dry_run(*words: str) -> str:
    """Have `make` say what it would do."""
    done = subprocess.run(
        ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_the_desired_count_of_the_service_is_set(outputs: Path, capsys: pytest.CaptureFixture[str]):
    """And what it was is said, for whoever wants to go back."""
    scale_cloud(Cloud.of_outputs(outputs), kind="external", count=5)

    ecs = boto3.client("ecs", region_name=REGION)
    (found,) = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"]
    assert found["desiredCount"] == 5
    assert capsys.readouterr().out == "external: 5 wanted, 2 before\n"


def test_what_comes_of_it_is_read_from_ecs_and_the_fleets_table(outputs: Path):
    """The same sight as on a laptop."""
    seen = looking_at_cloud(Cloud.of_outputs(outputs), kind=SourceType.EXTERNAL, now_ms=lambda: 1_795_000_000_000)()

    assert (seen.up, seen.owned) == (1, (0,))


def test_workers_and_lambdas_are_read_from_below_one_name(outputs: Path, capsys: pytest.CaptureFixture[str]):
    """The task definition says where: nobody types a log group."""
    logs(in_cloud(Cloud.of_outputs(outputs)), name="fleet", pause=None)

    assert 'fleet-external | {"event": "joined"}' in capsys.readouterr().out


def test_a_service_that_is_not_there_is_one_line(outputs: Path):
    """Most often it is the wrong region."""
    outputs.write_text(outputs.read_text().replace(SERVICE, "other"))
    cloud = Cloud.of_outputs(outputs)

    with pytest.raises(NotRunningError, match="ECS did not take the count"):
        scale_cloud(cloud, kind="external", count=1)
    with pytest.raises(NotReachableError, match="service other"):
        cloud.log_prefix()
    with pytest.raises(NotReachableError, match="another region or account"):
        cloud.running("external")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"services": {}}', '{"services": {"external": "x"}, "tables": {}}'])
def test_a_file_that_is_none_says_how_to_make_one(tmp_path: Path, text: str):
    """Such as the output of another command."""
    file = tmp_path / "outputs.json"
    with pytest.raises(NotReachableError, match="cannot be read"):
        Cloud.of_outputs(file)
    file.write_text(text)

    with pytest.raises(NotReachableError, match="pulumi stack output --json"):
        Cloud.of_outputs(file)
