"""Applying a policy and an agents file to a running site: what differs is sent, nothing else."""

from pathlib import Path

from cordboard.cli.agents_file import apply_agents
from cordboard.cli.policy import apply_policy
from cordboard.client import Client


async def apply_files(target: str, policy: Path | None, agents: Path | None) -> None:
    """Send the differences of the files, policy first. Raises PolicyErrors or ClientError."""
    async with Client(target) as client:
        if policy is not None:
            await apply_policy(client, policy)
        if agents is not None:
            await apply_agents(client, agents)
