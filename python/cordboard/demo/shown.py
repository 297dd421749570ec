"""What a run must have shown: calls of both kinds that were kept, and a chat door that turned busy and open again."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import msgspec

from cordboard.demo.promises import Calls, Turn
from cordboard.events.promises import PromiseKind

NAMES: dict[PromiseKind, str] = {"scheduled": "at a time that the customer named", "hold_place": "to a customer who kept a place"}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Of a run. `calls`: at least one promise of each of these kinds is kept. `dip`: at least one of these doors turns busy,
    and open again (none: it need not)."""

    calls: Collection[PromiseKind] = ()
    dip: Collection[str] = ()

    def missing(self, calls: dict[str, Calls], turns: Sequence[Turn]) -> list[str]:
        """A sentence each."""
        unkept = [kind for kind in NAMES if kind in self.calls and not calls[kind].kept]
        found = [f"no call {NAMES[kind]} was kept: {calls[kind].made} were promised" for kind in unkept]
        if self.dip and not any(_came_back([turn for turn in turns if turn.entry_point == door]) for door in self.dip):
            found.append(f"none of {', '.join(sorted(self.dip))} turned busy and open again")
        return found


def _came_back(turns: Sequence[Turn]) -> bool:
    """Turns of one door, in order."""
    return any(turn.state == "busy" and after.state == "open" for turn, after in pairwise(turns))
