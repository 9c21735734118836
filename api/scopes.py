"""Which scope a route needs: the authorizer asks at the door, every endpoint asks again for itself."""

from contracts.access import READ, WRITE

#: A ticket passes on what its caller may do already.
_READING_POSTS = frozenset({"POST /tickets"})


def needed(route_key: str) -> str:
    """Name the scope of a route such as `GET /datasources`; what is not known to read needs `write`."""
    reads = route_key.startswith("GET /") or route_key in _READING_POSTS or route_key == "$connect"
    return READ if reads else WRITE
