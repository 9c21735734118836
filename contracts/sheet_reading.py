"""By which account a spreadsheet is read, and how often a source of it: what workers do and the API foretells."""

from hashlib import sha256

from contracts.clock import MINUTE_MS

#: With hints, only sources that are read this seldom gain anything: a hint of Drive is as late.
SLOW_MS = 3 * MINUTE_MS
#: With hints, every sheet is read this often whatever Drive says.
SWEEP_MS = 20 * MINUTE_MS


def weight(email: str, spreadsheet_id: str) -> bytes:
    """
    Weigh an account for a spreadsheet: it is shared with the heaviest, the others are tried if that fails.

    Rendezvous hashing: another account moves only the spreadsheets that become its own.
    """
    return sha256(f"{email}\n{spreadsheet_id}".encode()).digest()


def read_every_ms(interval_ms: int, *, hinted: bool) -> int:
    """Say how often a source is really read while Drive is silent: as many due times apart as a sweep has room for."""
    return max(1, SWEEP_MS // interval_ms) * interval_ms if hinted and interval_ms >= SLOW_MS else interval_ms
