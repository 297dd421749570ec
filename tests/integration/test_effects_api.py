"""The whole way with the real router: an agent answers, the mail goes out or becomes a dead letter, and an operator decides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from typer.testing import CliRunner, Result

from cordboard.client import AgentDeclaration, Client, ClientError, Customer, DeskSnapshot, Offer
from cordboard.effects import MailOut, run_effects
from cordboard.log.feed import Feed
from cordboard.main import app
from cordboard.v1.effect_service_pb2 import EFFECT_STATE_FAILED, EFFECT_STATE_OPEN, Effect, ListEffectsRequest
from cordboard.v1.effect_service_pb2_grpc import EffectServiceStub
from cordboard.v1.types_pb2 import AgentChannel, Membership
from tests.api_site import SITE, ApiSite, DeskReader, api_site, cancelled
from tests.effects_site import PATIENCE_S, QUICK, Mailbox, policy

POLICY = msgspec.structs.replace(policy(), version=0)


class Shop:
    """Anna, who answers every mail at once, and an operator."""

    def __init__(self, site: ApiSite, client: Client, mailbox: Mailbox) -> None:
        self.client, self.mailbox = client, mailbox
        self._site = site
        self._desk = DeskReader(client, "anna")

    async def open(self) -> None:
        channels = [AgentChannel(channel=channel) for channel in ("mail", "hook")]
        await self.client.declare_agents(
            [AgentDeclaration(person="anna", name="Anna", memberships=[Membership(queue="orders")], channels=channels)]
        )
        await self._desk.until(DeskSnapshot)
        await self.client.set_presence("anna", "ready")

    async def close(self) -> None:
        await self._desk.close()

    async def answer(self, number: int, channel: str = "mail") -> str:
        """Somebody writes, Anna answers; returns the contact."""
        customer = Customer(kind="email", address=f"customer{number}@home.example", name="Jo")
        contact = (
            await self.client.submit_contact(channel=channel, queue="orders", subject="Hello", text="?", customer=customer)
        ).contact_id
        offer = await self._desk.until(Offer)
        await self.client.accept_offer("anna", contact, offer.attempt)
        await self.client.confirm_connected("anna", contact, offer.attempt)
        await self.client.send_message("anna", contact, f"Answer {number}.")
        await self.client.end_engagement("anna", contact)
        return contact

    async def effects(self, **wanted: Any) -> list[Effect]:
        return [effect async for effect in self.client.list_effects(**wanted)]

    async def until(self, opened: int, failed: int) -> None:
        """So many effects are open and failed."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                summary = await self.client.effect_summary()
                if (summary.open, summary.failed) == (opened, failed):
                    return
                await asyncio.sleep(0.02)

    async def command(self, *arguments: str) -> Any:
        """`cordboard effects … --json`: (exit code, its output)."""
        result = await self.type(*arguments, "--json")
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.stderr

    async def type(self, *arguments: str) -> Result:
        """`cordboard effects …`, for people."""
        line = ["effects", *arguments, "--target", self._site.target]
        return await asyncio.to_thread(CliRunner().invoke, app, line)


@asynccontextmanager
async def shop(directory: Path) -> AsyncIterator[Shop]:
    mailbox = Mailbox()
    await mailbox.start()
    async with api_site(directory, POLICY) as site, Client(site.target) as client:
        feed, url = Feed(site.log), site.nats_url
        effects = run_effects(site.log, site.vault, feed, url, SITE, mail=MailOut(mailbox.relay), retries=QUICK)
        roles = [asyncio.create_task(effects), asyncio.create_task(feed.run())]
        opened = Shop(site, client, mailbox)
        try:
            await opened.open()
            yield opened
        finally:
            await opened.close()
            await cancelled(*roles)
            await mailbox.stop()


async def test_an_answer_goes_out_and_is_over(tmp_path: Path) -> None:
    async with shop(tmp_path) as here:
        for number in range(3):
            await here.answer(number)
        await here.until(0, 0)
        mails = sorted(here.mailbox.taken, key=lambda mail: str(mail["To"]))
        for number, mail in enumerate(mails):
            assert (str(mail["To"]), mail["Subject"]) == (f"Jo <customer{number}@home.example>", "Re: Hello")
            assert mail.get_content().replace("\r\n", "\n") == (
                f"Beste Jo,\n\nAnswer {number}.\n\nMet groet,\nAnna\n\nJo schreef:\n> ?\n"
            )
        assert len(mails) == 3


async def test_dead_letters_are_listed_retried_and_discarded(tmp_path: Path) -> None:
    async with shop(tmp_path) as here:
        here.mailbox.refuse_recipient = lambda address: "550 5.1.1 no" if address < "customer3" else None
        contacts = [await here.answer(number) for number in range(5)]
        await here.until(0, 3)
        failed = await here.effects()
        assert [effect.contact_id for effect in failed] == contacts[:3]
        assert {(effect.state, effect.failure, effect.kind, effect.channel, effect.agent, effect.round) for effect in failed} == {
            (EFFECT_STATE_FAILED, "rejected", "mail", "mail", "anna", 1)
        }
        assert not await here.effects(state="open") and not await here.effects(kind="webhook")
        assert [effect.contact_id for effect in await here.effects(contact_id=contacts[1])] == [contacts[1]]
        assert [effect async for effect in here.client.list_effects(page_size=1)] == failed

        shown = await here.type("list")
        assert "effects: 0 open, 3 failed, oldest failed" in shown.stdout and shown.stdout.count("failed (rejected)") == 3
        assert all(effect.effect_id in shown.stdout and effect.contact_id in shown.stdout for effect in failed)

        here.mailbox.refuse_recipient = lambda _: None
        first, second, third = (effect.effect_id for effect in failed)
        place, _, inbox = first.partition("-")
        for decide in (here.client.retry_effect, here.client.discard_effect):
            with pytest.raises(ClientError) as refused:
                await decide(f"{place}-{'0' * 6 if inbox != '0' * 6 else '1' * 6}")
            assert refused.value.reason == "unknown_effect", "another stands there than was listed before the site was restored"
        assert (await here.client.retry_effect(first)).round == 2
        await here.until(0, 2)
        assert failed[0].outside_id in str(here.mailbox.taken[-1]["Message-ID"])
        code, discarded = await here.command("discard", second)
        assert (code, discarded) == (0, [{"effect_id": second, "outcome": "discarded"}])
        code, retried = await here.command("retry", "--all-failed")
        assert (code, retried) == (0, [{"effect_id": third, "outcome": "retried"}])
        await here.until(0, 0)
        assert [str(mail["To"]) for mail in here.mailbox.taken[-2:]] == [
            "Jo <customer0@home.example>",
            "Jo <customer2@home.example>",
        ]
        for effect in (first, second, f"1.0-{inbox}", f"9007199254740991.0-{inbox}"):
            with pytest.raises(ClientError) as refused:
                await here.client.retry_effect(effect)
            assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.NOT_FOUND, "unknown_effect")
        shown = await here.type("retry", first, "nonsense")
        assert shown.exit_code == 1 and "0 retried" in shown.stdout and "as it is listed" in " ".join(shown.stdout.split())


async def test_what_is_still_tried_can_be_seen_but_not_decided(tmp_path: Path) -> None:
    async with shop(tmp_path) as here:
        here.mailbox.answer = lambda _: "451 4.3.0 later"
        await here.answer(1)
        await here.until(1, 0)
        (tried,) = await here.effects()
        assert (tried.state, tried.failure) == (EFFECT_STATE_OPEN, "")
        for decide in (here.client.retry_effect, here.client.discard_effect):
            with pytest.raises(ClientError) as refused:
                await decide(tried.effect_id)
            assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "effect_open")
        code, answer = await here.command("discard", tried.effect_id)
        assert code == 1 and answer[0]["reason"] == "effect_open"
        code, listed = await here.command("list", "--state", "open")
        assert code == 0 and [effect["effect_id"] for effect in listed["effects"]] == [tried.effect_id]
        assert (listed["summary"]["open"], listed["effects"][0]["state"]) == ("1", "open")
        here.mailbox.answer = lambda _: "250 taken"
        await here.until(0, 0)


async def test_what_is_asked_wrongly_is_refused_by_name(tmp_path: Path) -> None:
    async with shop(tmp_path) as here:
        for effect in (
            "",
            "1.0",
            "1.x-5f3a9c",
            "-1.0-5f3a9c",
            "01.0-5f3a9c",
            "1.0-5f3a9",
            "٣.0-5f3a9c",
            "99999999999999999.0-5f3a9c",
            "1.0-5f3a9c\n",
        ):
            with pytest.raises(ClientError) as refused:
                await here.client.retry_effect(effect)
            assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT and "effect_id" in refused.value.violations
        async with grpc.aio.insecure_channel(here.client.target) as channel:
            stub = EffectServiceStub(channel)
            for field, request in {
                "state": ListEffectsRequest(state=9),  # type: ignore[arg-type]
                "kind": ListEffectsRequest(kind="M a i l"),
                "contact_id": ListEffectsRequest(contact_id="xyz"),
                "page_size": ListEffectsRequest(page_size=1_001),
                "page_token": ListEffectsRequest(page_token="abc"),
            }.items():
                with pytest.raises(grpc.aio.AioRpcError) as wrong:
                    await stub.ListEffects(request)
                assert wrong.value.code() == grpc.StatusCode.INVALID_ARGUMENT and field in (wrong.value.details() or "")
        for arguments in (["list", "--state", "strange"], ["retry"], ["discard", "1.0", "--all-failed"]):
            code, _ = await here.command(*arguments)
            assert code == 1
