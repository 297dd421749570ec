"""Outside effects: what the journal asks for is done outside, at least once, and what became of it goes into the inbox."""

from cordboard.effects.attempt import Limits, Retries
from cordboard.effects.fold import Effect, Effects, Summary
from cordboard.effects.mail import MailOut
from cordboard.effects.relay import Relay
from cordboard.effects.run import run_effects
from cordboard.effects.webhook import WebhookOut

__all__ = ["Effect", "Effects", "Limits", "MailOut", "Relay", "Retries", "Summary", "WebhookOut", "run_effects"]
