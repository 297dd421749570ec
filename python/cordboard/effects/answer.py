"""What the vault holds of an answer: the agent's words, whom they are for, and what they answer."""

from dataclasses import dataclass

from cordboard.effects.attempt import Undeliverable
from cordboard.effects.fold import Effect
from cordboard.effects.origins import Origin
from cordboard.vault import Vault
from cordboard.vault.envelope import Envelope, read_envelopes


@dataclass(frozen=True, slots=True)
class Answer:
    """`quoted` is the customer's message that is answered, `agent` the agent's name; either may be empty."""

    text: str
    agent: str
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
    contents = await vault.read([effect.message, *([answered] if answered is not None else [])])
    written = contents.get(effect.message)
    if written is None:
        raise Undeliverable("content_gone", "what the agent wrote is erased")
    agents = await vault.agents([effect.agent]) if effect.agent is not None else {}
    quoted = contents.get(answered) if answered is not None else None
    return Answer(
        text=written.text,
        agent=agents[effect.agent].name if effect.agent in agents else "",
        quoted=quoted.text if quoted is not None else "",
        envelope=envelopes.get(answered) if answered is not None else None,
    )
