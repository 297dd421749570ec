"""Fixtures that several kinds of tests share."""

from tests.postgres import database_url, new_database, postgres

__all__ = ["database_url", "new_database", "postgres"]
