"""Service accounts: their keys as Google lets one download them, and tokens for whoever signs with such a key."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from contracts.clock import SECOND_MS, NowMs

KEY_BITS = 2_048
TOKEN_S = 3_600
#: What an assertion is meant for, wherever it is sent to: google-auth writes nothing else.
AUDIENCE = "https://oauth2.googleapis.com/token"
TOKEN_BITS = 160
#: Google lets an assertion be an hour long at most, and clocks differ a little (OAuth 2.0 for server to server).
SKEW_S = 60


class NotGranted(Exception):
    """The assertion is not one that a token is given for; the text is Google's `error_description`."""


def new_key(name: str, *, project: str, token_uri: str, chance: random.Random) -> dict[str, Any]:
    """Make a service account's key file, as Google lets one download it."""
    private = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": f"{chance.getrandbits(TOKEN_BITS):040x}",
        "private_key": pem.decode(),
        "client_email": f"{name}@{project}.iam.gserviceaccount.com",
        "client_id": str(chance.randrange(10**20, 10**21)),
        "token_uri": token_uri,
    }


@dataclass(kw_only=True)
class Accounts:
    """Who may ask for tokens, and whose tokens are good until when (ms)."""

    now_ms: NowMs
    chance: random.Random
    _keys: dict[str, bytes] = field(default_factory=dict)
    _tokens: dict[str, tuple[str, int]] = field(default_factory=dict)

    def admit(self, key: Mapping[str, Any]) -> str:
        """Know an account by its key file, of which only the public half is kept; its e-mail address."""
        private = serialization.load_pem_private_key(key["private_key"].encode(), password=None)
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._keys[key["client_email"]] = public
        return str(key["client_email"])

    def delete(self, email: str) -> None:
        """Delete an account: its key signs nothing any more, and its tokens end."""
        del self._keys[email]
        self._tokens = {token: held for token, held in self._tokens.items() if held[0] != email}

    def grant(self, assertion: str) -> dict[str, Any]:
        """Check a signed assertion (RFC 7523) and give a token for it."""
        email = self._issuer(assertion)
        token = f"ya29.{self.chance.getrandbits(TOKEN_BITS):040x}"
        self._tokens[token] = (email, self.now_ms() + TOKEN_S * SECOND_MS)
        return {"access_token": token, "expires_in": TOKEN_S, "token_type": "Bearer"}

    def account_of(self, authorization: str) -> str | None:
        """Say whose token came with a request, if it is good."""
        email, until_ms = self._tokens.get(authorization.removeprefix("Bearer "), ("", 0))
        return email if email and until_ms > self.now_ms() else None

    def end_tokens(self) -> None:
        """End every token at once, as revoking them does."""
        self._tokens.clear()

    def _issuer(self, assertion: str) -> str:
        try:
            issuer = jwt.decode(assertion, verify=False).get("iss", "")  # type: ignore[no-untyped-call] # as its package is
            known = self._keys.get(issuer)
            if known is None:
                raise NotGranted("Invalid grant: account not found")
            jwt.decode(assertion, certs=known, audience=AUDIENCE, clock_skew_in_seconds=SKEW_S)  # type: ignore[no-untyped-call] # likewise
        except ValueError as error:
            raise NotGranted(f"Invalid JWT: {error}") from error
        return str(issuer)
