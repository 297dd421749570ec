"""Mail over SMTP: 250 means that it is durable; everything else means that the client still has it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
from dataclasses import replace
from pathlib import Path

import aiosmtplib
import pytest
import uvloop
from msgspec.structs import replace as with_members

from cordboard import codec
from cordboard.branch import name_of
from cordboard.errors import ConfigurationError, LogUnavailable, Overloaded, VaultUnavailable
from cordboard.events import event as words
from cordboard.events.fact import MessagePosted
from cordboard.gateway.mail.limits import SmtpLimits
from cordboard.gateway.mail.returns import Returns
from cordboard.gateway.mail.smtp import serve_smtp, tls_context
from cordboard.log.port import Backlog, SiteLog
from cordboard.vault.tokens import bounce_address, bounce_token
from tests.certificates import self_signed
from tests.mail_site import BILLING, LIMITS, POLICY, MailSite, mail_site, smtp_on
from tests.mails import DOOR, LOOPS, MAILS, SENDER, mail
from tests.returned_mails import report

GIVEN = mail("Subject: Pakket", "Message-ID: <1@klant.example>")


async def refused(sending: object, *codes: int) -> None:
    with pytest.raises((aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused)) as error:
        await sending  # type: ignore[misc]
    found = error.value
    given = [one.code for one in found.recipients] if isinstance(found, aiosmtplib.SMTPRecipientsRefused) else [found.code]
    assert given == list(codes)


async def sent_at_last(there: MailSite) -> None:
    """Once the server has noticed that others hung up."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(aiosmtplib.SMTPException):
                await there.send(GIVEN)
                return
            await asyncio.sleep(0.01)


async def test_a_mail_is_a_contact_when_250_is_said(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        await there.send(GIVEN)
        (contact,) = await there.contacts(1)
        assert (await there.site.queued(contact)).queue == "orders"
        assert await there.subject(contact) == "Pakket"
        assert await there.site.vault.pending(0, 10) == []


async def test_every_nasty_mail_comes_in_once_even_if_it_is_sent_twice(tmp_path: Path) -> None:
    twins = {"only a line end"}  # over SMTP the same as an empty one
    wanted = {name: one for name, one in MAILS.items() if not one.bare and name not in LOOPS | twins}
    async with mail_site(tmp_path) as there, there.client() as client:
        for _ in range(2):
            for name, one in wanted.items():
                answers, _ = await client.sendmail(one.mail_from, [DOOR], one.raw)
                assert answers == {}, name
        arrivals = await there.site.decided(len(wanted))
        assert len({fact.message for fact, _ in arrivals}) == len(arrivals) == len(wanted)
        for fact, _ in arrivals:
            (files,) = (await there.site.vault.attachments([fact.message])).values()
            assert files[-1].name == "original.eml"


@pytest.mark.parametrize("name", [name for name, one in MAILS.items() if one.bare])
async def test_bare_line_ends_are_refused_and_smuggle_nothing(tmp_path: Path, name: str) -> None:
    async with mail_site(tmp_path) as there:
        talk = await there.talk()
        await talk.begin()
        assert (await talk.say(MAILS[name].raw + b"\r\n.")).startswith("521 5.5.2")
        assert (await talk.over()).startswith("421")
        assert there.site.record.arrivals == []


async def test_mails_that_have_been_here_are_refused(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        for name in sorted(LOOPS):
            await refused(there.send(MAILS[name].raw), 554)


async def test_one_mail_to_two_of_our_addresses_is_two_contacts_however_often(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        for _ in range(2):
            await there.send(GIVEN, DOOR, BILLING, DOOR.upper(), "klantenservice+nl@webshop.example")
        contacts = await there.contacts(2)
        assert sorted([(await there.site.queued(contact)).queue for contact in contacts]) == ["invoices", "orders"]
        assert len(there.site.record.arrivals) == 2


async def test_other_words_under_a_known_id_join_the_first_and_are_not_lost(tmp_path: Path) -> None:
    """From programs that give every mail the same id, from a relay that adds a banner; or from somebody who would like to
    suppress another's mail: that one stands alone."""
    mails = [mail("Subject: Storing", "Message-ID: <fixed@device.example>", body=f"Storing {number}.\r\n") for number in range(3)]
    stranger = mails[0].replace(SENDER.encode(), b"stranger@elsewhere.example")
    async with mail_site(tmp_path) as there:
        for raw in (*mails, stranger):
            await there.send(raw)
            await there.send(b"Received: by a.relay.example; another way\r\n" + raw + b"\r\n")
        await there.contacts(4)
        facts = [fact for fact, _ in there.site.record.arrivals]
        assert [fact.case for fact in facts] == [None, facts[0].contact, facts[0].contact, None]


async def test_only_our_own_addresses_are_somebody(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        for stranger in ("niemand@webshop.example", "klantenservice@elders.example", "klantenservice"):
            await refused(there.send(GIVEN, stranger), 550)
        talk = await there.talk()
        assert (await talk.begin("niemand@webshop.example")).startswith("503")
        talk.close()


async def test_a_client_that_only_guesses_addresses_is_sent_away(tmp_path: Path) -> None:
    async with mail_site(tmp_path, SmtpLimits(bad_commands=3)) as there:
        talk = await there.talk()
        await talk.begin(*(f"x{n}@webshop.example" for n in range(3)))
        assert (await talk.say("RCPT TO:<x4@webshop.example>")).startswith("550")
        assert (await talk.over()).startswith("421")


@pytest.mark.parametrize("error", [LogUnavailable("weg"), VaultUnavailable("weg"), Overloaded("vol"), RuntimeError("fout")])
async def test_what_cannot_be_kept_now_is_to_be_sent_again(tmp_path: Path, error: Exception) -> None:
    async with mail_site(tmp_path) as there:
        admit = there.site.entrance.admit

        async def failing(letter: object) -> None:
            raise error

        there.site.entrance.admit = failing  # type: ignore[method-assign, assignment]
        await refused(there.send(GIVEN), 451)
        there.site.entrance.admit = admit  # type: ignore[method-assign]
        await there.send(GIVEN)
        assert len(await there.contacts(1)) == 1


async def test_the_second_address_fails_and_nothing_is_doubled(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        admit, letters = there.site.entrance.admit, []

        async def second_fails(letter):  # type: ignore[no-untyped-def]
            letters.append(letter)
            if len(letters) == 2:
                raise LogUnavailable("weg")
            return await admit(letter)

        there.site.entrance.admit = second_fails  # type: ignore[method-assign]
        await refused(there.send(GIVEN, DOOR, BILLING), 451)
        await there.send(GIVEN, DOOR, BILLING)
        assert len(await there.contacts(2)) == 2 == len(there.site.record.arrivals)


async def test_when_the_router_is_behind_mail_waits_with_its_sender(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        there.site.backlog = Backlog(frames=10**6, age_ms=0)
        await refused(there.send(GIVEN), 451)


async def test_without_a_policy_nothing_is_taken_and_nothing_refused_for_good(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        await there.site.adopt(with_members(POLICY, entry_points=POLICY.entry_points[:-1]))
        await refused(there.send(GIVEN, BILLING), 550)
        there.site.policy._policy = None
        await refused(there.send(GIVEN), 451)


async def test_large_mails_are_refused_announced_or_not(tmp_path: Path) -> None:
    async with mail_site(tmp_path, SmtpLimits(message_bytes=100_000)) as there:
        talk = await there.talk()
        await talk.hear()
        assert "250-SIZE 100000" in await talk.say("EHLO x")
        assert (await talk.say(f"MAIL FROM:<{SENDER}> SIZE=100001")).startswith("552")
        assert (await talk.say(f"MAIL FROM:<{SENDER}>")).startswith("250")
        await talk.say(f"RCPT TO:<{DOOR}>")
        await talk.say("DATA")
        assert (await talk.say(b"x" * 76 + b"\r\n" + (b"y" * 76 + b"\r\n") * 2_000 + b".")).startswith("552 5.3.4")
        assert (await talk.say("NOOP")).startswith("250"), "the connection goes on"
        await talk.say(f"MAIL FROM:<{SENDER}>")
        await talk.say(f"RCPT TO:<{DOOR}>")
        await talk.say("DATA")
        assert (await talk.say(b"z" * 70_000 + b"\r\n.\r\nnog\r\n..\r\n.")).startswith("554 5.6.0"), "a line too long"
        talk.close()
        assert there.site.record.arrivals == []


async def test_many_large_mails_at_once_wait_their_turn(tmp_path: Path) -> None:
    async with mail_site(tmp_path, SmtpLimits(receiving_bytes=50_000)) as there:
        first = await there.talk()
        await first.begin()
        first.writer.write((b"x" * 76 + b"\r\n") * 600)
        answer = ""
        async with asyncio.timeout(60):
            while not answer.startswith("452 4.3.1"):
                second = await there.talk()
                await second.begin()
                answer = await second.say((b"y" * 76 + b"\r\n") * 100 + b".")
                second.close()
        first.close()
        await sent_at_last(there)


async def test_too_many_connections_recipients_commands_and_mails_of_one(tmp_path: Path) -> None:
    limits = SmtpLimits(connections_per_client=2, recipients=1, commands=3, mails_per_minute=2)
    async with mail_site(tmp_path, limits) as there:
        talks = [await there.talk() for _ in range(2)]
        assert (await (await there.talk()).over()).startswith("421 4.7.0")
        await talks[0].hear()
        await talks[0].say("EHLO x")
        await talks[0].say(f"MAIL FROM:<{SENDER}>")
        await talks[0].say(f"RCPT TO:<{DOOR}>")
        assert (await talks[0].say(f"RCPT TO:<{BILLING}>")).startswith("452 4.5.3")
        answers = [await talks[0].say("NOOP") for _ in range(4)]
        assert [answer[:3] for answer in answers] == ["250", "250", "250", "421"]
        talks[1].close()
        await sent_at_last(there)
        await refused(there.send(GIVEN), 451)


async def test_a_silent_client_is_sent_away(tmp_path: Path) -> None:
    async with mail_site(tmp_path, SmtpLimits(idle_s=0.05, data_idle_s=0.05)) as there:
        idle, slow = await there.talk(), await there.talk()
        assert "421 4.4.2" in await idle.over()
        slow.writer.write(f"EHLO x\r\nMAIL FROM:<{SENDER}>\r\nRCPT TO:<{DOOR}>\r\nDATA\r\nSubject: half".encode())
        assert "421 4.4.2" in await slow.over()
    async with mail_site(tmp_path, SmtpLimits(data_s=0.05)) as there:
        slow = await there.talk()
        await slow.begin()
        assert "421 4.4.2" in await slow.over()
        assert there.site.record.arrivals == []


async def test_a_client_that_hangs_up_after_the_dot_may_send_again(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        admit, entered, go = there.site.entrance.admit, asyncio.Event(), asyncio.Event()

        async def slow(letter):  # type: ignore[no-untyped-def]
            entered.set()
            await go.wait()
            return await admit(letter)

        there.site.entrance.admit = slow  # type: ignore[method-assign]
        talk = await there.talk()
        await talk.begin()
        talk.writer.write(GIVEN + b"\r\n.\r\n")
        await entered.wait()
        talk.close()
        go.set()
        assert len(await there.contacts(1)) == 1
        await there.send(GIVEN)
        assert len(there.site.record.arrivals) == 1


async def test_a_stopping_server_finishes_the_mail_on_its_way_and_sends_the_others_home(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        busy, idle = await there.talk(), await there.talk()
        await busy.begin()
        await idle.hear()
        there.serving.cancel()
        assert (await idle.over()).startswith("421 4.3.2")
        assert (await busy.say(GIVEN + b"\r\n.")).startswith("250")
        assert (await busy.over()).startswith("421")
        assert len(await there.contacts(1)) == 1
        with pytest.raises(OSError):
            await there.talk()


async def test_pipelined_commands_and_dots(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        talk = await there.talk()
        said = (
            f"EHLO x\r\nMAIL FROM:<{SENDER}>\r\nRCPT TO:<{DOOR}>\r\nDATA\r\n".encode()
            + b"Subject: ..\r\n\r\n..een\r\n.\r\nQUIT\r\n"
        )
        talk.writer.write(said)
        assert [line[:3] for line in (await talk.over()).splitlines()][-5:] == ["250", "250", "354", "250", "221"]
        ((fact, _),) = await there.site.decided(1)
        assert (await there.site.vault.read([fact.message]))[fact.message].text == ".een"


async def test_unknown_and_broken_commands_harm_nobody(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        for said in (
            "AUTH LOGIN",
            "VRFY <x>",
            "EXPN x",
            "HELP",
            "MAIL FROM:<(((",
            "RCPT TO:<",
            "DATA",
            "STARTTLS",
            "é",
            "\0",
            "X" * 5_000,
        ):
            talk = await there.talk()
            await talk.hear()
            assert (await talk.say(said))[0] in "25", said
            assert (await talk.say("EHLO x")).startswith("250"), said
            assert "AUTH" not in await talk.say("EHLO x")
            talk.close()


async def test_bounces_of_our_answers_come_to_their_return_address(tmp_path: Path) -> None:
    async with mail_site(tmp_path) as there:
        site = there.site
        await there.send(GIVEN)
        (contact,) = await there.contacts(1)
        agent = await site.agent("anna")
        await site.engage(contact)
        await site.say(MessagePosted(secrets.token_bytes(16), contact, secrets.token_bytes(16), "agent", agent))
        await site.record.until(lambda: site.record.of(contact, words.EffectRequested))
        key, (seq, entry) = bytes(32), await where(site.log, words.EffectRequested)
        async with smtp_on(site, LIMITS, returns=Returns(site.log, key)) as door:
            name, lost = name_of(codec.decode_commit((await site.log.read_commit(seq)).data)), b"lost".ljust(16)
            places = ((name, seq), (name, seq + 1_000), (lost, seq))
            ours, older, restored = (bounce_address(DOOR, bounce_token(key, of, place, entry)) for of, place in places)
            assert ours is not None and older is not None and restored is not None
            bounce = report("failed", "5.1.1", "550 weg")
            await door.send(bounce, ours, mail_from="")
            await door.send(bounce.replace(b"<dsn-", b"<dsn2-"), ours.replace("+b.", "+b.a"), mail_from="")
            await door.send(bounce.replace(b"<dsn-", b"<dsn3-"), older, mail_from="")
            await door.send(bounce.replace(b"<dsn-", b"<dsn4-"), restored, mail_from="")
            facts = [fact for fact, _ in await site.decided(5)]
        assert [(fact.author, fact.case) for fact in facts[1:]] == [("system", contact), *[("system", None)] * 3]


async def where(log: SiteLog, kind: type) -> tuple[int, int]:
    """Of the last event of a kind: its commit, and its entry there."""
    found = (0, 0)
    for seq in range(1, await log.last_journal_seq() + 1):
        for index, entry in enumerate(codec.decode_commit((await log.read_commit(seq)).data).entries):
            if entry.tag == kind.__struct_config__.tag:  # type: ignore[attr-defined]
                found = (seq, index)
    return found


async def test_starttls(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    async with mail_site(tmp_path, tls=tls_context(cert, key)) as there:
        trusting = ssl.create_default_context(cafile=cert)
        client = aiosmtplib.SMTP(hostname="localhost", port=there.port, start_tls=True, tls_context=trusting, timeout=30)
        async with client:
            await client.sendmail(SENDER, [DOOR], GIVEN)
            assert not client.supports_extension("STARTTLS")
        assert len(await there.contacts(1)) == 1


def test_the_event_loop_that_runs_in_earnest_does_it_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        cert, key = self_signed(tmp_path)
        limits = replace(LIMITS, connections_per_client=3, idle_s=0.2)
        async with mail_site(tmp_path, limits, tls=tls_context(cert, key)) as there:
            trusting = ssl.create_default_context(cafile=cert)
            async with aiosmtplib.SMTP(hostname="localhost", port=there.port, start_tls=True, tls_context=trusting) as client:
                await client.sendmail(SENDER, [DOOR], GIVEN)
            idle = [await there.talk() for _ in range(4)]
            assert [(await talk.over()).count("421") for talk in idle] == [1, 1, 1, 1]
            assert len(await there.contacts(1)) == 1

    uvloop.run(scenario())


async def test_commands_before_the_handshake_are_not_heard_after_it(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    async with mail_site(tmp_path, tls=tls_context(cert, key)) as there:
        talk = await there.talk()
        await talk.hear()
        await talk.say("EHLO x")
        assert (await talk.say(f"STARTTLS\r\nMAIL FROM:<{SENDER}>")).startswith("503")
        assert (await talk.over()).startswith("421")


async def test_logs_name_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with mail_site(tmp_path) as there:
            await there.send(GIVEN)
            await refused(there.send(GIVEN, "niemand@webshop.example"), 550)
            await refused(there.send(MAILS["our own id"].raw), 554)
            there.site.entrance.close()
            await refused(there.send(GIVEN), 451)
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(("mail", "cordboard")))
    assert "put off" in said
    assert not any(word in said for word in ("klant", "niemand", "Anna", "Pakket"))


async def test_a_server_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        tls_context(tmp_path / "no", tmp_path / "no")
    async with mail_site(tmp_path) as there:
        with pytest.raises(ConfigurationError, match="cannot listen"):
            await serve_smtp(there.site.entrance, there.site.policy, port=there.port)
        with pytest.raises(ConfigurationError, match="refusing to listen"):
            await serve_smtp(there.site.entrance, there.site.policy, host="0.0.0.0")
