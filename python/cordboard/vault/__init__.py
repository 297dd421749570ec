"""Personal data and message content: SQL, encrypted a customer, erasable. The journal knows only references into it."""

from cordboard.vault.vault import Vault
from cordboard.vault.words import Acceptance, Content, Draft, Person

__all__ = ["Acceptance", "Content", "Draft", "Person", "Vault"]
