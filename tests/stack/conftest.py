"""The whole program, run once under mocks; tests then read what it declared."""

import warnings

import pulumi_aws
import pytest

from tests.stack.program import Built

with warnings.catch_warnings():
    # Some modules of the provider warn of their own past as soon as they are looked into; ours must stay errors.
    warnings.simplefilter("ignore", DeprecationWarning)
    LOADED = (pulumi_aws.ec2.Vpc, pulumi_aws.lambda_.Function, pulumi_aws.s3.Bucket)


@pytest.fixture(scope="session")
def recorded() -> dict[str, Built]:
    """Declare every variant once."""
    return Built.record()


@pytest.fixture(scope="session")
def built(recorded: dict[str, Built]) -> Built:
    """Give everything that can be switched on, as for production."""
    return recorded["production"]


@pytest.fixture(scope="session")
def plain(recorded: dict[str, Built]) -> Built:
    """Give the least there can be."""
    return recorded["development"]
