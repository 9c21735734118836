"""What polling needs to know of a Google Sheets source's configuration."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from contracts.sheet_address import Range, read_address, read_range
from fetching.sheets.table import Shape

if TYPE_CHECKING:  # pydantic doubles the start of a Lambda
    from contracts.source import SourceFields


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetTarget:
    """Which ranges of which spreadsheet, and what becomes of them."""

    spreadsheet_id: str
    gid: int | None
    shape: Shape

    @classmethod
    def of(cls, source: "SourceFields") -> Self:
        """Take it from a source of type googleSheet; no ranges: the whole tab."""
        address = read_address(source.url)
        ranges = tuple(map(read_range, source.ranges)) or (Range(),)
        shape = Shape(
            ranges=ranges, names=tuple(source.ranges) or ("",), header=source.header, key_column=source.key_column
        )
        return cls(spreadsheet_id=address.spreadsheet_id, gid=address.gid, shape=shape)

    @property
    def needs_title(self) -> bool:
        """Say whether a range names no tab, so that the one of the address is meant."""
        return self.gid is not None and any(not one.tab for one in self.shape.ranges)

    def a1(self, title: str) -> tuple[str, ...]:
        """Write the ranges as Google is asked for them; without a title the first tab is meant."""
        return tuple(one.a1(title) or WHOLE for one in self.shape.ranges)


#: All of the first visible tab: a range that names none means that one.
WHOLE = "A:ZZZ"
