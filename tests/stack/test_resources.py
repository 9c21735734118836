"""Rules on what the program declares, mostly those that AWS checks and the embedded AWS does not."""

import ast
import json
import re
from pathlib import Path

from api import data
from api.operations import OPERATIONS
from contracts import frames, metrics
from contracts.table.schema import SCHEMAS, TTL_ATTRIBUTE
from contracts.table.subscribers import BUCKET_SUBSCRIBERS_MAX
from local.handlers import HANDLERS, SKIPPED
from monitor_fleet.leases import DRAIN_MAX_S
from monitor_fleet.renewal import PARTING_TRIES_MAX, REQUEST_TIMEOUT_S
from stack import fleet, package
from stack.alert_settings import RULES_CHARACTERS_MAX
from stack.tables import PROTECTED
from tests.stack.dockerfile import read
from tests.stack.program import ROOT, Built
from tests.stack.record import TOKEN, VARIANTS
from ws.budget import DEFAULT_QUOTA_PER_S, SHARE
from ws.records import AGAIN_AFTER_S

#: What AWS lets an account run at once, unless it is young or asked for more (Lambda, "Concurrent executions").
INVOCATIONS_OF_AN_ACCOUNT = 1_000
#: What one posts in a second: 100,000 took 94 s of invocations (docs/numbers.md).
POSTS_PER_INVOCATION = 1_000
#: What an operator must find by name, or what AWS wants named.
NAMED = {"aws:cloudwatch/logGroup:LogGroup", "aws:apigatewayv2/stage:Stage"}


def test_every_queue_but_the_last_has_a_dead_letter_queue(built: Built):
    """A message that nobody can handle must stop being tried, and must not be lost."""
    without = [one.name for one in built.of("Queue") if "redrivePolicy" not in one.inputs]

    assert without == ["changes-dead"]
    policy = json.loads(built.named("changes").inputs["redrivePolicy"])
    assert policy["deadLetterTargetArn"].endswith(":changes-dead")
    assert policy["maxReceiveCount"] >= 5


def test_a_message_outlives_an_outage_of_some_minutes(built: Built):
    """The first tries follow each other within seconds: they must not use up those that are left for a real outage."""
    queue = built.named("changes").inputs
    tries, hidden_s = json.loads(queue["redrivePolicy"])["maxReceiveCount"], queue["visibilityTimeoutSeconds"]

    waits = tries - 1  # behind the last try there is none: what fails then is a dead letter
    assert len(AGAIN_AFTER_S) < waits
    assert sum(AGAIN_AFTER_S) + (waits - len(AGAIN_AFTER_S)) * hidden_s >= 8 * 60
    assert max(AGAIN_AFTER_S) < hidden_s


def test_a_dead_letter_waits_for_somebody_as_long_as_sqs_keeps_anything(built: Built):
    """Its time counts from when it was first sent: kept no longer than the queue's own, it would be gone on arrival."""
    assert built.named("changes-dead").inputs["messageRetentionSeconds"] == 14 * 86_400
    assert built.named("changes").inputs["messageRetentionSeconds"] < 14 * 86_400


def test_a_message_stays_hidden_six_times_as_long_as_its_reader_may_take(built: Built):
    """AWS asks for it: a retry never overlaps a slow first try."""
    for mapping in built.of("EventSourceMapping"):
        timeout_s = built.named(mapping.inputs["functionName"]).inputs["timeout"]

        assert built.named("changes").inputs["visibilityTimeoutSeconds"] >= 6 * timeout_s


def test_the_queue_is_read_in_batches_that_a_fifo_queue_allows(built: Built):
    """AWS refuses more than ten and any window; the embedded AWS takes both."""
    (mapping,) = built.of("EventSourceMapping")

    assert mapping.inputs["batchSize"] <= 10
    assert "maximumBatchingWindowInSeconds" not in mapping.inputs
    assert mapping.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_queue_leaves_most_of_the_accounts_invocations_to_others(built: Built):
    """A burst of changes must keep nobody from signing in, connecting or calling the API."""
    (mapping,) = built.of("EventSourceMapping")

    at_once = mapping.inputs["scalingConfig"]["maximumConcurrency"]
    assert 2 <= at_once <= INVOCATIONS_OF_AN_ACCOUNT // 4
    # Nor is it held back by a reservation, which would be the connects' too.
    assert "reservedConcurrentExecutions" not in built.named("sockets-handler").inputs


def test_the_largest_audience_is_told_as_fast_as_the_quota_lets_it(built: Built):
    """Each bucket of 100,000 subscribers has a job at once, and those that run use up the posts of a second."""
    (mapping,) = built.of("EventSourceMapping")

    at_once = mapping.inputs["scalingConfig"]["maximumConcurrency"]
    assert at_once * BUCKET_SUBSCRIBERS_MAX >= 100_000
    assert at_once * POSTS_PER_INVOCATION >= SHARE * DEFAULT_QUOTA_PER_S


def test_an_operator_may_let_more_run(recorded: dict[str, Built]):
    """An account that runs more at once may tell more at once."""
    (mapping,) = recorded["widest"].of("EventSourceMapping")

    assert mapping.inputs["scalingConfig"] == {"maximumConcurrency": 1_000}


def test_the_queue_gives_every_source_its_own_pace(built: Built):
    """One source's trouble must hold back no other; senders name each message themselves."""
    for one in built.of("Queue"):
        assert one.inputs["fifoQueue"] is True
    changes = built.named("changes").inputs
    assert (changes["deduplicationScope"], changes["fifoThroughputLimit"]) == ("messageGroup", "perMessageGroupId")
    assert changes["contentBasedDeduplication"] is False


def test_the_reader_may_queue_for_itself(built: Built):
    """AWS cuts such a loop after sixteen rounds unless told that it is meant."""
    (allowed,) = built.of("FunctionRecursionConfig")

    assert (allowed.inputs["functionName"], allowed.inputs["recursiveLoop"]) == ("sockets-handler", "Allow")


def test_every_log_group_forgets(built: Built):
    """One that nothing is said of keeps everything for ever."""
    for group in built.of("LogGroup"):
        assert 0 < group.inputs["retentionInDays"] <= 90, group.name


def test_every_function_writes_to_a_log_group_of_ours(built: Built):
    """One that Lambda makes by itself would keep everything for ever."""
    groups = {group.inputs["name"] for group in built.of("LogGroup")}

    for function in built.of("Function"):
        assert function.inputs["loggingConfig"]["logGroup"] in groups, function.name


def test_whatever_runs_our_code_is_what_it_was_built_for(built: Built):
    """Compiled files of another Python are compiled again at every start, and code for another processor runs not."""
    images = [one.text for one in read(ROOT / "Dockerfile") if one.name == "FROM"]
    (cpus,) = {tuple(one.inputs["architectures"]) for one in built.of("Function")}

    assert {one.inputs["runtime"] for one in built.of("Function")} == {f"python{package.PYTHON_VERSION}"}
    assert all(image.startswith(f"python:{package.PYTHON_VERSION}.") for image in images)
    for task in built.of("TaskDefinition"):
        assert task.inputs["runtimePlatform"]["cpuArchitecture"] == fleet.CPU_NAMES[cpus[0]]


def test_every_function_answers_before_its_api_gives_up(built: Built):
    """An integration ends after 29 seconds, whatever the function still does."""
    by_clock = {target.inputs["arn"].rpartition(":")[2] for target in built.of("EventTarget")} - {"sockets-handler"}

    assert all(one.inputs["timeout"] < 29 for one in built.of("Function") if one.name not in by_clock)


def test_every_handler_is_there(built: Built):
    """A deploy takes any text as a handler; the first call would find out."""
    for function in built.of("Function"):
        module, name = function.inputs["handler"].rsplit(".", 1)
        tree = ast.parse((ROOT / Path(*module.split("."))).with_suffix(".py").read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, function.name


def test_every_handler_is_told_what_it_asks_for(built: Built):
    """A missing variable is a KeyError at the first call."""
    for function in built.of("Function"):
        module = function.inputs["handler"].rsplit(".", 1)[0]
        text = (ROOT / Path(*module.split("."))).with_suffix(".py").read_text()
        told = set(function.inputs["environment"]["variables"])

        assert set(re.findall(r"""environ\[["']([A-Z_]+)["']\]""", text)) <= told, function.name


def test_every_http_route_asks_the_authorizer_each_time(built: Built):
    """Default deny; a cached answer would outlive a revoked token."""
    for route in built.of("Route"):
        if route.inputs["apiId"] == "api":
            assert (route.inputs["authorizationType"], route.inputs["authorizerId"]) == ("CUSTOM", "api-authorizer")
    authorizer = built.named("api-authorizer").inputs
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert "identitySources" not in authorizer


def test_only_the_handshake_asks_the_authorizer(built: Built):
    """AWS allows an authorizer on no other route of a WebSocket API."""
    routes = {
        route.inputs["routeKey"]: route.inputs for route in built.of("Route") if route.inputs["apiId"] == "sockets"
    }

    assert set(routes) == {"$connect", "$disconnect", "$default", "ping"}
    assert {key for key, route in routes.items() if route["authorizationType"] == "CUSTOM"} == {"$connect"}


def test_a_ping_is_answered(built: Built):
    """Without a route response AWS drops what the function returns; the embedded AWS does not."""
    (response,) = built.of("RouteResponse")

    assert response.inputs["routeId"] == "sockets-ping-route"
    assert built.named("sockets-ping-route").inputs["routeResponseSelectionExpression"] == "$default"


def test_stages_deploy_by_themselves(built: Built):
    """A WebSocket stage without a deployment answers 403."""
    assert {stage.inputs["name"]: stage.inputs["autoDeploy"] for stage in built.of("Stage")} == {
        "$default": True,
        "live": True,
    }


def test_every_http_route_is_throttled(built: Built):
    """One client's loop must not use up what the account has for all; a new route gets the least."""
    (stage,) = [one.inputs for one in built.of("Stage") if one.inputs["name"] == "$default"]
    routes = {route.inputs["routeKey"] for route in built.of("Route") if route.inputs["apiId"] == "api"}
    rates = {one["routeKey"]: one["throttlingRateLimit"] for one in stage["routeSettings"]}

    assert set(rates) == routes
    assert all(rates[route] <= 20 for route in routes if not route.startswith("GET ") and route != "POST /tickets")
    assert max(rates.values()) <= 500
    assert stage["defaultRouteSettings"] == {"throttlingRateLimit": 20, "throttlingBurstLimit": 40}
    assert all(one["throttlingBurstLimit"] == 2 * one["throttlingRateLimit"] for one in stage["routeSettings"])


def test_every_websocket_route_is_throttled(built: Built):
    """One client that sends without end must not take the account's requests from all others; nobody else's reads."""
    (stage,) = [one.inputs for one in built.of("Stage") if one.inputs["name"] == "live"]
    routes = {route.inputs["routeKey"] for route in built.of("Route") if route.inputs["apiId"] == "sockets"}
    rates = {one["routeKey"]: one["throttlingRateLimit"] for one in stage["routeSettings"]}

    assert set(rates) == routes
    assert max(rates.values()) == rates["$disconnect"] <= 2_000
    assert rates["$connect"] <= 500  # what AWS grants an account by itself
    assert stage["defaultRouteSettings"] == {"throttlingRateLimit": 100, "throttlingBurstLimit": 200}
    assert all(one["throttlingBurstLimit"] == 2 * one["throttlingRateLimit"] for one in stage["routeSettings"])


def test_pages_of_named_origins_alone_may_call(built: Built):
    """CORS is there only where it was configured, never for everybody, and never with cookies."""
    cors = built.named("api").inputs["corsConfiguration"]

    assert cors["allowOrigins"] == ["https://app.example.com"]
    assert "allowCredentials" not in cors
    assert {"authorization", "if-match"} <= set(cors["allowHeaders"])


def test_only_the_authorizer_is_told_of_the_issuer(built: Built):
    """Nobody else decides who somebody is."""
    told = {one.name for one in built.of("Function") if "OIDC_ISSUER" in one.inputs["environment"]["variables"]}

    assert told == {"authorizer"}


def test_posts_go_where_clients_connect(built: Built):
    """The callback is the clients' own address with another scheme; locally the request's context lacks the port."""
    told = built.named("sockets-handler").inputs["environment"]["variables"]["CALLBACK_URL"]

    assert told == built.exports["webSocketUrl"].replace("wss://", "https://")
    assert told.endswith("/live")


def test_every_table_has_the_keys_of_the_contract(built: Built):
    """Requests are built from `contracts`; a table of another shape would refuse them all."""
    tables = {one.name.removeprefix("tables-"): one.inputs for one in built.of("Table")}

    assert set(tables) == set(SCHEMAS)
    for name, schema in SCHEMAS.items():
        inputs, index = tables[name], schema.index
        assert (inputs["hashKey"], inputs.get("rangeKey")) == (schema.hash.name, schema.range and schema.range.name)
        keys = {
            key.name: key.type
            for key in (schema.hash, schema.range, *((index.hash, index.range) if index else ()))
            if key
        }
        assert {one["name"]: one["type"] for one in inputs["attributes"]} == keys
        assert [one["name"] for one in inputs.get("globalSecondaryIndexes", [])] == ([index.name] if index else [])
        assert inputs.get("ttl") == ({"attributeName": TTL_ATTRIBUTE, "enabled": True} if schema.has_ttl else None)


def test_every_table_is_on_demand_encrypted_and_recoverable(built: Built):
    """Nobody plans capacity, reads a disk or loses more than the last seconds."""
    for table in built.of("Table"):
        assert table.inputs["billingMode"] == "PAY_PER_REQUEST"
        assert table.inputs["serverSideEncryption"]["enabled"] is True
        assert table.inputs["pointInTimeRecovery"]["enabled"] is True


def test_what_nobody_could_make_again_is_protected(built: Built):
    """`pulumi destroy` with a slip of the finger must stop there."""
    protected = {one.name for one in built.resources if one.protected}

    assert protected == {f"tables-{name}" for name in PROTECTED} | {"documents"}
    for table in built.of("Table"):
        assert table.inputs["deletionProtectionEnabled"] is table.protected
    assert built.named("documents").inputs["forceDestroy"] is False


def test_a_stack_that_is_not_protected_goes_with_one_command(plain: Built):
    """AWS deletes no bucket that holds anything, so it must be emptied first; and nothing else may refuse."""
    assert [one.name for one in plain.resources if one.protected] == []
    assert not any(table.inputs["deletionProtectionEnabled"] for table in plain.of("Table"))
    assert all(bucket.inputs["forceDestroy"] for bucket in plain.of("Bucket"))
    assert all(registry.inputs["forceDelete"] for registry in plain.of("Repository"))


def test_the_desired_count_belongs_to_the_operator(built: Built):
    """A deploy must not undo a scale-out."""
    services = built.of("Service")

    assert {service.name for service in services} == {"fleet-external", "fleet-googleSheet"}
    assert all(service.ignored == ["desiredCount"] for service in services)


def test_tasks_run_on_both_kinds_of_capacity_and_the_first_never_on_spot(built: Built, plain: Built):
    """When AWS takes all of its spot capacity back, somebody still polls; and nothing is spot unless configured."""
    for service in built.of("Service"):
        by_name = {one["capacityProvider"]: one for one in service.inputs["capacityProviderStrategies"]}
        assert (by_name["FARGATE"]["base"], by_name["FARGATE"]["weight"]) == (1, 30)
        assert (by_name["FARGATE_SPOT"]["base"], by_name["FARGATE_SPOT"]["weight"]) == (0, 70)
        assert "launchType" not in service.inputs
    for service in plain.of("Service"):
        assert [one["capacityProvider"] for one in service.inputs["capacityProviderStrategies"]] == ["FARGATE"]


def test_a_task_bears_the_tags_of_its_service(built: Built):
    """The provider tags what Pulumi makes; tasks are made by ECS, and would be the one large cost without an owner."""
    assert {service.inputs["propagateTags"] for service in built.of("Service")} == {"SERVICE"}


def test_a_deployment_starts_the_new_before_it_stops_the_old(built: Built):
    """So each shard moves about once; and one that does not come up is rolled back by itself."""
    for service in built.of("Service"):
        assert service.inputs["deploymentMinimumHealthyPercent"] == 100
        assert service.inputs["deploymentMaximumPercent"] == 200
        assert service.inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}


def test_a_deployment_that_is_rolled_back_fails_the_command(built: Built):
    """Nobody looks at ECS after a deploy that says it went well; the provider waits for nothing unless told to."""
    assert [service.inputs["waitForSteadyState"] for service in built.of("Service")] == [True, True]


def test_what_tasks_run_on_changes_in_place(built: Built):
    """The provider refuses another `spotPercent` for a service that is there, unless its tasks are deployed anew."""
    assert [service.inputs["forceNewDeployment"] for service in built.of("Service")] == [True, True]


def test_a_worker_gets_the_time_it_needs_to_hand_over(built: Built):
    """Fargate's default is thirty seconds; and a shell before Python would swallow SIGTERM."""
    for task in built.of("TaskDefinition"):
        (container,) = json.loads(task.inputs["containerDefinitions"])

        assert container["stopTimeout"] == 120
        assert container["command"] == ["python", "-m", "monitor_fleet"]


def test_who_hands_over_for_long_has_parted_before_it_is_killed(built: Built):
    """Else what is left of its shards would wait until its silence is taken for death."""
    for task in built.of("TaskDefinition"):
        (container,) = json.loads(task.inputs["containerDefinitions"])

        assert container["stopTimeout"] - 10 > DRAIN_MAX_S + PARTING_TRIES_MAX * REQUEST_TIMEOUT_S


def test_a_worker_may_write_nowhere_and_is_nobody(built: Built):
    """Whoever breaks out of a parser finds nothing to change; and a container that hangs is replaced."""
    for task in built.of("TaskDefinition"):
        (container,) = json.loads(task.inputs["containerDefinitions"])

        assert container["readonlyRootFilesystem"] is True
        assert int(container["user"].partition(":")[0]) > 0
        assert "/healthz" in container["healthCheck"]["command"][-1]
        assert container["portMappings"] == []
        assert not container.get("privileged")
    for service in built.of("Service"):
        assert not service.inputs.get("enableExecuteCommand"), "a shell in it would be anybody's who may run a command"


def test_no_secret_is_told_to_a_process(built: Built):
    """Whoever may look at a function or a task reads its environment: it says where a secret is, never what it is."""
    told = [function.inputs["environment"]["variables"] for function in built.of("Function")]
    told += [{"containers": task.inputs["containerDefinitions"]} for task in built.of("TaskDefinition")]

    for secret in (TOKEN, VARIANTS["production"]["alertsSecret"]):
        assert not [one for one in told if secret in json.dumps(one)]


def test_a_deleted_secret_can_be_had_back(built: Built):
    """For a week: a slip of the finger is noticed by then."""
    assert {one.inputs["recoveryWindowInDays"] for one in built.of("Secret")} == {7}


def test_an_image_is_looked_at_for_known_holes(built: Built):
    """When it is pushed: whoever deploys reads of them in the console, not in the news."""
    (repository,) = built.of("Repository")

    assert repository.inputs["imageScanningConfiguration"] == {"scanOnPush": True}


def test_a_worker_is_never_scaled_below_its_count(built: Built):
    """Off unless a most is configured; where it is on, the count is the least."""
    (target,) = built.of("Target")
    service = built.named("fleet-external").inputs

    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (service["desiredCount"], 20)


def test_workers_of_one_kind_are_told_their_kind(built: Built):
    """One image serves both; only sheets are told where the quota and the accounts that read them are."""
    told = {}
    for task in built.of("TaskDefinition"):
        (container,) = json.loads(task.inputs["containerDefinitions"])
        environment = {pair["name"]: pair["value"] for pair in container["environment"]}
        told[environment.pop("KIND")] = environment

    assert set(told) == {"external", "googleSheet"}
    own = {name: told["googleSheet"].pop(name) for name in ("GOOGLE_ACCOUNTS_SECRET", "TABLE_BUDGET")}
    assert told["external"] == told["googleSheet"]
    assert all(own.values())


def test_only_workers_of_sheets_and_the_preview_may_read_the_accounts(built: Built):
    """A key of a service account opens every sheet that was shared with it."""
    readers = [
        policy.name
        for policy in built.of("RolePolicy")
        if "google-accounts" in policy.inputs["policy"] and "GetSecretValue" in policy.inputs["policy"]
    ]
    assert sorted(readers) == ["api-preview-policy", "fleet-googleSheet-policy"]


def test_the_fleets_page_may_ask_about_its_own_services_and_no_others(built: Built):
    """Desired and running counts; every other right on ECS would be one to change something."""
    named = json.loads(built.named("api-fleet").inputs["environment"]["variables"]["SERVICES"])
    rights = built.may("api-fleet")
    on_ecs = {resource: actions for resource, actions in rights.items() if ":ecs:" in resource}

    assert {kind: one["service"] for kind, one in named.items()} == {
        "external": "fleet-external", "googleSheet": "fleet-googleSheet",
    }  # fmt: skip
    assert {resource.rpartition(":")[2] for resource in on_ecs} == {"fleet", "fleet-external", "fleet-googleSheet"}
    assert set.union(*map(set, on_ecs.values())) == {"ecs:DescribeServices"}


def test_every_process_knows_its_stacks_name(built: Built):
    """Metrics carry it as their dimension: two stacks of one account would else be added up."""
    told = [function.inputs["environment"]["variables"] for function in built.of("Function")]
    containers = [json.loads(one.inputs["containerDefinitions"])[0] for one in built.of("TaskDefinition")]
    told += [{pair["name"]: pair["value"] for pair in one["environment"]} for one in containers]
    (stack,) = {one["STACK"] for one in told}

    assert built.named("sockets-handler-logs").inputs["name"].startswith(f"/{stack}/")


def test_the_first_token_is_stored_as_a_hash(built: Built):
    """Whoever reads the table, or the stack's state, cannot get in with what is there."""
    (item,) = built.of("TableItem")

    assert "0" * 48 not in item.inputs["item"]
    assert json.loads(item.inputs["item"])["id"] == {"S": "token#0123456789ab"}


def test_names_are_left_to_pulumi(built: Built):
    """Two stacks share an account, and a replacement is made before its predecessor goes."""
    named = {one.type for one in built.resources if {"name", "bucket"} & set(one.inputs)}

    assert {typ for typ in named if not typ.startswith("aws:s3/bucket")} <= NAMED
    assert "bucket" not in built.named("site").inputs
    assert "bucket" not in built.named("documents").inputs


def test_the_local_stack_knows_every_type(built: Built):
    """Otherwise `make up` fails where `pulumi up` succeeds."""
    assert {one.type for one in built.resources} <= set(HANDLERS) | set(SKIPPED)
    assert all(SKIPPED.values())


def test_the_exports_are_what_the_local_stack_and_scripts_read(built: Built):
    """Their names are a contract with whoever drives a deployed stack."""
    assert set(built.exports) == {
        *(
            "apiUrl",
            "signIn",
            "dashboardUrl",
            "workerRepository",
            "webSocketUrl",
            "queueUrl",
            "deadLetterUrl",
            "outboundAddresses",
            "googleAccountsSecret",
            "tables",
            "documentsBucket",
            "secretsPrefix",
            "services",
        )
    }
    assert set(built.exports["tables"]) == set(SCHEMAS)
    assert set(built.exports["services"]) == {"external", "googleSheet"}


def test_frames_and_messages_fit_the_gateway():
    """AWS closes a connection over a frame beyond 32 KB or a message beyond 128 KB; the embedded AWS takes any."""
    assert frames.FRAME_BYTES_MAX <= 32 * 1_024
    assert frames.MESSAGE_BYTES_MAX <= 128 * 1_024


def test_answers_fit_a_lambda():
    """AWS answers 413 to more than 6 MB, JSON escapes included; the embedded AWS passes on any size."""
    assert data.ANSWER_BYTES_MAX < 6 * 1_024 * 1_024


def test_an_environment_fits_a_lambda(recorded: dict[str, Built]):
    """AWS refuses more than 4 KB of names and values, of the longest configuration too. Names grow by eight there."""
    for program in recorded.values():
        for function in program.of("Function"):
            told = function.inputs["environment"]["variables"]
            assert sum(len(name) + len(value) + 8 for name, value in told.items()) < 4_096, function.name
    (alerts,) = [
        one.inputs["environment"]["variables"] for one in recorded["widest"].of("Function") if one.name == "alerts"
    ]
    assert len(alerts["ALERT_RULES"]) > 0.9 * RULES_CHARACTERS_MAX, "not the longest"


def test_the_routes_are_those_that_the_description_tells_of(built: Built):
    """What `GET /openapi.json` leaves out would be found by nobody, and what it invents by everybody."""
    routes = {route.inputs["routeKey"] for route in built.of("Route") if route.inputs["apiId"] == "api"}

    assert routes == {operation.route for operation in OPERATIONS}


def test_a_service_scales_out_by_lag_and_in_by_cpu_alone(built: Built, plain: Built):
    """That polls start in time does not say that there are too many workers; and nothing scales unasked."""
    policies = {
        one.name.rpartition("-")[2]: one.inputs["targetTrackingScalingPolicyConfiguration"]
        for one in built.of("Policy")
        if one.type.startswith("aws:appautoscaling")
    }
    lag = policies["lag"]
    metric = lag["customizedMetricSpecification"]

    assert set(policies) == {"cpu", "lag"}
    assert lag["disableScaleIn"] is True
    assert not policies["cpu"].get("disableScaleIn")
    assert (metric["namespace"], metric["metricName"]) == (metrics.NAMESPACE, metrics.POLL_LAG_P99.name)
    assert {one["name"] for one in metric["dimensions"]} == {metrics.STACK, metrics.KIND}
    assert not [one for one in plain.resources if one.type.startswith("aws:appautoscaling")]
