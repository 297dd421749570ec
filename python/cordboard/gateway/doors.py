"""The doors beside HTTP by which letters come: an SMTP server, mailboxes that are polled."""

from typing import Protocol

from cordboard.gateway.entrance.entrance import Entrance


class Door(Protocol):
    """Runs while the gateway does. `entrance.policy` is the policy in force."""

    async def run(self, entrance: Entrance) -> None:
        """Admit letters until cancelled. Called when the journal is read; tells its port, if it has one, in its own way."""
