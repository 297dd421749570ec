"""Callbacks over HTTP: what could be had, booking, and links by which customers move or cancel what they were promised."""
