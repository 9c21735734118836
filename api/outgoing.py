"""Where requests of this deployment may go."""

from collections.abc import Mapping

from contracts.addresses import Policy, read_networks


def read_policy(environ: Mapping[str, str]) -> Policy:
    """Read where requests to sources may go."""
    return Policy(
        allow_private=environ.get("GATE_ALLOW_PRIVATE") == "1",
        forbidden_ports=frozenset(int(port) for port in environ.get("GATE_FORBIDDEN_PORTS", "").split(",") if port),
        forbidden_networks=read_networks(environ.get("GATE_FORBIDDEN_NETWORKS", "")),
    )
