"""Who can reach what: nothing is public but the distribution, and everything at rest is encrypted."""

import json
import re
from pathlib import Path

import pytest
from aiohttp import test_utils

from local.dashboard import Site, application
from stack import origin
from stack.distribution import API, FILES
from tests.stack.program import Built

CLOSED = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)


def test_every_bucket_is_closed_and_encrypted(built: Built):
    """Readers get presigned addresses, or what the distribution reads for them."""
    buckets = {one.name for one in built.of("Bucket")}
    closed = {
        one.inputs["bucket"]
        for one in built.of("BucketPublicAccessBlock")
        if {key: value for key, value in one.inputs.items() if key != "bucket"} == CLOSED
    }
    encrypted = {one.inputs["bucket"] for one in built.of("BucketServerSideEncryptionConfiguration")}

    assert buckets == closed == encrypted == {"documents", "site"}


def test_only_the_distribution_reads_the_pages_bucket(built: Built):
    """Named by its ARN: another account's distribution is refused."""
    allowed = [
        (policy.inputs["bucket"], one)
        for policy in built.of("BucketPolicy")
        for one in json.loads(policy.inputs["policy"])["Statement"]
        if one["Effect"] == "Allow"
    ]
    ((bucket, statement),) = allowed

    assert bucket == "site"
    assert (statement["Principal"], statement["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")
    assert statement["Resource"] == "arn:aws:s3:::site/*"
    assert statement["Condition"]["StringEquals"]["AWS:SourceArn"].endswith(":site-distribution")


def test_nothing_travels_in_the_clear(built: Built):
    """What answers plain http unless its policy refuses it; a presigned address is readily shortened."""
    refused = {
        resource
        for kind, actions in (("BucketPolicy", "s3:*"), ("QueuePolicy", "sqs:*"), ("TopicPolicy", "sns:Publish"))
        for policy in built.of(kind)
        for one in json.loads(policy.inputs["policy"])["Statement"]
        if (one["Effect"], one["Principal"], one["Action"]) == ("Deny", "*", actions)
        and one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for resource in one["Resource"]
    }
    buckets = {f"arn:aws:s3:::{one.name}" for one in built.of("Bucket")}
    queues = {f"arn:aws:sqs:eu-central-1:123456789012:{one.name}" for one in built.of("Queue")}

    topics = {f"arn:aws:sns:eu-central-1:123456789012:{one.name}" for one in built.of("Topic")}

    assert refused == buckets | {f"{one}/*" for one in buckets} | queues | topics


def test_the_distribution_signs_what_it_asks_of_the_bucket(built: Built):
    """Else the closed bucket would answer 403 to every page; and the API gets its caller's signature, not this one."""
    (distribution,), (access,) = built.of("Distribution"), built.of("OriginAccessControl")
    signed = {one["originId"]: one.get("originAccessControlId") for one in distribution.inputs["origins"]}

    assert signed == {FILES: access.name, API: None}
    assert (access.inputs["signingBehavior"], access.inputs["signingProtocol"]) == ("always", "sigv4")
    assert distribution.inputs["enabled"] is True


def test_everything_at_rest_is_encrypted(built: Built):
    """Queues, tables, topics and images; log groups always are."""
    assert all(queue.inputs["sqsManagedSseEnabled"] for queue in built.of("Queue"))
    assert all(table.inputs["serverSideEncryption"]["enabled"] for table in built.of("Table"))
    assert all(topic.inputs["kmsMasterKeyId"] for topic in built.of("Topic"))
    assert all(one.inputs["encryptionConfigurations"] for one in built.of("Repository"))


def test_the_one_key_of_ours_is_the_accounts_and_the_alarms(built: Built):
    """It exists because CloudWatch may not use AWS's own; nobody else is let in."""
    (key,) = built.of("Key")
    owner, alarms = json.loads(key.inputs["policy"])["Statement"]

    assert alarms["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert [owner["Principal"], alarms["Principal"]] == [
        {"AWS": "arn:aws:iam::123456789012:root"},
        {"Service": "cloudwatch.amazonaws.com"},
    ]
    assert key.inputs["enableKeyRotation"] is True


def test_nothing_comes_in_to_a_worker(built: Built):
    """Its address is public, so its security group is what closes it."""
    (group,) = built.of("SecurityGroup")

    assert group.inputs["ingress"] == []
    assert [rule["protocol"] for rule in group.inputs["egress"]] == ["tcp"]
    for service in built.of("Service"):
        assert service.inputs["networkConfiguration"]["securityGroups"] == [group.name]


def test_tables_and_documents_are_reached_without_the_internet(built: Built, plain: Built):
    """Gateway endpoints cost nothing, and the routes of every subnet with tasks in it lead through them."""
    for stack in (built, plain):
        services = {one.inputs["serviceName"].rsplit(".", 1)[1]: one.inputs for one in stack.of("VpcEndpoint")}
        table_of = {one.inputs["subnetId"]: one.inputs["routeTableId"] for one in stack.of("RouteTableAssociation")}
        inside = {subnet for one in stack.of("Service") for subnet in one.inputs["networkConfiguration"]["subnets"]}

        assert set(services) == {"dynamodb", "s3"}
        assert set(table_of) == {subnet.name for subnet in stack.of("Subnet")}
        for endpoint in services.values():
            assert endpoint["vpcEndpointType"] == "Gateway"
            assert set(endpoint["routeTableIds"]) == {table_of[subnet] for subnet in inside}


def test_tasks_get_out_by_an_address_of_their_own_or_by_fixed_ones(built: Built, plain: Built):
    """The configuration chooses; a task without either could not even pull its image."""
    routes = {one.name: one.inputs["routes"] for one in built.of("RouteTable")}
    inside = {one.inputs["subnetId"]: one.inputs["routeTableId"] for one in built.of("RouteTableAssociation")}
    zones = {one.name: one.inputs["availabilityZone"] for one in built.of("Subnet")}
    for service in built.of("Service"):
        network = service.inputs["networkConfiguration"]
        assert network["assignPublicIp"] is False
        assert len({zones[one] for one in network["subnets"]}) == 2
        assert len(network["subnets"]) == 2
        assert {routes[inside[one]][0]["natGatewayId"] for one in network["subnets"]} == {
            one.name for one in built.of("NatGateway")
        }
    for service in plain.of("Service"):
        assert service.inputs["networkConfiguration"]["assignPublicIp"] is True

    assert built.exports["outboundAddresses"] == ["203.0.113.7"] * 2
    assert plain.exports["outboundAddresses"] == []
    assert plain.of("NatGateway") == []


def test_a_subnet_stays_in_its_zone(built: Built):
    """A zone that is down is not listed: a deploy in that hour must not move the subnets of those that are up."""
    assert built.of("Subnet")
    assert all(subnet.ignored == ["availabilityZone"] for subnet in built.of("Subnet"))


def test_only_zones_of_the_region_that_run_tasks_are_taken(built: Built, plain: Built):
    """An account may have opted in to zones of single cities; and in some zones Fargate runs nothing."""
    for stack in (built, plain):
        zones = {subnet.inputs["availabilityZone"] for subnet in stack.of("Subnet")}

        assert zones == {"eu-central-1a", "eu-central-1b"}


def test_no_source_may_name_the_workers_network(built: Built):
    """The gate is told its range, wherever addresses are judged."""
    (vpc,) = built.of("Vpc")
    told = [function.inputs["environment"]["variables"] for function in built.of("Function")]
    containers = [json.loads(one.inputs["containerDefinitions"])[0] for one in built.of("TaskDefinition")]
    told += [{pair["name"]: pair["value"] for pair in one["environment"]} for one in containers]
    networks = {one["GATE_FORBIDDEN_NETWORKS"] for one in told if "GATE_ALLOW_PRIVATE" in one}

    assert networks == {vpc.inputs["cidrBlock"]}


def test_pages_come_by_https_alone(built: Built):
    """A token must never travel in the clear, so the API does not even redirect."""
    (distribution,) = built.of("Distribution")
    behaviours = {one["pathPattern"]: one for one in distribution.inputs["orderedCacheBehaviors"]}

    assert distribution.inputs["httpVersion"] == "http2and3"
    assert distribution.inputs["defaultCacheBehavior"]["viewerProtocolPolicy"] == "redirect-to-https"
    assert {one["viewerProtocolPolicy"] for one in behaviours.values()} == {"https-only"}
    assert tuple(behaviours) == origin.API_PATTERNS
    for source in distribution.inputs["origins"]:
        if source["originId"] == API:
            assert source["customOriginConfig"]["originProtocolPolicy"] == "https-only"


def test_the_api_is_never_cached_and_never_replaced(built: Built):
    """An answer is one caller's own; and an error page for the dashboard would hide the API's errors."""
    (distribution,) = built.of("Distribution")

    for one in distribution.inputs["orderedCacheBehaviors"]:
        assert one["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
        assert one["originRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # AllViewerExceptHostHeader
        assert "PUT" in one["allowedMethods"]
    assert "customErrorResponses" not in distribution.inputs


def test_every_route_of_the_api_is_one_of_the_distributions(built: Built):
    """A route beside its patterns would be answered by the bucket, with 403."""
    for route in built.of("Route"):
        if route.inputs["apiId"] == "api":
            path = route.inputs["routeKey"].split()[1]
            assert any(re.fullmatch(pattern.replace("*", ".*"), path) for pattern in origin.API_PATTERNS), path


async def test_the_distribution_sends_what_the_local_dashboard_sends(built: Built, tmp_path: Path):
    """One policy: what was tried on the laptop is what protects the page in the cloud."""
    (policy,) = built.of("ResponseHeadersPolicy")
    security = policy.inputs["securityHeadersConfig"]
    sent = {
        "Content-Security-Policy": security["contentSecurityPolicy"]["contentSecurityPolicy"],
        "Referrer-Policy": security["referrerPolicy"]["referrerPolicy"],
        "X-Content-Type-Options": "nosniff" if security["contentTypeOptions"]["override"] else "",
        **{one["header"]: one["value"] for one in policy.inputs["customHeadersConfig"]["items"]},
    }
    urls = {
        "api_url": "http://127.0.0.1:1",
        "web_socket_url": built.exports["webSocketUrl"],
        "documents_origin": "https://documents.s3.eu-central-1.amazonaws.com",
        "sign_in": origin.SignIn.read(built.exports["signIn"]),
    }
    async with test_utils.TestClient(test_utils.TestServer(application(Site(files=tmp_path, **urls)))) as client:
        headers = (await client.get("/config.json")).headers

    assert sent == {name: headers[name] for name in sent}
    assert (
        "connect-src 'self' wss://sockets.execute-api.eu-central-1.amazonaws.com https://documents.s3."
        in (sent["Content-Security-Policy"])
    )
    assert security["strictTransportSecurity"]["accessControlMaxAgeSec"] >= 31_536_000


def test_every_behaviour_sends_the_headers(built: Built):
    """Also what the API answers, whatever a browser may make of it."""
    (distribution,) = built.of("Distribution")
    behaviours = [distribution.inputs["defaultCacheBehavior"], *distribution.inputs["orderedCacheBehaviors"]]

    assert {one["responseHeadersPolicyId"] for one in behaviours} == {"site-distribution-headers"}


def test_pages_may_fetch_the_documents_they_are_sent_to(built: Built):
    """The bucket answers the dashboard's origin, and only reading."""
    (cors,) = built.of("BucketCorsConfiguration")
    (rule,) = cors.inputs["corsRules"]

    assert cors.inputs["bucket"] == "documents"
    assert rule["allowedOrigins"] == [built.exports["dashboardUrl"]]
    assert rule["allowedMethods"] == ["GET"]


def test_documents_are_forgotten_after_their_rows(built: Built):
    """The owner stores a current document again before its time is over; what else is there is history."""
    (lifecycle,) = built.of("BucketLifecycleConfiguration")
    (rule,) = lifecycle.inputs["rules"]

    assert (lifecycle.inputs["bucket"], rule["status"], rule["expiration"]["days"]) == ("documents", "Enabled", 8)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("index.html", "no-cache"),
        ("config.json", "no-cache"),
        ("favicon.svg", "no-cache"),
        ("assets/index-1.js", "public, max-age=31536000, immutable"),
    ],
)
def test_only_what_is_named_after_its_content_is_kept_for_ever(name: str, rule: str):
    """A deploy must be seen at once, and a reload must cost nothing."""
    assert origin.cache_control(name) == rule


def test_the_page_learns_at_run_time_where_it_is(built: Built):
    """One build serves every stack."""
    (told,) = [one.inputs for one in built.of("BucketObjectv2") if one.inputs["key"] == "config.json"]

    content = json.loads(told["content"])
    assert (content["apiUrl"], content["webSocketUrl"]) == ("", built.exports["webSocketUrl"])
    assert content["signIn"] == built.exports["signIn"]
    assert told["cacheControl"] == "no-cache"
