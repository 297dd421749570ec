"""Dialling: who was promised a call is rung once an agent is there, at most once an attempt, and the inbox hears of it."""

from cordboard.dialler.dialler import Limits, run_dialler
from cordboard.dialler.simulated import Customers, SimulatedVoice
from cordboard.dialler.voice import Answered, Call, NotReached, Voice, VoiceUnavailable

__all__ = ["Answered", "Call", "Customers", "Limits", "NotReached", "SimulatedVoice", "Voice", "VoiceUnavailable", "run_dialler"]
