"""A source's past: the steps that are kept, and what one place of its document held after each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api import cell
from api.documents import DocumentGone, Documents
from api.problem import no_such_source
from api.rows import read_head
from contracts import pointer
from contracts.pointer import Cell, Path
from contracts.table import changes
from contracts.table.changes import Change
from contracts.table.heads import Head
from contracts.table.values import read_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

#: What one answer may read of documents, to say what operations alone do not: so many, and of so many bytes in all.
DOCUMENTS_MAX = 40
DOCUMENT_BYTES_MAX = 40_000_000
#: But these at least, however large: where it began, and one step further, or nobody would get on.
DOCUMENTS_MIN = 2


class Exhausted(Exception):
    """This answer has read what one answer may: the next goes on."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some changes of one incarnation; `last` is the version that was looked at last if there may be more beyond."""

    changes: list[Change]
    last: int | None


@dataclass(kw_only=True)
class History:
    """One answer's look at the past of one source."""

    documents: Documents
    table: str
    head: Head
    documents_read: int = 0
    bytes_read: int = 0

    @classmethod
    def of(cls, source_id: str, *, documents: Documents, table: str) -> "History":
        """Begin with a source's head."""
        head = read_head(documents.dynamodb, documents.table, source_id)
        if head is None:
            raise no_such_source()
        return cls(documents=documents, table=table, head=head)

    @property
    def _dynamodb(self) -> "DynamoDBClient":
        return self.documents.dynamodb

    def before(self, version: int | None, *, limit: int) -> Page:
        """Read one page (1 MB at most) of changes, newest first; None begins with the newest."""
        below = self.head.version + 1 if version is None else min(version, self.head.version + 1)
        request = changes.before(self.table, self.head.source_id, below, limit=limit)
        return self._page(self._dynamodb.query(**request))

    def pages_from(self, version: int) -> Iterator[Page]:
        """Read pages of changes, oldest first."""
        start = None
        while True:
            request = changes.from_version(self.table, self.head.source_id, version, start=start)
            answer = self._dynamodb.query(**request)
            yield self._page(answer)
            start = answer.get("LastEvaluatedKey")
            if not start:
                return

    def version_at(self, at_ms: int) -> int:
        """Find the newest version made before a moment; one less than the first that is kept if none was."""
        low, high = 0, self.head.version
        while low < high:
            middle = (low + high + 1) // 2
            found = self._dynamodb.query(**changes.time_from(self.table, self.head.source_id, middle))["Items"]
            made = read_item(found[0]) if found else {"version": self.head.version + 1, "at": at_ms}
            if made["version"] <= self.head.version and made["at"] < at_ms:
                low = made["version"]
            else:
                high = middle - 1
        return low

    def cell_after(self, change: Change, path: Path) -> cell.Effect:
        """Tell what a change did to a place; the document is read where its operations do not say."""
        did = cell.UNKNOWN if change.step is None else cell.effect(change.step, path)
        if not did.touched or did.cell is not None:
            return did
        return cell.Effect(touched=True, cell=self.cell_in(change, path))

    def cell_in(self, change: Change, path: Path) -> Cell | None:
        """Look a place up in the document that a change led to; None if that is not kept."""
        ref = self.head.ref if change.version == self.head.version else change.ref
        if ref is None:
            return None
        too_much = self.bytes_read + ref.bytes > DOCUMENT_BYTES_MAX and self.documents_read >= DOCUMENTS_MIN
        if too_much or self.documents_read >= DOCUMENTS_MAX:
            raise Exhausted
        self.documents_read, self.bytes_read = self.documents_read + 1, self.bytes_read + ref.bytes
        try:
            return pointer.find(self.documents.read(ref), path)
        except DocumentGone:
            return None

    def change(self, version: int) -> Change | None:
        """Read the change that led to one version."""
        found = next(self.pages_from(version)).changes if version > 0 else []
        return found[0] if found and found[0].version == version else None

    def _page(self, answer: Any) -> Page:
        """Read a page; what an earlier incarnation left under these versions is not this source's past."""
        found = [Change.read(item) for item in answer["Items"]]
        last = answer.get("LastEvaluatedKey")
        mine = [one for one in found if one.incarnation == self.head.incarnation and one.version <= self.head.version]
        return Page(changes=mine, last=read_item(last)["version"] if last else None)
