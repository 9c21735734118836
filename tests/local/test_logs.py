"""One place that tells what workers and Lambdas said."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.log_lines import LambdaGroups, WorkerFiles, readable
from local.logs import NoLogsError, here, logs

PREFIX = "/project-local/"
FIRST = '{"at": "2026-11-22T19:00:00.001Z", "event": "joined"}\n'
LATER = '{"at": "2026-11-22T19:00:02.000Z", "event": "claimed"}\n'
BETWEEN = '{"at": "2026-11-22T19:00:01.000Z", "event": "joined"}\n'


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Give a run's folder in which two workers and somebody else wrote."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "external-1.log").write_text(FIRST + "Traceback\n" + LATER)
    (folder / "external-2.log").write_text(BETWEEN)
    (folder / "servers.log").write_text("not a worker's\n")
    return tmp_path


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give CloudWatch Logs with one stream in one group of ours, and one of somebody else."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        made = boto3.client("logs", region_name="eu-central-1")
        for group in (f"{PREFIX}api-list", "/other/api-get"):
            made.create_log_group(logGroupName=group)
            made.create_log_stream(logGroupName=group, logStreamName="one")
        yield made


def test_lines_are_merged_by_time_and_tracebacks_stay_where_they_belong(
    written: Path, capsys: pytest.CaptureFixture[str]
):
    """What happened first stands first, whoever wrote it; worker logs can be read when the stack is gone."""
    logs(here(written, written), name=None, pause=None)

    assert [line.split(" ", 1)[1] for line in capsys.readouterr().out.splitlines()] == [
        f"external-1 | {FIRST.strip()}",
        "external-1 | Traceback",
        f"external-2 | {BETWEEN.strip()}",
        f"external-1 | {LATER.strip()}",
    ]


def test_a_name_that_nobody_has_is_answered_with_those_there_are(written: Path):
    """An operator need not know how log groups are called."""
    with pytest.raises(NoLogsError, match="no log of api-lst; there is: external-1, external-2"):
        logs(here(written, written), name="api-lst", pause=None)


def test_following_prints_each_line_once(written: Path, capsys: pytest.CaptureFixture[str]):
    """And half a line only when it is whole."""
    path, adds = written / "logs" / "external-2.log", iter(('{"at": "20', '26-11-22T19:00:03Z"}\n'))

    def pause() -> None:
        text = next(adds, None)
        if text is None:
            raise KeyboardInterrupt
        with path.open("a") as file:
            file.write(text)

    with pytest.raises(KeyboardInterrupt):
        logs(here(written, written), name="external-2", pause=pause)

    assert capsys.readouterr().out.splitlines() == [
        f"2026-11-22T19:00:01.000Z external-2 | {BETWEEN.strip()}",
        '2026-11-22T19:00:03.000Z external-2 | {"at": "2026-11-22T19:00:03Z"}',
    ]


def test_a_file_that_another_run_began_anew_is_read_from_its_start(written: Path):
    """A new `make up` empties the folder while somebody follows."""
    files = WorkerFiles(folder=written / "logs", kinds=("external",))
    list(files.new(files.names()))
    (written / "logs" / "external-1.log").write_text(LATER)

    assert [line.text for line in files.new(["external-1"])] == [LATER.strip()]


def test_lambda_lines_come_once_and_without_the_runtimes_frames(client: Any):
    """Three of four lines would else say only that a call began and ended."""
    groups, at_ms = LambdaGroups(client=client, prefix=PREFIX), time.time_ns() // 1_000_000  # old events are refused

    def put(*texts: str) -> None:
        events: Any = [{"timestamp": at_ms, "message": text} for text in texts]
        client.put_log_events(logGroupName=f"{PREFIX}api-list", logStreamName="one", logEvents=events)

    def new() -> list[str]:
        return [f"{line.name} {line.text}" for line in groups.new(groups.names())]

    put("START RequestId: 1", '{"status": 200}\n', "END RequestId: 1", "REPORT RequestId: 1")
    first = new()
    put("later")

    assert (groups.names(), first, new(), new()) == (["api-list"], ['api-list {"status": 200}'], ["api-list later"], [])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"event": "metrics", "_aws": {"Timestamp": 1}, "Polls": 3}', '{"event": "metrics", "Polls": 3}'),
        ('{"event": "joined"}', '{"event": "joined"}'),
        ('no "_aws" here', 'no "_aws" here'),
    ],
)
def test_what_only_cloudwatch_reads_is_left_out(text: str, shown: str):
    """A line of metrics declares each of them again; a person reads the numbers."""
    assert readable(text) == shown
