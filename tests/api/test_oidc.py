"""Tokens of an issuer: only whom it says, by a key it publishes, for us, and while they last."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api import authorize, door, oidc
from api.oidc import ASK_GAP_MS, KEYS_FRESH_MS, KEYS_STALE_MAX_MS, SKEW_MS, IssuerSilent, Verifier
from contracts.access import Right
from contracts.clock import SECOND_MS
from tests.api import issuer as issuers
from tests.api.account import NOW_MS, Aws, later
from tests.api.issuer import AUDIENCE, DISCOVERY, KEYS, RSA, Issuer

NOW_S = NOW_MS // SECOND_MS
OTHER_RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    at_ms: int = NOW_MS

    def __call__(self) -> int:
        """Tell the time."""
        return self.at_ms


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Give an issuer that answers."""
    with issuers.serving() as serving:
        yield serving


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def verifier(issuer: Issuer, clock: Clock) -> Verifier:
    """Give a verifier that has asked nothing yet."""
    return Verifier(issuer=oidc.Issuer(url=issuer.url, audience=AUDIENCE), ask=oidc.ask, now_ms=clock)


def test_a_token_of_the_issuer_says_who_it_is_and_what_they_may(issuer: Issuer, verifier: Verifier):
    """Its right ends with it, but for the difference that clocks may have."""
    expires_ms = (NOW_S + 300) * SECOND_MS + SKEW_MS
    right = Right(principal="oidc:ada", scopes=frozenset({"read"}), expires_ms=expires_ms)
    assert verifier.right(issuer.token()) == right


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("PS256", RSA),
        ("RS512", RSA),
        ("ES256", ec.generate_private_key(ec.SECP256R1())),
        ("ES384", ec.generate_private_key(ec.SECP384R1())),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
    ],
)
def test_every_asymmetric_kind_of_key_counts(issuer: Issuer, verifier: Verifier, algorithm: str, key: Any):
    """Issuers choose."""
    issuer.private["other"] = (algorithm, key)
    assert verifier.right(issuer.token("other")) is not None


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "read write"}, {"read", "write"}),
        ({"scope": None, "scp": "write"}, {"write"}),
        ({"scope": None, "scp": ["read", "x"]}, {"read"}),
        ({"scope": "reader readwrite"}, set()),
        ({"scope": None}, set()),
        ({"scope": {"read": 1}}, set()),
        ({"aud": ["other", AUDIENCE]}, {"read"}),
    ],
)
def test_scopes_are_whole_words_of_either_claim(issuer: Issuer, verifier: Verifier, claims: Any, scopes: set[str]):
    """A token without any of ours is somebody, who may do nothing."""
    right = verifier.right(issuer.token(**claims))
    assert right is not None
    assert right.scopes == scopes


def test_an_issuers_scopes_may_have_a_prefix(issuer: Issuer, verifier: Verifier):
    """Some issuers put an API's name before them; then a bare one is another API's."""
    verifier.issuer = oidc.Issuer(url=issuer.url, audience=AUDIENCE, scope_prefix="fleet/")
    right = verifier.right(issuer.token(scope="fleet/write read"))
    assert right is not None
    assert right.scopes == {"write"}


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-application"},
        {"aud": None},
        {"aud": []},
        {"iss": "https://issuer.example.com"},
        {"iss": None},
        {"exp": NOW_S - 61},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1e400},
        {"exp": True},
        {"nbf": NOW_S + 61},
        {"nbf": "later"},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 129},
        {"sub": "a\nb"},
    ],
)
def test_a_claim_that_is_not_as_it_must_be_is_no_token(issuer: Issuer, verifier: Verifier, claims: Any):
    """Signed by the right key all the same."""
    assert verifier.right(issuer.token(**claims)) is None


@pytest.mark.parametrize("claims", [{"exp": NOW_S - 59}, {"nbf": NOW_S + 59}, {"iat": NOW_S + 59}])
def test_clocks_may_differ_by_a_minute(issuer: Issuer, verifier: Verifier, claims: Any):
    """And the right that is given stands as long."""
    right = verifier.right(issuer.token(**claims))
    assert right is not None
    assert right.allows("read", NOW_MS)


@pytest.mark.parametrize("headers", [{"typ": "logout+jwt"}, {"crit": ["x"], "x": 1}, {"kid": "unknown"}])
def test_another_kind_of_token_does_not_count(issuer: Issuer, verifier: Verifier, headers: Any):
    """One that logs somebody out is signed by the same key."""
    assert verifier.right(issuer.token(headers=headers)) is None


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+jwt"])
def test_access_tokens_count(issuer: Issuer, verifier: Verifier, typ: str):
    """RFC 9068 names its type."""
    assert verifier.right(issuer.token(headers={"typ": typ})) is not None


def forged(issuer: Issuer, header: dict[str, Any], secret: bytes | None) -> str:
    """Put a token together by hand: libraries refuse to."""
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    parts = [json.dumps({"kid": "one"} | header).encode(), json.dumps(claims | {"sub": "eve"}).encode()]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.new(secret, signed, hashlib.sha256).digest() if secret is not None else b""
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_a_token_cannot_choose_how_it_is_checked(issuer: Issuer, verifier: Verifier):
    """Unsigned, or with the public key as a password, or by a key that it brings along itself."""
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    own = issuers._public(OTHER_RSA)
    assert verifier.right(forged(issuer, {"alg": "none"}, None)) is None
    assert verifier.right(forged(issuer, {"alg": "None"}, b"")) is None
    assert verifier.right(forged(issuer, {"alg": "HS256"}, public)) is None
    assert verifier.right(forged(issuer, {"alg": ["RS256"]}, b"")) is None
    thief = Issuer(url=issuer.url, private={"one": ("RS256", OTHER_RSA)})
    assert verifier.right(thief.token()) is None
    assert verifier.right(thief.token(headers={"jwk": own, "jku": f"{issuer.url}/mine"})) is None
    assert "/mine" not in issuer.asked


def test_a_symmetric_key_that_is_published_is_no_key(issuer: Issuer, verifier: Verifier):
    """Everybody could sign with it."""
    key = {"kty": "oct", "k": base64.urlsafe_b64encode(b"x" * 32).decode().rstrip("="), "kid": "one"}
    issuer.answers[KEYS] = {"keys": [key]}
    assert verifier.right(forged(issuer, {"alg": "HS256"}, b"x" * 32)) is None


def test_a_key_for_something_else_does_not_sign(issuer: Issuer, verifier: Verifier):
    """One to encrypt with, or one for another algorithm."""
    published = issuer.documents()[KEYS]["keys"][0]
    for change in ({"use": "enc"}, {"alg": "RS512"}, {"kty": "EC"}):
        issuer.answers[KEYS] = {"keys": [published | change]}
        assert Verifier(issuer=verifier.issuer, ask=oidc.ask, now_ms=verifier.now_ms).right(issuer.token()) is None


def test_keys_are_asked_for_once_in_a_while(issuer: Issuer, verifier: Verifier, clock: Clock):
    """Not for each token; and again when they are no longer fresh."""
    token = issuer.token(exp=NOW_S + 86_400)
    for _ in range(5):
        assert verifier.right(token)
    assert issuer.asked == [DISCOVERY, KEYS]
    clock.at_ms += KEYS_FRESH_MS
    assert verifier.right(token)
    assert len(issuer.asked) == 4


def test_a_new_key_counts_at_once_and_a_withdrawn_one_soon_does_not(issuer: Issuer, verifier: Verifier, clock: Clock):
    """Issuers rotate."""
    old = issuer.token(exp=NOW_S + 86_400)
    assert verifier.right(old)
    clock.at_ms += ASK_GAP_MS
    issuer.private = {"two": ("RS256", OTHER_RSA)}
    assert verifier.right(issuer.token("two"))
    assert verifier.right(old) is None


def test_unknown_keys_do_not_make_us_ask_again_and_again(issuer: Issuer, verifier: Verifier, clock: Clock):
    """Whoever sends rubbish must not have us flood the issuer."""
    for number in range(20):
        assert verifier.right(issuer.token(headers={"kid": f"made-up-{number}"})) is None
    assert issuer.asked == [DISCOVERY, KEYS]
    assert verifier.right(issuer.token())
    clock.at_ms += ASK_GAP_MS
    for number in range(20):
        assert verifier.right(issuer.token(headers={"kid": f"made-up-{number}"})) is None
    assert len(issuer.asked) == 4


def test_known_keys_outlive_the_issuers_silence_for_some_hours(issuer: Issuer, verifier: Verifier, clock: Clock):
    """Then nobody can be told from anybody, which is our trouble and never a yes."""
    token = issuer.token(exp=NOW_S + 86_400)
    assert verifier.right(token)
    issuer.answers[DISCOVERY] = 503
    clock.at_ms += KEYS_STALE_MAX_MS - 1
    assert verifier.right(token)
    clock.at_ms += 1
    with pytest.raises(IssuerSilent):
        verifier.right(token)


WRONG: list[dict[str, Any]] = [
    {DISCOVERY: 302},
    {DISCOVERY: 500},
    {DISCOVERY: b"<html>"},
    {DISCOVERY: []},
    {DISCOVERY: {"issuer": "https://another.example.com", "jwks_uri": "https://another.example.com/keys"}},
    {DISCOVERY: {}},
    {KEYS: 302},
    {KEYS: {"keys": None}},
    {KEYS: b"[" * 100_000},
    {KEYS: b'{"keys": [], "x": "' + b"x" * oidc.ANSWER_BYTES_MAX + b'"}'},
]


@pytest.mark.parametrize("answers", WRONG)
def test_an_issuer_that_answers_wrongly_lets_nobody_in(issuer: Issuer, verifier: Verifier, answers: dict[str, Any]):
    """It is not followed elsewhere, not read without end; and not asked again at once."""
    issuer.answers = answers
    for _ in range(3):
        with pytest.raises(IssuerSilent):
            verifier.right(issuer.token())
    assert len(issuer.asked) <= 2
    assert "/elsewhere" not in issuer.asked


@pytest.mark.parametrize("token", ["..", "a.b.c", "e30.e30.e30", "é.b.c", "eyJhbGciOjF9.e30.x", "." * 8_000])
def test_rubbish_is_no_token(verifier: Verifier, token: str):
    """Whatever is in there is its bearer's."""
    assert verifier.right(token) is None


def test_the_authorizer_lets_the_issuers_people_in(aws: Aws, issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    """From its own environment, on both APIs; what looks like a token of ours never goes to the issuer."""
    monkeypatch.setenv("TABLE_ACCESS", aws.tables.access)
    monkeypatch.setenv("OIDC_ISSUER", issuer.url)
    monkeypatch.setenv("OIDC_AUDIENCE", AUDIENCE)
    monkeypatch.setattr(door, "wall_ms", aws.now_ms)
    for made in (authorize._find, authorize._verify):
        made.cache_clear()
    event = {"version": "2.0", "routeKey": "GET /fleet", "headers": {"authorization": f"Bearer {issuer.token()}"}}
    answer = authorize.handler(event, None)
    assert (answer["isAuthorized"], answer["context"]["principal"]) == (True, "oidc:ada")
    assert authorize.handler(event | {"routeKey": "POST /datasources/register"}, None)["isAuthorized"] is False
    handshake = {"methodArn": "arn", "headers": event["headers"], "requestContext": {"routeKey": "$connect"}}
    assert authorize.handler(handshake, None)["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    later(aws, 400)
    assert authorize.handler(event, None)["isAuthorized"] is False
    asked = len(issuer.asked)
    for ours in ("smf_a.b.c", "x" * 9_000 + ".b.c"):
        assert (
            authorize.handler(event | {"headers": {"authorization": f"Bearer {ours}"}}, None)["isAuthorized"] is False
        )
    assert len(issuer.asked) == asked


def test_without_an_issuer_its_library_is_not_even_imported(monkeypatch: pytest.MonkeyPatch):
    """The authorizer stands before every request: its start is everybody's."""
    look = (
        "import sys; from api import authorize\n"
        "assert authorize._foreign('a.b.c') is None\n"
        "print(sorted({'jwt', 'cryptography', 'urllib.request', 'api.oidc'} & set(sys.modules)))"
    )
    monkeypatch.delenv("OIDC_ISSUER", raising=False)
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert "jwt" not in done.stdout
    assert "cryptography" not in done.stdout
