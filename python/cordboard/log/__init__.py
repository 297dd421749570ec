"""The paper: inbox, journal, snapshots and whispers of a site. `port` says what one may ask of them."""

from cordboard.log.jetstream import connect
from cordboard.log.port import Appender, Backlog, FactPosition, Publisher, SiteLog, Snapshots, Stored
from cordboard.log.streams import StreamSettings

__all__ = [
    "Appender",
    "Backlog",
    "FactPosition",
    "Publisher",
    "SiteLog",
    "Snapshots",
    "Stored",
    "StreamSettings",
    "connect",
]
