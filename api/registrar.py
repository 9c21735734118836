"""What registering and editing a source need, joined at the door."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from api import door
from api.achievable import SheetQuota
from api.edit import Configuration
from api.key_uses import KeyUses
from api.keys import Keys
from api.models import Registration
from api.outgoing import read_policy
from contracts.addresses import Policy
from contracts.clock import NowMs
from contracts.kinds import SourceType
from contracts.sharding import shard_of_request, shard_of_spreadsheet
from contracts.sheet_address import read_address
from contracts.table.schema import TableNames

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What this deployment registers, and over how many shards."""

    policy: Policy
    shards: Mapping[SourceType, int]

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read the rules as a process gets them."""
        return cls(
            policy=read_policy(environ),
            shards={
                SourceType.EXTERNAL: int(environ["EXTERNAL_SHARDS"]),
                SourceType.GOOGLE_SHEET: int(environ["SHEET_SHARDS"]),
            },
        )

    def shard_of(self, registration: Registration, secret_id: str | None) -> int:
        """Place a source: those that may share a request are on one shard."""
        shards = self.shards[registration.type]
        if registration.type is SourceType.GOOGLE_SHEET:
            return shard_of_spreadsheet(read_address(registration.url).spreadsheet_id, shards=shards)
        return shard_of_request(url=registration.url, headers=registration.headers, secret_id=secret_id, shards=shards)


@dataclass(frozen=True, kw_only=True)
class Registrar:
    """All that registering and editing need."""

    dynamodb: "DynamoDBClient"
    tables: TableNames
    keys: Keys
    uses: KeyUses
    configuration: Configuration
    rules: Rules
    quota: SheetQuota
    now_ms: NowMs
    chance: random.Random

    @classmethod
    def of(
        cls,
        environ: Mapping[str, str],
        *,
        dynamodb: "DynamoDBClient",
        secrets: "SecretsManagerClient",
        now_ms: NowMs,
        chance: random.Random,
        pause: Callable[[float], None],
    ) -> Self:
        """Join clients, clock and chance with what the environment says."""
        tables = TableNames.from_environ(environ)
        keys = Keys(client=secrets, prefix=environ["SECRETS_PREFIX"])
        return cls(
            dynamodb=dynamodb,
            tables=tables,
            keys=keys,
            uses=KeyUses(dynamodb=dynamodb, fleet_table=tables.fleet, keys=keys, now_ms=now_ms, chance=chance),
            configuration=Configuration(
                dynamodb=dynamodb, fleet_table=tables.fleet, now_ms=now_ms, chance=chance, pause=pause
            ),
            rules=Rules.from_environ(environ),
            quota=SheetQuota.of(environ, dynamodb=dynamodb, now_ms=now_ms),
            now_ms=now_ms,
            chance=chance,
        )

    @classmethod
    def at_the_door(cls, environ: Mapping[str, str]) -> Self:
        """Join what a Lambda has."""
        return cls.of(
            environ,
            dynamodb=door.dynamodb(),
            secrets=door.secrets_manager(),
            now_ms=door.wall_ms,
            chance=door.CHANCE,
            pause=door.pause,
        )
