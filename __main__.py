"""
What exists: the program that `pulumi up` runs in the cloud and `make up` runs onto the embedded AWS.

Settings → the zip of the Lambdas → components → exports. No resource is declared here directly.
"""

from pathlib import Path

import pulumi

from stack import grants, package, sockets
from stack.documents import Documents
from stack.first_token import FirstToken
from stack.fleet import Fleet, FleetArgs
from stack.function import Function, FunctionArgs
from stack.http_api import HttpApi, HttpApiArgs
from stack.queue import Queue, QueueArgs
from stack.settings import Settings
from stack.sockets import Sockets, SocketsArgs
from stack.store import Secrets, Store
from stack.tables import Tables

settings = Settings.read(pulumi.Config())
architecture, environment = settings.architecture, settings.environment
code = pulumi.FileArchive(
    str(package.build(Path(__file__).parent, architecture=architecture, packages_for=settings.packages_for))
)

store = Store(
    tables=Tables("tables"),
    queue=Queue("changes", QueueArgs(consumer_timeout_s=sockets.TIMEOUT_S)),
    documents=Documents("documents"),
    secrets=Secrets.of_this_stack(),
)
authorizer = Function(
    "authorizer",
    FunctionArgs(handler="api.authorize.handler", code=code, architecture=architecture, grants=grants.authorize(store)),
)
if settings.initial_token:
    FirstToken("first-token", table=store.tables.name("Access"), token=settings.initial_token)

http_api = HttpApi(
    "api",
    HttpApiArgs(store=store, code=code, architecture=architecture, authorizer=authorizer, environment=environment),
)
web_socket_api = Sockets(
    "sockets",
    SocketsArgs(store=store, code=code, architecture=architecture, authorizer=authorizer, environment=environment),
)
fleet = Fleet(
    "fleet",
    FleetArgs(
        store=store,
        image=settings.worker_image,
        architecture=architecture,
        subnets=settings.subnets,
        security_groups=settings.security_groups,
        counts={"external": settings.external_count, "googleSheet": settings.sheet_count},
        environment=environment,
    ),
)

pulumi.export("apiUrl", http_api.url)
pulumi.export("webSocketUrl", web_socket_api.url)
pulumi.export("queueUrl", store.queue.url)
pulumi.export("deadLetterUrl", store.queue.dead_letter_url)
pulumi.export("tables", store.tables.names)
pulumi.export("documentsBucket", store.documents.bucket)
pulumi.export("secretsPrefix", store.secrets.prefix)
pulumi.export("services", fleet.services)
