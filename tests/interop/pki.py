"""Makes a throw-away public key infrastructure, laid out as fedmsg expects its `ssldir`.

    pki.py DIR NAME... [--revoked NAME]...

Writes ca.crt, crl.pem (which lists the --revoked ones) and for each name NAME.crt and NAME.key
(RSA 2048, the name is the certificate's common name), all valid from yesterday till tomorrow.
"""

import argparse
import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def subject(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def certificate(common_name, key, issuer, issuer_key, is_ca):
    return (
        x509.CertificateBuilder()
        .subject_name(subject(common_name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--revoked", action="append", default=[])
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)

    ca_name, ca_key = subject("interop test CA"), new_key()
    ca = certificate("interop test CA", ca_key, ca_name, ca_key, is_ca=True)
    (options.directory / "ca.crt").write_bytes(pem(ca))
    revocations = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca_name)
        .last_update(NOW - DAY)
        .next_update(NOW + DAY)
    )
    for name in [*options.names, *options.revoked]:
        key = new_key()
        cert = certificate(name, key, ca_name, ca_key, is_ca=False)
        (options.directory / f"{name}.crt").write_bytes(pem(cert))
        (options.directory / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        if name in options.revoked:
            revocations = revocations.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(cert.serial_number)
                .revocation_date(NOW - DAY)
                .build()
            )
    (options.directory / "crl.pem").write_bytes(pem(revocations.sign(ca_key, hashes.SHA256())))


if __name__ == "__main__":
    main()
