"""
Pydantic's validator without pydantic's models: the compiled core alone, which loads in a tenth of the time.

The package around it makes a hundred types for type checkers whenever it is imported (a fifth of what boto3 costs),
and pydantic itself builds its models anew at each start. Both are skipped by loading the compiled module under its
own name; whoever imports pydantic later finds it there. Its version is pinned by the lock, and tests load it so.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_NAME = "pydantic_core._pydantic_core"


def _load() -> ModuleType:
    if _NAME in sys.modules:
        return sys.modules[_NAME]
    package = importlib.util.find_spec("pydantic_core")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("pydantic_core is not installed")
    (file,) = Path(package.origin).parent.glob("_pydantic_core.*.so")
    spec = importlib.util.spec_from_file_location(_NAME, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[_NAME] = module
    return module


_core = _load()
ValidationError = _core.ValidationError
SchemaValidator = _core.SchemaValidator
SchemaSerializer = _core.SchemaSerializer
