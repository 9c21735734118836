"""
One request to a source: the gate, the fetch, and what turns its bytes into a document.

Floor 1 of the house: the workers and the preview use it. A failing source is data here (`Failed`), never an
exception.
"""
