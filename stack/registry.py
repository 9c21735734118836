"""Where the workers' image is kept."""

import json

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import ecr

#: As many releases can be rolled back to.
IMAGES_KEPT = 20


class Registry(pulumi.ComponentResource):
    """
    A private registry of one image.

    Its tags may move: a build is not the same to the byte twice, and what was built before is built again where a
    deploy broke off, on another machine, or on the way back to an older release. A tag that never moves would refuse
    it; tasks go by digests, which never do.
    """

    url: Output[str]
    arn: Output[str]

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Registry", name, None, opts)
        child = ResourceOptions(parent=self)
        repository = ecr.Repository(
            name,
            image_tag_mutability="MUTABLE",
            image_scanning_configuration=ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")],
            force_delete=True,  # an image can be built again from its commit
            opts=child,
        )
        ecr.LifecyclePolicy(
            f"{name}-lifecycle", repository=repository.name, policy=json.dumps(_keep_newest()), opts=child
        )
        self.url, self.arn = repository.repository_url, repository.arn
        self.register_outputs({"url": self.url})


def _keep_newest() -> dict[str, object]:
    newest = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": IMAGES_KEPT}
    return {"rules": [{"rulePriority": 1, "selection": newest, "action": {"type": "expire"}}]}
