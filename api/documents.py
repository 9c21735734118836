"""Where documents are kept, how one is read, and how one goes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from api import door
from api.rows import read_row
from contracts.bodies import BUCKET, unpack
from contracts.table import heads
from contracts.table.heads import Ref
from contracts.table.schema import TableNames

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


class DocumentGone(LookupError):
    """It is not kept any more."""


@dataclass(frozen=True, kw_only=True)
class Documents:
    """The table of documents, and the bucket of those that fit no item."""

    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    table: str
    bucket: str

    @classmethod
    def at_the_door(cls, environ: Mapping[str, str]) -> Self:
        """Join what a Lambda has."""
        return cls(
            dynamodb=door.dynamodb(),
            s3=door.s3(),
            table=TableNames.from_environ(environ).sheets_data,
            bucket=environ["DOCUMENTS_BUCKET"],
        )

    def read(self, ref: Ref) -> Any:
        """Read a document."""
        return json.loads(unpack(ref.encoding, self._packed(ref)))

    def delete(self, ref: Ref) -> None:
        """Delete a document, if it is there."""
        if ref.encoding == BUCKET:
            self.s3.delete_object(Bucket=self.bucket, Key=ref.id)
        else:
            self.dynamodb.delete_item(**heads.delete(self.table, ref.id))

    def _packed(self, ref: Ref) -> str | bytes:
        if ref.encoding != BUCKET:
            row = read_row(self.dynamodb, heads.get(self.table, ref.id))
            if row is None:
                raise DocumentGone(ref.id)
            data: str | bytes = row["data"]
            return data
        try:
            return self.s3.get_object(Bucket=self.bucket, Key=ref.id)["Body"].read()
        except ClientError as error:
            if error.response["Error"].get("Code") in {"NoSuchKey", "404"}:
                raise DocumentGone(ref.id) from error
            raise
