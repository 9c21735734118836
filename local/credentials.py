"""The credentials of task roles, served on loopback as ECS serves them to a container."""

import asyncio
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from local.aws import Aws

#: boto3 asks again a quarter of an hour before the end; so do we.
FRESH_FOR = timedelta(minutes=15)


@dataclass(kw_only=True)
class TaskCredentials:
    """Sessions of roles, each behind a token that only its tasks know."""

    aws: Aws
    tokens: dict[str, str] = field(default_factory=dict)
    _sessions: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def token(self, role_arn: str) -> str:
        """Give the token that a task of this role must show."""
        return self.tokens.setdefault(role_arn, secrets.token_urlsafe(32))

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a container's request: the token alone says which role."""
        shown = request.headers.get("Authorization", "")
        found = [role for role, token in self.tokens.items() if hmac.compare_digest(token, shown)]
        if not found:
            return web.json_response({"message": "unknown task"}, status=403)
        session = await asyncio.to_thread(self._session, found[0])
        return web.json_response(
            {
                "AccessKeyId": session["AccessKeyId"],
                "SecretAccessKey": session["SecretAccessKey"],
                "Token": session["SessionToken"],
                "Expiration": session["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
                "RoleArn": found[0],
            }
        )

    def _session(self, role_arn: str) -> Mapping[str, Any]:
        held = self._sessions.get(role_arn)
        if held is None or held["Expiration"] - datetime.now(UTC) < FRESH_FOR:
            answer = self.aws.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="task")
            held = self._sessions[role_arn] = answer["Credentials"]
        return held
