"""
The API keys of sources: secrets bound to the origin that each may be sent to.

What a secret is bound to is told by a tag, so that checking needs no right to read: only the preview has that. Who
uses a secret, and when it goes, is `api.key_uses`.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef, TagTypeDef

#: A tag takes no brackets and 256 characters (AWS), an origin may have both: its hash always fits.
ORIGIN_TAG = "origin-sha256"
RECOVERY_DAYS = 7
#: The version that readers get, and the one that an edit has brought and not landed yet.
_CURRENT, _PROPOSED = "AWSCURRENT", "proposed"
_GONE = frozenset({"ResourceNotFoundException", "InvalidRequestException"})
_NO_NAME = frozenset({"ValidationException", "InvalidParameterException"})


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The secrets under this deployment's prefix."""

    client: "SecretsManagerClient"
    prefix: str

    def secret_id(self, source_id: str) -> str:
        """Name the secret that a source brings."""
        return self.prefix + source_id

    def create(self, secret_id: str, api_key: str, origin: str) -> None:
        """Keep a key under a name that was never used."""
        self.client.create_secret(
            Name=secret_id,
            Description=f"API key for {origin}",
            SecretString=_value(api_key, origin),
            Tags=_tags(origin),
        )

    def put(self, secret_id: str, api_key: str, origin: str) -> None:
        """Keep a key under a name that nobody uses, that may be on its way out, or may be new."""
        if self._ready(secret_id, api_key, origin):
            self.client.put_secret_value(SecretId=secret_id, SecretString=_value(api_key, origin))

    def propose(self, secret_id: str, api_key: str, origin: str) -> str:
        """Keep a key beside the one in use; give its version, or nothing if there was none in use any more."""
        if not self._ready(secret_id, api_key, origin):
            return ""
        value = _value(api_key, origin)
        made = self.client.put_secret_value(SecretId=secret_id, SecretString=value, VersionStages=[_PROPOSED])
        return made["VersionId"]

    def promote(self, secret_id: str, version: str, *, still_wanted: Callable[[], bool]) -> None:
        """
        Have readers get a version, if that is still wanted once it is known which one they get.

        The move names the version that it replaces: of two that promote at once, the one that asked first fails.
        """
        try:
            known = self.client.describe_secret(SecretId=secret_id).get("VersionIdsToStages", {})
            current = next((name for name, stages in known.items() if _CURRENT in stages), None)
            if current is None or current == version or not still_wanted():
                return
            self.client.update_secret_version_stage(
                SecretId=secret_id, VersionStage=_CURRENT, MoveToVersionId=version, RemoveFromVersionId=current
            )
        except ClientError as error:
            if error.response["Error"].get("Code") not in _GONE:  # deleted by hand: there is nothing to read
                raise

    def _ready(self, secret_id: str, api_key: str, origin: str) -> bool:
        """See that a secret can take another version; False if it was made just now, with this very key."""
        try:
            secret = self.client.describe_secret(SecretId=secret_id)
        except ClientError as error:
            if error.response["Error"].get("Code") != "ResourceNotFoundException":
                raise
            self.create(secret_id, api_key, origin)
            return False
        if "DeletedDate" in secret:
            self.client.restore_secret(SecretId=secret_id)
        if _bound_to(secret) != _hash(origin):  # an id that an import brought back, at another address
            self.client.tag_resource(SecretId=secret_id, Tags=_tags(origin))
        return True

    def belongs_to(self, secret_id: str, origin: str) -> bool:
        """Tell whether a secret is one of ours, alive, and bound to an origin."""
        if not secret_id.startswith(self.prefix):
            return False
        try:
            secret = self.client.describe_secret(SecretId=secret_id)
        except ClientError as error:
            if means_none(error.response["Error"].get("Code", "")):
                return False
            raise
        return "DeletedDate" not in secret and _bound_to(secret) == _hash(origin)

    def delete(self, secret_id: str) -> None:
        """Delete a secret, if it is there; it can be restored for some days."""
        try:
            self.client.delete_secret(SecretId=secret_id, RecoveryWindowInDays=RECOVERY_DAYS)
        except ClientError as error:
            if error.response["Error"].get("Code") not in _GONE:
                raise

    def delete_for_good(self, secret_id: str) -> None:
        """Delete the secret of a source that was never registered."""
        try:
            self.client.delete_secret(SecretId=secret_id, ForceDeleteWithoutRecovery=True)
        except ClientError as error:
            if error.response["Error"].get("Code") not in _GONE:
                raise


def key_of(value: str, origin: str) -> str | None:
    """Give the key that a secret's value holds, for the origin that it is bound to; None for any other."""
    kept = json.loads(value)
    return str(kept["apiKey"]) if kept["origin"] == origin else None


def means_none(code: str) -> bool:
    """Tell whether an error of Secrets Manager says that there is no such secret."""
    return code in _GONE | _NO_NAME


def _value(api_key: str, origin: str) -> str:
    return json.dumps({"apiKey": api_key, "origin": origin})


def _tags(origin: str) -> "list[TagTypeDef]":
    return [{"Key": ORIGIN_TAG, "Value": _hash(origin)}]


def _bound_to(secret: "DescribeSecretResponseTypeDef") -> str | None:
    return next((tag.get("Value") for tag in secret.get("Tags", []) if tag.get("Key") == ORIGIN_TAG), None)


def _hash(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()
