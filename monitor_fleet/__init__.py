"""
The worker: claims shards, polls their sources, commits what changed, tells the queue.

Floor 2 of the house: it builds on `contracts` and `fetching` and knows no other part.
"""
