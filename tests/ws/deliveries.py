"""
Random deliveries: the real Lambda and the real Python client, and between them all that can go wrong.

Frames are lost, doubled and swapped; messages are doubled, swapped and served in batches by Lambdas that die, have no
time or are refused by a table in the midst of it; connections vanish with and without a goodbye; sources begin another
history. A million deliveries: `python -m tests.ws.deliveries 1000000`.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from itertools import count
from typing import Any, cast

from botocore.exceptions import ClientError

from client.inbox import Inbox
from client.replica import Phase, Replica
from local.memory import NAMES, Memory
from tests.ws.service import NOW_MS, SOURCE, Service
from ws.budget import Budget
from ws.post import Letter, Outcome, Tally
from ws.world import World

CLIENTS = 5
LOST, DOUBLED, SWAPPED = 0.01, 0.05, 0.05
DIES, NO_TIME, TROUBLE = 0.02, 0.05, 0.05
#: Messages served together, and calls of a table before one is refused, at most.
BATCH_MAX, CALLS_MAX = 4, 60


class Killed(BaseException):
    """The Lambda is gone: no handler of ours runs."""


class Inline(Executor):
    """Does at once what is meant for threads."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a future carries whatever was raised
            done.set_exception(error)
        return done


class Tables:
    """Tables that refuse one call, after so many others."""

    def __init__(self) -> None:
        self._memory = Memory()
        self.refuses_after: int | None = None

    def __getattr__(self, name: str) -> Any:
        """Do all else as it is done."""
        if self.refuses_after is None or name.startswith("_"):
            return getattr(self._memory, name)
        self.refuses_after -= 1
        if self.refuses_after >= 0:
            return getattr(self._memory, name)
        self.refuses_after = None
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, name)


class Line:
    """One client, and what is on its way to it."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name, self.connection_id = name, ""
        self.replica = Replica(SOURCE, chance=chance)
        self.inbox = Inbox()
        self.coming: list[bytes] = []
        self.best: dict[str, int] = {}

    def receive(self, text: bytes) -> None:
        """Take a frame; a version never falls within a history unless the document was let go."""
        held = self.replica.position if self.replica.holds else ("", 0)
        frame = self.inbox.read(text.decode())
        if frame is not None:
            self.replica.receive(frame)
        if self.replica.holds and held[0] == self.replica.incarnation:
            assert self.replica.version >= held[1], f"{self.name} fell from {held} to {self.replica.position}"


class Chaos:
    """Everything there is in one run. `delivered` counts frames that reached a client."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.delivered = chance, 0
        self.lines = [Line(f"client-{number}", random.Random(number)) for number in range(CLIENTS)]
        self.open: dict[str, Line] = {}
        self.waiting: list[tuple[str, int]] = []
        self.calm = False
        self._letters_left = -1
        self._numbers = count(1)
        self.tables = Tables()
        memory: Any = self.tables
        pool = Inline()
        self.service = Service(pool, World(
            dynamodb=memory, sqs=cast("Any", self), s3=cast("Any", None), post=self, pool=pool, tables=NAMES,
            budget=Budget(dynamodb=memory, table=NAMES.budget, quota_per_s=10_000, now_ms=self.now_ms,
                          sleep=lambda _: None),
            stack="", queue_url="queue", dead_letter_url="dead", documents_bucket="documents", now_ms=self.now_ms,
            sleep=lambda _: None, bucket_subscribers_max=2,
        ))  # fmt: skip
        self.service.world.budget.lease_max = 1
        self.service.register()

    def now_ms(self) -> int:
        """Tell the virtual time."""
        return self.service.at_ms if hasattr(self, "service") else NOW_MS

    # What the Lambda reaches.

    def send_message(self, **request: Any) -> None:
        """Be the queue, and the dead letters' end."""
        if request["QueueUrl"] == "queue":
            self.waiting.append((request["MessageBody"], 1))

    def change_message_visibility(self, **_: Any) -> None:
        """Give what failed again whenever it comes: its order in the batch is all that counts."""

    def deliver(self, letters: Sequence[Letter], _within_s: float) -> list[Outcome]:
        """Put frames on their way; the Lambda may die at any letter."""
        return [self._deliver(letter) for letter in letters]

    def close(self, connection_ids: Sequence[str], _within_s: float) -> list[Outcome]:
        """Cut connections."""
        return [Outcome.SENT if self._cut(each) else Outcome.GONE for each in connection_ids]

    def tally(self) -> Tally:
        """Count nothing."""
        return Tally()

    def _deliver(self, letter: Letter) -> Outcome:
        if self._letters_left == 0:
            raise Killed
        self._letters_left -= 1
        line = self.open.get(letter.connection_id)
        if line is None:
            return Outcome.GONE
        if not self.calm and letter.frames and self.chance.random() < LOST:
            return self.chance.choice([Outcome.FAILED, Outcome.SLOW, Outcome.LATER])
        line.coming += letter.frames
        return Outcome.SENT

    def _cut(self, connection_id: str) -> bool:
        line = self.open.pop(connection_id, None)
        if line:
            line.connection_id, line.inbox = "", Inbox()
            line.coming.clear()
            line.replica.closed()
        return line is not None

    # What happens.

    def commit(self) -> None:
        """Let the source change."""
        document = {
            "n": next(self._numbers),
            "rows": [self.chance.randrange(9) for _ in range(self.chance.randrange(4))],
        }
        message = self.service.commit(document, keep_step=self.chance.random() > LOST)
        self.waiting.append((message.encode(), 1))

    def restart(self) -> None:
        """Begin another history, as a restore does."""
        self.service.restart(incarnation=f"i{next(self._numbers)}")

    def serve(self) -> None:
        """Serve some messages: any of them, maybe twice, by a Lambda that may die, have no time or meet trouble."""
        size = 1 if self.calm else self.chance.randrange(1, BATCH_MAX + 1)
        batch = [self._next_message() for _ in range(min(size, len(self.waiting)))]
        if not batch:
            return
        self.waiting += [(body, n + 1) for body, n in batch if not self.calm and self.chance.random() < DOUBLED]
        if not self.calm and self.chance.random() < DIES:
            self._letters_left = self.chance.randrange(CLIENTS)
        if not self.calm and self.chance.random() < TROUBLE:
            self.tables.refuses_after = self.chance.randrange(CALLS_MAX)
        left_ms = [14_000] * self.chance.randrange(1, 9) if not self.calm and self.chance.random() < NO_TIME else []
        bodies, receives = [body for body, _ in batch], max(n for _, n in batch)
        try:
            failed = self.service.consume(*bodies, left_ms=[*left_ms, 4_000] if left_ms else (), receives=receives)
        except Killed:
            failed = [*range(len(batch))]
        self._letters_left, self.tables.refuses_after = -1, None
        self.waiting[:0] = [(bodies[place], receives + 1) for place in failed]

    def _next_message(self) -> tuple[str, int]:
        return self.waiting.pop(0 if self.calm else self.chance.randrange(len(self.waiting)))

    def connect(self) -> None:
        """Let a client connect that is not."""
        line = self.chance.choice(self.lines)
        if not line.connection_id:
            self._connect(line)

    def _connect(self, line: Line) -> None:
        line.connection_id = f"{line.name}-{next(self._numbers)}"
        self.service.event("$connect", line.connection_id, authorizer={"principal": "ada", "scopes": "read"})
        self.open[line.connection_id] = line
        line.replica.opened()

    def vanish(self) -> None:
        """Let a connection end; AWS may say so or not."""
        line = self.chance.choice(self.lines)
        connection_id = line.connection_id
        if self._cut(connection_id) and self.chance.random() < 0.5:
            self.service.event("$disconnect", connection_id)

    def arrive(self) -> None:
        """Let what is on its way to a client arrive, or not, or twice, or in another order."""
        for line in self.lines if self.calm else [self.chance.choice(self.lines)]:
            coming, line.coming = line.coming, []
            for i in range(len(coming) - 1):
                if not self.calm and self.chance.random() < SWAPPED:
                    coming[i], coming[i + 1] = coming[i + 1], coming[i]
            for text in coming:
                for _ in range(self._times()):
                    self.delivered += 1
                    line.receive(text)

    def _times(self) -> int:
        drawn = 1.0 if self.calm else self.chance.random()
        return 0 if drawn < LOST else 2 if drawn < LOST + DOUBLED else 1

    def ask(self) -> None:
        """Let clients send what they want to."""
        for line in self.lines:
            while line.connection_id and (asked := line.replica.take(self.now_ms())):
                self.service.event("$default", line.connection_id, asked)

    def wait(self) -> None:
        """Let time pass."""
        self.service.at_ms += self.chance.choice([50, 400, 2_000])

    def sweep(self) -> None:
        """Let the minute's rule call."""
        self.service.sweep(time_left_ms=14_000)

    def step(self) -> None:
        """Let one thing happen."""
        happens, often = zip(*self._events().items(), strict=True)
        self.chance.choices(happens, often)[0]()
        self.ask()

    def _events(self) -> dict[Callable[[], None], int]:
        return {
            self.commit: 25, self.serve: 40, self.arrive: 60, self.connect: 6, self.vanish: 2, self.wait: 20,
            self.sweep: 1, self.restart: 1,
        }  # fmt: skip

    def settle(self) -> None:
        """Let all calm down: everyone reconnects, the source changes once more, and nothing more goes wrong."""
        self.calm = True
        for line in self.lines:
            self._cut(line.connection_id)
            self._connect(line)
        self._calm_down()
        self.commit()
        self._calm_down()

    def _calm_down(self) -> None:
        for _ in range(40):
            self.service.at_ms += 2_000
            self.ask()
            while self.waiting:
                self.serve()
            self.arrive()

    def check(self) -> None:
        """Everyone's document is the source's, and the count and the rows are theirs and nobody else's."""
        document, position = self.service.documents[SOURCE], self.service.position[SOURCE]
        for line in self.lines:
            assert line.replica.phase is Phase.LIVE, (line.name, line.replica.phase)
            assert line.replica.position == position, (line.name, line.replica.position, position)
            assert line.replica.document == document, (line.name, line.replica.document, document)
        self.commit()
        while self.waiting:
            self.serve()
        living = sorted(line.connection_id for line in self.lines)
        assert sorted(connection for _, connection in self.service.subscribers()) == living
        rows = self.service.rows(NAMES.subscribers)
        assert sum(max(0, row.get("count", 0)) for row in rows if row["connectionId"] == "#") == len(living)


def run(seed: int, steps: int) -> int:
    """Run one seed; gives how many frames were delivered."""
    chaos = Chaos(random.Random(seed))
    for _ in range(steps):
        chaos.step()
    chaos.settle()
    chaos.check()
    return chaos.delivered


def main() -> None:
    """Run seed after seed until so many frames were delivered; a wrong document comes as a traceback."""
    parser = argparse.ArgumentParser(prog="python -m tests.ws.deliveries")
    parser.add_argument("deliveries", type=int)
    parser.add_argument("--first-seed", type=int, default=0)
    asked = parser.parse_args()
    delivered, seed = 0, asked.first_seed
    while delivered < asked.deliveries:
        try:
            delivered += run(seed, 2_000)
        except BaseException:
            print(f"seed {seed}")  # noqa: T201 - a command line prints
            raise
        seed += 1
    print(json.dumps({"deliveries": delivered, "seeds": seed - asked.first_seed, "wrong": 0}))  # noqa: T201 - it prints


if __name__ == "__main__":
    main()
