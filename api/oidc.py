"""
Tokens of an OIDC issuer: who somebody else says this is.

Imported only when such a token is shown: the library and its cryptography would double the start of the authorizer.
The signature is checked by a key that the issuer publishes, by an algorithm that fits that key's kind: never by what
the token says of itself (RFC 8725). Keys are kept for a while; one that is not known yet is asked for, but not often.
"""

import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Final, NoReturn, Self

import jwt

from contracts.access import READ, WRITE, Right
from contracts.clock import MINUTE_MS, SECOND_MS, NowMs

#: By kind of key. No symmetric algorithm: with one of those a published key would be a password (RFC 8725 2.1).
ALGORITHMS: Final[Mapping[str, frozenset[str]]] = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
#: Access tokens (RFC 9068) and those that do not say what they are; not what logs somebody out, or proves a key.
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
#: Clocks differ: a token counts so much earlier and later than it says.
SKEW_MS = 60 * SECOND_MS
#: Keys are asked for again after this, and used for so long if the issuer does not answer.
KEYS_FRESH_MS, KEYS_STALE_MAX_MS = 10 * MINUTE_MS, 6 * 60 * MINUTE_MS
#: However many tokens of unknown keys are shown, and however silent the issuer: not asked more often.
ASK_GAP_MS = 30 * SECOND_MS
ANSWER_BYTES_MAX, ANSWER_TIMEOUT_S = 256 * 1_024, 3
SUBJECT_LENGTH_MAX = 128
#: Names of our own tokens have no colon, so nobody is taken for somebody of the other kind.
PRINCIPAL_PREFIX = "oidc:"


class IssuerSilent(RuntimeError):
    """The issuer's keys cannot be had, so nobody can be told from anybody: an error of ours, never a yes."""


#: Gives the document at an address; raises OSError or ValueError.
type Ask = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Whose tokens count, for whom they must be made, and how its scopes are called."""

    url: str
    audience: str
    scope_prefix: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read what the stack says."""
        return cls(
            url=environ["OIDC_ISSUER"],
            audience=environ["OIDC_AUDIENCE"],
            scope_prefix=environ.get("OIDC_SCOPE_PREFIX", ""),
        )


@dataclass(kw_only=True)
class Verifier:
    """Checks tokens of one issuer and keeps its keys."""

    issuer: Issuer
    ask: Ask
    now_ms: NowMs
    _keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _read_at_ms: int | None = None
    _asked_at_ms: int | None = None

    def right(self, token: str) -> Right | None:
        """Give what a token lets its bearer do; None if it does not count."""
        try:
            header = jwt.get_unverified_header(token)
            key = self._key(header)
            claims = key and jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                audience=self.issuer.audience,
                issuer=self.issuer.url,
                # Times are checked below, by the clock that was handed in.
                options={"require": ["exp", "sub"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):  # whatever is in there is the bearer's
            return None
        return self._right(claims) if claims else None

    def _right(self, claims: Mapping[str, Any]) -> Right | None:
        now_ms, begins, ends = self.now_ms(), claims.get("nbf", 0), claims["exp"]
        subject = claims["sub"]
        if not (_is_time(begins) and _is_time(ends) and isinstance(subject, str)):
            return None
        expires_ms = int(ends * SECOND_MS) + SKEW_MS
        if now_ms >= expires_ms or begins * SECOND_MS - SKEW_MS > now_ms:
            return None
        if not (0 < len(subject) <= SUBJECT_LENGTH_MAX and subject.isprintable()):
            return None
        return Right(principal=PRINCIPAL_PREFIX + subject, scopes=self._scopes(claims), expires_ms=expires_ms)

    def _scopes(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """Find ours among the scopes: `scope` is a text (RFC 9068), `scp` a text or a list."""
        said = claims.get("scope", claims.get("scp", ""))
        names = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
        return frozenset(name for name in (READ, WRITE) if self.issuer.scope_prefix + name in names)

    def _key(self, header: Mapping[str, Any]) -> "jwt.PyJWK | None":
        """Find the published key of a token, if token and key agree on what they are."""
        if "crit" in header or str(header.get("typ", "")).lower() not in _TYPES:
            return None
        published = self._published(str(header.get("kid", "")))
        algorithm = header.get("alg")
        if published is None or algorithm not in ALGORITHMS.get(str(published.get("kty")), ()):
            return None
        if published.get("alg", algorithm) != algorithm or published.get("use", "sig") != "sig":
            return None
        return jwt.PyJWK(dict(published), algorithm=algorithm)

    def _published(self, kid: str) -> Mapping[str, Any] | None:
        if self._is_older_than(self._read_at_ms, KEYS_FRESH_MS) or kid not in self._keys:
            self._refresh()
        return self._keys.get(kid)

    def _refresh(self) -> None:
        """Ask for the keys, unless that was tried just now; what is known stays good for a while."""
        if self._is_older_than(self._asked_at_ms, ASK_GAP_MS):
            self._asked_at_ms = self.now_ms()
            try:
                self._keys = _read_keys(self.issuer.url, self.ask)
                self._read_at_ms = self.now_ms()
            except (
                OSError,
                HTTPException,
                LookupError,
                ValueError,
                TypeError,
                AttributeError,
                RecursionError,
            ) as error:
                if self._is_older_than(self._read_at_ms, KEYS_STALE_MAX_MS):
                    raise IssuerSilent(f"{self.issuer.url}: {type(error).__name__}") from error
        if self._is_older_than(self._read_at_ms, KEYS_STALE_MAX_MS):
            raise IssuerSilent(self.issuer.url)

    def _is_older_than(self, at_ms: int | None, age_ms: int) -> bool:
        return at_ms is None or self.now_ms() - at_ms >= age_ms


def _read_keys(issuer: str, ask: Ask) -> dict[str, Mapping[str, Any]]:
    """Follow OpenID Connect Discovery 1.0, 4: the issuer's own document names its keys."""
    about = ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if about["issuer"] != issuer:
        raise ValueError("the document is another issuer's")
    address = about["jwks_uri"]
    if not address.startswith("https://") and not issuer.startswith("http://"):
        raise ValueError("keys come over https only")
    return {str(key.get("kid", "")): key for key in ask(address)["keys"]}


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**40


class _Straight(urllib.request.HTTPRedirectHandler):
    """An issuer answers at its own address: whoever can redirect it must not choose our keys."""

    def redirect_request(self, *_args: Any, **_named: Any) -> NoReturn:
        """Refuse."""
        raise OSError("redirected")


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Straight)


def ask(address: str) -> Mapping[str, Any]:
    """Fetch a JSON object of bounded size; raises OSError or ValueError."""
    if not address.startswith(("https://", "http://")):
        raise ValueError("not an http address")
    with _OPENER.open(address, timeout=ANSWER_TIMEOUT_S) as answer:
        body = answer.read(ANSWER_BYTES_MAX + 1)
    if len(body) > ANSWER_BYTES_MAX:
        raise ValueError("too long")
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what came is wrong, not how we call
    return found
