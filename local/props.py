"""A resource's inputs as the mock engine hands them over, made plain; and a note of which of them were read."""

from collections.abc import Iterator, Mapping
from typing import Any

#: How Pulumi marks a secret inside a value (sdk/python/lib/pulumi/runtime/rpc.py).
SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public marker, not a secret
#: Stands for an output that no handler returned; ASCII, because it must survive JSON inside of policies.
MISSING = "@@missing output"


class MissingOutputError(LookupError):
    """A resource uses an output that the handler of another one does not return."""


def plain(value: Any) -> Any:
    """Unwrap secrets, make whole floats (60.0) integers again, refuse outputs that nobody returned."""
    match value:
        case {"4dabf18193072939515e22adb298388d": signature, "value": inner} if signature == SECRET_SIGNATURE:
            return plain(inner)
        case Mapping():
            return {key: plain(inner) for key, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case float() if value.is_integer():
            return int(value)
        case str() if MISSING in value:
            at = value.index(MISSING)
            raise MissingOutputError(value[at : value.find("@@", at + 2) + 2])
        case _:
            return value


def missing(typ: str, prop: str) -> str:
    """Make the marker of one output."""
    return f"{MISSING} {typ}.{prop}@@"


class Props(Mapping[str, Any]):
    """Inputs that remember which of them nobody has read: an input without effect is a difference to AWS."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self._unread = set(self._values)

    @property
    def unread(self) -> list[str]:
        """List the inputs that no handler has read so far."""
        return sorted(self._unread)

    def has_no_effect(self, *names: str) -> None:
        """Declare inputs that mean nothing on the emulator; the caller's comment says why."""
        self._unread -= set(names)

    def only(self, *names: str) -> dict[str, Any]:
        """Pick the given inputs, as far as they are set."""
        return {name: self[name] for name in names if name in self._values}

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        self._unread.discard(name)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._values  # not by reading it, as Mapping would

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
