"""One test certificate authority, and the certificate of the sandbox's own servers under it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class Authority:
    """Where the files of the authority lie: what clients trust and what the servers show."""

    ca_file: Path
    server_pem: Path


def found_authority(folder: Path, *, host: str) -> Authority:
    """Makes a new authority and a server certificate for this machine, and writes both into `folder`."""
    ca_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("Cosell sandbox test authority")
    authority = _builder(ca_name, ca_name, ca_key.public_key())
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    authority = authority.add_extension(_usage(signs_certificates=True), critical=True)
    authority = authority.add_extension(_key_mark(ca_key), critical=False)
    ca = authority.sign(ca_key, hashes.SHA256())
    leaf = _leaf(host, ca_name, ca_key, leaf_key).sign(ca_key, hashes.SHA256())
    places = Authority(folder / "ca.pem", folder / "server.pem")
    places.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    places.server_pem.touch(mode=0o600)
    places.server_pem.write_bytes(_key_pem(leaf_key) + leaf.public_bytes(serialization.Encoding.PEM))
    return places


def _leaf(
    host: str, issuer: x509.Name, ca_key: ec.EllipticCurvePrivateKey, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    leaf = _builder(_name("Cosell sandbox"), issuer, key.public_key())
    leaf = leaf.add_extension(x509.SubjectAlternativeName(_names_of(host)), critical=False)
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = leaf.add_extension(_usage(signs_certificates=False), critical=True)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    leaf = leaf.add_extension(_key_mark(key), critical=False)
    issuer_mark = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return leaf.add_extension(issuer_mark, critical=False)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=90))


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_mark(key: ec.EllipticCurvePrivateKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _names_of(host: str) -> list[x509.GeneralName]:
    addresses = {"127.0.0.1", "::1"}
    names = {"localhost"}
    try:
        addresses.add(str(ipaddress.ip_address(host)))
    except ValueError:
        names.add(host)
    found: list[x509.GeneralName] = [x509.DNSName(name) for name in sorted(names)]
    found.extend(x509.IPAddress(ipaddress.ip_address(address)) for address in sorted(addresses))
    return found


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
