"""
What a preview of a sheet touches: the accounts' secret, Google, and a turn in the quota that the workers share.

gspread and google-auth are imported with the first sheet that is previewed: a preview of another source starts without.
"""

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from api.fields import refuse
from api.models import Registration
from api.problem import FieldError
from contracts.clock import SECOND_MS, NowMs
from contracts.table import google_quota
from contracts.table.google_quota import Ledger
from contracts.table.schema import TableNames
from fetching.document import Reading
from fetching.sheets.account import NOT_SET_UP, Account, AccountsUnreadable, read_accounts, reads_per_minute
from fetching.sheets.preview import NoTurn, SheetWorld, preview
from fetching.sheets.server_clock import ServerClock
from fetching.sheets.target import SheetTarget

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from fetching.sheets.verbs import GoogleVerbs

#: An API answers within 29 s: a read waits so long for its turn, and Google so long for each part of its answer.
TURN_WAIT_MAX_MS = 6 * SECOND_MS
READ_TIMEOUT_S = 12.0
THREADS = 2
_CONDITION = "ConditionalCheckFailedException"


@dataclass(frozen=True, kw_only=True)
class SheetPreviewer:
    """Previews sheets. `google` is made when it is first needed."""

    dynamodb: "DynamoDBClient"
    secrets: "SecretsManagerClient"
    secret_id: str
    table: str
    per_account: int
    per_project: int
    google: Callable[[], "GoogleVerbs"]
    pause: Callable[[float], Awaitable[None]]
    clock: Callable[[], float]
    now_ms: NowMs

    @classmethod
    def of(
        cls, environ: Mapping[str, str], *, dynamodb: "DynamoDBClient", secrets: "SecretsManagerClient",
        pause: Callable[[float], Awaitable[None]], clock: Callable[[], float], now_ms: NowMs,
    ) -> Self:  # fmt: skip
        """Take what the environment says."""
        return cls(
            dynamodb=dynamodb, secrets=secrets, secret_id=environ["GOOGLE_ACCOUNTS_SECRET"],
            table=TableNames.from_environ(environ).budget, per_account=int(environ["GOOGLE_READS_PER_ACCOUNT"]),
            per_project=int(environ["GOOGLE_READS_PER_PROJECT"]),
            google=cache(lambda: _google(environ.get("GOOGLE_ORIGIN", ""), now_ms)),
            pause=pause, clock=clock, now_ms=now_ms,
        )  # fmt: skip

    async def look(self, registration: Registration) -> dict[str, Any]:
        """Preview one."""
        accounts = self._accounts()

        async def turn(account: Account) -> None:
            granted = reads_per_minute(
                account, accounts, per_account=self.per_account, per_project=self.per_project
            )  # fmt: skip
            at_ms = self._reserve(account.email, google_quota.spacing_ms(granted))
            await self.pause(max(0, at_ms - self.now_ms()) / SECOND_MS)

        world = SheetWorld(google=self.google(), accounts=accounts, turn=turn, clock=self.clock)
        return await preview(SheetTarget.of(registration), Reading.of(registration), world)

    def _accounts(self) -> tuple[Account, ...]:
        """Read them; without any, no sheet can be looked at or registered to any use."""
        try:
            secret = self.secrets.get_secret_value(SecretId=self.secret_id)["SecretString"]
        except ClientError as error:
            if error.response["Error"].get("Code") != "ResourceNotFoundException":
                raise
            raise refuse(
                FieldError(field="type", message=NOT_SET_UP)
            ) from error  # the stack makes the secret without a value
        try:
            return read_accounts(secret)
        except AccountsUnreadable as error:
            raise refuse(FieldError(field="type", message=str(error))) from error

    def _reserve(self, email: str, span_ms: float) -> float:
        """Speak for one read behind those before; its moment (ms). Raises NoTurn where that is not soon."""
        now_ms = self.now_ms()
        latest_ms = now_ms + TURN_WAIT_MAX_MS
        requests = (
            google_quota.reserve_soon(self.table, email, span_ms=span_ms, earliest_ms=now_ms, latest_ms=latest_ms),
            google_quota.restart(self.table, email, None, span_ms=span_ms, earliest_ms=now_ms),
        )
        for request in requests:
            try:
                row = self.dynamodb.update_item(**request)["Attributes"]
            except ClientError as error:
                if error.response["Error"].get("Code") != _CONDITION:
                    raise
            else:
                return Ledger.read(row).until_ms - span_ms
        raise NoTurn(
            f"the reads that Google grants {email} are spoken for, for longer than {TURN_WAIT_MAX_MS // SECOND_MS} s:"
            " look again in a minute, or register it unseen"
        )


def _google(origin: str, now_ms: NowMs) -> "GoogleVerbs":
    from fetching.sheets.client import Google  # noqa: PLC0415 - 20 MB that previews of other sources never need

    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="google")
    return Google(threads, clock=ServerClock(now_ms), now_ms=now_ms, origin=origin, read_timeout_s=READ_TIMEOUT_S)
