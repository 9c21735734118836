"""
What exists: the program that `pulumi up` runs in the cloud and `make up` runs onto the embedded AWS.

Settings → the zips of the Lambdas → components → exports. No resource is declared here directly.
"""

from pathlib import Path

import pulumi

from stack import grants, image, package, page, sockets
from stack.alarms import Alarms, Watched
from stack.alerts import Alerts, AlertsArgs
from stack.documents import Documents
from stack.first_token import FirstToken
from stack.fleet import Bounds, Fleet, FleetArgs
from stack.function import Function, FunctionArgs, stack_name
from stack.google_accounts import GoogleAccounts
from stack.http_api import HttpApi, HttpApiArgs
from stack.network import Network
from stack.notices import Notices
from stack.overview import Overview
from stack.queue import Queue, QueueArgs
from stack.reading import check_stack, keys_given
from stack.registry import Registry
from stack.schedule import call_regularly
from stack.settings import Settings
from stack.site import Site, SiteArgs
from stack.sockets import Sockets, SocketsArgs
from stack.store import Secrets, Store
from stack.tables import Tables

ROOT = Path(__file__).parent

check_stack(pulumi.get_stack())
settings = Settings.read(pulumi.Config(), given=keys_given(pulumi.get_project()))
architecture, environment = settings.architecture, settings.environment
files = page.built(ROOT, required=settings.packages_for == "lambda")
code, preview_code = (
    pulumi.FileArchive(
        str(package.build(ROOT, architecture=architecture, packages_for=settings.packages_for, bundle=bundle))
    )
    for bundle in package.BUNDLES
)

store = Store(
    tables=Tables("tables", protect=settings.protect),
    queue=Queue("changes", QueueArgs(consumer_timeout_s=sockets.TIMEOUT_S)),
    documents=Documents("documents", protect=settings.protect),
    secrets=Secrets.of_this_stack(),
    google_accounts=GoogleAccounts("google-accounts", keys=settings.google_accounts),
)
authorizer = Function(
    "authorizer",
    FunctionArgs(
        handler="api.authorize.handler",
        code=code,
        architecture=architecture,
        grants=grants.authorize(store),
        environment=settings.identity,
    ),
)
if settings.initial_token:
    FirstToken("first-token", table=store.tables.name("Access"), token=settings.initial_token)

tidy = Function(
    "tidy",
    FunctionArgs(handler="api.tidy.handler", code=code, architecture=architecture, grants=grants.tidy_secrets(store)),
)
call_regularly("tidy-regularly", tidy, every="15 minutes")

registry = Registry("worker")
bounds = {
    "external": Bounds(first=settings.external_count, most=settings.external_count_max),
    "googleSheet": Bounds(first=settings.sheet_count, most=settings.sheet_count_max),
}
worker_image = (
    image.given(settings.worker_image)
    if settings.worker_image
    else image.BuiltImage("worker-image", ROOT, registry, architecture).image
)
network = (
    None
    if settings.subnets
    else Network(
        "network", cidr=settings.vpc_cidr, nat_gateways=settings.nat_gateways if settings.egress == "nat" else 0
    )
)
fleet = Fleet(
    "fleet",
    FleetArgs(
        store=store,
        image=worker_image,
        architecture=architecture,
        place=network.place if network else settings.place,
        counts=bounds,
        spot_percent=settings.spot_percent,
        scale_on_lag_ms=settings.scale_on_lag_ms,
        trace_percent=settings.trace_percent,
        environment=environment,
    ),
)

http_api = HttpApi(
    "api",
    HttpApiArgs(
        store=store,
        code=code,
        preview_code=preview_code,
        architecture=architecture,
        authorizer=authorizer,
        fleet=fleet,
        environment=environment,
        requests_per_second=settings.requests_per_second,
        cors_origins=settings.cors_origins,
        traced=settings.trace_percent > 0,
    ),
)
web_socket_api = Sockets(
    "sockets",
    SocketsArgs(
        store=store,
        code=code,
        architecture=architecture,
        authorizer=authorizer,
        environment=environment,
        requests_per_second=settings.requests_per_second,
        fan_outs_at_once=settings.fan_outs_at_once,
        traced=settings.trace_percent > 0,
    ),
)
site = Site(
    "site",
    SiteArgs(
        files=files,
        api_url=http_api.url,
        web_socket_url=web_socket_api.url,
        documents_origin=store.documents.origin,
        sign_in=settings.sign_in,
    ),
)
store.documents.let_pages_read([site.url, *settings.dashboard_origins])

alerts = (
    Alerts(
        "alerts",
        AlertsArgs(
            store=store,
            code=preview_code,
            architecture=architecture,
            rules=settings.alerts,
            secret=settings.alerts_secret,
            dashboard_url=site.url,
            environment=environment,
        ),
    )
    if settings.alerts
    else None
)

watched = Watched(
    queue=store.queue.name,
    dead_letters=store.queue.dead_letter_name,
    sockets=web_socket_api.function_name,
    authorizer=authorizer.name,
    tidy=tidy.name,
    alerts=alerts.function_name if alerts else None,
    http_api=http_api.api_id,
    cluster=fleet.cluster_name,
    services={kind: name for kind, name in fleet.service_names.items() if bounds[kind].first},
    stack=stack_name(),
)
Alarms(
    "alarms",
    watched,
    tell=[Notices("notices", email=settings.alarm_email).topic_arn] if settings.alarm_email else [],
)
Overview("overview", watched)

pulumi.export("dashboardUrl", site.url)
pulumi.export("apiUrl", http_api.url)
pulumi.export("webSocketUrl", web_socket_api.url)
pulumi.export("signIn", settings.sign_in and settings.sign_in.shown)
pulumi.export("queueUrl", store.queue.url)
pulumi.export("deadLetterUrl", store.queue.dead_letter_url)
pulumi.export("tables", store.tables.names)
pulumi.export("documentsBucket", store.documents.bucket)
pulumi.export("googleAccountsSecret", store.google_accounts.arn)
pulumi.export("secretsPrefix", store.secrets.prefix)
pulumi.export("outboundAddresses", network.outbound_addresses if network else [])
pulumi.export("services", fleet.services)
pulumi.export("workerRepository", registry.url)
