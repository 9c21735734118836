"""
The API keys of sources: a secret each, bound to the origin that it may be sent to.

What a secret is bound to is told by a tag, so that checking needs no right to read: only the preview has that.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_secretsmanager import SecretsManagerClient

#: A tag takes no brackets and 256 characters (AWS), an origin may have both: its hash always fits.
ORIGIN_TAG = "origin-sha256"
RECOVERY_DAYS = 7
_GONE = frozenset({"ResourceNotFoundException", "InvalidRequestException"})
_NO_NAME = frozenset({"ValidationException", "InvalidParameterException"})


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The secrets under this deployment's prefix."""

    client: "SecretsManagerClient"
    prefix: str

    def secret_id(self, source_id: str) -> str:
        """Name the secret that a source owns."""
        return self.prefix + source_id

    def create(self, source_id: str, api_key: str, origin: str) -> None:
        """Keep a new source's key."""
        self.client.create_secret(
            Name=self.secret_id(source_id),
            Description=f"API key for {origin}",
            SecretString=_value(api_key, origin),
            Tags=[{"Key": ORIGIN_TAG, "Value": _hash(origin)}],
        )

    def replace(self, source_id: str, api_key: str, origin: str) -> None:
        """Keep another key for a source, whether it has a secret, had one until lately, or never had."""
        secret_id = self.secret_id(source_id)
        try:
            secret = self.client.describe_secret(SecretId=secret_id)
        except self.client.exceptions.ResourceNotFoundException:
            self.create(source_id, api_key, origin)
            return
        if "DeletedDate" in secret:
            self.client.restore_secret(SecretId=secret_id)
        self.client.put_secret_value(SecretId=secret_id, SecretString=_value(api_key, origin))

    def belongs_to(self, secret_id: str, origin: str) -> bool:
        """Tell whether a secret is one of ours, alive, and bound to an origin."""
        if not secret_id.startswith(self.prefix):
            return False
        try:
            secret = self.client.describe_secret(SecretId=secret_id)
        except ClientError as error:
            if error.response["Error"].get("Code") in _GONE | _NO_NAME:
                return False
            raise
        tags = {tag.get("Key"): tag.get("Value") for tag in secret.get("Tags", [])}
        return "DeletedDate" not in secret and tags.get(ORIGIN_TAG) == _hash(origin)

    def read(self, secret_id: str, origin: str) -> str | None:
        """Give the key of one of our secrets for the origin that it is bound to; None where there is none to give."""
        if not secret_id.startswith(self.prefix):
            return None
        try:
            kept = json.loads(self.client.get_secret_value(SecretId=secret_id)["SecretString"])
        except ClientError as error:
            if error.response["Error"].get("Code") in _GONE | _NO_NAME:
                return None
            raise
        return str(kept["apiKey"]) if kept["origin"] == origin else None

    def undo(self, source_id: str) -> None:
        """Delete the secret of a source that was never registered, at once."""
        try:
            self.client.delete_secret(SecretId=self.secret_id(source_id), ForceDeleteWithoutRecovery=True)
        except (BotoCoreError, ClientError):
            return  # what made the registration fail is the news; docs/security.md says how to find the secret

    def retire(self, source_id: str) -> None:
        """Delete the secret that a source owned, if it did; it can be restored for some days."""
        try:
            self.client.delete_secret(SecretId=self.secret_id(source_id), RecoveryWindowInDays=RECOVERY_DAYS)
        except ClientError as error:
            if error.response["Error"].get("Code") not in _GONE:
                raise


def _value(api_key: str, origin: str) -> str:
    return json.dumps({"apiKey": api_key, "origin": origin})


def _hash(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()
