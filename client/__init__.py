"""The Python client: `async for change in subscribe(url, token, source_id)`, or `follow` for many sources at once."""

from client.link import AccessRefused
from client.subscribe import Change, Ended, SourceDeleted, SourceRefused, follow, subscribe

__all__ = ["AccessRefused", "Change", "Ended", "SourceDeleted", "SourceRefused", "follow", "subscribe"]
