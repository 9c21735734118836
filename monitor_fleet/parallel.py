"""Many small requests at once, but never more than a bound."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable


async def each[One](act: Callable[[One], Awaitable[None]], items: Iterable[One], *, at_once_max: int) -> None:
    """Act on every item; the first failure cancels the rest and is raised as it is."""
    room = asyncio.Semaphore(at_once_max)

    async def bounded(item: One) -> None:
        async with room:
            await act(item)

    tasks = [asyncio.ensure_future(bounded(item)) for item in items]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
