"""An OIDC issuer on loopback: its discovery document, its keys, and the tokens it signs."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from contracts.clock import SECOND_MS
from tests.api.account import NOW_MS

AUDIENCE = "fleet"
DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"
#: Making an RSA key takes a while; which one it is does not matter.
RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@dataclass
class Issuer:
    """Signs tokens, and answers who asks for its keys."""

    url: str = ""
    private: dict[str, tuple[str, Any]] = field(default_factory=lambda: {"one": ("RS256", RSA)})
    """By `kid`: the algorithm and the key."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What is answered instead of what should be: a status, or a body."""
    asked: list[str] = field(default_factory=list)

    def token(self, kid: str = "one", *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign a token that counts but for the given claims; None leaves one out."""
        algorithm, key = self.private[kid]
        now_s = NOW_MS // SECOND_MS
        said = {
            "iss": self.url, "aud": AUDIENCE, "sub": "ada", "scope": "openid read", "iat": now_s, "exp": now_s + 300,
        } | claims  # fmt: skip
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid} | (headers or {}))

    def documents(self) -> dict[str, Any]:
        """Give what is published."""
        keys = [_public(key) | {"kid": kid, "alg": name, "use": "sig"} for kid, (name, key) in self.private.items()]
        about = {"issuer": self.url, "jwks_uri": self.url + KEYS}
        return {DISCOVERY: about, KEYS: {"keys": keys}} | self.answers


def _public(key: Any) -> dict[str, Any]:
    match key:
        case rsa.RSAPrivateKey():
            return dict(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))
        case ec.EllipticCurvePrivateKey():
            return dict(ECAlgorithm.to_jwk(key.public_key(), as_dict=True))
        case ed25519.Ed25519PrivateKey():
            return dict(OKPAlgorithm.to_jwk(key.public_key(), as_dict=True))
        case _:
            raise TypeError(type(key).__name__)


@contextmanager
def serving() -> Iterator[Issuer]:
    """Serve an issuer until the `with` ends."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            found = issuer.documents().get(self.path, 404)
            if isinstance(found, int):
                self.send_response(found)
                self.send_header("Location", f"{issuer.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
