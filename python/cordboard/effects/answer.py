"""What the vault holds of an answer: the agent's words, whom they are for, and what they answer."""

from dataclasses import dataclass

import msgspec

from cordboard.effects.attempt import Undeliverable
from cordboard.effects.fold import Effect
from cordboard.effects.origins import Origin
from cordboard.vault import Vault
from cordboard.vault.envelope import Envelope, read_envelopes
from cordboard.vault.refs import content_ref


class _Customer(msgspec.Struct):
    name: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """`agent` and `customer` are names, `quoted` the customer's message that is answered; what nobody knows is empty."""

    text: str
    agent: str
    customer: str
    subject: str
    quoted: str
    envelope: Envelope | None


async def read_answer(vault: Vault, effect: Effect, origin: Origin | None) -> Answer:
    """The answer as it is now. Raises Undeliverable (`content_gone`) if it was erased meanwhile, VaultUnavailable."""
    messages = list(origin.messages)[::-1] if origin is not None else []
    envelopes = {
        message: envelope
        for message, envelope in (await read_envelopes(vault, messages)).items()
        if envelope.transport == effect.kind
    }
    answered = next((message for message in messages if message in envelopes), None)
    # What came by the API has no envelope: there the contact itself says what it is about.
    subject, text, customer = (content_ref(effect.contact or b"", kind) for kind in ("subject", "text", "customer"))
    read = await vault.read([effect.message, subject, customer, answered or text])
    contents = {ref: content.text for ref, content in read.items()}
    if effect.message not in contents:
        raise Undeliverable("content_gone", "what the agent wrote is erased")
    agents = await vault.agents([effect.agent]) if effect.agent is not None else {}
    envelope = envelopes.get(answered) if answered is not None else None
    return Answer(
        text=contents[effect.message],
        agent=agents[effect.agent].name if effect.agent in agents else "",
        customer=envelope.name if envelope is not None else _name(contents.get(customer, "")),
        subject=envelope.subject if envelope is not None else contents.get(subject, ""),
        quoted=contents.get(answered or text, ""),
        envelope=envelope,
    )


def _name(customer: str) -> str:
    """From the JSON by which contacts describe their customer."""
    try:
        return msgspec.json.decode(customer, type=_Customer).name
    except msgspec.DecodeError:
        return ""
