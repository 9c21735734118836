"""The configuration key `alerts`: who is told which sources are in trouble, by a webhook, by e-mail, or both."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from contracts.addresses import Policy
from contracts.kinds import FAILURES_TOLD_MAX
from contracts.rules import check_destination, check_url
from stack.reading import is_address

#: Every rule is told to the function, of whose environment AWS takes 4 KB; each may have one topic and one webhook.
RULES_MAX, RULES_CHARACTERS_MAX = 8, 2_000
#: Stands for a topic, of whose name nothing is known yet but that it is no longer.
_TOPIC = "-" * 90
AFTER_MINUTES_DEFAULT, AFTER_MINUTES_MAX = 5, 1_440
#: As many as their kind of failure takes to be failing.
AFTER_FAILURES_DEFAULT = 0
TAGS_MAX, TAG_LENGTH_MAX, ADDRESS_LENGTH_MAX = 10, 64, 256
_KEYS = frozenset({"name", "tags", "afterFailures", "afterMinutes", "email", "webhook"})
_NAME = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """One rule. `tags`: sources with any of these; none: every source."""

    name: str
    tags: tuple[str, ...]
    after_failures: int
    after_minutes: int
    email: str
    webhook: str

    @property
    def told(self) -> dict[str, object]:
        """Say it as the function reads it, but for its topic."""
        told: dict[str, object] = {
            "name": self.name, "afterFailures": self.after_failures, "afterMinutes": self.after_minutes,
        }  # fmt: skip
        told |= {"tags": list(self.tags)} if self.tags else {}
        return told | ({"webhook": self.webhook} if self.webhook else {})

    @classmethod
    def read(cls, given: object, *, secure: bool) -> Self:
        """Read one entry; ValueError says what is wrong with it. `secure` refuses plain http."""
        if not isinstance(given, Mapping) or not given.keys() <= _KEYS:
            raise ValueError(f"a rule has {', '.join(sorted(_KEYS))} and nothing else")
        rule = cls(
            name=_text(given, "name"),
            tags=_tags(given.get("tags", [])),
            after_failures=_whole(given, "afterFailures", AFTER_FAILURES_DEFAULT, FAILURES_TOLD_MAX),
            after_minutes=_whole(given, "afterMinutes", AFTER_MINUTES_DEFAULT, AFTER_MINUTES_MAX),
            email=_text(given, "email"),
            webhook=_text(given, "webhook"),
        )
        rule._check(secure=secure)
        return rule

    def _check(self, *, secure: bool) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("name: up to 32 lower-case letters, digits and -")
        if not (self.email or self.webhook):
            raise ValueError(f"{self.name}: give email, webhook or both")
        if self.email and not is_address(self.email):
            raise ValueError(f"{self.name}: email is no address")
        if self.webhook and not self.webhook.startswith(("https://",) if secure else ("https://", "http://")):
            raise ValueError(f"{self.name}: webhook must begin with https://")
        if self.webhook:
            self._check_webhook(Policy(allow_private=not secure))

    def _check_webhook(self, policy: Policy) -> None:
        """Refuse what the gate would refuse at each alert: then nobody would ever hear of one."""
        if "@" in urlsplit(self.webhook).netloc:
            raise ValueError(f"{self.name}: webhook has no user or password in it: its signature says who sends it")
        try:
            check_destination(check_url(self.webhook), policy)
        except ValueError as error:
            raise ValueError(f"{self.name}: webhook: {error}") from error


def check_together(rules: Sequence[AlertRule]) -> None:
    """Refuse rules that do not go together; ValueError says why."""
    if len({rule.name for rule in rules}) < len(rules):
        raise ValueError("two rules have the same name")
    told = [rule.told | ({"topic": _TOPIC} if rule.email else {}) for rule in rules]
    if (size := len(json.dumps(told))) > RULES_CHARACTERS_MAX:
        raise ValueError(f"all rules together take {size} characters, {RULES_CHARACTERS_MAX} at most: fewer or shorter")


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key, "")
    if not isinstance(value, str) or len(value) > ADDRESS_LENGTH_MAX:
        raise ValueError(f"{key} must be a text of at most {ADDRESS_LENGTH_MAX} characters")
    return value


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > TAGS_MAX:
        raise ValueError(f"tags must be a list of at most {TAGS_MAX}")
    if not all(isinstance(tag, str) and 0 < len(tag) <= TAG_LENGTH_MAX for tag in value):
        raise ValueError(f"a tag has 1 to {TAG_LENGTH_MAX} characters")
    return tuple(value)


def _whole(given: Mapping[str, Any], key: str, default: int, high: int) -> int:
    value = given.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= high:
        raise ValueError(f"{key} must lie between 0 and {high}")
    return value
