"""What is declared is what the provider knows: Pulumi itself takes any nested key, and drops what it does not know."""

import importlib
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi_aws  # noqa: F401 - registers the module of every type
import pulumi_docker_build  # noqa: F401 - the same
import pytest
from pulumi import _types
from pulumi.runtime import rpc

from tests.stack.program import Built, Declared

type Wrong = Iterator[str]


def arguments(typ: str) -> type:
    """Find the class of a resource's arguments: QueueArgs for Queue, InitArgs where an object took that name."""
    package, module, _ = typ.split(":")
    found: Any = rpc.get_resource_module(package, module, "")
    made = importlib.import_module(found.mod_info["fqn"])
    name = found.mod_info["classes"][typ]
    arguments_class: type = getattr(made, f"{name}InitArgs", None) or getattr(made, f"{name}Args")
    return arguments_class


def wrong(kind: Any, value: Any, path: str) -> Wrong:
    """Find names and types that the provider does not know."""
    kind = _types.unwrap_type(kind)
    base = typing.get_origin(kind) or kind
    if _types.is_input_type(kind):
        yield from wrong_members(kind, value, path)
    elif base in {list, typing.Sequence} or (isinstance(base, type) and issubclass(list, base) and base is not object):
        if not isinstance(value, list):
            yield f"{path} is {value!r}, not a list"
            return
        for number, one in enumerate(value):
            yield from wrong(typing.get_args(kind)[0], one, f"{path}[{number}]")
    elif base in {str, bool, int, float} and not fits(base, value):
        yield f"{path} is {value!r}, not {base.__name__}"


def wrong_members(kind: type, value: Any, path: str) -> Wrong:
    """Find what is wrong with an object's members."""
    if not isinstance(value, Mapping):
        yield f"{path} is {value!r}, not {kind.__name__}"
        return
    known = _types.input_type_types(kind)
    for name, inner in value.items():
        if name in known:
            yield from wrong(known[name], inner, f"{path}.{name}")
        else:
            yield f"{path} has no {name}"


def fits(kind: type, value: Any) -> bool:
    """Tell whether a value is of a plain type; `true` is no number."""
    return isinstance(value, int | float if kind is float else kind) and (kind is bool or not isinstance(value, bool))


def wrongs(one: Declared) -> list[str]:
    """Find everything wrong with a resource."""
    return list(wrong_members(arguments(one.type), one.inputs, one.name))


def test_every_input_is_one_that_the_provider_knows(recorded: dict[str, Built]):
    """By name and type, at every depth."""
    assert [text for program in recorded.values() for one in program.resources for text in wrongs(one)] == []


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"fifoQeue": True}, "has no fifoQeue"),
        ({"fifoQueue": "yes"}, "fifoQueue is 'yes', not bool"),
        ({"delaySeconds": True}, "delaySeconds is True, not int"),
        ({"tags": {"a": "b"}}, ""),
    ],
)
def test_a_planted_mistake_is_found(inputs: dict[str, Any], said: str):
    """A check that finds nothing must be one that could."""
    one = Declared(type="aws:sqs/queue:Queue", name="q", inputs=inputs, parent="", ignored=[], protected=False)

    assert said in " ".join(wrongs(one))


def test_a_planted_nested_mistake_is_found():
    """Nested keys are what Pulumi never checks."""
    rule = {"allowedMethods": ["GET"], "allowedOrigins": "*", "maxAge": 1}
    one = Declared(
        type="aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
        name="c",
        inputs={"bucket": "b", "corsRules": [rule]},
        parent="",
        ignored=[],
        protected=False,
    )

    assert wrongs(one) == ["c.corsRules[0].allowedOrigins is '*', not a list", "c.corsRules[0] has no maxAge"]
