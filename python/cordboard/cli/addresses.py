"""Where a process can be reached: its ports, collected until all are open."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cordboard.settings import Settings


@dataclass(slots=True)
class Addresses:
    """Where a process can be reached once it is up. `nats_pid` only for an embedded server."""

    nats_url: str
    nats_pid: int | None = None
    monitor_url: str | None = None
    grpc: str | None = None
    http: str | None = None
    smtp: str | None = None


@dataclass(slots=True)
class Ports:
    """Collects the ports that roles open, then says once where they are. `waiting` names fields of the addresses."""

    addresses: Addresses
    waiting: set[str]
    say: Callable[[Addresses], None]
    host: str
    done: bool = field(default=False)

    @classmethod
    def of(cls, settings: Settings, roles: tuple[str, ...], addresses: Addresses, say: Callable[[Addresses], None]) -> "Ports":
        """The ports that `roles` will open."""
        waiting = {"grpc"} if "api" in roles else set()
        if "gateway" in roles:
            waiting |= {"http", "smtp"} if settings.smtp_port >= 0 else {"http"}
        return cls(addresses, waiting, say, settings.host)

    def open(self, what: str, port: int) -> None:
        """The port of `what` takes connections."""
        setattr(self.addresses, what, f"{self.host}:{port}")
        self.waiting.discard(what)
        self.settle()

    def settle(self) -> None:
        """Say it, if that was the last one."""
        if not self.waiting and not self.done:
            self.done = True
            self.say(self.addresses)
