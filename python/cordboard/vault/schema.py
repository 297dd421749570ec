"""The vault's tables. Everything that could name a person is ciphertext or a keyed hash; the rest are random numbers and times.

It can be rebuilt from nothing else: back this database up. Its key-encryption key belongs somewhere else.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, MetaData, String, Table, false

from cordboard.events.bounds import ID_BYTES, NAME_MAX

VERSION = 1
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
    Column("kind", String(NAME_MAX), nullable=False),
    Column("address", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

lookups = Table(
    "vault_lookups",
    tables,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("customer", LargeBinary(ID_BYTES), nullable=False, index=True),
)
"""Keyed hash of (kind, address) → customer reference."""

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
