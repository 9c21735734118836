"""The Lambda at the subscribers' end: WebSocket events on one side, the queue on the other."""
