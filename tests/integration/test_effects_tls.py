"""Mail goes out under TLS, with a password, to whom the certificate names, or not at all."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cordboard.effects import MailOut, Relay
from cordboard.effects.attempt import Deferred
from cordboard.effects.letter import Letter
from cordboard.effects.mail import send_letter

LETTER = Letter("shop@shop.example", "jan@home.example", b"Subject: x\r\n\r\nHello.\r\n", False)


@dataclass
class Vaulted:
    """A far side with a certificate; `seen` has (under TLS?, who logged in) of each mail taken."""

    certificate: Path
    port: int = 0
    seen: list[tuple[bool, bytes]] = field(default_factory=list)

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    def log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object) -> AuthResult:
        assert isinstance(given, LoginPassword)
        return AuthResult(success=given.password == b"p:w@rd", handled=False, auth_data=given.login)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.seen.append((session.ssl is not None or server._tls_protocol is not None, session.auth_data or b""))
        return "250 taken"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For 127.0.0.1, signed by itself; the key stands in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "far.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def far_side(
    certificate: Path, *, implicit: bool = False, starttls: bool = True, login: bool = False
) -> AsyncIterator[Vaulted]:
    there = Vaulted(certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def make() -> SMTP:
        return SMTP(
            there,
            hostname="far.example",
            loop=asyncio.get_running_loop(),
            tls_context=context if starttls and not implicit else None,
            authenticator=there.log_in if login else None,
            auth_required=login,
        )

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=context if implicit else None)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()


async def test_starttls_with_a_password(certificate: Path) -> None:
    async with far_side(certificate, login=True) as there:
        relay = Relay.from_url(f"smtp://engine:p%3Aw%40rd@127.0.0.1:{there.port}")
        await send_letter(MailOut(relay, tls=there.trusted()), LETTER.sender, LETTER)
        assert there.seen == [(True, b"engine")]
        wrong = Relay("127.0.0.1", there.port, "required", "engine", "wrong")
        with pytest.raises(Deferred, match="password"):
            await send_letter(MailOut(wrong, tls=there.trusted()), LETTER.sender, LETTER)
        assert len(there.seen) == 1


async def test_tls_from_the_first_byte(certificate: Path) -> None:
    async with far_side(certificate, implicit=True) as there:
        relay = Relay.from_url(f"smtps://127.0.0.1:{there.port}")
        await send_letter(MailOut(relay, tls=there.trusted()), LETTER.sender, LETTER)
        assert len(there.seen) == 1


async def test_an_impostor_gets_nothing(certificate: Path) -> None:
    async with far_side(certificate) as there:
        with pytest.raises(Deferred, match="reached"):  # nobody vouches for this certificate
            await send_letter(MailOut(Relay("127.0.0.1", there.port, "required")), LETTER.sender, LETTER)
        assert not there.seen
    async with far_side(certificate, starttls=False) as there:
        with pytest.raises(Deferred, match="reached"):
            await send_letter(MailOut(Relay("127.0.0.1", there.port, "required"), tls=there.trusted()), LETTER.sender, LETTER)
        assert not there.seen


async def test_tls_that_is_offered_is_taken_from_anybody(certificate: Path) -> None:
    async with far_side(certificate) as there:
        await send_letter(MailOut(Relay("127.0.0.1", there.port, "offered")), LETTER.sender, LETTER)
        await send_letter(MailOut(Relay("127.0.0.1", there.port, "never")), LETTER.sender, LETTER)
        assert [secure for secure, _ in there.seen] == [True, False]
    async with far_side(certificate, starttls=False) as there:
        await send_letter(MailOut(Relay("127.0.0.1", there.port, "offered")), LETTER.sender, LETTER)
        assert [secure for secure, _ in there.seen] == [False]


async def test_a_far_side_that_says_nothing_is_left_in_time() -> None:
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with silent:
        relay = Relay("127.0.0.1", silent.sockets[0].getsockname()[1], "never")
        for patience in (MailOut(relay, step_s=0.1), MailOut(relay, dialogue_s=0.1)):
            with pytest.raises(Deferred, match="reached"):
                await send_letter(patience, LETTER.sender, LETTER)
