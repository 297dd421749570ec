"""Mail in: bytes become a letter (parse, nature, letters), over SMTP (smtp, dialogue) or from a mailbox (gateway/mailbox.py)."""
