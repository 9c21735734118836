"""
What each process may do: one function per verb of ours, exactly the calls its code makes.

A grant also carries the variables that tell the process where the granted thing is, so nobody is told of what it
may not use. The embedded AWS enforces most of this when it runs; rules on the resource graph check the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pulumi import Input, Output
from pulumi_aws import secretsmanager

from contracts.access import TICKET_ROW, TOKEN_ROW
from contracts.table.schema import FIELDS
from stack.store import Store

#: Resources that must stay open at their end, as whole patterns, and why. Nothing else in any policy holds a `*`.
ALLOWED_WILDCARDS: Mapping[str, str] = {
    r"arn:aws:execute-api:[^*]+/(POST|DELETE)/@connections/\*": "ids of connections exist only at run time",
    r"arn:aws:s3:::[^*/]+/\*": "the bucket holds nothing but documents, named at run time",
    r"arn:aws:secretsmanager:[^*]+/source/\*": "a secret per source, made at run time under the stack's own prefix",
    r"arn:aws:logs:[^*]+:log-stream:\*": "a log stream per Lambda environment or task, named by AWS",
    r"\*": "these take no resource (AWS service authorization reference): see EVERYWHERE",
}
REGISTRY_LOGIN = "ecr:GetAuthorizationToken"
TRACING = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
#: The only actions that may have `*` alone as their resource.
EVERYWHERE = (REGISTRY_LOGIN, *TRACING)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A right, and what a process must be told to use it."""

    actions: Sequence[str]
    resources: Sequence[Input[str]]
    environment: Mapping[str, Input[str]] = field(default_factory=dict)
    rows: str = ""
    """How the keys of the rows begin that it is about; empty: all. Given where no transaction is made."""

    def statement(self) -> dict[str, object]:
        """Write it as a statement of an IAM policy."""
        allowed = {"Effect": "Allow", "Action": list(self.actions), "Resource": list(self.resources)}
        # AWS, "Using IAM policy conditions for fine-grained access control" (DynamoDB); the embedded AWS does not look.
        only = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{self.rows}*"]}}
        return allowed | ({"Condition": only} if self.rows else {})


def policy(grants: Sequence[Grant]) -> Output[str]:
    """Write grants as the JSON of an IAM policy."""
    return Output.json_dumps({"Version": "2012-10-17", "Statement": [grant.statement() for grant in grants]})


def environment(grants: Sequence[Grant]) -> dict[str, Input[str]]:
    """Gather what the grants tell."""
    return {name: value for grant in grants for name, value in grant.environment.items()}


def list_sources(store: Store) -> list[Grant]:
    """Page through the sources, or those in need of attention, with version, followers and what Google grants."""
    return [
        _table(store, "DataSources", "Scan"),
        Grant(actions=["dynamodb:Query"], resources=[store.tables.index_arn("DataSources")]),
        _table(store, "SheetsData", "BatchGetItem"),
        _table(store, "Subscribers", "BatchGetItem"),
        _table(store, "Budget", "GetItem"),
    ]


def get_source(store: Store) -> list[Grant]:
    """Read one source, its head, how many follow it, and how often Google lets it be read."""
    return [
        _table(store, "DataSources", "GetItem"),
        _table(store, "SheetsData", "GetItem"),
        _table(store, "Subscribers", "BatchGetItem"),
        _table(store, "Budget", "GetItem"),
    ]


def get_data(store: Store) -> list[Grant]:
    """Read one source's document, or sign the address of a big one."""
    return [_table(store, "SheetsData", "GetItem"), _documents(store, "GetObject")]


def see_history(store: Store) -> list[Grant]:
    """Read one source's head, its changes, and documents they led to."""
    return [
        _table(store, "SheetsData", "GetItem"),
        _table(store, "Changes", "Query"),
        _documents(store, "GetObject"),
        _missing_documents(store),
    ]


def poll_now(store: Store) -> list[Grant]:
    """Put a wish into the fleet's log, for a source that is there, and no more often than it may be polled."""
    return [
        _table(store, "DataSources", "GetItem", "ConditionCheckItem"),
        _table(store, "Fleet", "GetItem", "PutItem", "UpdateItem"),
        _table(store, "Access", "PutItem"),
    ]


def register_source(store: Store) -> list[Grant]:
    """Write a source with head, place in the fleet's log, secret and idempotency key, and its wish to Google."""
    return [
        _table(store, "DataSources", "GetItem", "PutItem"),
        _table(store, "SheetsData", "PutItem"),
        _table(store, "Fleet", "GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        _table(store, "Access", "GetItem", "PutItem"),
        _table(store, "Budget", "GetItem", "UpdateItem"),
        _secrets(store, "CreateSecret", "DeleteSecret", "DescribeSecret", "TagResource"),
    ]


def preview_source(store: Store) -> list[Grant]:
    """Read a secret, to send it where it is bound to, or read a sheet within the quota; nothing else is written."""
    return [_secrets(store, "GetSecretValue"), _table(store, "Budget", "UpdateItem"), _google_accounts(store)]


def import_sources(store: Store) -> list[Grant]:
    """Look which sources there are, and write others as registering does, with keys kept or brought back."""
    return [
        _table(store, "DataSources", "BatchGetItem", "PutItem"),
        _table(store, "SheetsData", "PutItem"),
        _table(store, "Budget", "UpdateItem"),
        _table(store, "Fleet", "GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        _secrets(
            store, "CreateSecret", "DeleteSecret", "DescribeSecret", "PutSecretValue", "RestoreSecret", "TagResource"
        ),
    ]


def export_sources(store: Store) -> list[Grant]:
    """Page through the sources."""
    return [_table(store, "DataSources", "Scan")]


def update_source(store: Store) -> list[Grant]:
    """Write a source over, close its head's door, tell the fleet, and keep, bring back or retire its secret."""
    return [
        _table(store, "DataSources", "GetItem", "UpdateItem"),
        _table(store, "SheetsData", "UpdateItem"),
        _table(store, "Budget", "UpdateItem"),
        _table(store, "Fleet", "GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        _secrets(
            store,
            "CreateSecret",
            "DeleteSecret",
            "DescribeSecret",
            "PutSecretValue",
            "RestoreSecret",
            "TagResource",
            "UpdateSecretVersionStage",
        ),
    ]


def delete_source(store: Store) -> list[Grant]:
    """Remove a source with all it left, and tell its subscribers."""
    return [
        _table(store, "DataSources", "GetItem", "DeleteItem"),
        _table(store, "SheetsData", "GetItem", "DeleteItem"),
        _table(store, "Changes", "Query", "BatchWriteItem"),
        _table(store, "Fleet", "GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        _documents(store, "DeleteObject"),
        _secrets(store, "DeleteSecret"),
        _queue(store, "SendMessage"),
    ]


def tell_alerts(
    store: Store, *, topics: Sequence[Input[str]], secret: secretsmanager.SecretVersion | None
) -> list[Grant]:
    """Find sources in trouble, keep track of who was told, and tell: by topics, and by webhooks that are signed."""
    granted = [
        Grant(actions=["dynamodb:Query"], resources=[store.tables.index_arn("DataSources")]),
        _table(store, "DataSources", "BatchGetItem"),
        _table(store, "Fleet", "Query", "PutItem", "UpdateItem", "DeleteItem"),
    ]
    if topics:
        granted.append(Grant(actions=["sns:Publish"], resources=topics))
    if secret:
        told = {"ALERTS_SECRET_ID": secret.secret_id, "ALERTS_SECRET_VERSION": secret.version_id}
        granted.append(Grant(actions=["secretsmanager:GetSecretValue"], resources=[secret.secret_id], environment=told))
    return granted


def tidy_secrets(store: Store) -> list[Grant]:
    """Find secrets that nobody uses, and delete them; have a key read that an edit has chosen."""
    return [
        _table(store, "Fleet", "Query", "GetItem", "UpdateItem", "DeleteItem"),
        _secrets(store, "DeleteSecret", "DescribeSecret", "UpdateSecretVersionStage"),
    ]


def issue_tickets(store: Store) -> list[Grant]:
    """Write a single-use ticket."""
    return [_table(store, "Access", "PutItem", rows=TICKET_ROW)]


def see_fleet(store: Store, *, services: Input[Mapping[str, object]], arns: Sequence[Input[str]]) -> list[Grant]:
    """Read the rows of workers, shards and Google's quota, and how many tasks the services want; `arns` are these."""
    told = {"SERVICES": Output.json_dumps(services)}
    counts = [Grant(actions=["ecs:DescribeServices"], resources=arns, environment=told)] if arns else []
    return [_table(store, "Fleet", "Query"), _table(store, "Budget", "GetItem"), *counts]


def authorize(store: Store) -> list[Grant]:
    """Look a token up, use a ticket up: whoever lets others in can make neither, and end no token."""
    return [_table(store, "Access", "GetItem", rows=TOKEN_ROW), _table(store, "Access", "DeleteItem", rows=TICKET_ROW)]


def serve_subscribers(store: Store, *, stage_arn: Input[str]) -> list[Grant]:
    """Keep connections and subscriptions, read what they ask for and the queue, post within the budget, and cut."""
    rows = ("Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
    return [
        _table(store, "Connections", "GetItem", *rows),
        _table(store, "Subscribers", "GetItem", *rows),
        _table(store, "Budget", "UpdateItem"),
        _table(store, "DataSources", "GetItem"),
        _table(store, "SheetsData", "GetItem"),
        _table(store, "Changes", "Query"),
        *authorize(store),
        _documents(store, "GetObject"),
        _missing_documents(store),
        _queue(
            store, "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessage", "ChangeMessageVisibility"
        ),
        _dead_letters(store),
        Grant(
            actions=["execute-api:ManageConnections"],
            resources=[Output.concat(stage_arn, f"/{verb}/@connections/*") for verb in ("POST", "DELETE")],
        ),
    ]


def poll_sources(store: Store) -> list[Grant]:
    """Hold leases, read what to poll, commit what changed and say so."""
    return [
        _table(store, "Fleet", "Query", "GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        _table(store, "DataSources", "GetItem", "BatchGetItem", "UpdateItem"),
        _table(store, "SheetsData", "GetItem", "PutItem", "UpdateItem"),
        _table(store, "Changes", "PutItem"),
        _queue(store, "SendMessage"),
        _secrets(store, "GetSecretValue"),
        _documents(store, "GetObject", "PutObject"),
        _missing_documents(store),
    ]


def poll_sheets(store: Store) -> list[Grant]:
    """Do all that of Google Sheets: with the accounts that read them, within the quota that all workers share."""
    return [*poll_sources(store), _table(store, "Budget", "GetItem", "UpdateItem"), _google_accounts(store)]


def write_logs(log_group_arn: Input[str]) -> list[Grant]:
    """Write to one log group, which exists already."""
    streams = Output.concat(log_group_arn, ":log-stream:*")
    return [Grant(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[streams])]


def send_traces() -> list[Grant]:
    """Send traces to X-Ray, which has no resources to name."""
    return [Grant(actions=TRACING[:1], resources=["*"])]


def be_traced() -> list[Grant]:
    """Let AWS record the calls of a Lambda (AWS, "Visualize Lambda function invocations using AWS X-Ray")."""
    return [Grant(actions=TRACING, resources=["*"])]


def pull_image(repository_arn: Input[str]) -> list[Grant]:
    """Pull an image of one private registry."""
    return [
        Grant(actions=[REGISTRY_LOGIN], resources=["*"]),
        Grant(
            actions=["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
            resources=[repository_arn],
        ),
    ]


def _table(store: Store, table: str, *actions: str, rows: str = "") -> Grant:
    return Grant(
        actions=[f"dynamodb:{action}" for action in actions],
        resources=[store.tables.arn(table)],
        environment={f"TABLE_{FIELDS[table].upper()}": store.tables.name(table)},
        rows=rows,
    )


def _documents(store: Store, *actions: str) -> Grant:
    return Grant(
        actions=[f"s3:{action}" for action in actions],
        resources=[Output.concat(store.documents.arn, "/*")],
        environment={"DOCUMENTS_BUCKET": store.documents.bucket},
    )


def _missing_documents(store: Store) -> Grant:
    """Let a reader be told that a document is gone: without this right S3 answers 403 to both."""
    return Grant(actions=["s3:ListBucket"], resources=[store.documents.arn])


def _secrets(store: Store, *actions: str) -> Grant:
    return Grant(
        actions=[f"secretsmanager:{action}" for action in actions],
        resources=[store.secrets.arns],
        environment={"SECRETS_PREFIX": store.secrets.prefix},
    )


def _google_accounts(store: Store) -> Grant:
    return Grant(
        actions=["secretsmanager:GetSecretValue"],
        resources=[store.google_accounts.arn],
        environment={"GOOGLE_ACCOUNTS_SECRET": store.google_accounts.arn},
    )


def _queue(store: Store, *actions: str) -> Grant:
    return Grant(
        actions=[f"sqs:{action}" for action in actions],
        resources=[store.queue.arn],
        environment={"QUEUE_URL": store.queue.url},
    )


def _dead_letters(store: Store) -> Grant:
    return Grant(
        actions=["sqs:SendMessage"],
        resources=[store.queue.dead_letter_arn],
        environment={"DEAD_LETTER_URL": store.queue.dead_letter_url},
    )
