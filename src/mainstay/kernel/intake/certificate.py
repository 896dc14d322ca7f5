"""The TLS side of listeners: the certificate of the settings, or one made at the first start."""

from __future__ import annotations

import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mainstay.settings import SettingError, Settings

log = structlog.get_logger("mainstay.intake")
YEARS = 10


def certificate_files(settings: Settings) -> tuple[Path, Path]:
    """Certificate and key for syslog over TLS; made in the data folder where the settings name none."""
    if settings.syslog_tls_cert or settings.syslog_tls_key:
        for name, value in (("CERT", settings.syslog_tls_cert), ("KEY", settings.syslog_tls_key)):
            if not value or not Path(value).is_file():
                raise SettingError(f"MAINSTAY_SYSLOG_TLS_{name} must name a PEM file; there is none at {value!r}.")
        return Path(settings.syslog_tls_cert), Path(settings.syslog_tls_key)
    folder = settings.data_dir / "tls"
    certificate, key = folder / "syslog.crt", folder / "syslog.key"
    if not (certificate.is_file() and key.is_file()):
        _make(settings, certificate, key)
        log.info("made a certificate for syslog over TLS", file=str(certificate))
    return certificate, key


def server_context(settings: Settings) -> ssl.SSLContext:
    """TLS 1.2 or newer with that certificate; clients must show one where the settings name who signs theirs."""
    certificate, key = certificate_files(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingError(f"The certificate {certificate} and its key cannot be used: {error}.") from None
    if settings.syslog_tls_client_ca:
        try:
            context.load_verify_locations(settings.syslog_tls_client_ca)
        except (OSError, ssl.SSLError) as error:
            raise SettingError(f"MAINSTAY_SYSLOG_TLS_CLIENT_CA cannot be read: {error}.") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _make(settings: Settings, certificate: Path, key: Path) -> None:
    certificate.parent.mkdir(parents=True, exist_ok=True)
    private = ec.generate_private_key(ec.SECP256R1())
    host = socket.gethostname()
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    for name in (
        host,
        socket.getfqdn(),
        settings.intake_host or settings.http_host,
        settings.domain,
        urlsplit(settings.public_url).hostname or "",
        "127.0.0.1",
        "::1",
    ):
        entry = _general_name(name)
        if entry is not None and entry not in names:
            names.append(entry)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64] or "mainstay")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # The key is never readable by others, not even for a moment.
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text)
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _general_name(name: str) -> x509.GeneralName | None:
    if not name or name in ("0.0.0.0", "::"):  # noqa: S104
        return None
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name) if name.isascii() else None
