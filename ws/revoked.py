"""Whose rights were revoked, known to every pass at the price of one small read a second."""

from collections.abc import Mapping

from contracts.clock import SECOND_MS
from contracts.table import revocations
from contracts.table.revocations import Revocation
from ws import rows
from ws.world import World

#: A revocation stops data at the next update, or at one within this.
KNOWN_FOR_MS = SECOND_MS


def standing(world: World) -> Mapping[str, Revocation]:
    """Give what was revoked, by principal."""
    known, now_ms = world.revoked, world.now_ms()
    if not 0 <= now_ms - known.at_ms < KNOWN_FOR_MS:
        query = revocations.standing(world.tables.connections, now_ms=now_ms)
        found = [Revocation.read(item) for page in rows.pages(world, query) for item in page]
        known.rows, known.at_ms = {each.principal: each for each in found}, now_ms
    return known.rows


def is_revoked(world: World, principal: str, since_ms: int) -> bool:
    """Tell whether a right that was written down then has been revoked."""
    revocation = standing(world).get(principal)
    return revocation is not None and revocation.ends(since_ms)
