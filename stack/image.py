"""The workers' image: built and pushed by the program itself, or one that was pushed before."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker_build as docker
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import ecr

from stack import grants
from stack.grants import Grant
from stack.package import Architecture
from stack.registry import Registry

PLATFORMS: Mapping[Architecture, docker.Platform] = {
    "arm64": docker.Platform.LINUX_ARM64, "x86_64": docker.Platform.LINUX_AMD64,
}  # fmt: skip
#: What the Dockerfile copies, and itself: `.dockerignore` lets nothing else in.
CONTEXT = ("Dockerfile", ".dockerignore", "contracts", "fetching", "monitor_fleet", "locks/worker.txt")
NOT_CONTEXT = frozenset({"__pycache__"})
HASH_CHARACTERS = 32

_PRIVATE = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>[^:@]+)")


@dataclass(frozen=True, kw_only=True)
class Image:
    """What workers run, and what fetching it takes."""

    reference: Input[str]
    pull: Sequence[Grant]


def given(reference: str) -> Image:
    """Take an image that was pushed before; a public one needs no right."""
    found = _PRIVATE.match(reference)
    arn = f"arn:aws:ecr:{found['region']}:{found['account']}:repository/{found['name']}" if found else None
    return Image(reference=reference, pull=grants.pull_image(arn) if arn else [])


class BuiltImage(pulumi.ComponentResource):
    """
    The image of this very checkout, built by Docker here and pushed to the stack's registry.

    It is named by what is in it, so it is built when that changes and never else; tasks go by its digest.
    """

    image: Image

    def __init__(
        self, name: str, root: Path, registry: Registry, architecture: Architecture, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("fleet:stack:BuiltImage", name, None, opts)
        login = ecr.get_authorization_token_output()
        built = docker.Image(
            name,
            # Relative to the program: a path of this machine would be a difference on every other one.
            context=docker.BuildContextArgs(location="."),
            dockerfile=docker.DockerfileArgs(location="Dockerfile"),
            platforms=[PLATFORMS[architecture]],
            tags=[Output.concat(registry.url, ":", content_hash(root))],
            push=True,
            build_on_preview=False,  # a preview must not take minutes, nor need a builder
            registries=[docker.RegistryArgs(address=registry.url, username=login.user_name, password=login.password)],
            # The provider would delete it from the registry: it may be what runs, or what one goes back to.
            opts=ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.image = Image(reference=built.ref, pull=grants.pull_image(registry.arn))
        self.register_outputs({"reference": built.ref})


def content_hash(root: Path) -> str:
    """Name what goes into the image: every path and every byte."""
    digest = hashlib.sha256()
    for path in _files(root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)}:{len(content)}:".encode() + content)
    return digest.hexdigest()[:HASH_CHARACTERS]


def _files(root: Path) -> Iterator[Path]:
    for name in CONTEXT:
        place = root / name
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (path for path in inside if path.is_file() and not NOT_CONTEXT & set(path.parts))
