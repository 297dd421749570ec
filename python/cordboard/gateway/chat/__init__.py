"""Web chat: sockets, conversations as the journal tells them, and what customers say in them."""
