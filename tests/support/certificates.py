"""Throw-away certificates for servers on this machine."""

import ssl
from pathlib import Path

import trustme


class Certificates:
    """A throw-away authority, and a server certificate for 127.0.0.1 and localhost."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.other_ca_file = folder / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(self.other_ca_file))
        self.server = _server_context(authority.issue_cert("127.0.0.1", "localhost"))
        self.stranger = _server_context(authority.issue_cert("elsewhere.example"))


def _server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
