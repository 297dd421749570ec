"""Threads, attachments and envelopes, on SQLite and on PostgreSQL: stored with their draft or not at all."""

import os
from dataclasses import replace

import pytest
from sqlalchemy import text

from cordboard.errors import ConfigurationError, InvalidInput
from cordboard.sql import open_engine
from cordboard.vault import Attachment, AttachmentInfo, Content, Draft, Vault
from cordboard.vault.attachments import CHUNK_BYTES
from cordboard.vault.envelope import Envelope, envelope_content, read_envelopes
from cordboard.vault.schema import chunks
from cordboard.vault.seal import Unsealable
from cordboard.vault.words import ATTACHMENT_MAX, ATTACHMENTS_MAX, READ_MAX, TEXT_MAX, THREADS_MAX
from tests.postgres import stored_bytes

KEK = bytes(range(32))


def make_draft(external_id: str = "m-1", **changes: object) -> Draft:
    draft = Draft("mail", external_id, contact=os.urandom(16), fact_id=os.urandom(16), fact=b"\x92\x01" + os.urandom(20))
    return replace(draft, **changes)  # type: ignore[arg-type]


def make_file(message: bytes, name: str = "factuur.pdf", data: bytes = b"%PDF-1.7") -> Attachment:
    return Attachment(os.urandom(16), message, name, "application/pdf", data)


async def test_a_thread_key_leads_to_its_case(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        first = make_draft("1", threads=("<a@x.example>", "<a2@x.example>", "<a@x.example>"))
        await vault.accept(first)
        assert await vault.case_of(["<a@x.example>"]) == first.contact, "a contact without a case begins one"
        later = make_draft("2", threads=("<b@x.example>", "<a@x.example>"), case=first.contact)
        await vault.accept(later)
        other = make_draft("3", threads=("<c@x.example>", "<b@x.example>"))
        await vault.accept(other)
        assert await vault.case_of(["<b@x.example>"]) == first.contact, "the first meaning stays"
        assert await vault.case_of(["<unknown>", "<c@x.example>", "<a@x.example>"]) == other.contact, "the nearest known one"
        assert await vault.case_of([]) is None and await vault.case_of(["<unknown>"]) is None
        await vault.remember_threads(["<sent@us.example>", "<c@x.example>"], first.contact)
        await vault.remember_threads([], first.contact)
        assert await vault.case_of(["<sent@us.example>"]) == first.contact
        assert await vault.case_of(["<c@x.example>"]) == other.contact


async def test_a_repeat_remembers_nothing_new(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        first = make_draft("1", threads=("<a@x.example>",))
        await vault.accept(first)
        message = os.urandom(16)
        again = make_draft("1", threads=("<z@x.example>",), attachments=(make_file(message),))
        assert not (await vault.accept(again)).fresh
        assert await vault.case_of(["<z@x.example>"]) is None
        assert await vault.attachments([message]) == {}


async def test_attachments_come_back_as_they_were(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        message, other = os.urandom(16), os.urandom(16)
        big = os.urandom(2 * CHUNK_BYTES + 17)
        files = (
            make_file(message),
            make_file(message, "leeg ☕.txt", b""),
            make_file(other, "x" * 255, b"y" * CHUNK_BYTES),
            make_file(message, "groot.bin", big),
        )
        customer = await vault.customer("email", "jan@voorbeeld.example", "mail")
        await vault.accept(make_draft(customer=customer, attachments=files))
        listed = await vault.attachments([message, other, os.urandom(16)])
        assert listed[message] == [
            AttachmentInfo(files[0].ref, "factuur.pdf", "application/pdf", 8),
            AttachmentInfo(files[1].ref, "leeg ☕.txt", "application/pdf", 0),
            AttachmentInfo(files[3].ref, "groot.bin", "application/pdf", len(big)),
        ]
        assert [info.size for info in listed[other]] == [CHUNK_BYTES] and len(listed) == 2
        for file in files:
            assert await vault.attachment(file.ref) == file
        assert await vault.attachment(os.urandom(16)) is None
        assert await vault.erase_customer(customer)
        assert await vault.attachments([message, other]) == {}
        assert await vault.attachment(files[3].ref) is None


async def test_the_largest_draft_fits(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        message = os.urandom(16)
        largest = make_file(message, data=bytes(ATTACHMENT_MAX - ATTACHMENTS_MAX + 1))
        small = tuple(make_file(message, data=b"1") for _ in range(ATTACHMENTS_MAX - 1))
        await vault.accept(make_draft(attachments=(largest, *small)))
        assert len((await vault.attachments([message]))[message]) == ATTACHMENTS_MAX
        back = await vault.attachment(largest.ref)
        assert back is not None and back.data == largest.data


async def test_limits_are_told_before_anything_is_written(database_url: str) -> None:
    message = os.urandom(16)
    file = make_file(message)
    bad = [
        make_draft(attachments=(make_file(message, data=bytes(ATTACHMENT_MAX)), file)),
        make_draft(attachments=tuple(make_file(message) for _ in range(ATTACHMENTS_MAX + 1))),
        make_draft(attachments=(replace(file, name=""),)),
        make_draft(attachments=(replace(file, name="n" * 256),)),
        make_draft(attachments=(replace(file, media_type="m" * 128),)),
        make_draft(attachments=(replace(file, ref=b"short"),)),
        make_draft(attachments=(replace(file, message=b"short"),)),
        make_draft(threads=("",)),
        make_draft(threads=("k" * 1001,)),
        make_draft(threads=tuple(f"<{number}>" for number in range(THREADS_MAX + 1))),
        make_draft(case=b"short"),
    ]
    async with Vault.open(database_url, KEK) as vault:
        for draft in bad:
            with pytest.raises(InvalidInput):
                await vault.accept(draft)
        with pytest.raises(InvalidInput):
            await vault.case_of([""])
        with pytest.raises(InvalidInput):
            await vault.remember_threads(["<a>"], b"short")
        with pytest.raises(InvalidInput):
            await vault.attachments([os.urandom(16)] * (READ_MAX + 1))
        assert await vault.pending(0, 10) == []


async def test_a_draft_is_stored_whole_or_not_at_all(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        message = os.urandom(16)
        file = make_file(message)
        await vault.accept(make_draft("1", attachments=(file,)))
        text_ref = os.urandom(16)
        clash = make_draft(
            "2", contents=(Content(text_ref, "message", "hallo"),), threads=("<t>",), attachments=(make_file(message), file)
        )
        with pytest.raises(InvalidInput) as refused:
            await vault.accept(clash)
        assert refused.value.reason == "id_in_use"
        assert await vault.find("mail", "2") is None and await vault.case_of(["<t>"]) is None
        assert await vault.read([text_ref]) == {}
        assert len((await vault.attachments([message]))[message]) == 1


async def test_pieces_cannot_be_swapped_or_left_out(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        file = make_file(os.urandom(16), data=os.urandom(3 * CHUNK_BYTES))
        await vault.accept(make_draft(attachments=(file,)))
        engine = open_engine(database_url, "write", durable=True, name="test")
        for number, other in ((0, 9), (1, 0), (9, 1)):
            async with engine.begin() as connection:
                await connection.execute(chunks.update().where(chunks.c.ordinal == number).values(ordinal=other))
        with pytest.raises(Unsealable):
            await vault.attachment(file.ref)
        async with engine.begin() as connection:
            await connection.execute(chunks.delete())
        await engine.dispose()
        with pytest.raises(Unsealable):
            await vault.attachment(file.ref)


async def test_no_name_and_no_byte_of_a_file_reaches_the_disk(database_url: str, request: pytest.FixtureRequest) -> None:
    async with Vault.open(database_url, KEK) as vault:
        file = Attachment(os.urandom(16), os.urandom(16), "zwanenlaan.txt", "text/x-kwikstaart", b"geheim-wielewaal" * 100)
        await vault.accept(make_draft(attachments=(file,), threads=("<message-17@voorbeeld.example>",)))
        stored = stored_bytes(database_url, lambda: request.getfixturevalue("postgres"))
        for secret in (b"zwanenlaan", b"kwikstaart", b"wielewaal", b"message-17"):
            assert secret not in stored, secret


async def test_an_envelope_lies_beside_its_message(database_url: str) -> None:
    envelope = Envelope(
        "mail",
        "jan@voorbeeld.example",
        name="Jan",
        own="help@us.example",
        subject="Waar?",
        message_id="<1@x>",
        references=["<0@x>"],
    )
    async with Vault.open(database_url, KEK) as vault:
        message, without = os.urandom(16), os.urandom(16)
        await vault.accept(make_draft(contents=(Content(message, "message", "hoi"), envelope_content(message, envelope))))
        assert await read_envelopes(vault, [message, without]) == {message: envelope}
    with pytest.raises(InvalidInput):
        envelope_content(message, Envelope("mail", "x", references=["r" * TEXT_MAX]))
    with pytest.raises(InvalidInput):
        envelope_content(message, Envelope("mail", "x", name="\ud800"))


async def test_a_vault_of_another_version_is_refused(database_url: str) -> None:
    async with Vault.open(database_url, KEK):
        pass
    engine = open_engine(database_url, "write", durable=True, name="test")
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE vault_about SET value = :old WHERE name = 'version'"), {"old": b"1"})
    await engine.dispose()
    with pytest.raises(ConfigurationError, match=r"version 1.*begin with an empty vault"):
        async with Vault.open(database_url, KEK):
            pass
