"""
What every part agrees on: the source, documents and steps, table requests, messages, frames, access.

Floor 0 of the house: nothing here does I/O, reads a clock or looks at the environment. Modules say what to ask a
table; whoever holds a client asks it.
"""
