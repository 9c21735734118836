"""Everything that keeps state, as grants and exports speak of it."""

from dataclasses import dataclass
from typing import Self

import pulumi
from pulumi import Output
from pulumi_aws.get_caller_identity import get_caller_identity_output
from pulumi_aws.get_region import get_region_output

from stack.documents import Documents
from stack.google_accounts import GoogleAccounts
from stack.queue import Queue
from stack.tables import Tables


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """Keys of sources: one secret each, made at run time under a prefix of the stack's own."""

    prefix: str
    arns: Output[str]
    """The prefix as a resource of a policy."""

    @classmethod
    def of_this_stack(cls) -> Self:
        """Name the prefix after project and stack, so that two stacks of one account stay apart."""
        prefix = f"{pulumi.get_project()}-{pulumi.get_stack()}/source/"
        region, account = get_region_output().region, get_caller_identity_output().account_id
        return cls(
            prefix=prefix, arns=Output.concat("arn:aws:secretsmanager:", region, ":", account, f":secret:{prefix}*")
        )


@dataclass(frozen=True, kw_only=True)
class Store:
    """The tables, the queue, the documents and the secrets."""

    tables: Tables
    queue: Queue
    documents: Documents
    secrets: Secrets
    google_accounts: GoogleAccounts
