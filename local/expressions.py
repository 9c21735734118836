"""
DynamoDB's expressions, as far as `contracts/table` uses them: read once, then evaluated on items.

Items and values are as a client holds them (`{"N": "1"}`). What is not understood is an error, never a guess.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

type Item = dict[str, Any]
type Value = Mapping[str, Any]
type Path = tuple[str, ...]
type Condition = Callable[[Item, "Bindings"], bool]
type Operand = Callable[[Item, "Bindings"], Value | None]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[()=<>,+]|[A-Za-z_#:][\w.#]*)")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "<>": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


class NotUnderstood(ValueError):
    """An expression uses what this evaluator does not know: teach it, or do not use that."""


class Bindings(NamedTuple):
    """What the names and values of an expression stand for."""

    names: Mapping[str, str]
    values: Mapping[str, Value]

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Bindings":
        """Take a request's own."""
        return cls(request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {}))

    def path(self, word: str) -> Path:
        """Resolve `#status.epoch` to the attributes' names."""
        return tuple([self.names[part] if part[0] == "#" else part for part in _parts(word)])


def holds(expression: str | None, item: Item | None, bindings: Bindings) -> bool:
    """Say whether a condition holds on an item; one that is absent has no attributes."""
    return expression is None or _condition(expression)(item or {}, bindings)


def updated(expression: str, item: Item, bindings: Bindings) -> Item:
    """Give the item that an update makes; every value is taken from the item as it was."""
    new = dict(item)
    for clause, parts in _clauses(expression):
        for part in parts:
            _CLAUSES[clause](new, item, part, bindings)
    return new


def projected(expression: str | None, item: Item, bindings: Bindings) -> Item:
    """Keep the attributes that a projection names."""
    if expression is None:
        return dict(item)
    names = [bindings.path(word)[0] for word in _tokens(expression) if word != ","]
    return {name: item[name] for name in names if name in item}


def plain(value: Value) -> Any:
    """Give what compares as DynamoDB does: numbers by value, everything else by type and bytes."""
    ((kind, held),) = value.items()
    if kind != "N":
        return held
    return float(held) if "." in held else int(held)


@lru_cache(maxsize=512)
def _parts(word: str) -> list[str]:
    return word.split(".")


@lru_cache(maxsize=512)
def _tokens(expression: str) -> tuple[str, ...]:
    words: list[str] = []
    at = 0
    text = expression.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise NotUnderstood(expression)
        words.append(found[1])
        at = found.end()
    return tuple(words)


def _look_up(item: Item, path: Path) -> Value | None:
    head, *rest = path
    found: Value | None = item.get(head)
    for name in rest:
        found = found.get("M", {}).get(name) if found else None
    return found


@lru_cache(maxsize=512)
def _condition(expression: str) -> Condition:
    return _Reader(_tokens(expression)).condition()


class _Reader:
    """Reads a condition by descent, into what evaluates it. All of it is evaluated: a missing value must show."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)

    def condition(self) -> Condition:
        read = self._any()
        if self._words:
            raise NotUnderstood(" ".join(self._words))
        return read

    def _any(self) -> Condition:
        way = self._all()
        while self._take("OR"):
            way = _either(way, self._all())
        return way

    def _all(self) -> Condition:
        part = self._one()
        while self._take("AND"):
            part = _both(part, self._one())
        return part

    def _one(self) -> Condition:
        if self._take("NOT"):
            negated = self._one()
            return lambda item, bindings: not negated(item, bindings)
        if self._take("("):
            inner = self._any()
            self._expect(")")
            return inner
        if self._words[0] in {"attribute_exists", "attribute_not_exists"}:
            return self._exists()
        return self._compare()

    def _exists(self) -> Condition:
        wanted = self._words.pop(0) == "attribute_exists"
        self._expect("(")
        attribute = _attribute(self._words.pop(0))
        self._expect(")")
        return lambda item, bindings: (attribute(item, bindings) is not None) == wanted

    def _compare(self) -> Condition:
        left = self._operand()
        operator = self._words.pop(0)
        if operator == "BETWEEN":
            return self._between(left)
        if operator not in _COMPARISONS:
            raise NotUnderstood(operator)
        right = self._operand()
        return lambda item, bindings: _compare(operator, left(item, bindings), right(item, bindings))

    def _between(self, operand: Operand) -> Condition:
        low = self._operand()
        self._expect("AND")
        high = self._operand()

        def lies(item: Item, bindings: Bindings) -> bool:
            value = operand(item, bindings)
            return _compare(">=", value, low(item, bindings)) and _compare("<=", value, high(item, bindings))

        return lies

    def _operand(self) -> Operand:
        word = self._words.pop(0)
        return (lambda _, bindings: bindings.values[word]) if word.startswith(":") else _attribute(word)

    def _take(self, word: str) -> bool:
        if self._words and self._words[0] == word:
            self._words.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise NotUnderstood(f"{word} expected before {' '.join(self._words)}")


def _either(one: Condition, other: Condition) -> Condition:
    return lambda item, bindings: one(item, bindings) | other(item, bindings)


def _both(one: Condition, other: Condition) -> Condition:
    return lambda item, bindings: one(item, bindings) & other(item, bindings)


def _attribute(word: str) -> Operand:
    if "#" in word or "." in word:
        return lambda item, bindings: _look_up(item, bindings.path(word))
    return lambda item, _: item.get(word)


def _compare(operator: str, left: Value | None, right: Value | None) -> bool:
    """Compare as DynamoDB does: an absent attribute is unequal to everything and ordered against nothing."""
    if left is None or right is None or left.keys() != right.keys():
        return operator == "<>"
    return _COMPARISONS[operator](plain(left), plain(right))


@lru_cache(maxsize=512)
def _clauses(expression: str) -> list[tuple[str, list[list[str]]]]:
    clauses: list[tuple[str, list[str]]] = []
    for word in _tokens(expression):
        if word in _CLAUSES:
            clauses.append((word, []))
        elif clauses:
            clauses[-1][1].append(word)
        else:
            raise NotUnderstood(expression)
    return [(clause, _split(words)) for clause, words in clauses]


def _split(words: Sequence[str]) -> list[list[str]]:
    """Split at commas that stand outside of parentheses."""
    parts: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if word == "," and not depth:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _set(new: Item, old: Item, part: Sequence[str], bindings: Bindings) -> None:
    match part:
        case [target, "=", value]:
            made = _value(old, value, bindings)
        case [target, "=", "if_not_exists", "(", attribute, ",", value, ")"]:
            made = _look_up(old, bindings.path(attribute)) or bindings.values[value]
        case [target, "=", left, "+", right]:
            made = _sum(_value(old, left, bindings), _value(old, right, bindings))
        case _:
            raise NotUnderstood(" ".join(part))
    new[_top(target, bindings)] = made


def _add(new: Item, old: Item, part: Sequence[str], bindings: Bindings) -> None:
    target, word = part
    name, value = _top(target, bindings), bindings.values[word]
    if "NS" in value:
        new[name] = {"NS": sorted({*old.get(name, {"NS": []})["NS"], *value["NS"]})}
    else:
        new[name] = _sum(old.get(name, {"N": "0"}), value)


def _delete(new: Item, old: Item, part: Sequence[str], bindings: Bindings) -> None:
    target, word = part
    name = _top(target, bindings)
    left = set(old.get(name, {"NS": []})["NS"]) - set(bindings.values[word]["NS"])
    if left:
        new[name] = {"NS": sorted(left)}
    else:
        new.pop(name, None)


def _remove(new: Item, _old: Item, part: Sequence[str], bindings: Bindings) -> None:
    (target,) = part
    new.pop(_top(target, bindings), None)


_CLAUSES: Mapping[str, Callable[[Item, Item, Sequence[str], Bindings], None]] = {
    "SET": _set,
    "ADD": _add,
    "DELETE": _delete,
    "REMOVE": _remove,
}


def _value(item: Item, word: str, bindings: Bindings) -> Value:
    found = bindings.values[word] if word.startswith(":") else _look_up(item, bindings.path(word))
    if found is None:
        raise NotUnderstood(f"{word} is absent")
    return found


def _sum(left: Value, right: Value) -> Value:
    return {"N": repr(plain(left) + plain(right))}


def _top(word: str, bindings: Bindings) -> str:
    (name,) = bindings.path(word)
    return name
