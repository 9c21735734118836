"""
The models of a source for handlers: pydantic's own to a type checker, the same ones compiled to a process.

Importing pydantic and building its models costs a Lambda half of what boto3 does before its first request.
"""

from typing import TYPE_CHECKING

from api import thin
from api.core import ValidationError

if TYPE_CHECKING:
    from contracts.source import Registration, Source, SourceFields, Status
else:
    from api.thin import Registration, Source, SourceFields, Status

#: Attribute → JSON name of all that a person may set.
SOURCE_FIELDS = thin.fill()

__all__ = ["SOURCE_FIELDS", "Registration", "Source", "SourceFields", "Status", "ValidationError"]
