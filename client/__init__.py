"""The Python client: `async for change in subscribe(url, token, source_id)`."""

from client.link import AccessRefused
from client.subscribe import Change, SourceDeleted, SourceRefused, subscribe

__all__ = ["AccessRefused", "Change", "SourceDeleted", "SourceRefused", "subscribe"]
