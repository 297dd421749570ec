"""What a writer wrote now, among what others wrote before."""

# ruff: noqa: E501 - one mail a line
from __future__ import annotations

import pytest

from cordboard.events.policy import MailPolicy
from cordboard.gateway.mail.courtesy import without_courtesy
from cordboard.gateway.mail.quotes import without_quotes
from cordboard.policy.no_action import NoAction

OLD = "> Wanneer komt het?\n> Groet\n"
REPLIES = {
    "Dutch": "Dank u wel!\n\nOp ma 3 nov 2026 om 10:12 schreef Anna <a@k.example>:\n" + OLD,
    "Dutch, over two lines": "Dank u wel!\n\nOp ma 3 nov 2026 om 10:12 schreef Klantenservice Webshop\n<klantenservice@webshop.example>:\n\n" + OLD,
    "French": "Merci !\n\nLe lun. 3 nov. 2026 à 10:12, Service <s@w.example> a écrit :\n" + OLD,
    "German": "Danke!\n\nAm 03.11.2026 um 10:12 schrieb Service:\n" + OLD,
    "English": "Thanks!\n\nOn Mon, 3 Nov 2026 at 10:12, Service <s@w.example> wrote:\n" + OLD,
    "name first": "Thanks!\n\nService <s@w.example> wrote:\n" + OLD,
    "without marks": "Thanks!\n\nOn Mon, 3 Nov 2026 at 10:12, Service wrote:\n\nWhen will it come?\nBye\n",
    "Outlook": "Thanks!\n\nFrom: Service <s@w.example>\nSent: Monday\nTo: Anna\nSubject: Parcel\n\nWhen?\n",
    "Outlook, Dutch, with a rule": "Dank!\n\n________________________________\nVan: Service\nVerzonden: maandag\nAan: Anna\nOnderwerp: x\n\nOud\n",
    "Outlook, French": "Merci\n\nDe : Service\nEnvoyé : lundi\nÀ : Anna\nObjet : x\n\nVieux\n",
    "Outlook, German": "Danke\n\nVon: Service\nGesendet: Montag\nAn: Anna\nBetreff: x\n\nAlt\n",
    "Outlook Express": "Thanks\n\n-----Oorspronkelijk bericht-----\nVan: x\n\nOud\n",
    "signature": "Danke\n\n-- \nAnna Jansen\nStraat 1\n",
    "telephone": "Danke\n\nVerzonden vanaf mijn iPhone\n\n" + OLD,
}  # fmt: skip


@pytest.mark.parametrize("name", REPLIES)
def test_only_the_new_words_are_left(name: str) -> None:
    text = REPLIES[name]
    assert without_quotes(text) == text.partition("\n")[0]


def test_answers_between_and_below_quotations_stay() -> None:
    text = "On Monday Anna wrote:\n> Komt het?\nJa.\n> Wanneer?\nMorgen.\n"
    assert without_quotes(text) == "Ja.\nMorgen."


def test_words_that_only_look_like_an_attribution_stay() -> None:
    text = "Op dinsdag kwam er niets.\nOn the label she wrote 'fragile'.\nDit is mijn vraag:\nwaar is het?"
    assert without_quotes(text) == text


def test_a_mail_that_only_forwards_is_all_its_own() -> None:
    text = "---------- Forwarded message ---------\nVan: x\nDatum: y\n\nHet verhaal"
    assert without_quotes(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Beste Anna,\n\nDank u wel!\n\nMet vriendelijke groet,\nBram",
        "Merci beaucoup\n\nCordialement\nClaire",
        "Hallo,\nvielen Dank!\nMit freundlichen Grüßen\nDieter",
        "Thanks!\nKind regards,\nEve\nEve Ltd.",
        "dank u wel",
    ],
)
def test_thanks_and_nothing_else(text: str) -> None:
    thanks = NoAction(MailPolicy(no_action=["dank u wel", "merci beaucoup", "vielen dank", "thanks"]))
    assert thanks.holds(without_courtesy(text))


@pytest.mark.parametrize("text", ["Dank u wel, maar waar is het?", "Beste Anna,", "", "Hallo\nMet vriendelijke groet\nBram"])
def test_more_or_less_than_thanks(text: str) -> None:
    assert not NoAction(MailPolicy(no_action=["dank u wel"])).holds(without_courtesy(text))
