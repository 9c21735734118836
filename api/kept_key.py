"""The key of a registered source, as a preview reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from botocore.exceptions import ClientError
from yarl import URL

from api.keys import key_of, means_none
from api.problem import try_again
from contracts.clock import NowMs
from contracts.json_service import Place, error_code
from contracts.signature import Credentials
from fetching.json_service import NoAnswer, ask

OPERATION = "GetSecretValue"


@dataclass(frozen=True, kw_only=True)
class KeptKeys:
    """The secrets under this deployment's prefix, for whoever may read them."""

    place: Place
    credentials: Credentials
    prefix: str
    now_ms: NowMs

    @classmethod
    def of(cls, environ: Mapping[str, str], *, now_ms: NowMs) -> Self:
        """Take what Lambda tells a process: where it runs, and the keys of its role, which outlive it."""
        region = environ["AWS_DEFAULT_REGION"]
        url = environ.get("AWS_ENDPOINT_URL", f"https://secretsmanager.{region}.amazonaws.com")
        return cls(
            place=Place(url=URL(url), region=region, api="secretsmanager", name="secretsmanager", version="1.1"),
            credentials=Credentials(
                access_key=environ["AWS_ACCESS_KEY_ID"],
                secret_key=environ["AWS_SECRET_ACCESS_KEY"],
                token=environ.get("AWS_SESSION_TOKEN"),
            ),
            prefix=environ["SECRETS_PREFIX"],
            now_ms=now_ms,
        )

    async def read(self, secret_id: str, origin: str) -> str | None:
        """Give the key of one of our secrets for the origin that it is bound to; None where there is none to give."""
        if not secret_id.startswith(self.prefix):
            return None
        request = {"SecretId": secret_id}
        try:
            status, answer = await ask(self.place, self.credentials, OPERATION, request, now_ms=self.now_ms)
        except NoAnswer as error:
            raise try_again("a service behind this one did not answer") from error
        if status == HTTPStatus.OK:
            return key_of(answer["SecretString"], origin)
        code = error_code(answer.get("__type"), status)
        if means_none(code):
            return None
        response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(response, OPERATION)
