"""Secrets Manager on loopback, for who asks it without boto3: it answers as the account's client does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ClientError
from yarl import URL

from api.kept_key import KeptKeys
from contracts.json_service import Place
from contracts.signature import Credentials
from tests.api.account import PREFIX, REGION, Aws

#: Stands for no answer at all: the socket is closed.
NOTHING = (0, b"")


@dataclass
class Vault:
    """Answers with the first of `instead` while there is one."""

    aws: Aws
    url: str = ""
    instead: list[tuple[int, bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """The targets."""

    def keys(self) -> KeptKeys:
        """Give what asks it."""
        place = Place(url=URL(self.url), region=REGION, api="secretsmanager", name="secretsmanager", version="1.1")
        keys = Credentials(access_key="testing", secret_key="testing")
        return KeptKeys(place=place, credentials=keys, prefix=PREFIX, now_ms=self.aws.now_ms)

    def answer(self, target: str, body: bytes) -> tuple[int, bytes]:
        """Answer one request."""
        self.asked.append(target)
        if self.instead:
            return self.instead.pop(0)
        try:
            found: Any = self.aws.secrets.get_secret_value(**json.loads(body))
        except ClientError as error:
            return 400, json.dumps({"__type": error.response["Error"]["Code"]}).encode()
        return 200, json.dumps({"SecretString": found["SecretString"]}).encode()


@contextmanager
def serving(aws: Aws) -> Iterator[Vault]:
    """Serve the secrets of an account."""
    vault = Vault(aws)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = vault.answer(self.headers["X-Amz-Target"], body)
            if not status:
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        vault.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield vault
        finally:
            server.shutdown()
            thread.join()
