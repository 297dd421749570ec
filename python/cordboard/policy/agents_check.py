"""Checks one agent after the other against the policy and makes the sheets."""

import re

from cordboard.events.bounds import (
    CAPACITY_MAX,
    CHANNELS_MAX,
    MEMBERSHIPS_MAX,
    SKILLS_MAX,
    AgentChannel,
    Membership,
    Skill,
)
from cordboard.events.policy import Policy
from cordboard.policy.agents_sheet import AgentSheet, Draft, Token
from cordboard.policy.kinds import Whole
from cordboard.policy.problems import Problems, shorten

PERSON_MAX = 128
NAME_MAX = 128
_MOST = {"skills": SKILLS_MAX, "queues": MEMBERSHIPS_MAX, "channels": CHANNELS_MAX}
_ONE = {"skills": "skill", "queues": "queue", "channels": "channel"}
_DIGITS = re.compile(r"[0-9]{1,6}\Z", re.ASCII)
_CHANNEL_ARGUMENT = re.compile(r"([0-9]{1,6})?(?:x([0-9]{1,6}))?\Z", re.ASCII)


class DraftCheck:
    """Remembers the persons seen, so that each stands once."""

    def __init__(self, policy: Policy, problems: Problems) -> None:
        self._problems = problems
        self._known = {
            "skills": frozenset(policy.skills),
            "queues": frozenset(queue.name for queue in policy.queues),
            "channels": frozenset(channel.name for channel in policy.channels),
        }
        self._costs = {channel.name: channel.cost for channel in policy.channels}
        self._capacity = policy.capacity
        self._lines: dict[str, int] = {}

    def sheet(self, draft: Draft) -> AgentSheet | None:
        """The sheet, or None if it has problems (they are recorded)."""
        before = self._problems.count
        self._check_person(draft)
        name = self._name(draft)
        skills = [skill for token in self._tokens(draft, "skills") if (skill := self._skill(draft, token)) is not None]
        queues = [queue for token in self._tokens(draft, "queues") if (queue := self._queue(draft, token)) is not None]
        capacity = None
        if draft.capacity is not None and not draft.capacity.empty:
            capacity = Whole(0, CAPACITY_MAX).read(draft.capacity, f"{draft.path}.capacity", self._problems)
        channels = [
            channel
            for token in self._tokens(draft, "channels")
            if (channel := self._channel(draft, token, self._capacity if capacity is None else capacity)) is not None
        ]
        if draft.tokens["queues"] and not draft.tokens["channels"]:
            choices = " ".join(sorted(self._known["channels"]))
            self._problems.add(
                draft.at, f"{draft.path}.channels", "queues but no channels: the agent would get no work", f"write `{choices}`"
            )
        if self._problems.count > before:
            return None
        return AgentSheet.of(draft.person, name, skills, queues, channels, capacity)

    def _check_person(self, draft: Draft) -> None:
        if not draft.person or len(draft.person) > PERSON_MAX or not draft.person.isprintable() or " " in draft.person:
            advice = f"write 1 to {PERSON_MAX} characters without spaces: a personnel number, or a mail address"
            self._problems.add(draft.at, draft.path, f"`{shorten(draft.person)}` is no person's id", advice)
        elif draft.person in self._lines:
            line = self._lines[draft.person]
            self._problems.add(
                draft.at, draft.path, f"`{shorten(draft.person)}` stands twice", f"it is on line {line} already: keep one of them"
            )
        else:
            self._lines[draft.person] = draft.at[0]

    def _name(self, draft: Draft) -> str:
        if draft.name is None or draft.name.empty:
            return ""
        text = draft.name.text.strip()
        if len(text) > NAME_MAX or not text.isprintable():
            self._problems.add(
                draft.name.at,
                f"{draft.path}.name",
                f"`{shorten(text)}` is no name",
                f"write at most {NAME_MAX} characters on one line",
            )
        return text

    def _tokens(self, draft: Draft, part: str) -> list[Token]:
        """The tokens whose word the policy knows, each once."""
        path, good = f"{draft.path}.{part}", dict[str, Token]()
        tokens = draft.tokens[part]
        if len(tokens) > _MOST[part]:
            self._problems.add(tokens[_MOST[part]].at, path, f"{len(tokens)} {part}", f"an agent has at most {_MOST[part]}")
            tokens = tokens[: _MOST[part]]
        for token in tokens:
            if token.word not in self._known[part]:
                self._problems.unknown(token.at, path, _ONE[part], token.word, sorted(self._known[part]))
            elif token.word in good:
                self._problems.add(token.at, path, f"{_ONE[part]} `{token.word}` stands twice", "keep one of them")
            else:
                good[token.word] = token
        return list(good.values())

    def _skill(self, draft: Draft, token: Token) -> Skill | None:
        level = self._number(draft, "skills", token, token.argument, 1, 10, "level", f"write `{token.word}:5`; 10 is best")
        return None if level is None else Skill(token.word, level)

    def _queue(self, draft: Draft, token: Token) -> Membership | None:
        argument = "0" if token.argument is None else token.argument
        rank = self._number(draft, "queues", token, argument, 0, 99, "rank", f"write `{token.word}:0`; lower ranks are asked first")
        return None if rank is None else Membership(token.word, rank)

    def _channel(self, draft: Draft, token: Token, capacity: int) -> AgentChannel | None:
        match = _CHANNEL_ARGUMENT.match(token.argument or "")
        if match is None or token.argument == "":
            self._problems.add(
                token.at,
                f"{draft.path}.channels",
                f"`{shorten(token.argument or '')}` is neither cost nor maximum",
                f"write `{token.word}`, `{token.word}:50` (cost) or `{token.word}:50x2` (cost, and at most 2 at once)",
            )
            return None
        cost, most = (None if text is None else int(text) for text in match.groups())
        if most is not None and not 1 <= most <= 1_000:
            self._problems.add(token.at, f"{draft.path}.channels", f"a maximum of {most} is out of bounds", "write 1 to 1000")
            return None
        paid = self._costs[token.word] if cost is None else cost
        if paid > capacity:
            message = f"{token.word} costs {paid}, more than the agent's whole capacity of {capacity}: it could never be offered"
            self._problems.add(
                token.at, f"{draft.path}.channels", message, f"write `{token.word}:{capacity}`, or leave the channel out"
            )
            return None
        return AgentChannel(token.word, cost, most)

    def _number(
        self, draft: Draft, part: str, token: Token, text: str | None, low: int, high: int, what: str, advice: str
    ) -> int | None:
        path = f"{draft.path}.{part}"
        if not text:
            self._problems.add(token.at, path, f"{_ONE[part]} `{token.word}` has no {what}", advice)
        elif not _DIGITS.match(text) or not low <= int(text) <= high:
            self._problems.add(token.at, path, f"{what} `{shorten(text)}` is out of bounds", f"write a {what} from {low} to {high}")
        else:
            return int(text)
        return None
