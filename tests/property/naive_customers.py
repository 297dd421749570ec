"""Customers as one would do it on paper: a list of merges that hold, and who was first seen where. Slow and obvious."""

from dataclasses import dataclass, field


@dataclass
class NaiveCustomers:
    """People are numbered in the order in which they are first seen."""

    seen_at: dict[str, int] = field(default_factory=dict)
    people: set[int] = field(default_factory=set)
    merges: list[tuple[int, int]] = field(default_factory=list)
    """(into, absorbed): both were roots when it was done."""
    segments: dict[int, str | None] = field(default_factory=dict)
    texts: dict[bytes, int] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    count: int = 0

    def root(self, person: int) -> int:
        while above := [into for into, absorbed in self.merges if absorbed == person]:
            (person,) = above
        return person

    def family(self, person: int) -> list[int]:
        """The root, then the others in the order of their merges."""
        root = self.root(person)
        merged = [absorbed for _, absorbed in self.merges if self.root(absorbed) == root]
        return [root, *merged]

    def at(self, address: str) -> int:
        if address not in self.seen_at:
            self.count += 1
            self.people.add(self.count)
            self.seen_at[address] = self.count
        return self.root(self.seen_at[address])

    def addresses(self, person: int) -> dict[str, int]:
        family = self.family(person)
        return {address: whose for address, whose in self.seen_at.items() if whose in family}

    def frozen(self, person: int) -> bool:
        return any(member in self.closed for member in self.family(person))

    def merge(self, into: int, absorbed: int) -> bool:
        upper, lower = self.root(into), self.root(absorbed)
        if upper != lower:
            self.merges.append((upper, lower))
        return upper != lower

    def unmerge(self, person: int) -> bool:
        before = len(self.merges)
        self.merges = [merge for merge in self.merges if merge[1] != person]
        return len(self.merges) < before

    def segment(self, person: int) -> str | None:
        return next((self.segments[member] for member in self.family(person) if member in self.segments), None)

    def erase(self, person: int) -> None:
        """This very one; what was merged into it stands alone."""
        self.merges = [merge for merge in self.merges if person not in merge]
        self.people.discard(person)
        self.closed.discard(person)
        self.segments.pop(person, None)
        self.seen_at = {address: whose for address, whose in self.seen_at.items() if whose != person}
        self.texts = {ref: whose for ref, whose in self.texts.items() if whose != person}
