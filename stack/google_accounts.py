"""The secret of Google's service accounts, which workers of sheets read with."""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import secretsmanager

#: So long a deleted secret can be brought back.
RECOVERY_DAYS = 7


class GoogleAccounts(pulumi.ComponentResource):
    """A secret that holds one account's key, or a list of several; empty until somebody puts it there."""

    arn: Output[str]

    def __init__(self, name: str, *, keys: Output[str] | None, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:GoogleAccounts", name, None, opts)
        child = ResourceOptions(parent=self)
        secret = secretsmanager.Secret(
            name,
            description="Keys of the Google service accounts that sheets are read with: one, or a list of several",
            recovery_window_in_days=RECOVERY_DAYS,
            opts=child,
        )
        if keys is not None:
            secretsmanager.SecretVersion(f"{name}-keys", secret_id=secret.id, secret_string=keys, opts=child)
        self.arn = secret.arn
        self.register_outputs({"arn": self.arn})
