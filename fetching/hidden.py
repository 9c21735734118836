"""Keep a key out of what is shown: some servers repeat what they were sent."""

import base64
import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, quote_plus

from contracts.pointer import escaped
from fetching.keyed import basic

HIDDEN = "***"


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """Replaces one key, in the forms in which a server may repeat it; longer forms first."""

    forms: tuple[str, ...] = ()

    @classmethod
    def of(cls, key: str | None) -> Self:
        """Hide this key; nothing if there is none."""
        forms = set(_forms(key)) if key else set[str]()
        forms |= set(map(escaped, forms))  # as a member's name, in a pointer
        return cls(forms=tuple(sorted(forms, key=len, reverse=True)))

    def text(self, text: str) -> str:
        """Hide it in a text."""
        for form in self.forms:
            text = text.replace(form, HIDDEN)
        return text

    def value(self, value: Any) -> Any:
        """Hide it in a value that has no members: a number may be the key too."""
        if isinstance(value, str):
            return self.text(value)
        return HIDDEN if self.forms and str(value) in self.forms else value


def _forms(key: str) -> Iterator[str]:
    yield from (key, quote(key), quote(key, safe=""), quote_plus(key), html.escape(key), html.escape(key, quote=False))
    yield from (basic(key), base64.b64encode(key.encode()).decode())
