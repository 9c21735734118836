"""What AWS would refuse, or charge by surprise: limits that neither Pulumi nor the embedded AWS knows."""

import json
import re
from typing import Any

import boto3
from botocore.validate import ParamValidator

from local.handlers import SKIPPED
from local.limits import refuse_beyond
from local.shapes import shaped
from tests.stack.program import Built

#: IAM: all inline policies of a role together, white space not counted.
ROLE_POLICIES_CHARACTERS_MAX = 10_240
#: Lambda: the resource policy that all permissions of a function make up.
FUNCTION_POLICY_CHARACTERS_MAX = 20_480
PERMISSION_CHARACTERS = 500
#: API Gateway v2: routes of an API, and authorizers.
ROUTES_MAX, AUTHORIZERS_MAX = 300, 10
#: IAM and Lambda names have 64 characters, of which Pulumi takes eight for itself; CloudWatch's have 255.
NAME_CHARACTERS_MAX = 64 - 8
ALARM_DESCRIPTION_CHARACTERS_MAX = 1_024
#: ECS: one task definition.
TASK_DEFINITION_BYTES_MAX = 65_536
#: CloudWatch: beyond the first three dashboards and ten alarms each is paid; this is for noticing.
ALARMS_EXPECTED_MAX = 30
SECURITY_GROUP_RULES_MAX = 60
#: API Gateway: an account's burst is half of its requests a second.
ACCOUNT_BURST = 0.5
#: Lambda, "Defined runtime environment variables", and how one may be named.
RESERVED, VARIABLE = ("AWS_", "LAMBDA_", "_"), r"[A-Za-z][A-Za-z0-9_]+"
#: Type → input and what may be in it (the services' API references).
NAMES = {
    "aws:ecs/taskDefinition:TaskDefinition": ("family", r"[A-Za-z0-9_-]{1,255}"),
    "aws:cloudwatch/dashboard:Dashboard": ("dashboardName", r"[A-Za-z0-9_-]{1,255}"),
    "aws:cloudwatch/logGroup:LogGroup": ("name", r"[A-Za-z0-9_/.#-]{1,512}"),
    "aws:ec2/securityGroup:SecurityGroup": ("description", r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}"),
    "aws:kms/key:Key": ("description", r".{0,8192}"),
    "aws:cloudfront/distribution:Distribution": ("comment", r".{0,128}"),
    "aws:apigatewayv2/stage:Stage": ("name", r"\$default|[A-Za-z0-9_-]{1,128}"),
}
#: CloudFront: a header's value in a policy.
HEADER_CHARACTERS_MAX = 1_783
#: Fargate: CPU units → MiB that go with them, up to the size that workers may need.
FARGATE = {512: range(1_024, 4_097, 1_024), 1_024: range(2_048, 8_193, 1_024), 2_048: range(4_096, 16_385, 1_024)}
#: What no laptop creates → the request of Application Auto Scaling that makes it, and what its name is there.
NOT_CREATED = {
    "aws:appautoscaling/target:Target": ("RegisterScalableTarget", {}),
    "aws:appautoscaling/policy:Policy": ("PutScalingPolicy", {"policyName": "scaling"}),
}
#: CloudFront: cache behaviours of a distribution.
BEHAVIOURS_MAX = 25


def test_policies_fit_their_roles(built: Built):
    """One role holds one inline policy, written without white space that counts."""
    for policy in built.of("RolePolicy"):
        text = "".join(policy.inputs["policy"].split())
        assert len(text) <= ROLE_POLICIES_CHARACTERS_MAX, policy.name


def test_permissions_fit_their_functions(built: Built):
    """A function that many may call runs out of room for saying so."""
    for function in built.of("Function"):
        count = sum(one.inputs["function"] == function.name for one in built.of("Permission"))
        assert count * PERMISSION_CHARACTERS <= FUNCTION_POLICY_CHARACTERS_MAX, function.name


def test_apis_have_room_for_their_routes(built: Built):
    """Counted per API."""
    for api in built.of("Api"):
        routes = [one for one in built.of("Route") if one.inputs["apiId"] == api.name]
        authorizers = [one for one in built.of("Authorizer") if one.inputs["apiId"] == api.name]
        assert 0 < len(routes) <= ROUTES_MAX
        assert len(authorizers) <= AUTHORIZERS_MAX


def test_names_leave_room_for_what_pulumi_adds(built: Built):
    """Too long a name fails in the middle of a deployment."""
    for one in [*built.of("Function"), *built.of("Role")]:
        assert len(one.name) <= NAME_CHARACTERS_MAX, one.name


def test_alarms_say_what_fits_and_are_as_many_as_somebody_reads(built: Built):
    """A description that is cut off in a mail ends before what to do."""
    alarms = built.of("MetricAlarm")

    assert len(alarms) <= ALARMS_EXPECTED_MAX
    assert all(len(one.inputs["alarmDescription"]) <= ALARM_DESCRIPTION_CHARACTERS_MAX for one in alarms)


def test_task_definitions_fit(built: Built):
    """Its environment grows with every setting."""
    for task in built.of("TaskDefinition"):
        assert len(json.dumps(dict(task.inputs))) <= TASK_DEFINITION_BYTES_MAX, task.name


def test_the_distribution_has_room_for_its_paths(built: Built):
    """Each pattern of the API is a behaviour of its own."""
    (distribution,) = built.of("Distribution")

    assert len(distribution.inputs["orderedCacheBehaviors"]) <= BEHAVIOURS_MAX


def test_the_headers_of_the_distribution_fit(recorded: dict[str, Built]):
    """Also with the longest issuer that may be configured."""
    for program in recorded.values():
        (policy,) = program.of("ResponseHeadersPolicy")
        security = policy.inputs["securityHeadersConfig"]["contentSecurityPolicy"]["contentSecurityPolicy"]
        assert len(security) <= HEADER_CHARACTERS_MAX


def test_security_groups_have_room(built: Built):
    """Sixty rules in each direction."""
    for group in built.of("SecurityGroup"):
        assert len(group.inputs["egress"]) <= SECURITY_GROUP_RULES_MAX


def test_no_route_lets_through_more_than_its_account_may_have(built: Built):
    """A limit of a route cannot exceed the account's."""
    account_per_s = int(built.named("sockets-handler").inputs["environment"]["variables"]["REQUESTS_PER_SECOND"])
    settings = routes_of(built)

    assert len(settings) > len(built.of("Stage"))
    assert all(one["throttlingRateLimit"] <= account_per_s for one in settings)
    assert all(one["throttlingBurstLimit"] <= ACCOUNT_BURST * account_per_s for one in settings)


def routes_of(built: Built) -> list[dict[str, Any]]:
    """Give the throttles of every route."""
    return [one for stage in built.of("Stage") for one in stage.inputs["routeSettings"]]


def test_nor_in_a_region_where_accounts_have_less(recorded: dict[str, Built]):
    """A quarter of what the others have, once `requestsPerSecond` says so; nobody else is held back for it."""
    test_no_route_lets_through_more_than_its_account_may_have(recorded["widest"])
    slow, fast = (
        {one["routeKey"]: one["throttlingBurstLimit"] for one in routes_of(recorded[variant])}
        for variant in ("widest", "production")
    )

    less = {key: burst for key, burst in slow.items() if burst != fast[key]}

    assert less == {"$disconnect": 1_250, "$default": 1_250}


def test_a_function_is_told_nothing_under_a_name_of_lambdas_own(built: Built):
    """AWS refuses a function with such a variable; the embedded AWS hands it on."""
    for function in built.of("Function"):
        for name in function.inputs["environment"]["variables"]:
            assert re.fullmatch(VARIABLE, name), name
            assert not name.startswith(RESERVED), name


def test_names_hold_what_aws_takes_in_them(built: Built):
    """Each service has its own idea of a name, which the embedded AWS does not share."""
    for typ, (key, pattern) in NAMES.items():
        found = [one for one in built.resources if one.type == typ]

        assert found, typ
        for one in found:
            assert re.fullmatch(pattern, one.inputs[key]), (one.name, key)


def test_tasks_are_of_a_size_that_fargate_has(built: Built):
    """CPU and memory go together in steps; and a container's patience with its own end has a bound."""
    for task in built.of("TaskDefinition"):
        (container,) = json.loads(task.inputs["containerDefinitions"])

        assert int(task.inputs["memory"]) in FARGATE[int(task.inputs["cpu"])]
        assert container["stopTimeout"] <= 120
        assert container["healthCheck"]["startPeriod"] <= 300


def test_every_integration_posts_to_its_function(built: Built):
    """The method of a Lambda's integration must be POST; a WebSocket API takes no default for it (API reference)."""
    assert {one.inputs["integrationMethod"] for one in built.of("Integration")} == {"POST"}


def test_what_no_laptop_creates_is_within_what_aws_says_of_it(built: Built):
    """All else is held to that when it is deployed there (`local/limits.py`)."""
    model = boto3.client("application-autoscaling", region_name="eu-central-1").meta.service_model
    found = [one for one in built.resources if one.type in NOT_CREATED]

    assert {one.type for one in found} == set(NOT_CREATED) == set(SKIPPED)
    for one in found:
        name, named = NOT_CREATED[one.type]
        operation = model.operation_model(name)
        asked = shaped(operation.input_shape, {**named, **one.inputs})
        assert not ParamValidator().validate(asked, operation.input_shape).has_errors(), one.name
        refuse_beyond(asked, operation)
