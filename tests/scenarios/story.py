"""A story: prose, commands, `----`, what came of them. The twin of rust/core/tests/scenarios/main.rs."""

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from cordboard import codec
from cordboard._core import Router, render
from tests.scenarios import policy
from tests.scenarios.language import GRAMMAR, HERE, duration, ident, say

STORIES = sorted((HERE / "stories").glob("*.txt"))
INBOX = ident("inbox")
START_MS = 100_000


@dataclass(slots=True)
class Block:
    """One paragraph: prose or blank lines as they stand, commands, and their transcript."""

    prose: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    transcript: list[str] = field(default_factory=list)


def parse(text: str) -> list[Block]:
    """The blocks of a story. A transcript ends at an empty line."""
    blocks = [Block()]
    answering = False
    for line in text.splitlines():
        if answering and line:
            blocks[-1].transcript.append(line)
        elif answering:
            answering = False
            blocks.append(Block())
        elif line == "----":
            answering = True
        elif line.startswith("#") or not line:
            blocks[-1].prose.append(line)
        else:
            blocks[-1].commands.append(line)
    return blocks if blocks[-1] != Block() else blocks[:-1]


def write(blocks: list[Block]) -> str:
    """The text of a story."""
    parts = []
    for block in blocks:
        lines = [*block.prose, *block.commands]
        if block.commands:
            lines += ["----", *block.transcript, ""]
        parts.append("\n".join(lines))
    return "\n".join(parts).rstrip("\n") + "\n"


class Telling:
    """A story being told to a router."""

    def __init__(self) -> None:
        self.router = Router("default")
        self.now = START_MS
        self.policy = policy.standard()
        self.facts = 0
        self.frames = 0
        self.commits = [self.router.take_over(INBOX, self.now)]

    def tell(self, commands: list[str]) -> list[str]:
        """The transcript of a block's commands."""
        lines: list[str] = []
        together: list[str] | None = None
        heads = [index for index, line in enumerate(commands) if not line.startswith(" ")]
        for head, after in zip(heads, [*heads[1:], len(commands)], strict=True):
            if commands[head] == "frame":
                together = []
            elif together is not None:
                together.append(commands[head])
            else:
                lines += self.command(commands[head], commands[head + 1 : after])
        if together is not None:
            lines += self.frame([say(line, self.fact_id()).fact for line in together])
        return lines or ["ok"]

    def command(self, line: str, more: list[str]) -> list[str]:
        """One command; `more` are the indented lines below it."""
        verb, *words = line.split()
        match verb:
            case "policy":
                return self.publish([" ".join(words), *more])
            case "tick":
                return self.tick(duration(words[0]))
            case "sleep":
                self.now += duration(words[0])
                return []
            case "deadline":
                due = self.router.next_deadline()
                return ["none" if due is None else f"{due // 1000}.{due % 1000:03}"]
            case "restart":
                return self.restart()
            case "raw":
                self.frames += 1
                return self.step([(self.frames, self.now, bytes.fromhex("".join(words)))])
            case "rawfact":
                return self.frame([bytes.fromhex("".join(words))])
            case _ if verb in GRAMMAR:
                said = say(line, self.fact_id())
                return self.frame([said.fact], said.late_ms)
        raise ValueError(f"no command {verb}")

    def publish(self, changes: list[str]) -> list[str]:
        document = deepcopy(self.policy)
        document["version"] += 1
        for change in changes:
            policy.change(document, change)
        lines = self.frame([policy.published(document, ident(self.fact_id()))])
        if any("PolicyAdopted" in line for line in lines):
            self.policy = document
        return lines

    def tick(self, passed_ms: int) -> list[str]:
        """Time passes, and the router is woken whenever it asks for it."""
        until = self.now + passed_ms
        lines: list[str] = []
        while (due := self.router.next_deadline()) is not None and due < until:
            self.now = max(self.now, due)
            lines += self.step([])
            assert self.router.next_deadline() != due, f"deadline {due} was asked for and nothing came of it"
        self.now = until
        return lines + self.step([])

    def frame(self, facts: list[bytes], late_ms: int = 0) -> list[str]:
        self.frames += 1
        return self.step([(self.frames, self.now - late_ms, codec.encode_frame(facts))])

    def step(self, frames: list[tuple[int, int, bytes]]) -> list[str]:
        commits = self.router.step(frames, self.now)
        assert self.router.check() == []
        self.commits += commits
        lines = [line for commit in commits for line in render(commit).splitlines()]
        return [line for line in lines if not line.startswith("commit ") and not line.endswith(" accepted")]

    def restart(self) -> list[str]:
        """Go on with a router from the snapshot, after comparing it with the fold of all commits."""
        restored = Router.restore(self.router.snapshot())
        assert restored.state_hash() == self.router.state_hash() == folded(self.commits).state_hash()
        assert restored.next_deadline() == self.router.next_deadline()
        self.router = restored
        return ["same"]

    def fact_id(self) -> str:
        self.facts += 1
        return f"f{self.facts}"

    def verify(self) -> None:
        """The journal folds to the same state, and decides again to the same bytes."""
        self.restart()
        again = Router("default")
        for commit in self.commits:
            assert again.redecide(commit) == commit
            assert again.check() == []
        assert again.state_hash() == self.router.state_hash()


def folded(commits: list[bytes]) -> Router:
    """A router that only folded."""
    router = Router("default")
    for commit in commits:
        router.apply(commit)
    return router


def tell(path: Path) -> str:
    """The story with the transcript that the core gives today."""
    blocks = parse(path.read_text())
    telling = Telling()
    for block in blocks:
        if block.commands:
            block.transcript = telling.tell(block.commands)
    telling.verify()
    return write(blocks)
