"""A Kafka and an Elasticsearch that trust nobody: TLS, SCRAM, mutual TLS, ACLs, users and API keys; on free ports."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import os
import shutil
import ssl
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from pipelines import stack
from pipelines.permissions import KafkaGrant
from pipelines.settings import Settings, StackSettings
from pipelines.stack import elasticsearch_server, kafka_server, ports, processes
from pipelines.stack.parts import SERVERS, mark_of
from pipelines.stack.state import ServerState

PASSWORD = "long-enough-for-FIPS-too"  # noqa: S105 - of servers that live for one test
SUPERUSER = "root"


class Authority:
    """Signs certificates for the loopback address.

    Args:
        folder: where their files are written.
        name: of the authority, and first part of the files' names.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._sign(self._subject, self._key.public_key(), authority=True)
        self.ca = folder / f"{name}-ca.pem"
        self.ca.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its own certificate."""
        return self._certificate.fingerprint(hashes.SHA256()).hex(":")

    def pair(self, name: str, *, days: int = 1) -> tuple[Path, Path]:
        """Give the files of a certificate and its key; with days below 0 it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key.public_key(), days=days)
        files = self._folder / f"{self._name}-{name}.pem", self._folder / f"{self._name}-{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool = False, days: int = 1
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


@dataclass(frozen=True)
class Secured:
    """Both servers at work.

    Attributes:
        authority: signed their certificates.
        folder: for files of the tests.
        inner: Kafka's listener without any lock, for its owner.
        scram: Kafka's listener for SCRAM over TLS, as host:port.
        mutual: Kafka's listener for certificates, as host:port.
        url: Elasticsearch's address.
    """

    authority: Authority
    folder: Path
    inner: str
    scram: str
    mutual: str
    url: str

    def add_user(self, user: str, password: str) -> None:
        """Let a user log in at Kafka, or change its password."""
        with self._admin() as admin:
            answers = admin.alter_user_scram_credentials(
                [UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, password)]
            )
        assert answers == {user: None}

    def grant(self, grants: list[KafkaGrant]) -> None:
        """Allow what is granted."""
        with self._admin() as admin:
            done = admin.create_acls([acl for grant in grants for acl in _acls(grant)])
        assert not done["failed"], done

    def revoke(self, grants: list[KafkaGrant]) -> None:
        """Take what was granted."""
        with self._admin() as admin:
            admin.delete_acls([acl for grant in grants for acl in _acls(grant)])

    @contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        admin = KafkaAdminClient(bootstrap_servers=self.inner, client_id="owner")
        try:
            yield admin
        finally:
            admin.close()


def _acls(grant: KafkaGrant) -> list[ACL]:
    words = {"DescribeConfigs": "DESCRIBE_CONFIGS", "AlterConfigs": "ALTER_CONFIGS"}
    pattern = ResourcePattern(
        ResourceType[grant.kind.upper()],
        grant.name,
        ACLResourcePatternType.PREFIXED if grant.prefixed else ACLResourcePatternType.LITERAL,
    )
    return [
        ACL(
            f"User:{grant.user}",
            "*",
            ACLOperation[words.get(operation, operation.upper())],
            ACLPermissionType.ALLOW,
            pattern,
        )
        for operation in grant.operations
    ]


@contextmanager
def secured() -> Iterator[Secured]:
    """Start both servers and end them."""
    folder = Path(tempfile.mkdtemp(prefix="newsriver-secured-")).resolve()
    folder.chmod(0o755)  # the servers' own user must be able to enter
    directory = folder / "stack"
    settings = Settings(
        stack=StackSettings(
            directory=directory, kafka_heap_mb=256, elasticsearch_heap_mb=512, start_timeout_seconds=600
        )
    )
    authority = Authority(folder, "ours")
    pair = authority.pair("server")
    extra = [port := ports.choose(), ports.choose(taken=(port,))]
    try:
        with ExitStack() as changed:
            for target, name, new in _changes(authority, pair, extra):
                changed.enter_context(patch.object(target, name, new))
            stack.up(settings)
        found = stack.endpoints(settings)
        assert found is not None
        yield Secured(
            authority,
            folder,
            found.bootstrap,
            f"127.0.0.1:{extra[0]}",
            f"127.0.0.1:{extra[1]}",
            found.elasticsearch.replace("http:", "https:"),
        )
    finally:
        for kind in SERVERS:
            processes.end(processes.marked(mark_of(kind, directory)), seconds=20)
        shutil.rmtree(folder)


def _changes(authority: Authority, pair: tuple[Path, Path], extra: list[int]) -> list[tuple[Any, str, Any]]:
    """Give what is different from the local stack: two modules' configuration, and how the second one is asked."""
    plain_kafka, plain_elastic = kafka_server.properties, elasticsearch_server.configuration
    configure = elasticsearch_server.ElasticsearchServer._configure
    pem = authority.ca.parent / "server-whole.pem"
    pem.write_bytes(pair[1].read_bytes() + pair[0].read_bytes())

    def kafka_properties(at: ServerState, data: Path) -> str:
        return plain_kafka(at, data) + _kafka_security(at, extra, pem, authority.ca)

    def elastic_configuration(at: ServerState, place: Path) -> str:
        return plain_elastic(at, place).replace("xpack.security.enabled: false", _ELASTIC_SECURITY)

    def with_users(server: elasticsearch_server.ElasticsearchServer) -> None:
        configure(server)
        config = server.folder / "config"
        for name in ("roles.yml", "role_mapping.yml"):
            (config / name).touch()
        (config / "users").write_text(f"{SUPERUSER}:{_hashed(PASSWORD)}\n")
        (config / "users_roles").write_text(f"superuser:{SUPERUSER}\n")
        (config / "http.pem").write_bytes(pair[0].read_bytes() + authority.ca.read_bytes())
        shutil.copy(pair[1], config / "http.key")

    def get(url: str) -> dict[str, Any]:
        return _get(url.replace("http:", "https:"), authority.ca)

    return [
        (kafka_server, "properties", kafka_properties),
        (elasticsearch_server, "configuration", elastic_configuration),
        (elasticsearch_server, "_get", get),
        (elasticsearch_server.ElasticsearchServer, "_configure", with_users),
    ]


_ELASTIC_SECURITY = """xpack.security.enabled: true
xpack.security.http.ssl.enabled: true
xpack.security.http.ssl.certificate: http.pem
xpack.security.http.ssl.key: http.key
xpack.security.transport.ssl.enabled: false
xpack.security.authc.api_key.enabled: true"""


def _kafka_security(at: ServerState, extra: list[int], pem: Path, ca: Path) -> str:
    inner = f"127.0.0.1:{at.port}"
    listeners = f"PLAINTEXT://{inner},SCRAM://127.0.0.1:{extra[0]},MUTUAL://127.0.0.1:{extra[1]}"
    settings = {
        "listeners": f"{listeners},CONTROLLER://127.0.0.1:{at.inner_port}",
        "advertised.listeners": listeners,
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SCRAM:SASL_SSL,MUTUAL:SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.mutual.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(pem),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _hashed(password: str) -> str:
    """Hash a password as Elasticsearch's file realm takes it."""
    salt = os.urandom(32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000, 32)
    return f"{{PBKDF2}}10000${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _get(url: str, ca: Path) -> dict[str, Any]:
    token = base64.b64encode(f"{SUPERUSER}:{PASSWORD}".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})  # noqa: S310 - loopback, https
    context = ssl.create_default_context(cafile=str(ca))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(request, timeout=5) as answer:
        document: dict[str, Any] = json.load(answer)
    return document
