"""What cannot be delivered becomes a dead letter with its reason, and goes out when somebody has mended it and retries."""

from pathlib import Path

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook as Signature

from cordboard.effects import MailOut, Relay, Retries, WebhookOut
from cordboard.effects.webhook import WebhookTransport
from cordboard.errors import ConfigurationError
from cordboard.events import Fact
from cordboard.events.fact import EffectFailed
from cordboard.vault import Vault
from cordboard.vault.envelope import Envelope
from tests.effects_site import OWN, SECRET, EffectsSite, effects_site, outside_id, policy, receiving
from tests.journal import SITE


def reasons(facts: list[Fact]) -> list[str]:
    return [fact.reason for fact in facts if isinstance(fact, EffectFailed)]


async def fails(site: EffectsSite, contact: bytes, *, kind: str = "mail", channel: str = "mail") -> str:
    """The reason for which an answer to `contact` fails."""
    place = await site.answer(contact, "Hello?", kind=kind, channel=channel)
    await site.router.ended(place, state="failed")
    return reasons(site.router.facts)[-1]


async def test_a_refused_mail_waits_for_a_decision_and_goes_out_when_retried(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        site.mailbox.answer = lambda _: "554 5.7.1 we do not like you"
        places = [await site.answer(await site.arrive(number), "Please?") for number in range(3)]
        await site.router.ended(*places, state="failed")
        assert reasons(site.router.facts) == ["rejected"] * 3 and len(site.mailbox.seen) == 3
        site.mailbox.answer = lambda _: "250 taken"
        retried, discarded, left = places
        await site.router.discard(discarded)
        await site.router.retry(retried)
        await site.router.ended(retried)
        await site.shut()
        await site.open()  # neither the discarded nor the failed one is begun anew
        await site.router.ended(await site.answer(await site.arrive(9), "Other things go on."))
        assert site.mailbox.taken[0]["Message-ID"] == f"<{await outside_id(site.log, retried)}@shop.example>"
        assert len(site.mailbox.taken) == 2 and site.router.state(left) == "failed"


async def test_a_retry_may_fail_again_for_another_reason(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        site.mailbox.refuse_recipient = lambda _: "550 5.1.1 nobody of that name"
        contact = await site.arrive(1)
        place = await site.answer(contact, "Please?")
        await site.router.ended(place, state="failed")
        await site.vault.erase_contact(contact)
        await site.router.retry(place)
        await site.router.ended(place, state="failed")
        assert reasons(site.router.facts) == ["rejected", "content_gone"]
        assert not site.mailbox.seen


async def test_nobody_there_is_given_up_in_the_end(tmp_path: Path) -> None:
    async with effects_site(tmp_path, opened=False) as site:
        await site.mailbox.stop()
        await site.open(retries=Retries(delays_s=(0.05, 0.1), total_s=0.1))
        assert await fails(site, await site.arrive(1)) == "unreachable"


async def test_who_cannot_be_answered_is_said_at_once(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        assert await fails(site, await site.arrive(1, origin=site.origin(1, "not an address"))) == "no_recipient"
        assert await fails(site, await site.arrive(2, origin=site.origin(2, "bad\r\nBcc: all@home.example"))) == "no_recipient"
        assert await fails(site, await site.arrive(3, origin=site.origin(3, OWN.upper()))) == "no_recipient"
        assert await fails(site, await site.arrive(4, origin=Envelope("webhook", "somebody"))) == "no_recipient"
        unknown = Envelope("webhook", "somebody", own="no longer in the policy")
        assert await fails(site, await site.arrive(5, channel="hook", origin=unknown), kind="webhook") == "no_recipient"
        await site.shut()
        await site.open(mail=None, webhook=None)
        assert await fails(site, await site.arrive(6)) == "not_configured"
        assert not site.mailbox.seen


async def test_a_customer_known_by_address_alone_is_answered_from_the_door(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        customer = await site.vault.customer("email", "jan@home.example")
        contact = await site.arrive(1, entry_point="sales", origin=Envelope("webhook", "nobody"), customer=customer)
        await site.router.ended(await site.answer(contact, "You asked?"))
        (mail,) = site.mailbox.taken
        assert (str(mail["From"]), str(mail["To"])) == ("The Shop <sales@shop.example>", "jan@home.example")
        assert mail["Subject"] == "Re:" and mail["In-Reply-To"] is None


async def test_a_hostile_subject_and_name_stay_within_their_headers(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        evil = "x\r\nBcc: all@home.example\r\n\r\nbody"
        origin = Envelope(
            "mail", "jan@home.example", name=f'{{agent}}", {evil}', own=OWN, subject=f"Re: RE: AW: {evil}", message_id=evil,
            references=[evil, "<good@home.example>"],
        )  # fmt: skip
        await site.router.ended(await site.answer(await site.arrive(1, origin=origin), "Well."))
        (mail,) = site.mailbox.taken
        assert mail["Bcc"] is None and mail["In-Reply-To"] is None and mail["References"] is None
        assert mail["Subject"] == "Re: x Bcc: all@home.example body"
        assert [address.addr_spec for address in mail["To"].addresses] == ["jan@home.example"]
        assert 'Dear {agent}", x Bcc: all@home.example body,' in mail.get_content()


async def test_webhooks_are_signed_named_and_posted_once(tmp_path: Path) -> None:
    async with receiving() as receiver, effects_site(tmp_path, policy(receiver.url)) as site:
        contact = await site.arrive(7, channel="hook", entry_point="reviews")
        place = await site.answer(contact, "Thank you!", kind="webhook", channel="hook")
        await site.router.ended(place)
        ((headers, body),) = receiver.posts
        assert headers["webhook-id"] == await outside_id(site.log, place)
        posted = Signature(SECRET).verify(body, headers)
        expected = {
            "type": "message", "contact": contact.hex(), "case": contact.hex(), "text": "Thank you!", "agent": "Anna", "ordinal": 2,
            "thread": "thread 7", "to": "customer7@home.example", "language": "en",
        }  # fmt: skip
        assert {name: posted[name] for name in expected} == expected
        assert msgspec.json.decode(body) == posted


async def test_receivers_ask_for_patience_or_refuse(tmp_path: Path) -> None:
    async with receiving() as receiver, effects_site(tmp_path, policy(receiver.url)) as site:
        said = iter([(503, {}), (429, {"retry-after": "0"}), (408, {}), (204, {})])
        receiver.answer = lambda: next(said)
        contact = await site.arrive(7, channel="hook", entry_point="reviews")
        await site.router.ended(await site.answer(contact, "Again.", kind="webhook", channel="hook"))
        assert len({headers["webhook-id"] for headers, _ in receiver.posts}) == 1 and len(receiver.posts) == 4
        for status in (400, 404, 410, 302):
            receiver.answer = lambda status=status: (status, {"location": receiver.url})  # type: ignore[misc]
            assert await fails(site, contact, kind="webhook", channel="hook") == "rejected"
        assert len(receiver.posts) == 8


async def test_a_secret_that_is_none_is_refused_before_anything_starts(tmp_path: Path) -> None:
    async with Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", bytes(32)) as vault:
        for secret in ("whsec_é", "whsec_", "whsec_A"):
            with pytest.raises(ConfigurationError, match="reviews"):
                WebhookTransport(WebhookOut({"reviews": (secret,)}), vault, SITE)


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://mail.example", Relay("mail.example", 25, "offered")),
        ("smtp://mail.example:2525?tls=never", Relay("mail.example", 2525, "never")),
        ("smtps://us%40er:p%3Aw@mail.example", Relay("mail.example", 465, "implicit", "us@er", "p:w")),
        ("smtp://user:pw@mail.example:587", Relay("mail.example", 587, "required", "user", "pw")),
        ("smtp://[::1]:25?starttls=required", Relay("::1", 25, "required")),
    ],
)
def test_a_relay_is_one_url(url: str, relay: Relay) -> None:
    assert Relay.from_url(url) == relay
    assert "pw" not in repr(MailOut(Relay.from_url(url)))


@pytest.mark.parametrize(
    "url",
    ["", "mail.example", "http://mail.example", "smtp://", "smtp://h:99999", "smtp://u@h", "smtp://h?tls=maybe", "smtp://h?x=1", "smtp://h/x"],
)  # fmt: skip
def test_another_url_is_no_relay(url: str) -> None:
    with pytest.raises(ConfigurationError, match="relay"):
        Relay.from_url(url)
