"""What cannot be read comes in all the same, and is still its sender's: an erasure must find it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NoReturn

import pytest

from cordboard.gateway.mail import postroom
from tests.mail_site import mail_site
from tests.mails import SENDER, mail


async def test_a_mail_that_we_stumble_over_belongs_to_its_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(*_: object) -> NoReturn:
        raise ValueError(SENDER)

    monkeypatch.setattr(postroom, "make_letter", stumble)
    async with mail_site(tmp_path) as there:
        with caplog.at_level(logging.DEBUG):
            await there.send(mail("Subject: Pakket"))
            await there.send(mail("Subject: Niemand", who="no address at all"), mail_from="")
        assert "ValueError" in caplog.text and SENDER not in caplog.text
        facts = {fact.contact: fact for fact, _ in await there.site.decided(2)}
        subjects = {await there.subject(contact): fact for contact, fact in facts.items()}
        known = subjects["Pakket"].customer
        assert known is not None and subjects["Niemand"].customer is None
        messages = [fact.message for fact in facts.values() if fact.message is not None]
        assert len(await there.site.vault.attachments(messages)) == 2
        await there.site.vault.erase_exactly([known])
        assert set(await there.site.vault.attachments(messages)) == {subjects["Niemand"].message}
