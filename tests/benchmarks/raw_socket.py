"""What the server can take at all: publishes written out beforehand, on a bare socket, with many unanswered at a time."""

import asyncio
import json
import secrets
import time
from urllib.parse import urlsplit

WINDOW = 4_096


async def raw_rate(url: str, subject: str, payload: bytes, messages: int) -> float:
    """Acknowledged messages a second."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    inbox = f"_INBOX.{secrets.token_hex(8)}"
    options = json.dumps({"verbose": False, "pedantic": False})
    await reader.readline()
    writer.write(f"CONNECT {options}\r\nSUB {inbox} 1\r\nPING\r\n".encode())
    while (await reader.readline()) != b"PONG\r\n":
        pass
    message = f"PUB {subject} {inbox} {len(payload)}\r\n".encode() + payload + b"\r\n"
    begin = time.perf_counter()
    sent = acknowledged = 0
    rest = b""
    while acknowledged < messages:
        more = min(WINDOW - (sent - acknowledged), messages - sent)
        if more:
            writer.write(message * more)
            sent += more
        heard = rest + await reader.read(1 << 16)
        # Every answer begins so; its last bytes may come with the next read.
        mark = b"MSG " + inbox.encode()
        acknowledged += heard.count(mark)
        rest = heard[max(len(heard) - len(mark) + 1, heard.rfind(mark) + len(mark)) :]
    seconds = time.perf_counter() - begin
    writer.close()
    await writer.wait_closed()
    return messages / seconds
