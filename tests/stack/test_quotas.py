"""What AWS would refuse, or charge by surprise: limits that neither Pulumi nor the embedded AWS knows."""

import json

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


def test_security_groups_have_room(built: Built):
    """Sixty rules in each direction."""
    for group in built.of("SecurityGroup"):
        assert len(group.inputs["egress"]) <= SECURITY_GROUP_RULES_MAX
