"""The vault's tables. Everything that could name a person is ciphertext or a keyed hash; the rest are random numbers and times.

It can be rebuilt from nothing else: back this database up. Its key-encryption key belongs somewhere else.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, false

from cordboard.branch import MARK_BYTES
from cordboard.events.bounds import ID_BYTES, NAME_MAX

VERSION = 2
GATEWAY_MAX = NAME_MAX
PERIOD_MAX = 16
OWNER_KINDS = ("customer", "contact", "agent", "period")

tables = MetaData()

about = Table(
    "vault_about",
    tables,
    Column("name", String(NAME_MAX), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""`version` of this schema; `proof`, a sealed constant that only the right key-encryption key opens."""

keys = Table(
    "vault_keys",
    tables,
    Column("id", LargeBinary(ID_BYTES), primary_key=True),
    Column("owner", LargeBinary(ID_BYTES), nullable=False, unique=True),
    Column("kind", String(NAME_MAX), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
"""Data keys under the key-encryption key. Deleting a row erases all that was sealed with it, backups of the contents included."""

customers = Table(
    "vault_customers",
    tables,
    Column("ref", LargeBinary(ID_BYTES), ForeignKey(keys.c.owner), primary_key=True),
    Column("parent", LargeBinary(ID_BYTES), index=True),
    Column("root", LargeBinary(ID_BYTES), nullable=False, index=True),
    Column("merged_ms", BigInteger),
    Column("segment", LargeBinary),
    Column("closed_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
)
"""`parent`: the customer that this one was merged into; `root`: the end of that chain, itself if there is none. `segment`: sealed,
NULL if nobody ever said. `closed_ms`: its erasure has been asked for, so who belongs together does not change any more."""

identities = Table(
    "vault_identities",
    tables,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("customer", LargeBinary(ID_BYTES), nullable=False, index=True),
    Column("kind", String(NAME_MAX), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("first_seen_ms", BigInteger, nullable=False),
)
"""Keyed hash of (kind, address) → the customer that it was first seen of, merged or not. `sealed`: address and provenance."""

merges = Table(
    "vault_merges",
    tables,
    Column("id", LargeBinary(ID_BYTES), primary_key=True),
    Column("into", LargeBinary(ID_BYTES), nullable=False, index=True),
    Column("absorbed", LargeBinary(ID_BYTES), nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("undone_ms", BigInteger),
    Column("undone", LargeBinary),
)
"""Who merged customers and why, and who took it back: sealed with the key of the absorbed one."""

contacts = Table(
    "vault_contacts",
    tables,
    Column("contact", LargeBinary(ID_BYTES), primary_key=True),
    Column("customer", LargeBinary(ID_BYTES), nullable=False, index=True),
)
"""Whose contact it is, as the journal has it too. Stays after an erasure: nothing more is stored for such a contact."""

contents = Table(
    "vault_contents",
    tables,
    Column("ref", LargeBinary(ID_BYTES), primary_key=True),
    # Restricts: nothing can be stored under a key that is not there (any more), whatever a process remembers.
    Column("key", LargeBinary(ID_BYTES), ForeignKey(keys.c.id), nullable=False, index=True),
    Column("contact", LargeBinary(ID_BYTES), nullable=False),
    Column("kind", String(NAME_MAX), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
"""Message texts, notes, subjects: sealed with the key of their owner, a customer or (nobody known) the contact itself."""

attachments = Table(
    "vault_attachments",
    tables,
    Column("ref", LargeBinary(ID_BYTES), primary_key=True),
    Column("key", LargeBinary(ID_BYTES), ForeignKey(keys.c.id), nullable=False, index=True),
    Column("contact", LargeBinary(ID_BYTES), nullable=False),
    Column("message", LargeBinary(ID_BYTES), nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
"""Files that came with a message. `sealed`, with the owner's key: name, media type, and the key of the file's own chunks."""

chunks = Table(
    "vault_chunks",
    tables,
    Column("attachment", LargeBinary(ID_BYTES), ForeignKey(attachments.c.ref), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""The bytes of an attachment, in pieces, each bound to its place."""

threads = Table(
    "vault_threads",
    tables,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("case_ref", LargeBinary(ID_BYTES), nullable=False),
    Column("contact", LargeBinary(ID_BYTES), nullable=False, index=True),
    Column("created_ms", BigInteger, nullable=False),
)
"""Keyed hash of a thread key (a Message-ID) → the case it belongs to. `contact`: with whose erasure it goes."""

intake = Table(
    "vault_intake",
    tables,
    Column("gateway", String(GATEWAY_MAX), primary_key=True),
    # External ids can name people (a Message-ID holds an address), so only their keyed hash is kept.
    Column("external_hash", LargeBinary(32), primary_key=True),
    Column("contact", LargeBinary(ID_BYTES), nullable=False),
    Column("fact_id", LargeBinary(ID_BYTES), nullable=False, unique=True),
    Column("fact", LargeBinary, nullable=False),
    Column("published", Boolean, nullable=False, server_default=false()),
    Column("created_ms", BigInteger, nullable=False),
)
"""What came in, once each: the fact, verbatim, and whether the log has acknowledged it."""

Index(
    "vault_intake_pending",
    intake.c.created_ms,
    sqlite_where=intake.c.published == false(),
    postgresql_where=intake.c.published == false(),
)

periods = Table(
    "vault_periods",
    tables,
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(PERIOD_MAX), nullable=False),
    Column("owner", LargeBinary(ID_BYTES), ForeignKey(keys.c.owner), nullable=False),
    Column("began_ms", BigInteger, nullable=False),
)
"""Periods of agents' references; the highest ordinal is the one in force."""

agents = Table(
    "vault_agents",
    tables,
    Column("ref", LargeBinary(ID_BYTES), ForeignKey(keys.c.owner), primary_key=True),
    Column("period", BigInteger, ForeignKey(periods.c.ordinal), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
"""Who an agent reference is: person and display name, sealed with the agent's own key."""

erased = Table(
    "vault_erased",
    tables,
    Column("customer", LargeBinary(ID_BYTES), primary_key=True),
    Column("erased_ms", BigInteger, nullable=False),
)
"""References that mean nobody any more, so that a repeated erasure is known for what it is."""

followers = Table(
    "vault_followers",
    tables,
    Column("site", String(NAME_MAX), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""Up to which position of a site's journal erasures are carried out. Restored with the rest, it says what must be repeated."""

branches = Table(
    "vault_branches",
    tables,
    Column("site", String(NAME_MAX), primary_key=True),
    Column("inbox", LargeBinary(ID_BYTES), nullable=False),
)
"""The inbox from which the commit at that position was written: with it the commit is named for ever, should the journal be
restored (ADR 16). A table of its own, so that vaults of earlier releases go on; no row: nobody has said."""

branch_marks = Table(
    "vault_branch_marks",
    tables,
    Column("site", String(NAME_MAX), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("mark", LargeBinary(MARK_BYTES), nullable=False),
)
"""More of it (`Branch.mark`), if it is the commit at `seq`: an earlier release moves the others alone. A table of its own, because
one that is missing is made, and a column would not be."""
