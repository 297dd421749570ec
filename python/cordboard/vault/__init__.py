"""Personal data and message content: SQL, encrypted a customer, erasable. The journal knows only references into it."""

from cordboard.vault.vault import Vault
from cordboard.vault.words import Acceptance, Attachment, AttachmentInfo, Content, Draft, Person

__all__ = ["Acceptance", "Attachment", "AttachmentInfo", "Content", "Draft", "Person", "Vault"]
