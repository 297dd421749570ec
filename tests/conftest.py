"""Fixtures that several kinds of tests share."""

from tests.postgres import database_url, new_database, postgres
from tests.s3 import s3, s3_place

__all__ = ["database_url", "new_database", "postgres", "s3", "s3_place"]
