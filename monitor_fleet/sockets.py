"""How many sockets a worker may hold."""

import resource


def allow_many() -> int:
    """
    Let this process open as many files as it may ever; gives how many.

    Shells and container engines begin with 1,024 or so. A connection rests at each host, and where no more can be
    opened every further source would be said to be away.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
