"""What can go wrong between a worker and AWS, in our own words. A failing source is none of these: it is data."""

from contracts.table.values import Item


class StoreError(Exception):
    """A request to AWS did not do what was asked."""


class Refused(StoreError):
    """
    A condition did not hold: nothing was written.

    `old` is the item as it stands, as a client returns it, where the request asked for it. Of a transaction,
    `reasons` has each action's code in order (`None` for those that would have passed).
    """

    def __init__(self, message: str, *, old: Item | None = None, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.old = old
        self.reasons = reasons


class Ambiguous(StoreError):
    """Time-out, lost connection or a 5xx: a write may have landed, or may still land."""


class Throttled(StoreError):
    """Over capacity, or in conflict with another transaction: nothing was written, asking again later may do."""


class StoreFailed(StoreError):
    """Refused for good: a wrong request, a missing table, no permission."""
