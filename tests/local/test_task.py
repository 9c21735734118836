"""What a worker process gets is what its container would get on Fargate."""

import sys
from pathlib import Path
from typing import Any

from local.task import Task

DEFINITION: dict[str, Any] = {
    "taskRoleArn": "arn:aws:iam::0:role/r",
    "containerDefinitions": [
        {
            "command": ["python", "-m", "monitor_fleet"],
            "environment": [{"name": "KIND", "value": "external"}, {"name": "HEALTH_PORT", "value": "8080"}],
            "stopTimeout": 120,
        }
    ],
}


def environment() -> dict[str, str]:
    """Give the environment of a process of this task."""
    return Task.of(DEFINITION).process_environment(
        {"PATH": "/bin"}, endpoint="http://e", credentials_url="http://c", credentials_token="t"
    )


def test_a_task_is_its_first_container():
    """Command, role and the time to end come from the definition alone."""
    task = Task.of(DEFINITION)

    assert (task.command, task.role_arn, task.stop_timeout_s) == (
        ("python", "-m", "monitor_fleet"),
        "arn:aws:iam::0:role/r",
        120,
    )


def test_a_container_that_does_not_say_gets_fargates_time_to_end():
    """Thirty seconds."""
    silent = {**DEFINITION["containerDefinitions"][0]}
    del silent["stopTimeout"]

    assert Task.of({**DEFINITION, "containerDefinitions": [silent]}).stop_timeout_s == 30


def test_a_worker_holds_no_keys_but_asks_for_its_roles():
    """As on Fargate: only so does the embedded AWS enforce what the role may do."""
    told = environment()

    assert told["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == "http://c"
    assert told["AWS_CONTAINER_AUTHORIZATION_TOKEN"] == "t"
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} & set(told)


def test_python_is_this_interpreter():
    """The image's command says `python`; here that must not be the system's."""
    assert environment()["PATH"].split(":") == [str(Path(sys.executable).parent), "/bin"]


def test_workers_do_not_fight_over_a_port():
    """On Fargate each task has an address of its own, here they share one."""
    assert environment()["HEALTH_PORT"] == "0"
    assert environment()["KIND"] == "external"
