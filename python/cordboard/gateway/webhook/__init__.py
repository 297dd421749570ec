"""Signed webhooks: payloads of other systems as letters."""
