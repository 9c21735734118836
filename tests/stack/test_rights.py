"""What the embedded AWS does not enforce about rights, and what no policy may ever say."""

import json
import re
from typing import Any

from stack.grants import ALLOWED_WILDCARDS, EVERYWHERE
from tests.stack.program import Built

#: What the clock calls, and how often.
RULES = {"alerts-minute": "rate(1 minute)", "sockets-minute": "rate(1 minute)", "tidy-regularly": "rate(15 minutes)"}


def open_ended(built: Built) -> list[tuple[str, str, list[str]]]:
    """Every resource with a wildcard: policy, resource, actions."""
    return [
        (policy, resource, statement["Action"])
        for policy, statement in built.statements()
        for resource in statement["Resource"]
        if "*" in resource
    ]


def test_no_policy_grants_an_action_by_wildcard(built: Built):
    """A right that nobody named is a right that nobody decided on."""
    wrong = [
        (name, action) for name, statement in built.statements() for action in statement["Action"] if "*" in action
    ]

    assert not wrong


def test_a_resource_is_open_only_where_a_reason_says_so(built: Built):
    """Names that exist only at run time need an open end; each such pattern carries its reason."""
    wrong = [(name, resource) for name, resource, _ in open_ended(built) if not fits(resource)]

    assert not wrong
    assert all(ALLOWED_WILDCARDS.values())


def test_every_allowed_wildcard_is_in_use(built: Built):
    """An allowance that nobody needs any more is a door left open."""
    unused = [
        pattern
        for pattern in ALLOWED_WILDCARDS
        if not any(re.fullmatch(pattern, resource) for _, resource, _ in open_ended(built))
    ]

    assert not unused


def test_only_what_takes_no_resource_stands_on_every_resource(built: Built):
    """AWS gives these few actions no resource; anything else beside them would be a grant on everything."""
    found = {action for _, resource, actions in open_ended(built) if resource == "*" for action in actions}

    assert found == set(EVERYWHERE)


def test_traces_are_recorded_only_where_somebody_asked_for_them(built: Built, plain: Built):
    """Off, nobody may tell X-Ray and AWS records nothing; on, the worker's trace goes on behind the queue."""
    sockets, worker = ({*built.may(name).get("*", set())} for name in ("sockets-handler", "fleet-external"))

    assert sockets == {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    assert worker == {"xray:PutTraceSegments"}
    assert built.named("sockets-handler").inputs["tracingConfig"] == {"mode": "Active"}
    assert not [name for name, actions, _ in rights(plain) if any(one.startswith("xray:") for one in actions)]
    assert not [one.name for one in plain.of("Function") if "tracingConfig" in one.inputs]


def test_the_reader_of_the_queue_may_read_it(built: Built):
    """The embedded AWS delivers without these rights, AWS refuses to create the mapping."""
    for mapping in built.of("EventSourceMapping"):
        rights = built.may(mapping.inputs["functionName"])[mapping.inputs["eventSourceArn"]]

        assert {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} <= rights


def test_every_function_may_write_its_log(built: Built):
    """The embedded AWS writes logs for anybody."""
    for function in built.of("Function"):
        group = function.inputs["loggingConfig"]["logGroup"]
        (logs,) = [
            rights for resource, rights in built.may(function.name).items() if resource.startswith("arn:aws:logs")
        ]

        assert logs == {"logs:CreateLogStream", "logs:PutLogEvents"}
        assert group.startswith("/sheet-monitor-fleet-local/")


def test_every_task_may_write_its_log_and_starts_with_no_other_right(built: Built):
    """Fargate writes it under the execution role, and starts no container that it could not hear."""
    for task in built.of("TaskDefinition"):
        (container,) = json.loads(task.inputs["containerDefinitions"])
        service = task.name.removesuffix("-task")
        told = container["logConfiguration"]["options"]
        logs, *fetches = built.may(f"{service}-execution").items()

        assert told["awslogs-group"] == built.named(f"{service}-logs").inputs["name"]
        assert logs == (arn_of(f"{service}-logs"), {"logs:CreateLogStream", "logs:PutLogEvents"})
        assert all(action.startswith("ecr:") for _, actions in fetches for action in actions)
        assert any("ecr:BatchGetImage" in actions for _, actions in fetches)


def arn_of(group: str) -> str:
    """Name the streams of a log group as a right does."""
    return f"arn:aws:logs:eu-central-1:123456789012:{group}:log-stream:*"


def test_whoever_makes_a_secret_may_tag_it(built: Built):
    """The tag says which origin a key is for; AWS asks for the right to it, the embedded AWS does not."""
    for name, statement in built.statements():
        actions = set(statement["Action"])
        assert ("secretsmanager:CreateSecret" in actions) == ("secretsmanager:TagResource" in actions), name


def test_whoever_reads_documents_is_told_of_a_missing_one(built: Built):
    """Without the right to list, S3 answers 403 to what is not there, as to what is forbidden."""
    told = {name for name, actions, _ in rights(built) if "s3:ListBucket" in actions}
    readers = {name for name, actions, _ in rights(built) if "s3:GetObject" in actions}

    assert told < readers
    assert readers - told == {"api-data-policy"}  # signs an address and reads nothing itself


def test_who_shows_the_fleet_may_ask_after_its_services(built: Built):
    """It shows the workers without that too, so nobody else would notice; the embedded AWS asks of another resource."""
    may = built.may("api-fleet")

    for service in built.of("Service"):
        assert any("ecs:DescribeServices" in may[one] for one in may if one.endswith(f":{service.name}")), service.name


def test_who_lets_others_in_can_make_no_token(built: Built):
    """By the rows that each may touch; only who writes within a transaction may put any (docs/security.md)."""
    touched = {
        (name.removesuffix("-policy"), action.removeprefix("dynamodb:")): row_condition(statement)
        for name, statement in built.statements()
        for action in statement["Action"]
        if any(one.endswith("-Access") for one in statement["Resource"])
    }

    assert touched == {
        ("authorizer", "GetItem"): ["token#*"],
        ("authorizer", "DeleteItem"): ["ticket#*"],
        ("sockets-handler", "GetItem"): ["token#*"],
        ("sockets-handler", "DeleteItem"): ["ticket#*"],
        ("api-tickets", "PutItem"): ["ticket#*"],
        ("api-register", "GetItem"): [],
        ("api-register", "PutItem"): [],
        ("api-poll", "PutItem"): [],
    }


def row_condition(statement: dict[str, Any]) -> list[str]:
    """Give which rows a statement is about; none: any."""
    if "Condition" not in statement:
        return []
    ((operator, keys),) = statement["Condition"].items()
    assert operator == "ForAllValues:StringLike"
    return list(keys["dynamodb:LeadingKeys"])


def test_a_role_is_assumed_by_the_one_service_that_runs_under_it(built: Built):
    """And by nobody else; the embedded AWS ignores who may assume a role."""
    for role in built.of("Role"):
        service = "ecs-tasks" if role.name.startswith("fleet-") else "lambda"
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]

        assert statement == {
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"},
        }, role.name  # fmt: skip


def test_a_role_may_what_its_one_policy_says_and_no_more(built: Built):
    """Each of these rules reads that policy: a right that came by another way would be seen by none of them."""
    policies = {one.inputs["role"]: one.name for one in built.of("RolePolicy")}

    assert len(policies) == len(built.of("RolePolicy"))
    for role in built.of("Role"):
        assert policies[role.name] == f"{role.name.removesuffix('-role')}-policy"
        assert set(role.inputs) == {"assumeRolePolicy"}, role.name
    for name, statement in built.statements():
        assert set(statement) - {"Condition"} == {"Effect", "Action", "Resource"}, name
        assert statement["Effect"] == "Allow", name


def test_every_api_and_authorizer_may_call_its_function(built: Built):
    """The embedded AWS calls without permission, AWS answers 500."""
    allowed = {
        permission.inputs["function"]
        for permission in built.of("Permission")
        if permission.inputs["principal"].startswith("apigateway.")
    }
    called = {one.inputs["integrationUri"] for one in built.of("Integration")}
    called |= {one.inputs["authorizerUri"] for one in built.of("Authorizer")}

    assert called == {f"arn:aws:apigateway:eu-central-1:lambda:path/functions/{name}/invocations" for name in allowed}
    assert principals(built) == {"apigateway.amazonaws.com", "events.amazonaws.com"}


def test_every_rule_of_the_clock_may_call_its_function(built: Built):
    """Without it EventBridge drops the call in silence."""
    rules = {rule.name: rule.inputs["scheduleExpression"] for rule in built.of("EventRule")}
    called = {target.inputs["rule"]: target.inputs["arn"] for target in built.of("EventTarget")}
    allowed = {
        one.inputs["sourceArn"].rpartition(":")[2]: one.inputs["function"]
        for one in built.of("Permission")
        if one.inputs["principal"].startswith("events.")
    }

    assert rules == RULES
    assert set(called) == set(allowed) == set(rules)
    assert all(arn.endswith(f":{allowed[rule]}") for rule, arn in called.items())


def test_a_function_is_called_only_on_behalf_of_one_thing_of_ours(built: Built):
    """A permission without a source would let any API of any account call."""
    for permission in built.of("Permission"):
        assert re.fullmatch(r"arn:aws:(execute-api|events|cloudwatch|logs):[^*]+(/\*)?", permission.inputs["sourceArn"])


def rights(built: Built) -> list[tuple[str, list[str], list[str]]]:
    """Every statement: policy, actions, resources."""
    return [(name, statement["Action"], statement["Resource"]) for name, statement in built.statements()]


def principals(built: Built) -> set[str]:
    """Who may call some function."""
    return {one.inputs["principal"] for one in built.of("Permission")}


def test_an_authorizers_permission_names_that_authorizer(built: Built):
    """Both APIs share one function, and each needs a permission of its own."""
    named = {
        permission.inputs["sourceArn"]
        for permission in built.of("Permission")
        if "/authorizers/" in permission.inputs["sourceArn"]
    }

    assert {name.rsplit("/", 1)[1] for name in named} == {one.name for one in built.of("Authorizer")}


def fits(resource: str) -> bool:
    """Tell whether some allowed pattern covers a resource."""
    return any(re.fullmatch(pattern, resource) for pattern in ALLOWED_WILDCARDS)
