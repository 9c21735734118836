"""
One element or many: XML does not say, and xmltodict makes a value of one and a list of several.

So that a second item does not turn a value into a list, and its going back, an element is a list wherever the
selector treats it as one; and wherever it repeats, in this document or in the last one, in every place alike: with
one item, and with none (`[]`). What was a list once stays one, across workers too, because the last document says so;
and of a list whose parent is gone, which no document can tell of, the head does (`untold`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fetching.select import ANY, COMPILED_MAX, compiled

type Path = tuple[str, ...]
type Node = Any  # jmespath types its trees for itself only

#: Lists without a parent that are remembered of a source.
UNTOLD_MAX = 64

_OF_LISTS = frozenset({"avg", "max_by", "min_by", "sort", "sort_by", "sum"})


@lru_cache(maxsize=COMPILED_MAX)
def asked_for(selector: str) -> frozenset[Path]:
    """Name the places that a selector treats as lists: by index, slice, filter, flattening or as a projection."""
    if not selector:
        return frozenset()
    found: set[Path] = set()
    _walk(compiled(selector).parsed, (), found)
    return frozenset(found)


def forced(places: frozenset[Path]) -> Callable[[Any, str, Any], bool]:
    """Tell xmltodict, which hands the path to an element and its name, what is a list."""
    patterns = frozenset(tuple(part for part in place if part != ANY) for place in places)

    def is_list(path: Sequence[tuple[str, Any]], name: str, _: Any) -> bool:
        return (*(one for one, _ in path), name) in patterns

    return is_list


def steady(document: Any, last: Any, untold: Sequence[str] = ()) -> tuple[Any, tuple[str, ...]]:
    """
    Make lists of what repeats, in the document, in the last one (None if there is none), or at a place of `untold`.

    Gives also the places of lists that the document made cannot tell of: the next one is to be made with them.
    """
    shape = _Shape()
    shape.learn(last)
    for place in untold:
        shape.note(place.split("/"))
    known = frozenset(shape.places())
    shape.learn(document)
    made = shape.apply(document)
    if not known:
        return made, ()
    told = _Shape()
    told.learn(made)
    return made, tuple(sorted(known.difference(told.places())))[:UNTOLD_MAX]


@dataclass(kw_only=True, slots=True)
class _Shape:
    """What is known of one place: whether it repeats, and of the places under it."""

    many: bool = False
    members: dict[str, "_Shape"] = field(default_factory=dict)

    def learn(self, value: Any) -> None:
        if isinstance(value, list):
            self.many = True
            for item in value:
                self._learn_members(item)
        else:
            self._learn_members(value)

    def _learn_members(self, value: Any) -> None:
        if isinstance(value, dict):
            for name, member in value.items():
                self.members.setdefault(name, _Shape()).learn(member)

    def note(self, names: Sequence[str]) -> None:
        """Take it from elsewhere that a place repeats; no name of XML holds a slash."""
        at = self
        for name in names:
            at = at.members.setdefault(name, _Shape())
        at.many = True

    def places(self, at: str = "") -> Iterator[str]:
        """Name the places that repeat; the document itself never does."""
        for name, shape in self.members.items():
            place = f"{at}/{name}" if at else name
            if shape.many:
                yield place
            yield from shape.places(place)

    def apply(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._apply_members(item) for item in value]
        made = self._apply_members(value)
        return [made] if self.many else made

    def _apply_members(self, value: Any) -> Any:
        none: dict[str, Any] = {name: [] for name, shape in self.members.items() if shape.many}
        if isinstance(value, dict):
            return {**none, **{name: self.members[name].apply(member) for name, member in value.items()}}
        return none or None if value is None else value


def _walk(node: Node, at: Path | None, found: set[Path]) -> Path | None:  # noqa: C901, PLR0911 - a case each
    """Note what a node of a JMESPath expression treats as a list; give the place that its value comes from."""
    children: list[Node] = node["children"]
    match node["type"]:
        case "field":
            return None if at is None else (*at, node["value"])
        case "current" | "identity":
            return at
        case "subexpression" | "pipe" | "index_expression":
            for child in children:
                at = _walk(child, at, found)
            return at
        case "index" | "slice":
            return _items(at, found)
        case "flatten":
            place = _walk(children[0], at, found)
            _items(place, found)
            return place
        case "projection" | "filter_projection" | "value_projection":
            return _project(node, at, found)
        case "function_expression":
            _call(node, at, found)
            return None
        case "literal":
            return None
        case _:
            for child in children:
                _walk(child, at, found)
            return None


def _project(node: Node, at: Path | None, found: set[Path]) -> Path | None:
    left, *rest = node["children"]
    place = _walk(left, at, found)
    if node["type"] == "value_projection":
        item = None  # any member: that is no one place
    else:
        item = place if left["type"] == "index_expression" else _items(place, found)
    places = [_walk(child, item, found) for child in rest]
    return places[0]


def _call(node: Node, at: Path | None, found: set[Path]) -> None:
    """Walk a function's arguments: an expression (`&x`) is about the items of the list beside it."""
    place: Path | None = None
    for child in node["children"]:
        if child["type"] == "expref":
            _walk(child["children"][0], None if place is None else (*place, ANY), found)
        else:
            place = _walk(child, at, found)
            if node["value"] in _OF_LISTS:
                _items(place, found)


def _items(place: Path | None, found: set[Path]) -> Path | None:
    """Note a list, and give the place of its items."""
    if place is None:
        return None
    if place and place[-1] != ANY:  # an item of a list is no list: XML has no lists of lists
        found.add(place)
    return (*place, ANY)
