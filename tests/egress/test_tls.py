"""Over TLS only those are spoken to whose certificate an authority that is trusted has signed.

Covers the broker with a server whose certificate is made here. Does not cover the authorities of the Internet.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mads import NoResponder
from mads.egress.broker import Broker, For
from mads.egress.config import EgressConfig, authorities
from mads.egress.grants import Grants
from mads.wire.errors import ConfigError
from mads.wire.web import Ask

COVERS = ("R-106",)


def certificate(folder: Path, address: str) -> Path:
    """Write a key and a certificate of its own for `address`; return the file with both."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / f"{address}.pem"
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return file


@asynccontextmanager
async def server(file: Path) -> AsyncGenerator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    it = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield it.sockets[0].getsockname()[1]
    finally:
        it.close()
        await it.wait_closed()


async def test_only_who_is_certified_by_somebody_trusted_is_spoken_to(tmp_path: Path) -> None:
    good, other = certificate(tmp_path, "127.0.0.1"), certificate(tmp_path, "127.0.0.2")
    async with server(good) as port, server(other) as wrong:
        may = {"mad": Grants([f"net:127.0.0.1:{port}", f"net:127.0.0.1:{wrong}"])}
        trusting = Broker(may, authorities=str(good))
        answer, _ = await trusting.answer(For("mad"), Ask("GET", f"https://127.0.0.1:{port}/"))
        assert answer.body == b"ok"
        for broker, to in ((trusting, wrong), (Broker(may), port), (Broker(may, authorities=str(other)), wrong)):
            with pytest.raises(NoResponder, match="certificate"):
                await broker.answer(For("mad"), Ask("GET", f"https://127.0.0.1:{to}/"))
            await broker.close()


def test_authorities_that_cannot_be_read_are_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    assert authorities(tmp_path, EgressConfig()) is None
    (tmp_path / "none.pem").write_text("none")
    for name in ("none.pem", "missing.pem"):
        with pytest.raises(ConfigError, match="authorities"):
            authorities(tmp_path, EgressConfig(name))
