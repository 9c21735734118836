"""Every rule that keeps somebody out, or something from being lost, is shown to fail where its hole is planted."""

import copy
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.stack import test_public, test_quotas, test_resources, test_rights
from tests.stack.program import Built, Declared

type Rule = Callable[..., None]
type Inputs = dict[str, Any]
type Break = Callable[[Inputs], object]

ANYBODY = {"protocol": "tcp", "fromPort": 0, "toPort": 65_535, "cidrBlocks": ["0.0.0.0/0"]}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def put(**changed: Any) -> Break:
    """Give other inputs."""
    return lambda inputs: inputs.update(changed)


def without(name: str) -> Break:
    """Leave an input out."""
    return lambda inputs: inputs.pop(name)


def text(name: str, old: str, new: str) -> Break:
    """Write something else into a policy, or into containers."""

    def change(inputs: Inputs) -> None:
        assert old in inputs[name]
        inputs[name] = inputs[name].replace(old, new)

    return change


def also_trusts(who: Any) -> Break:
    """Let somebody else assume a role."""

    def change(inputs: Inputs) -> None:
        policy = json.loads(inputs["assumeRolePolicy"])
        policy["Statement"].append({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": who})
        inputs["assumeRolePolicy"] = json.dumps(policy)

    return change


def container(**changed: Any) -> Break:
    """Give the container of a task other settings."""

    def change(inputs: Inputs) -> None:
        (one,) = json.loads(inputs["containerDefinitions"])
        inputs["containerDefinitions"] = json.dumps([one | changed])

    return change


#: Resource → what is done to it, and the rule that must say so.
CHANGED: Mapping[str, tuple[str, Break, Rule]] = {
    "an open security group": (
        "network-workers", put(ingress=[ANYBODY]), test_public.test_nothing_comes_in_to_a_worker
    ),
    "a bucket that takes public policies": (
        "documents-private", put(blockPublicPolicy=False), test_public.test_every_bucket_is_closed_and_encrypted
    ),
    "a page's bucket that anybody reads": (
        "site-policy", text("policy", '{"Service": "cloudfront.amazonaws.com"}', '"*"'),
        test_public.test_only_the_distribution_reads_the_pages_bucket,
    ),
    "requests to the bucket that nobody signs": (
        "site-distribution-access", put(signingBehavior="never"),
        test_public.test_the_distribution_signs_what_it_asks_of_the_bucket,
    ),
    "a queue in the clear": (
        "changes", put(sqsManagedSseEnabled=False), test_public.test_everything_at_rest_is_encrypted
    ),
    "a key for all": (
        "notices-key", text("policy", "kms:Decrypt", "kms:*"),
        test_public.test_the_one_key_of_ours_is_the_accounts_and_the_alarms,
    ),
    "a task with an address in a closed network": (
        "fleet-external", lambda inputs: inputs["networkConfiguration"].update(assignPublicIp=True),
        test_public.test_tasks_get_out_by_an_address_of_their_own_or_by_fixed_ones,
    ),
    "a queue without dead letters": (
        "changes", without("redrivePolicy"), test_resources.test_every_queue_but_the_last_has_a_dead_letter_queue
    ),
    "dead letters that go with their messages": (
        "changes-dead", put(messageRetentionSeconds=86_400),
        test_resources.test_a_dead_letter_waits_for_somebody_as_long_as_sqs_keeps_anything,
    ),
    "a message that comes again too soon": (
        "changes", put(visibilityTimeoutSeconds=60),
        test_resources.test_a_message_stays_hidden_six_times_as_long_as_its_reader_may_take,
    ),
    "a reader that may take longer": (
        "sockets-handler", put(timeout=20),
        test_resources.test_a_message_stays_hidden_six_times_as_long_as_its_reader_may_take,
    ),
    "a batch no FIFO queue gives": (
        "sockets-queue", put(batchSize=11), test_resources.test_the_queue_is_read_in_batches_that_a_fifo_queue_allows
    ),
    "a window no FIFO queue has": (
        "sockets-queue", put(maximumBatchingWindowInSeconds=1),
        test_resources.test_the_queue_is_read_in_batches_that_a_fifo_queue_allows,
    ),
    "a function's log that forgets nothing": (
        "api-list-logs", without("retentionInDays"), test_resources.test_every_log_group_forgets
    ),
    "a task's log that forgets nothing": (
        "fleet-external-logs", without("retentionInDays"), test_resources.test_every_log_group_forgets
    ),
    "a function on another Python": (
        "api-list", put(runtime="python3.12"), test_resources.test_whatever_runs_our_code_is_what_it_was_built_for
    ),
    "a function on another processor": (
        "api-list", put(architectures=["another"]), test_resources.test_whatever_runs_our_code_is_what_it_was_built_for
    ),
    "a function that outlives its request": (
        "api-list", put(timeout=30), test_resources.test_every_function_answers_before_its_api_gives_up
    ),
    "a ping that nobody answers": (
        "sockets-ping-route", put(routeResponseSelectionExpression=""), test_resources.test_a_ping_is_answered
    ),
    "an endpoint without a guard": (
        "api-get-route", put(authorizationType="NONE"),
        test_resources.test_every_http_route_asks_the_authorizer_each_time,
    ),
    "a handshake without a guard": (
        "sockets-connect-route", put(authorizationType="NONE"),
        test_resources.test_only_the_handshake_asks_the_authorizer,
    ),
    "a deployment that nobody waits for": (
        "fleet-external", without("waitForSteadyState"),
        test_resources.test_a_deployment_that_is_rolled_back_fails_the_command,
    ),
    "tasks whose capacity cannot be changed": (
        "fleet-external", without("forceNewDeployment"), test_resources.test_what_tasks_run_on_changes_in_place
    ),
    "a table that cannot be brought back": (
        "tables-Changes", put(pointInTimeRecovery={"enabled": False}),
        test_resources.test_every_table_is_on_demand_encrypted_and_recoverable,
    ),
    "a table that goes with one command": (
        "tables-Changes", put(deletionProtectionEnabled=False),
        test_resources.test_what_nobody_could_make_again_is_protected,
    ),
    "leases that go with one command": (
        "tables-Fleet", put(deletionProtectionEnabled=False),
        test_resources.test_what_nobody_could_make_again_is_protected,
    ),
    "a route beyond the account's burst": (
        "sockets-stage", lambda inputs: inputs["routeSettings"][0].update(throttlingBurstLimit=5_001),
        test_quotas.test_no_route_lets_through_more_than_its_account_may_have,
    ),
    "a variable that Lambda keeps for itself": (
        "api-list", lambda inputs: inputs["environment"]["variables"].update(AWS_REGION="eu-central-1"),
        test_quotas.test_a_function_is_told_nothing_under_a_name_of_lambdas_own,
    ),
    "a name that ECS does not take": (
        "fleet-external-task", put(family="sheet.monitor"), test_quotas.test_names_hold_what_aws_takes_in_them
    ),
    "a description that EC2 does not take": (
        "network-workers", put(description="Workers' own"), test_quotas.test_names_hold_what_aws_takes_in_them
    ),
    "a task of a size that Fargate has not": (
        "fleet-external-task", put(memory="1024"), test_quotas.test_tasks_are_of_a_size_that_fargate_has
    ),
    "a metric by a statistic that AWS has not": (
        "fleet-external-scaling-lag",
        lambda inputs: inputs["targetTrackingScalingPolicyConfiguration"]["customizedMetricSpecification"].update(
            statistic="p99"
        ),
        test_quotas.test_what_no_laptop_creates_is_within_what_aws_says_of_it,
    ),
    "an integration of another method": (
        "sockets-integration", without("integrationMethod"), test_quotas.test_every_integration_posts_to_its_function
    ),
    "a worker that may write": (
        "fleet-external-task", container(readonlyRootFilesystem=False),
        test_resources.test_a_worker_may_write_nowhere_and_is_nobody,
    ),
    "a worker that owns its host": (
        "fleet-external-task", container(privileged=True), test_resources.test_a_worker_may_write_nowhere_and_is_nobody
    ),
    "a shell in every worker": (
        "fleet-external", put(enableExecuteCommand=True), test_resources.test_a_worker_may_write_nowhere_and_is_nobody
    ),
    "a secret in an environment": (
        "api-list", lambda inputs: inputs["environment"]["variables"].update(SIGNS_WITH="signing-secret"),
        test_resources.test_no_secret_is_told_to_a_process,
    ),
    "a secret that is gone at once": (
        "google-accounts", put(recoveryWindowInDays=0), test_resources.test_a_deleted_secret_can_be_had_back
    ),
    "an action by wildcard": (
        "api-list-policy", text("policy", "dynamodb:Scan", "dynamodb:*"),
        test_rights.test_no_policy_grants_an_action_by_wildcard,
    ),
    "every table at once": (
        "api-list-policy", text("policy", "tables-SheetsData", "tables-*"),
        test_rights.test_a_resource_is_open_only_where_a_reason_says_so,
    ),
    "a reader that may not read its queue": (
        "sockets-handler-policy", text("policy", "sqs:ReceiveMessage", "sqs:SendMessage"),
        test_rights.test_the_reader_of_the_queue_may_read_it,
    ),
    "a function that may not write its log": (
        "api-list-policy", text("policy", "logs:PutLogEvents", "logs:PutNothing"),
        test_rights.test_every_function_may_write_its_log,
    ),
    "a task that may not write its log": (
        "fleet-external-execution-policy", text("policy", "logs:PutLogEvents", "logs:PutNothing"),
        test_rights.test_every_task_may_write_its_log_and_starts_with_no_other_right,
    ),
    "a role for everybody": (
        "api-list-role", also_trusts("*"), test_rights.test_a_role_is_assumed_by_the_one_service_that_runs_under_it
    ),
    "a role for another account": (
        "fleet-external-role", also_trusts({"AWS": "arn:aws:iam::999999999999:root"}),
        test_rights.test_a_role_is_assumed_by_the_one_service_that_runs_under_it,
    ),
    "rights by the back door": (
        "api-list-role", put(managedPolicyArns=[ADMINISTRATOR]),
        test_rights.test_a_role_may_what_its_one_policy_says_and_no_more,
    ),
    "all rights but some": (
        "api-list-policy", text("policy", '"Action"', '"NotAction"'),
        test_rights.test_a_role_may_what_its_one_policy_says_and_no_more,
    ),
    "a function for any API of the account": (
        "api-list-may-call", put(sourceArn="arn:aws:execute-api:eu-central-1:123456789012:*"),
        test_rights.test_a_function_is_called_only_on_behalf_of_one_thing_of_ours,
    ),
    "a policy beyond a role's": (
        "api-list-policy", text("policy", "dynamodb:Scan", "x" * 10_240), test_quotas.test_policies_fit_their_roles
    ),
}  # fmt: skip

#: Resource that is left out → the rule that must miss it.
MISSING: Mapping[str, Rule] = {
    "changes-policy": test_public.test_nothing_travels_in_the_clear,
    "documents-policy": test_public.test_nothing_travels_in_the_clear,
    "notices-policy": test_public.test_nothing_travels_in_the_clear,
    "alerts-all-policy": test_public.test_nothing_travels_in_the_clear,
    "documents-encryption": test_public.test_every_bucket_is_closed_and_encrypted,
    "network-dynamodb": test_public.test_tables_and_documents_are_reached_without_the_internet,
    "sockets-ping-response": test_resources.test_a_ping_is_answered,
    "sockets-recursion": test_resources.test_the_reader_may_queue_for_itself,
    "api-list-may-call": test_rights.test_every_api_and_authorizer_may_call_its_function,
    "api-may-authorize": test_rights.test_an_authorizers_permission_names_that_authorizer,
    "sockets-minute-may-call": test_rights.test_every_rule_of_the_clock_may_call_its_function,
}


@pytest.mark.parametrize("hole", CHANGED)
def test_a_planted_hole_is_found(built: Built, plain: Built, hole: str):
    """A rule that finds nothing must be one that could."""
    name, change, rule = CHANGED[hole]
    changed = copy.deepcopy(built.named(name))
    change(dict_of(changed))

    fails(rule, replace(built, resources=[changed if one.name == name else one for one in built.resources]), plain)


@pytest.mark.parametrize("name", MISSING)
def test_what_is_left_out_is_missed(built: Built, plain: Built, name: str):
    """The same of what is not there at all."""
    built.named(name)

    fails(MISSING[name], replace(built, resources=[one for one in built.resources if one.name != name]), plain)


@pytest.mark.parametrize(
    ("typ", "inputs", "rule"),
    [
        ("aws:sqs/queue:Queue", {"fifoQueue": True},
         test_resources.test_every_queue_but_the_last_has_a_dead_letter_queue),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "/another"}, test_resources.test_every_log_group_forgets),
        ("aws:lambda/functionUrl:FunctionUrl", {"authorizationType": "NONE"},
         test_resources.test_the_local_stack_knows_every_type),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"policyArn": ADMINISTRATOR},
         test_resources.test_the_local_stack_knows_every_type),
    ],
)  # fmt: skip
def test_what_is_declared_beside_is_found(built: Built, plain: Built, typ: str, inputs: Inputs, rule: Rule):
    """Also where no component of ours made it."""
    beside = Declared(type=typ, name="beside", inputs=inputs, parent="", ignored=[], protected=False)

    fails(rule, replace(built, resources=[*built.resources, beside]), plain)


def fails(rule: Rule, built: Built, plain: Built) -> None:
    """Hold a program to a rule that it breaks: in whatever way the rule stops."""
    programs = {"built": built, "plain": plain}
    asked = {name: programs[name] for name in inspect.signature(rule).parameters}

    with pytest.raises((AssertionError, KeyError, ValueError)):
        rule(**asked)


def dict_of(one: Declared) -> Inputs:
    """Give a copy's inputs to be changed."""
    assert isinstance(one.inputs, dict)
    return one.inputs
