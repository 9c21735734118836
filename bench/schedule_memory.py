"""The part of `bench.schedule` that wants a process of its own: prints bytes of each idle source, and of the whole."""

import uvloop

from bench.schedule import idle_bytes

if __name__ == "__main__":
    print(*uvloop.run(idle_bytes()))
