"""Pulumi's test runtime with a real cloud behind it: each resource of the program is created by its handler."""

from typing import Any

import pulumi

from local.aws import ACCOUNT, Aws
from local.handlers import HANDLERS, SKIPPED
from local.outputs import with_markers
from local.props import Props, plain


class UnsupportedError(RuntimeError):
    """The program wants something that would silently be missing from the local stack."""


class LocalMocks(pulumi.runtime.Mocks):
    """Answers the program's registrations; called from several threads at once."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.skipped: set[str] = set()
        """The types that the program wanted and that were not created."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Create one resource, and see that each of its inputs had an effect."""
        if not args.custom:
            return "", dict(args.inputs)  # a component: its children come by themselves
        try:
            made, outputs, props = self._create(args)
        except Exception as failed:
            raise UnsupportedError(f"{args.typ} {args.name}: {failed}") from failed
        return made, with_markers(args.typ, {**props, **outputs, "id": made})

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Answer the look-ups that a program may make."""
        match args.token:
            case "aws:index/getRegion:getRegion":
                return {"region": self._aws.region, "name": self._aws.region, "id": self._aws.region}, []
            case "aws:index/getCallerIdentity:getCallerIdentity":
                root = f"arn:aws:iam::{ACCOUNT}:root"
                return {"accountId": ACCOUNT, "arn": root, "userId": ACCOUNT, "id": ACCOUNT}, []
            case "aws:index/getAvailabilityZones:getAvailabilityZones":
                return {"names": [f"{self._aws.region}{letter}" for letter in "abc"], "id": self._aws.region}, []
            case other:
                raise UnsupportedError(f"no local answer to {other}")

    def _create(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any], Props]:
        props = Props(plain(args.inputs))
        if args.typ in SKIPPED:
            self.skipped.add(args.typ)
            return args.name, {}, props
        handler = HANDLERS.get(args.typ)
        if handler is None:
            raise UnsupportedError("no local handler")
        made, outputs = handler(self._aws, args.name, props)
        if props.unread:
            raise UnsupportedError(f"inputs without effect: {', '.join(props.unread)}")
        return made, outputs, props
