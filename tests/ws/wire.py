"""The few lines every reader needs: joining chunks and unpacking payloads."""

import base64
import gzip
import json
from typing import Any

PAYLOAD = {"snapshot": "data", "patch": "steps"}


def join(frames: list[dict[str, Any]]) -> dict[str, Any]:
    """Make one frame of what was posted for it."""
    if frames[0]["type"] == "chunk":
        assert [chunk["i"] for chunk in frames] == list(range(frames[0]["n"]))
        frames = [json.loads("".join(chunk["data"] for chunk in frames))]
    (frame,) = frames
    if "encoding" in frame:
        frame[PAYLOAD[frame["type"]]] = json.loads(gzip.decompress(base64.b64decode(frame["data"])))
    return frame
