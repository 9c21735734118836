"""
API tokens of a stack: make one, list them, end one.

A token is shown once, when it is made; only its hash is kept. Ending one also ends what its bearer is in the middle
of: the sockets' Lambda cuts every connection of that name within a minute, and whoever holds another token of the
name connects again.
"""

import json
import os
import random
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.exceptions import ClientError

from contracts import access
from contracts.access import READ, WRITE, Right
from contracts.clock import DAY_S, SECOND_MS, iso
from contracts.table import revocations
from contracts.table.values import read_item
from local import state
from local.aws import Aws
from local.reach import NotReachableError

DAYS_DEFAULT, DAYS_MAX = 90, 3_650
#: No colon and no number sign: names of people from elsewhere (`oidc:…`) and rows of ours have them.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class TokenRefused(RuntimeError):
    """A token cannot be made or ended as it was asked for; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The tables of one stack that say who gets in, and who is in."""

    dynamodb: Any
    access: str
    connections: str
    sts: Any
    """Knows whose credentials these are."""

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """Reach the stack that runs on this machine."""
        known = state.read(folder)
        if known is None:
            raise NotReachableError("no stack runs: make up, or name one in the cloud with STACK=…")
        aws = Aws(endpoint=known.aws_endpoint, region=known.region, credentials=known.credentials)
        return cls._of(aws.client("dynamodb"), aws.client("sts"), known.tables)

    @classmethod
    def of_outputs(cls, file: Path) -> Self:
        """Reach a stack in the cloud by what `pulumi stack output --json` says, with the credentials of this shell."""
        try:
            names = dict(json.loads(file.read_text())["tables"])
        except OSError as error:
            raise NotReachableError(f"{file} cannot be read: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise NotReachableError(f"{file} names no tables: pulumi stack output --json > {file}") from error
        session: Any = boto3.session.Session(region_name=os.environ.get("AWS_REGION"))
        return cls._of(session.client("dynamodb"), session.client("sts"), names)

    @classmethod
    def _of(cls, dynamodb: Any, sts: Any, names: Any) -> Self:
        return cls(dynamodb=dynamodb, sts=sts, access=names["Access"], connections=names["Connections"])

    @property
    def caller(self) -> str:
        """Name whose credentials these are."""
        return str(self.sts.get_caller_identity()["Arn"])

    def make(self, name: str, *, scopes: str, days: int, now_ms: int, chance: random.Random) -> str:
        """Let somebody in for so many days (0: until ended) and give the token; nobody can be told it again."""
        if not _NAME.fullmatch(name):
            raise TokenRefused("a name has up to 64 letters, digits and . _ @ -, and begins with a letter or digit")
        token, right = access.new_token(chance), _right(name, scopes, days, now_ms)
        row = access.token_row(token, right, name=name, created_at=iso(now_ms))
        self.dynamodb.put_item(**access.put_new_token(self.access, row))
        return token

    def all(self) -> Iterator[dict[str, Any]]:
        """Give what is known of each token, the newest first; neither it nor its hash."""
        request = access.tokens(self.access)
        rows: list[dict[str, Any]] = []
        while True:
            page = self.dynamodb.scan(**request)
            rows += [read_item(item) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return iter(sorted(rows, key=lambda row: str(row["createdAt"]), reverse=True))
            request = request | {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def end(self, identity: str, *, now_ms: int) -> str:
        """Shut a token out and have its bearer's connections cut; give whose they were."""
        row_id = f"{access.TOKEN_ROW}{identity}"
        found = self.dynamodb.get_item(**access.get_token(self.access, row_id)).get("Item")
        if found is None:
            raise TokenRefused(f"there is no token {identity}: make token lists them")
        principal: str = read_item(found)["principal"]
        # In this order a run that breaks off is repeated; who gets in between is cut as well.
        self.dynamodb.put_item(**revocations.revoke(self.connections, principal, now_ms=now_ms))
        self.dynamodb.delete_item(**access.delete_token(self.access, row_id))
        return principal


def tokens(folder: Path, outputs: str | None) -> Tokens:
    """Reach the stack of a file of outputs, else the one that runs here."""
    return Tokens.of_outputs(Path(outputs)) if outputs else Tokens.of_folder(folder)


def show(known: Tokens, *, now_ms: int) -> None:
    """List the tokens."""
    for row in known.all():
        expiry = row.get("expiry")
        ends = "never ends" if expiry is None else f"{'ended' if expiry <= now_ms else 'ends'} {iso(expiry)}"
        identity = row["id"].removeprefix(access.TOKEN_ROW)
        print(f"{identity}  {row['name']:<24}  {row['scopes']:<10}  made {row['createdAt']}  {ends}")


def make(known: Tokens, name: str, *, scopes: str, days: int, now_ms: int, chance: random.Random) -> None:
    """Make one and print it, alone on a line of standard output so that it can be piped."""
    try:
        made = known.make(name, scopes=scopes, days=days, now_ms=now_ms, chance=chance)
        print(made)
        identity = str(access.token_id(made)).removeprefix(access.TOKEN_ROW)
        _audit(known, "token_made", identity, now_ms=now_ms, name=name, scopes=scopes, days=days)
    except ClientError as error:
        raise TokenRefused(f"AWS: {error}") from error


def end(known: Tokens, identity: str, *, now_ms: int) -> None:
    """End one."""
    name = known.end(identity, now_ms=now_ms)
    _audit(known, "token_ended", identity, now_ms=now_ms, name=name)
    print(f"token {identity} of {name} is ended; connections of {name} are cut within a minute")


def _audit(known: Tokens, what: str, identity: str, *, now_ms: int, **more: Any) -> None:
    """Leave the line that every change leaves, on standard error: no endpoint was asked, so no log has it."""
    line = {"what": what, "at": iso(now_ms), "principal": known.caller, "from": socket.gethostname(), "token": identity}
    print(json.dumps(line | more), file=sys.stderr)


def _right(name: str, scopes: str, days: int, now_ms: int) -> Right:
    wanted = frozenset(scopes.replace(",", " ").split())
    if not wanted or not wanted <= {READ, WRITE}:
        raise TokenRefused(f"scopes are {READ}, {WRITE} or both, not {scopes!r}")
    if not 0 <= days <= DAYS_MAX:
        raise TokenRefused(f"days lie between 0 (never ends) and {DAYS_MAX}")
    return Right(principal=name, scopes=wanted, expires_ms=now_ms + days * DAY_S * SECOND_MS if days else None)
