"""The far side's own books on letters: what it sent and had confirmed, what came back, and whether that hangs together.

Every answer of an agent carries a token, so that the far side knows which one it has before it. A thread is one matter of one
customer, with an address of its own.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

TOKEN = re.compile(r"\[([0-9a-f]{12})\]")
WRITTEN = ("mail", "form", "webhook")
"""Channels whose answers go out as effects."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it arrived. `number` is its own id: Message-ID, or the webhook's id."""

    number: str
    text: str
    subject: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    return_path: str = ""


@dataclass(slots=True)
class Thread:
    """One matter, as its customer sees it. `sent`: ids of their own messages that were confirmed, oldest first."""

    channel: str
    address: str
    sent: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    broken: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def answered(self, patience_s: float) -> Answer | None:
        """The next answer, if one comes in time."""
        try:
            async with asyncio.timeout(patience_s):
                await self.news.wait()
        except TimeoutError:
            return None
        self.news.clear()
        return self.answers[-1]


@dataclass(frozen=True, slots=True)
class Balance:
    """Of one channel. `lost`: confirmed by one side and never seen by the other; `doubled`: seen more than once."""

    answers_expected: int = 0
    answers_received: int = 0
    lost: int = 0
    doubled: int = 0
    threads_broken: int = 0


@dataclass(slots=True)
class Correspondence:
    """The books. `taken` counts customers' messages by channel that the engine confirmed, `doubtful` those it never did."""

    threads: dict[str, Thread] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    doubtful: Counter[str] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)
    """Answers that came again under their own number, by channel: doubled, but every mail program shows them once."""
    _said: dict[str, tuple[str, str]] = field(default_factory=dict)
    _expected: set[str] = field(default_factory=set)
    _received: dict[str, str] = field(default_factory=dict)
    _numbers: set[str] = field(default_factory=set)
    _doubled: Counter[str] = field(default_factory=Counter)
    _strays: Counter[str] = field(default_factory=Counter)

    def begin(self, channel: str, address: str) -> Thread:
        """A new matter; `address` is what answers to it are addressed to."""
        thread = self.threads[address] = Thread(channel, address)
        return thread

    def say(self, token: str, channel: str, contact: str) -> None:
        """An agent is about to send an answer. It may arrive even if the engine does not confirm it."""
        self._said[token] = (channel, contact)

    def confirm(self, token: str) -> None:
        """The engine has confirmed that answer: from now on it is owed."""
        self._expected.add(token)

    def settled(self) -> bool:
        """Has everything arrived that is owed?"""
        return self._expected <= self._received.keys()

    def receive(self, address: str, answer: Answer) -> None:
        """Something arrived for `address`."""
        thread, token = self.threads.get(address), _token(answer.text)
        if thread is None or token not in self._said:
            self._strays[thread.channel if thread else "mail"] += 1
            return
        channel, _ = self._said[token]
        if answer.number in self._numbers or token in self._received:
            self._doubled[channel] += 1
            self.repeats[channel] += answer.number in self._numbers
            return
        self._numbers.add(answer.number)
        self._received[token] = address
        thread.answers.append(answer)
        thread.broken = thread.broken or _flaw(thread, answer, channel)
        thread.news.set()

    def balance(self, stored: Mapping[str, int], case_of: Mapping[str, str]) -> dict[str, Balance]:
        """By channel, held against the journal: `stored` counts the messages from outside that it holds, by channel; `case_of`
        names each contact's case (hex)."""
        cases = self._cases(case_of)
        owners = Counter(case for held in cases.values() for case in held)
        apart = {address for address, held in cases.items() if len(held) > 1 or any(owners[case] > 1 for case in held)}
        broken = Counter(thread.channel for address, thread in self.threads.items() if thread.broken or address in apart)
        found = {}
        for channel in WRITTEN:
            expected = {token for token in self._expected if self._said[token][0] == channel}
            received = {token for token in self._received if self._said[token][0] == channel}
            taken, held = self.taken[channel], stored.get(channel, 0)
            found[channel] = Balance(
                answers_expected=len(expected),
                answers_received=len(received),
                lost=len(expected - received) + max(0, taken - held),
                doubled=self._doubled[channel] + max(0, held - taken - self.doubtful[channel]),
                threads_broken=broken[channel] + self._strays[channel],
            )
        return found

    def flaws(self) -> Iterator[str]:
        """What is wrong, without naming anybody."""
        for thread in self.threads.values():
            if thread.broken:
                yield f"{thread.channel}: {thread.broken}"
        yield from (f"{channel}: {count} answers to nobody's question" for channel, count in self._strays.items())

    def _cases(self, case_of: Mapping[str, str]) -> dict[str, set[str]]:
        """The cases that each thread's answers came from. One thread, one case; one case, one thread."""
        cases: dict[str, set[str]] = {}
        for token, address in self._received.items():
            contact = self._said[token][1]
            cases.setdefault(address, set()).add(case_of.get(contact, contact))
        return cases


def _token(text: str) -> str:
    """Of the answer itself, not of what it quotes."""
    own = "\n".join(line for line in text.splitlines() if not line.startswith(">"))
    found = TOKEN.search(own)
    return found[1] if found else ""


def _flaw(thread: Thread, answer: Answer, channel: str) -> str:
    """What is wrong with the place of an answer in its thread; empty: nothing. `channel`: of the contact that was answered."""
    if channel == "webhook" or (channel == "form" and not answer.in_reply_to):
        return ""  # neither has a mail that could be referred to
    if answer.in_reply_to not in thread.sent:
        return "an answer refers to none of the customer's mails"
    if answer.in_reply_to not in answer.references or (thread.channel == "mail" and thread.sent[0] not in answer.references):
        return "an answer's References miss the customer's mails"
    return ""
