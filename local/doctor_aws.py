"""What must be true of an AWS account and of a stack's configuration before `pulumi up` is worth starting."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.doctor_finding import Finding, ok, warn, wrong
from stack.settings import DEPLOYMENT_FACTOR

#: docs.aws.amazon.com/apigateway/latest/developerguide/limits.html, read 2026-11-22: regions whose default is 2,500
#: requests/s (burst 1,250) for all APIs and posts to connections together, instead of 10,000 (burst 5,000).
SLOW_REGIONS: Mapping[str, str] = {
    "af-south-1": "Cape Town",
    "ap-south-2": "Hyderabad",
    "ap-southeast-3": "Jakarta",
    "ap-southeast-4": "Melbourne",
    "ap-southeast-5": "Malaysia",
    "ap-southeast-7": "Thailand",
    "ca-west-1": "Calgary",
    "eu-central-2": "Zurich",
    "eu-south-1": "Milan",
    "eu-south-2": "Spain",
    "il-central-1": "Tel Aviv",
    "me-central-1": "UAE",
    "mx-central-1": "Mexico Central",
}
REQUESTS_PER_S, SLOW_REQUESTS_PER_S = 10_000, 2_500
#: AWS gives young accounts 10; each endpoint, the authorizer and each batch of the queue take one at a time.
CONCURRENCY_NEEDED, CONCURRENCY_WANTED = 50, 500
#: As in `stack/settings.py`.
FAN_OUTS_AT_ONCE, FAN_OUTS_MIN = 250, 2
#: Fargate On-Demand and Spot vCPU resource count, by the codes of Service Quotas.
FARGATE_SERVICE, FARGATE_QUOTA, SPOT_QUOTA = "fargate", "L-3032A538", "L-36FBB829"
#: ECS's own role, which its first cluster in an account makes; what follows at once may not find it yet.
ECS_ROLE = "AWSServiceRoleForECS"
#: A worker task has one vCPU.
VCPU_PER_WORKER = 1


@dataclass(frozen=True, kw_only=True)
class Account:
    """What AWS says of an account in one region; None where it would not say, with the reason in `refused`."""

    identity: str | None = None
    region: str | None = None
    requests_per_s: float | None = None
    lambda_concurrency: int | None = None
    fargate_vcpus: float | None = None
    spot_vcpus: float | None = None
    knows_ecs: bool | None = None
    """Whether ECS's own role is there."""
    refused: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a stack asks of an account."""

    workers: int
    """Of all kinds together, at first."""
    most: int
    """To how many they may scale by themselves."""
    requests_per_s: int = REQUESTS_PER_S
    """What the stack takes the account's requests to API Gateway for."""
    fan_outs_at_once: int = FAN_OUTS_AT_ONCE
    """How many invocations may read the queue at a time."""
    spot_percent: int = 0
    production: bool = False

    def spot_vcpus(self, workers: int) -> int:
        """Say how many a deployment of so many takes of spot capacity."""
        return -(-workers * self.spot_percent // 100) * VCPU_PER_WORKER * DEPLOYMENT_FACTOR

    def vcpus(self, workers: int) -> int:
        """Say how many it takes of the other."""
        return workers * VCPU_PER_WORKER * DEPLOYMENT_FACTOR - self.spot_vcpus(workers)


def look(session: Any) -> Account:
    """Ask AWS; `session` is a boto3 session."""
    refused: dict[str, str] = {}
    if session.region_name is None:
        return Account(refused=refused)
    ask: dict[str, Callable[[], Any]] = {
        "identity": lambda: session.client("sts").get_caller_identity()["Arn"],
        "requests_per_s": lambda: session.client("apigateway").get_account()["throttleSettings"]["rateLimit"],
        "lambda_concurrency": lambda: session.client("lambda").get_account_settings()["AccountLimit"][
            "ConcurrentExecutions"
        ],
        "fargate_vcpus": lambda: _quota(session, FARGATE_QUOTA),
        "spot_vcpus": lambda: _quota(session, SPOT_QUOTA),
        "knows_ecs": lambda: _has_role(session.client("iam"), ECS_ROLE),
    }
    said: dict[str, Any] = {}
    for name, question in ask.items():
        try:
            said[name] = question()
        except Exception as error:  # noqa: BLE001 - no right, no credentials, no network: each is a finding
            refused[name] = f"{type(error).__name__}: {error}"
    return Account(region=session.region_name, refused=refused, **said)


def _quota(session: Any, code: str) -> float:
    found = session.client("service-quotas").get_service_quota(ServiceCode=FARGATE_SERVICE, QuotaCode=code)
    value: float = found["Quota"]["Value"]
    return value


def _has_role(iam: Any, name: str) -> bool:
    try:
        iam.get_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        return False
    return True


def account(found: Account, wanted: Wanted) -> Iterator[Finding]:
    """Judge an account for a stack."""
    if found.region is None:
        yield wrong("no AWS region is set", "export AWS_REGION=…, the region of the stack's aws:region")
        return
    if found.identity is None:
        yield wrong(f"AWS does not know who you are: {found.refused['identity']}", "aws sso login, or set credentials")
        return
    yield ok(f"you are {found.identity}")
    yield _region(found.region)
    yield _requests(found, wanted.requests_per_s)
    yield _concurrency(found, production=wanted.production)
    yield from _fan_outs(found, wanted.fan_outs_at_once)
    now, some_day = wanted.workers, wanted.most
    why = found.refused.get("fargate_vcpus", "")
    yield _vcpus("On-Demand", found.fargate_vcpus, wanted.vcpus(now), wanted.vcpus(some_day), why)
    if wanted.spot_percent:
        why = found.refused.get("spot_vcpus", "")
        yield _vcpus("Spot", found.spot_vcpus, wanted.spot_vcpus(now), wanted.spot_vcpus(some_day), why)
    yield _ecs(found)


def configuration(
    file: Path, config: Mapping[str, Any] | None, why: str | None, region: str | None
) -> Iterator[Finding]:
    """Judge a stack's configuration; `why` is what the stack program itself says against it."""
    if config is None:
        yield wrong(f"there is no {file.name}", "pulumi stack init, then pulumi config set for each key it names")
        return
    yield (
        wrong(f"{file.name}: {why}", f"see stack/settings.py and the comments in {file.name}")
        if why
        else ok(f"{file.name} has every key the program asks for")
    )
    yield from _accounts(config)
    stated = config.get("aws:region")
    if not stated:
        yield wrong(f"{file.name}: aws:region is missing", "pulumi config set aws:region …")
    elif region and region != stated:
        yield warn(f"{file.name} says {stated}, this shell {region}", f"export AWS_REGION={stated}")


def _accounts(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Workers of sheets without a Google account read nothing, and each sheet says so; a deploy does not."""
    said = {key.rpartition(":")[2]: value for key, value in config.items()}
    if said.get("allowPrivateTargets"):
        return  # a stack on a laptop, which brings its own
    if int(said.get("sheetCount", 0)) and not said.get("googleAccounts"):
        yield warn(
            "sheetCount asks for workers of sheets, googleAccounts names no account for them",
            "pulumi config set --secret googleAccounts …, or put it into the stack's secret (docs/google-sheets.md)",
        )


def deployer(version: str | None) -> Finding:
    """Judge whether Pulumi itself is here; `version` is what it says of itself."""
    if version:
        return ok(f"pulumi {version}")
    return wrong("there is no pulumi on PATH", "https://www.pulumi.com/docs/install/")


def builder(config: Mapping[str, Any], version: str | None) -> Iterator[Finding]:
    """Judge whether the workers' image can be had; `version` is what Docker's builder says of itself."""
    if any(key.rpartition(":")[2] == "workerImage" and value for key, value in config.items()):
        return
    yield (
        ok(f"the workers' image is built by {version}")
        if version
        else wrong(
            "workerImage names no image, and no Docker with buildx is here to build one",
            "start Docker, or push an image and pulumi config set workerImage …@sha256:… (docs/deploy.md)",
        )
    )


def texts(config: Mapping[str, Any]) -> dict[str, str]:
    """Give a configuration as Pulumi's runtime wants it."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}


def _region(region: str) -> Finding:
    if region not in SLOW_REGIONS:
        return ok(f"region {region}")
    return warn(
        f"region {region} ({SLOW_REGIONS[region]}) starts at {SLOW_REQUESTS_PER_S:,} requests/s, others at"
        f" {REQUESTS_PER_S:,}: 100,000 subscribers are told in 40 s instead of 10",
        "ask for more in Service Quotas, API Gateway, or choose another region",
    )


def _requests(found: Account, wanted_per_s: int) -> Finding:
    if found.requests_per_s is None:
        return _unknown("API Gateway's requests/s", found.refused["requests_per_s"])
    if found.requests_per_s < wanted_per_s:
        return warn(
            f"API Gateway: {found.requests_per_s:,.0f} requests/s for all APIs and posts of this account, of which the"
            f" stack takes {wanted_per_s:,} for granted: large audiences will meet 429",
            f"pulumi config set requestsPerSecond {found.requests_per_s:.0f}, and ask for more in Service Quotas",
        )
    if found.requests_per_s < REQUESTS_PER_S:
        return warn(
            f"API Gateway: {found.requests_per_s:,.0f} requests/s for all APIs and posts of this account",
            "ask for more in Service Quotas if audiences are large",
        )
    return ok(f"API Gateway: {found.requests_per_s:,.0f} requests/s")


def _concurrency(found: Account, *, production: bool) -> Finding:
    """Judge how many calls may run at once: a young account's ten will do for trying things out."""
    limit = found.lambda_concurrency
    if limit is None:
        return _unknown("Lambda's concurrency", found.refused["lambda_concurrency"])
    todo = "ask for 1,000 in Service Quotas, AWS Lambda, Concurrent executions (free, takes hours to days)"
    if limit < CONCURRENCY_NEEDED:
        too_few = f"Lambda runs {limit} calls at once in this account; bursts of requests would be refused"
        return wrong(too_few, todo) if production else warn(too_few, todo)
    if limit < CONCURRENCY_WANTED:
        return warn(f"Lambda runs {limit} calls at once in this account", todo)
    return ok(f"Lambda runs {limit:,} calls at once")


def _fan_outs(found: Account, at_once: int) -> Iterator[Finding]:
    """Judge whether a burst of changes leaves the authorizer and the APIs enough of it."""
    limit = found.lambda_concurrency
    if limit is not None and 2 * at_once > limit:
        yield warn(
            f"of these the queue of changes may take {at_once}: in a burst nobody could sign in or connect",
            f"pulumi config set fanOutsAtOnce {max(FAN_OUTS_MIN, limit // 4)}",
        )


def _vcpus(kind: str, granted: float | None, now: int, some_day: int, refused: str) -> Finding:
    if granted is None:
        return _unknown(f"Fargate's {kind} vCPU quota", refused)
    todo = f"ask for more in Service Quotas, AWS Fargate, {kind} vCPU resource count"
    if granted < now:
        return wrong(f"Fargate: {granted:g} {kind} vCPUs, a deployment of the configured workers needs {now}", todo)
    if granted < some_day:
        return warn(f"Fargate: {granted:g} {kind} vCPUs, scaled out a deployment needs {some_day}", todo)
    return ok(f"Fargate: {granted:g} {kind} vCPUs, {now} needed")


def _ecs(found: Account) -> Finding:
    """Judge whether ECS was ever used: its role takes some seconds, and who is the first may come too early."""
    if found.knows_ecs is None:
        return _unknown("ECS's own role", found.refused["knows_ecs"])
    if not found.knows_ecs:
        return warn(
            "ECS was never used in this account, so the first deploy may be told that its role cannot be assumed",
            "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com; or deploy again if so",
        )
    return ok("ECS has its role")


def _unknown(what: str, refused: str) -> Finding:
    return warn(f"{what} is not known: {refused}", "look in the console, or ask for the right to read it")
