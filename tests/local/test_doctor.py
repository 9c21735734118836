"""The doctor: every finding over a machine, or an account, that somebody made up."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from local import doctor, doctor_aws, doctor_cloud, doctor_machine, ports
from local.config import project
from local.doctor_aws import SLOW_REGIONS, Account, Wanted
from local.doctor_finding import Finding, ok, warn, wrong
from local.doctor_machine import Probes
from local.doctor_probes import real
from stack.settings import Settings
from tests.conftest import ROOT
from tests.stack.test_settings import RIGHT, Config

PLACE = Path("/project")
SHIM = "/home/ada/.pyenv/shims/python3.13"
REAL = "/home/ada/.pyenv/versions/3.13.0/bin/python3.13"
LOCK = 'aiohttp==3.14.5 \\\n    --hash=sha256:0\ncolorama==0.4.6 ; sys_platform == "win32" \\\n    --hash=sha256:1\n'


def machine(*, answers: Mapping[str, str] | None = None, **changed: Any) -> Probes:
    """Make up a machine on which all is well; `answers` are what commands print, by their first words."""
    said = {
        "/usr/bin/python3.13 -c import sys": "3 13",
        "/usr/bin/python3.13 -c import venv": "",
        "node --version": "v24.1.0",
        "/project/.venv/bin/python": '{"AioHTTP": "3.14.5"}',
        "/project/.venv-emulator/bin/python": '{"aiohttp": "3.14.5"}',
    } | dict(answers or {})

    def run(command: Sequence[str]) -> str | None:
        line = " ".join(command)
        return next((text for beginning, text in said.items() if line.startswith(beginning)), None)

    well = Probes(
        system="Linux",
        root=PLACE,
        pyenv=Path("/home/ada/.pyenv"),
        run=run,
        which={"python3.13": "/usr/bin/python3.13"}.get,
        exists=lambda path: path != PLACE / ".local" / "state.json",
        glob=lambda _folder, _pattern: [],
        read=lambda _: LOCK,
        listener=lambda _: "",
        free_mb=lambda _: 50_000,
        left_over=lambda _: 0,
    )
    return replace(well, **changed)


def test_a_machine_on_which_all_is_well():
    """Nothing is said against it."""
    findings = list(doctor_machine.machine(machine()))

    assert {finding.level for finding in findings} == {"ok"}, "\n".join(map(str, findings))


def test_a_shim_that_runs_nothing_is_named_though_another_python_runs():
    """`command not found` from a python that `which` finds costs an hour."""
    found = doctor_machine.python(
        machine(
            which={"python3.13": SHIM}.get,
            glob=lambda _folder, _pattern: [Path(REAL)],
            answers={f"{REAL} -c import sys": "3 13", f"{REAL} -c import venv": ""},
        )
    )

    assert found.level == "warn"
    assert "shim" in found.what
    assert REAL in found.what


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"which": {"python3.13": SHIM}.get, "exists": lambda _: False}, "shim"),
        ({"which": {"python3": "/usr/bin/python3"}.get, "answers": {"/usr/bin/python3 -c import sys": "3 11"}}, "3.13"),
    ],
)
def test_without_python_nothing_works(changed: dict[str, Any], word: str):
    """And the finding says how to get it."""
    answers = {"/usr/bin/python3.13": "3 12"} | changed.pop("answers", {})
    found = doctor_machine.python(machine(answers=answers | {"/usr/bin/python3.13 -c import sys": "3 12"}, **changed))

    assert found.level == "wrong"
    assert word in found.what
    assert "install" in found.todo


def test_a_python_without_venv_is_debians():
    """It is a package of its own there."""
    probes = machine()
    found = doctor_machine.python(
        replace(probes, run=lambda command: None if "venv" in command[-1] else probes.run(command))
    )

    assert (found.level, found.todo) == ("wrong", "apt-get install python3.13-venv")


@pytest.mark.parametrize(
    ("answers", "level", "word"),
    [
        ({"node --version": "v22.18.0"}, "ok", "22.18"),
        ({"node --version": "v22.17.1"}, "warn", "older than 22.18"),
        ({"node --version": "v18.0.0", "/project/.venv-node/bin/node": "v24.0.1"}, "ok", ".venv-node"),
        ({"node --version": "nonsense"}, "warn", "no node"),
    ],
)
def test_an_old_node_is_no_harm(answers: dict[str, str], level: str, word: str):
    """Make brings one; the doctor says so, and from which version on it need not."""
    found = doctor_machine.node(machine(answers=answers))

    assert found.level == level
    assert word in found.what


def test_a_taken_port_names_its_holder():
    """Another project's server on 8080 is no fault, but surprises."""
    findings = list(doctor_machine.ports(machine(listener={8080: "process 7 (nginx)"}.get)))

    assert [finding.level for finding in findings] == ["ok", "warn", "ok", "ok"]
    assert "process 7 (nginx)" in findings[1].what


def test_every_usual_port_of_a_run_is_looked_at():
    """A new server of the local stack brings its port along."""
    usual = {number for name, number in vars(ports).items() if name.endswith("_PORT")}

    assert set(doctor_machine.PORTS) == usual


def test_ports_of_our_own_run_are_fine():
    """A run holds them."""
    findings = doctor_machine.ports(machine(listener=lambda _: "process 7", left_over=lambda _: None))

    assert {finding.level for finding in findings} == {"ok"}


@pytest.mark.parametrize(("free_mb", "level"), [(3_000, "ok"), (2_999, "warn"), (499, "wrong")])
def test_a_disk_too_small_is_found_before_make_fills_it(free_mb: int, level: str):
    """An install that runs out of disk says so badly."""
    assert doctor_machine.disk(machine(free_mb=lambda _: free_mb)).level == level


@pytest.mark.parametrize(
    "changed", [{"left_over": lambda _: 3}, {"exists": lambda path: path.name == "state.json"}], ids=["alive", "file"]
)
def test_what_a_killed_run_left_is_found(changed: dict[str, Any]):
    """Its workers may still poll."""
    found = doctor_machine.left_over(machine(**changed))

    assert (found.level, found.todo) == ("warn", "make down")


@pytest.mark.parametrize(
    ("answer", "level", "word"),
    [
        ('{"aiohttp": "3.14.5"}', "ok", ""),
        ('{"aiohttp": "3.14.4"}', "wrong", "aiohttp is 3.14.4, not 3.14.5"),
        ("{}", "wrong", "aiohttp is missing"),
        ('{"aiohttp": "3.14.5", "colorama": "0.4.5"}', "wrong", "colorama"),
    ],
)
def test_an_environment_that_left_its_lock_is_found(answer: str, level: str, word: str):
    """A pin with a marker may be absent, but not other."""
    found = doctor_machine.locked(machine(answers={"/project/.venv/bin/python": answer}), ".venv", "dev")

    assert found.level == level
    assert word in found.what


def test_an_environment_that_does_not_run_is_made_again():
    """Its interpreter was upgraded away."""
    found = doctor_machine.locked(machine(run=lambda _: None), ".venv", "dev")

    assert (found.level, found.todo) == ("wrong", "rm -r .venv && make setup")


@pytest.mark.parametrize("missing", ["chromium", "nginx"])
def test_what_tests_need_beside_the_locks_is_asked_for(missing: str):
    """And named as the package that brings it, as CI installs it."""
    found = [one for one in doctor_machine.programs(machine(exists=lambda path: path.name != missing)) if one.todo]

    (one,) = found
    assert one.level == "warn"
    assert missing in one.what
    assert one.todo.removeprefix("apt-get install ") in (ROOT / ".ci" / "run").read_text()


def test_linux_is_asked_for():
    """The workers' clock and the local stack's process table are its."""
    assert doctor_machine.system(machine(system="Darwin")).level == "wrong"


def test_only_what_is_wrong_ends_with_1(capsys: pytest.CaptureFixture[str]):
    """A script may ask."""
    assert doctor.tell([ok("a"), warn("b", "c")]) == 0
    assert doctor.tell([ok("a"), wrong("b", "c")]) == 1
    assert capsys.readouterr().out.splitlines()[-3:] == ["ok    a", "wrong b → c", "1 wrong, 0 to know of"]


def test_the_real_machine_can_be_looked_at_without_any_package():
    """The doctor is asked when nothing is installed yet."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import local.doctor"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "is free" in " ".join(map(str, doctor_machine.ports(replace(real(ROOT), listener=lambda _: ""))))


def test_who_holds_a_port_is_found_on_the_real_machine():
    """The kernel's table of sockets, and the processes that have them open."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        assert f"process {os.getpid()} " in real(ROOT).listener(port)
    assert real(ROOT).listener(port) == ""


# An account.

WELL = Account(
    identity="arn:aws:iam::1:user/ada",
    region="eu-central-1",
    requests_per_s=10_000,
    lambda_concurrency=1_000,
    fargate_vcpus=64,
    spot_vcpus=64,
    knows_ecs=True,
    refused={},
)


STACK = Wanted(workers=2, most=2)


def judged(stack: Wanted = STACK, **changed: Any) -> Iterator[Finding]:
    """Judge an account on which all is well but for this."""
    return doctor_aws.account(replace(WELL, **changed), stack)


def test_an_account_on_which_all_is_well():
    """Nothing is said against it."""
    assert {finding.level for finding in judged()} == {"ok"}


@pytest.mark.parametrize(
    ("changed", "level", "words"),
    [
        ({"region": None}, "wrong", "no AWS region"),
        ({"identity": None, "refused": {"identity": "ExpiredToken"}}, "wrong", "ExpiredToken"),
        ({"region": "eu-south-1"}, "warn", "Milan"),
        ({"requests_per_s": 2_500.0}, "warn", "2,500 requests/s"),
        ({"lambda_concurrency": 10}, "warn", "10 calls at once"),
        ({"lambda_concurrency": 100}, "warn", "100 calls at once"),
        ({"lambda_concurrency": None, "refused": {"lambda_concurrency": "AccessDenied"}}, "warn", "AccessDenied"),
        ({"fargate_vcpus": 3.0}, "wrong", "needs 4"),
        ({"knows_ecs": False}, "warn", "never used"),
        ({"knows_ecs": None, "refused": {"knows_ecs": "AccessDenied"}}, "warn", "AccessDenied"),
    ],
)
def test_what_an_account_lacks_is_found(changed: dict[str, Any], level: str, words: str):
    """Before the deployment finds it, an hour later and in other words."""
    few_fan_outs = replace(STACK, fan_outs_at_once=2)
    findings = [finding for finding in judged(few_fan_outs, **changed) if finding.level != "ok"]

    assert [finding.level for finding in findings] == [level]
    assert words in findings[0].what
    assert findings[0].todo


def test_a_stack_that_counts_on_more_requests_than_are_granted_is_told_its_key():
    """In a slow Region the default is four times what AWS grants, and every large audience would meet it."""
    (told,) = [one for one in judged(requests_per_s=2_500.0) if one.level != "ok"]
    stack = replace(STACK, requests_per_s=2_500)
    (known,) = [one for one in judged(stack, requests_per_s=2_500.0) if one.level != "ok"]

    assert "pulumi config set requestsPerSecond 2500" in told.todo
    assert "requestsPerSecond" not in known.todo
    assert doctor_cloud.wanted({"requestsPerSecond": 2_500}).requests_per_s == 2_500
    assert doctor_cloud.wanted({}).requests_per_s == Settings.read(Config(RIGHT)).requests_per_second


def test_a_stack_whose_queue_may_take_most_of_the_accounts_calls_is_told_its_key():
    """The default leaves three quarters of what accounts mostly have; of a young account's ten it would leave none."""

    def told(limit: int, at_once: int) -> list[str]:
        found = judged(replace(STACK, fan_outs_at_once=at_once), lambda_concurrency=limit)
        return [one.todo for one in found if "fanOutsAtOnce" in one.todo]

    assert told(1_000, 250) == told(10, 2) == []
    assert told(1_000, 600) == ["pulumi config set fanOutsAtOnce 250"]
    assert told(10, 250) == ["pulumi config set fanOutsAtOnce 2"]
    assert doctor_cloud.wanted({"fanOutsAtOnce": 600}).fan_outs_at_once == 600
    assert doctor_cloud.wanted({}).fan_outs_at_once == Settings.read(Config(RIGHT)).fan_outs_at_once


def test_ten_calls_at_once_are_for_trying_things_out():
    """Every young account has ten, and its owner must not wait days for a first look; whom others rely on must."""
    said = {
        production: [one.level for one in judged(replace(STACK, production=production), lambda_concurrency=10)]
        for production in (False, True)
    }

    assert [said[False].count("wrong"), said[True].count("wrong")] == [0, 1]


def test_spot_capacity_has_a_quota_of_its_own():
    """Tasks that it does not hold are never placed, and the deployment waits for them until it fails."""
    stack = Wanted(workers=20, most=20, spot_percent=50)

    assert (stack.vcpus(20), stack.spot_vcpus(20), stack.spot_vcpus(3)) == (20, 20, 4)
    (finding,) = [one for one in judged(stack, fargate_vcpus=20, spot_vcpus=6) if one.level != "ok"]
    assert (finding.level, "6 Spot vCPUs" in finding.what) == ("wrong", True)
    assert not any("Spot" in one.what for one in judged(spot_vcpus=None))


def test_a_stack_wants_what_it_may_scale_to():
    """The day that it needs them is the wrong day to learn of a quota."""
    asks = {"externalCount": 4, "externalCountMax": 20, "sheetCount": 1, "spotPercent": 50, "production": True}

    stack = doctor_cloud.wanted(asks)

    assert stack == Wanted(workers=5, most=21, spot_percent=50, production=True)
    assert doctor_cloud.wanted({}) == STACK
    (finding,) = [one for one in judged(stack, fargate_vcpus=6) if one.level != "ok"]
    assert (finding.level, "scaled out a deployment needs 20" in finding.what) == ("warn", True)


def test_the_slow_regions_are_regions():
    """The list is data, read on a day that it names."""
    known = set(boto3.session.Session().get_available_regions("apigateway"))

    assert set(SLOW_REGIONS) <= known
    assert len(SLOW_REGIONS) == 13


ECS_ROLE = {
    "Path": "/aws-service-role/ecs.amazonaws.com/",
    "RoleName": "AWSServiceRoleForECS",
    "RoleId": "AROA00000000000000000",
    "Arn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
    "CreateDate": datetime(2026, 11, 1, tzinfo=UTC),
}


class Stubbed:
    """A session whose answers are held to the shapes of the services' own descriptions."""

    region_name = "eu-central-1"

    def __init__(self, answers: Mapping[str, tuple[str, Any]]) -> None:
        self._answers = answers

    def client(self, service: str) -> Any:
        """Give a client with one answer."""
        client: Any = boto3.client(service, region_name=self.region_name)  # type: ignore[call-overload]  # a name that is handed in
        operation, answer = self._answers[service]
        stubber = Stubber(client)
        stubber.add_response(operation, answer)
        stubber.activate()
        return client


def test_aws_is_asked_for_exactly_these():
    """Moto knows none of the three quotas; botocore knows what they look like."""
    answers = {
        "sts": ("get_caller_identity", {"Arn": "arn:aws:iam::1:user/ada"}),
        "apigateway": ("get_account", {"throttleSettings": {"burstLimit": 5_000, "rateLimit": 10_000.0}}),
        "lambda": ("get_account_settings", {"AccountLimit": {"ConcurrentExecutions": 1_000}}),
        "service-quotas": ("get_service_quota", {"Quota": {"Value": 64.0}}),
        "iam": ("get_role", {"Role": ECS_ROLE}),
    }

    assert doctor_aws.look(Stubbed(answers)) == WELL


def test_what_aws_does_not_tell_hides_only_that(monkeypatch: pytest.MonkeyPatch):
    """A right that is missing is a finding; the others are still made."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        found = doctor_aws.look(boto3.session.Session(region_name="eu-central-1"))

    assert found.identity
    assert found.knows_ecs is False
    assert found.refused.keys() == {"requests_per_s", "lambda_concurrency", "fargate_vcpus", "spot_vcpus"}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"project:contact": ""}, "contact is missing"),
        ({"project:contact": "a@example.com", "project:historyDays": 0}, "historyDays must lie between"),
        ({"project:contact": "a@example.com", "project:historyDays": "x"}, "historyDays"),
    ],
)
def test_a_configuration_is_read_by_the_stack_program_itself(config: dict[str, Any], words: str):
    """So the doctor knows every key that the program does, and no other."""
    assert words in (doctor_cloud.refusal("project", config) or "")


def test_what_is_encrypted_is_taken_for_right():
    """`pulumi config set --secret` writes what only Pulumi can read, of any length; a deploy begins with the doctor."""
    secret = {"secure": "v1:" + "A" * 300}
    hook = {"name": "a", "webhook": "https://hooks.example.com/"}
    config = {
        "project:contact": "a@example.com", "project:initialToken": secret, "project:googleAccounts": secret,
        "project:alerts": [hook], "project:alertsSecret": secret,
    }  # fmt: skip

    assert doctor_cloud.refusal("project", config) is None


def test_the_configurations_of_this_repository_are_whole():
    """What is checked in can be deployed."""
    for stack in ("dev", "local"):
        file = ROOT / f"Pulumi.{stack}.yaml"
        config = doctor_cloud._config(file)
        assert config is not None
        why = doctor_cloud.refusal(project(ROOT), config)
        assert {one.level for one in doctor_aws.configuration(file, config, why, None)} == {"ok"}, why


def test_workers_of_sheets_without_an_account_are_found():
    """They read nothing, and nothing of a deployment says so."""
    asks = {"aws:region": "eu-central-1", "project:sheetCount": 2}
    has = asks | {"project:googleAccounts": {"secure": "…"}}

    levels = [
        [one.level for one in doctor_aws.configuration(ROOT / "Pulumi.dev.yaml", config, None, None)]
        for config in (asks, has)
    ]

    assert levels == [["ok", "warn"], ["ok"]]


@pytest.mark.parametrize(
    ("config", "version", "levels"),
    [
        ({}, None, ["wrong"]),
        ({"p:workerImage": ""}, None, ["wrong"]),
        ({}, "github.com/docker/buildx v0.26.1", ["ok"]),
        ({"p:workerImage": "registry/worker@sha256:0"}, None, []),
    ],
)
def test_somebody_must_be_able_to_build_the_image(config: dict[str, str], version: str | None, levels: list[str]):
    """Otherwise `pulumi up` fails after it has made half of the stack."""
    assert [one.level for one in doctor_aws.builder(config, version)] == levels


def test_pulumi_itself_must_be_here():
    """`make deploy` would say so after the build; whoever only looks would hear that nothing is wrong."""
    assert doctor_aws.deployer("v3.272.0").level == "ok"
    assert doctor_aws.deployer(None).level == "wrong"


def test_a_missing_configuration_and_another_region_are_found(tmp_path: Path):
    """Tables looked for in the wrong region are not found, which reads like a broken deployment."""
    file = tmp_path / "Pulumi.dev.yaml"

    assert [one.level for one in doctor_aws.configuration(file, None, None, None)] == ["wrong"]
    no_region = list(doctor_aws.configuration(file, {}, None, "eu-west-1"))
    assert [one.level for one in no_region] == ["ok", "wrong"]
    other = list(doctor_aws.configuration(file, {"aws:region": "eu-central-1"}, None, "eu-west-1"))
    assert re.search("eu-central-1.*eu-west-1", other[1].what)
