"""The Rust core: one site's router. Pure: time, facts and identity come from outside; bytes in, bytes out."""

from collections.abc import Sequence
from typing import Literal, final

__all__ = ["FIRST_DECIDED", "LEVEL", "CoreError", "LevelUnsupported", "Position", "Router", "WireParser", "commit_hash", "render"]

LEVEL: int
"""The newest level that this build decides; new sites begin with it."""
FIRST_DECIDED: int
"""The oldest level that it decides: commits of those before are folded only."""

class CoreError(Exception):
    """The journal or snapshot contradicts itself, or the caller broke the protocol (for example a step before take_over)."""

class LevelUnsupported(CoreError):
    """The journal is sound, but of a level that this build does not decide, or not even fold: another build is needed."""

@final
class Position:
    """Where a router stands."""

    @property
    def seq(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def stepped_down(self) -> bool:
        """The router of this epoch stepped down: only a take-over can follow."""
    @property
    def level(self) -> int:
        """Level of the next commit (0: there is none yet)."""
    @property
    def at_ms(self) -> int: ...
    @property
    def hash(self) -> bytes: ...
    @property
    def inbox_id(self) -> bytes | None: ...
    @property
    def inbox_seq(self) -> int: ...
    @property
    def facts_done(self) -> int: ...

@final
class Router:
    """State of one site at a journal position, and the two things one can do with it: decide and apply."""

    def __new__(cls, site: str) -> Router: ...
    @staticmethod
    def restore(snapshot: bytes) -> Router: ...
    def snapshot(self) -> bytes: ...
    def state_hash(self) -> bytes: ...
    def position(self) -> Position: ...
    def take_over(self, inbox_id: bytes, at_ms: int, incarnation: bytes | None = None) -> bytes:
        """Begin a new epoch: the commit to append first. Applied already. `incarnation`: 16 bytes of this life of this router;
        None: of a router that has no rival. Raises LevelUnsupported if the journal's level is only folded here."""

    def step_down(self, at_ms: int) -> bytes:
        """End the epoch: the commit to append last. Applied already. Nothing is decided after it until `take_over`."""

    def step(self, frames: Sequence[tuple[int, int, bytes]], at_ms: int) -> list[bytes]:
        """Decide one turn: frames as (inbox_seq, stored_ms, data) in order, then the timers due at `at_ms`. Returns the commits
        to append, applied already; empty if nothing happened."""

    def verdicts(self) -> tuple[int, int, int, int]:
        """The facts that it has decided itself since it was made or restored: accepted, refused, duplicates, quarantined."""

    def next_deadline(self) -> int | None:
        """When to call `step` next if no frame comes (Unix ms)."""

    def apply(self, commit: bytes) -> None:
        """Fold one commit. Raises CoreError on a gap, a fork, or a state hash that differs. What is not the next commit changes
        nothing; a commit that contradicts the state leaves a router that refuses everything."""

    def fold(self, commits: Sequence[bytes]) -> None:
        """Fold commits, one after the other, as `apply` does. If it raises, those before the one that was refused are folded."""

    def redecide(self, commit: bytes) -> bytes:
        """Decide the commit's own inputs again and return the commit that comes out (equal bytes: no divergence). The state
        afterwards is that of the *recorded* commit."""

    def explain_contact(self, contact: bytes, limit: int, at_ms: int) -> bytes | None:
        """Why a live contact is not offered to whom, as of `at_ms` (never before the last commit): a msgpack map, at most `limit`
        agents; None: no such contact."""

    def explain_agent(self, agent: bytes, limit: int, at_ms: int) -> bytes | None:
        """Why an agent is not offered what waits, as of `at_ms` (never before the last commit): a msgpack map with at most `limit`
        contacts; None: no such agent."""

    def check(self) -> list[str]:
        """Violations of the invariants of the state, in words; empty is good."""

@final
class WireParser:
    """Splits what a NATS server says on one connection. Subscriptions that are followed hold a consumer's deliveries."""

    def __new__(cls) -> WireParser: ...
    def reset(self) -> None:
        """Forget what was begun: another connection follows. As `feed`, it raises RuntimeError while `feed` is under way."""

    def follow(self, sid: int) -> None:
        """From now on this subscription's messages are deliveries of a stream."""

    def leave(self, sid: int) -> None:
        """And from now on no more."""

    def feed(
        self, data: bytes
    ) -> tuple[
        list[tuple[int, list[tuple[int, int, int, bytes] | tuple[bytes, bytes]]]],
        list[
            tuple[int, bytes, bytes, bytes, bytes | None] | tuple[Literal["PING", "PONG"]] | tuple[Literal["-ERR", "INFO"], bytes]
        ],
    ]:
        """What `data` completes: `(sid, deliveries)` of subscriptions that are followed, and everything else. A delivery is
        `(seq, delivered, stored_ms, data)`; a heartbeat, or a question whether to go on, is `(reply, header)`; any other message is
        `(sid, subject, reply, payload, header or None)`. Raises ValueError on what is not the protocol."""

def commit_hash(commit: bytes) -> bytes:
    """BLAKE3 of a commit: the next one's `prev_hash`."""

def render(commit: bytes) -> str:
    """A commit as readable lines: one for each input's verdict and each event. Raises CoreError if it is none."""
