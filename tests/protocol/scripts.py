"""Reads the frame scripts that both clients are held to."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def scripts(*names: str) -> list[Any]:
    """Give the scripts of some files, in order."""
    return [script for name in names for script in json.loads((HERE / name).read_text())]


def name(script: Any) -> str:
    """Name a script's test."""
    return str(script["name"])
