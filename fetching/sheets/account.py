"""Google's service accounts, as their keys are downloaded: one JSON object, or a list of several."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.sheet_reading import weight

NOT_SET_UP = "no Google service account is set up: put its key into the stack's secret (docs/google-sheets.md)"
#: A secret holds 64 KB, a key about 2.4.
ACCOUNTS_MAX = 25
_FIELDS = ("client_email", "private_key", "private_key_id", "token_uri")


class AccountsUnreadable(ValueError):
    """The secret does not hold keys of service accounts; the text names the field and quotes nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """One service account: a sheet is shared with its `email`, and read with its key."""

    email: str
    project: str
    key: Mapping[str, Any] = field(repr=False, hash=False)


def read_accounts(secret: str) -> tuple[Account, ...]:
    """Read the secret."""
    try:
        told = json.loads(secret)
    except ValueError:
        # The cause is left out on purpose: its text may hold a piece of a key.
        raise AccountsUnreadable("the secret of the Google accounts is not JSON") from None
    keys = told if isinstance(told, list) else [told]
    if not 1 <= len(keys) <= ACCOUNTS_MAX:
        raise AccountsUnreadable(f"the secret of the Google accounts holds 1 to {ACCOUNTS_MAX} keys, not {len(keys)}")
    accounts = tuple(_account(key, number) for number, key in enumerate(keys, start=1))
    if len({account.email for account in accounts}) < len(accounts):
        raise AccountsUnreadable("the secret of the Google accounts holds one account twice")
    return accounts


def _account(key: Any, number: int) -> Account:
    if not isinstance(key, dict) or key.get("type") != "service_account":
        raise AccountsUnreadable(f"Google account {number}: this is not the key of a service account")
    for name in _FIELDS:
        if not isinstance(key.get(name), str) or not key[name]:
            raise AccountsUnreadable(f"Google account {number}: {name} is missing")
    return Account(email=key["client_email"], project=str(key.get("project_id", "")), key=key)


def in_order(accounts: Iterable[Account], spreadsheet_id: str) -> list[Account]:
    """Order accounts for a spreadsheet: the first is the one to share it with, the others are tried if that fails."""
    return sorted(accounts, key=lambda account: weight(account.email, spreadsheet_id), reverse=True)


def reads_per_minute(account: Account, accounts: Iterable[Account], *, per_account: float, per_project: float) -> float:
    """Say what an account may read: its own quota, or its share of its project's where that is less."""
    siblings = sum(other.project == account.project for other in accounts)
    return min(per_account, per_project / max(1, siblings))
