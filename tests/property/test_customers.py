"""Random lives of customers: linked, merged, taken apart, erased; the vault beside a model on paper."""

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from cordboard.errors import Conflict, CordboardError, InvalidInput, NotFound
from cordboard.vault import Content, Draft, Vault
from tests.property.naive_customers import NaiveCustomers

ADDRESSES = st.sampled_from([f"{name}@x.example" for name in "abcdefg"])


class Lives(RuleBasedStateMachine):
    """`people` are numbers of the model; `refs` says what the vault calls them, for ever."""

    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.naive = NaiveCustomers()
        self.refs: dict[int, bytes] = {}
        self.drafts = 0
        self.texts: list[bytes] = []

    @initialize()
    def open(self) -> None:
        opening = Vault.open(f"sqlite+aiosqlite:///{Path(self.folder.name) / 'vault.db'}", bytes(32))
        self.opening = opening
        self.vault: Vault = self.runner.run(opening.__aenter__())

    def teardown(self) -> None:
        self.runner.run(self.opening.__aexit__(None, None, None))
        self.runner.close()
        self.folder.cleanup()

    def refused(self, call: object, kind: type[CordboardError], reason: str) -> None:
        with pytest.raises(kind) as error:
            self.runner.run(call)  # type: ignore[arg-type]
        assert error.value.reason == reason

    def impossible(self, call: object, *people: int) -> bool:
        """Someone is gone, or about to go: it must be refused, the unknown first."""
        if not all(person in self.naive.people for person in people):
            with pytest.raises((NotFound, Conflict)) as error:
                self.runner.run(call)  # type: ignore[arg-type]
            assert error.value.reason in ("unknown_customer", "erasure_pending")
            return True
        if any(self.naive.frozen(person) for person in people):
            self.refused(call, Conflict, "erasure_pending")
            return True
        return False

    @rule(target=people, address=ADDRESSES)
    def writes(self, address: str) -> int:
        person = self.naive.at(address)
        ref = self.runner.run(self.vault.customer("email", address, "mail"))
        assert self.refs.setdefault(person, ref) == ref
        return person

    @rule(person=people)
    def leaves_a_text(self, person: int) -> None:
        self.drafts += 1
        text = Content(os.urandom(16), "message", f"text {self.drafts}")
        draft = Draft("mail", str(self.drafts), os.urandom(16), os.urandom(16), b"fact", self.refs[person], (text,))
        if person not in self.naive.people:
            self.refused(self.vault.accept(draft), InvalidInput, "unknown_customer")
            return
        self.runner.run(self.vault.accept(draft))
        self.naive.texts[text.ref] = person
        self.texts.append(text.ref)

    @rule(person=people, address=ADDRESSES)
    def is_linked(self, person: int, address: str) -> None:
        call = self.vault.customers.link(self.refs[person], "email", address, "by hand", "op")
        if self.impossible(call, person):
            return
        whose = self.naive.seen_at.get(address)
        if whose is None:
            assert self.runner.run(call)
            self.naive.seen_at[address] = self.naive.root(person)
        elif self.naive.root(whose) == self.naive.root(person):
            assert not self.runner.run(call)
        else:
            self.refused(call, Conflict, "identity_taken")

    @rule(person=people, address=ADDRESSES)
    def is_unlinked(self, person: int, address: str) -> None:
        call = self.vault.customers.unlink(self.refs[person], "email", address)
        if self.impossible(call, person):
            return
        own = self.naive.addresses(person)
        if address not in own:
            assert not self.runner.run(call)
        elif len(own) == 1:
            self.refused(call, Conflict, "last_identity")
        else:
            assert self.runner.run(call)
            del self.naive.seen_at[address]

    @rule(into=people, absorbed=people)
    def are_merged(self, into: int, absorbed: int) -> None:
        call = self.vault.customers.merge(self.refs[into], self.refs[absorbed], "op", "the same")
        if into == absorbed:
            self.refused(call, InvalidInput, "merge_into_itself")
        elif not self.impossible(call, into, absorbed):
            upper, lower = self.naive.root(into), self.naive.root(absorbed)
            change = self.runner.run(call)
            assert change.changed == self.naive.merge(into, absorbed)
            assert (change.into, change.absorbed) == (self.refs[upper], self.refs[lower])

    @rule(person=people)
    def are_taken_apart(self, person: int) -> None:
        call = self.vault.customers.unmerge(self.refs[person], "op")
        if not self.impossible(call, person):
            assert self.runner.run(call).changed == self.naive.unmerge(person)

    @rule(person=people, segment=st.sampled_from(["gold", "silver", None]))
    def has_a_segment(self, person: int, segment: str | None) -> None:
        call = self.vault.set_segment(self.refs[person], segment)
        if person not in self.naive.people:
            self.refused(call, NotFound, "unknown_customer")
            return
        self.runner.run(call)
        self.naive.segments[self.naive.root(person)] = segment

    @rule(person=people)
    def asks_to_be_forgotten(self, person: int) -> None:
        call = self.vault.customers.close(self.refs[person])
        if person not in self.naive.people:
            self.refused(call, NotFound, "unknown_customer")
            return
        members = self.naive.family(person)
        assert self.runner.run(call) == [self.refs[member] for member in members]
        self.naive.closed.update(members)

    @rule(person=consumes(people), again=st.booleans())
    def is_erased(self, person: int, again: bool) -> None:
        there = person in self.naive.people
        assert self.runner.run(self.vault.erase_exactly([self.refs[person]])) == there
        if again:
            assert not self.runner.run(self.vault.erase_exactly([self.refs[person]]))
        self.naive.erase(person)

    @rule(person=consumes(people))
    def is_erased_with_all(self, person: int) -> None:
        there = person in self.naive.people
        assert self.runner.run(self.vault.erase_customer(self.refs[person])) == there
        for member in self.naive.family(person):
            self.naive.erase(member)

    @invariant()
    def everybody_is_who_they_should_be(self) -> None:
        naive = self.naive
        for person in naive.people:
            card = self.runner.run(self.vault.customers.card(self.refs[person]))
            assert card.ref == self.refs[naive.root(person)]
            assert [member.ref for member in card.members] == [self.refs[member] for member in naive.family(person)]
            assert {identity.address: identity.customer for identity in card.identities} == {
                address: self.refs[whose] for address, whose in naive.addresses(person).items()
            }
            assert card.segment == naive.segment(person)
            assert (card.closed_ms is not None) == naive.frozen(person)
            standing = {(merge.into, merge.absorbed) for merge in card.merges if merge.undone_ms is None}
            assert standing == {
                (self.refs[into], self.refs[absorbed]) for into, absorbed in naive.merges if naive.root(into) == naive.root(person)
            }

    @invariant()
    def texts_are_there_until_their_owner_is_erased(self) -> None:
        assert set(self.runner.run(self.vault.read(self.texts))) == set(self.naive.texts)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
