"""Every option once: its type, default, bounds and meaning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from pipelines.redaction import split_credentials
from pipelines.settings import checks
from schemas.records import Right


class Section(BaseModel):
    """One table of the settings; unknown keys are refused in every section."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True, allow_inf_nan=False
    )


Network = Annotated[str, AfterValidator(checks.network)]
Folder = Annotated[Path, BeforeValidator(checks.some_path), AfterValidator(checks.home_of)]
OptionalFile = Annotated[Folder | None, BeforeValidator(lambda value: value or None)]
Delay = Literal["15m", "1h", "6h", "24h"]
Signature = Literal["sha1", "sha256", "sha384", "sha512"]


def data_folder() -> Path:
    """Give this user's data folder; for root one outside /root, which the servers, run as another user, can enter."""
    return Path("/var/lib/newsriver") if os.geteuid() == 0 else Path(platformdirs.user_data_dir("newsriver"))


class RiverSettings(Section):
    """The river itself."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")] = "news"
    """Prefix of every topic, index and consumer group, so that several rivers can share the servers."""

    contact: str = "https://github.com/newsriver/newsriver"
    """Address (URL or e-mail) that our User-Agent gives to the sites we read; put your own here."""

    feeds: Annotated[list[Folder], Field(examples=[["my-feeds.opml"]])] = []
    """Feed lists, TOML or OPML files: `poll` merges them into the list on Kafka when it starts."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe message that is written to stderr: debug, info, warning or error."""

    log_format: Literal["text", "json"] = "text"
    """How messages are written: text, a line each, or json, an object a line with time, level, role and worker."""


class KafkaSettings(Section):
    """The Kafka cluster."""

    bootstrap_servers: Annotated[str, AfterValidator(checks.kafka_servers), Field(examples=["localhost:9092"])] = ""
    """Comma-separated host:port; empty means the local stack (`newsriver stack up`)."""

    partitions: Annotated[int, Field(ge=1, le=1000)] = 8
    """Partitions of each topic when `newsriver setup` creates it: the most copies of a role that share work."""

    replication_factor: Annotated[int, Field(ge=1, le=7)] = 1
    """Copies of each partition when `newsriver setup` creates a topic; 3 on a real cluster."""

    linger_ms: Annotated[int, Field(ge=0, le=5000)] = 20
    """How long a producer waits for more records before it sends a batch, in milliseconds."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How brokers are talked to, by Kafka's own names; with SSL certificate and host name are always verified."""

    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    """How a user proves who it is, with SASL_PLAINTEXT and SASL_SSL; PLAIN only with SASL_SSL."""

    username: str = ""
    """User name for SASL."""

    password: SecretStr = SecretStr("")
    """Password for SASL; better in the environment or in `password_file` than in the settings file."""

    password_file: Annotated[OptionalFile, Field(examples=["/run/secrets/kafka-password"])] = None
    """File that holds the password for SASL, used instead of `password`; read again at each new connection."""

    ca_certs: Annotated[OptionalFile, Field(examples=["/etc/ssl/kafka-ca.pem"])] = None
    """PEM file of the authority that signed the brokers' certificates, where it is not a public one."""

    client_cert: Annotated[OptionalFile, Field(examples=["/etc/ssl/newsriver.pem"])] = None
    """PEM file of our own certificate, where the brokers ask for one (mutual TLS)."""

    client_key: Annotated[OptionalFile, Field(examples=["/etc/ssl/newsriver.key"])] = None
    """PEM file of our certificate's key; may be in the file of `client_cert` as well."""

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security_protocol in ("SSL", "SASL_SSL")

    @property
    def uses_sasl(self) -> bool:
        """Whether a user logs in."""
        return self.security_protocol in ("SASL_PLAINTEXT", "SASL_SSL")


class ElasticsearchSettings(Section):
    """The Elasticsearch cluster."""

    url: Annotated[str, AfterValidator(checks.server_url), Field(examples=["http://localhost:9200"])] = ""
    """Address with scheme and port; empty means the local stack. Credentials in it go to `username` and `password`."""

    username: str = ""
    """User name for basic authentication; empty for none."""

    password: SecretStr = SecretStr("")
    """Password for basic authentication; better in the environment than in a file."""

    api_key: SecretStr = SecretStr("")
    """API key, used instead of user name and password when it is set."""

    password_file: Annotated[OptionalFile, Field(examples=["/run/secrets/elasticsearch-password"])] = None
    """File that holds the password, used instead of `password`; read again when the server refuses it."""

    api_key_file: Annotated[OptionalFile, Field(examples=["/run/secrets/elasticsearch-api-key"])] = None
    """File that holds the API key, used instead of `api_key`; read again when the server refuses it."""

    ca_certs: Annotated[OptionalFile, Field(examples=["/etc/ssl/elasticsearch-ca.pem"])] = None
    """PEM file of the authority that signed the server's certificate, where it is not a public one."""

    ca_fingerprint: Annotated[str, AfterValidator(checks.fingerprint), Field(examples=["3f" * 32])] = ""
    """SHA-256 fingerprint, in hexadecimal, of the server's certificate or its authority's, instead of `ca_certs`."""

    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    """Longest wait for one answer."""

    bulk_documents: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Most documents in one bulk request."""

    bulk_bytes: Annotated[int, Field(ge=10_000, le=90_000_000)] = 5_000_000
    """Most bytes in one bulk request."""

    refresh_seconds: Annotated[float, Field(ge=0.1, le=300)] = 1.0
    """How soon a written article can be found; larger is cheaper."""

    replicas: Annotated[int, Field(ge=0, le=7)] = 0
    """Copies of each shard; 1 or more on a real cluster."""

    @model_validator(mode="before")
    @classmethod
    def _take_credentials_apart(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the settings' sources hold
        """Keep the password of an address where passwords are kept; one that is set by its own name goes before it."""
        if not isinstance(values, dict) or not isinstance(values.get("url"), str):
            return values
        url, credentials = split_credentials(values["url"])
        if not credentials or values.get("username"):
            return {**values, "url": url}
        username, _, password = credentials.partition(":")
        return {**values, "url": url, "username": username, "password": values.get("password") or password}


class PollSettings(Section):
    """When and how feeds are asked for news."""

    min_interval_seconds: Annotated[float, Field(ge=1)] = 300.0
    """A feed is never asked more often than this, however busy it is."""

    max_interval_seconds: Annotated[float, Field(ge=1)] = 43_200.0
    """A healthy feed is asked at least this often, however quiet it is."""

    max_failure_interval_seconds: Annotated[float, Field(ge=1)] = 604_800.0
    """A failing feed is still asked this often: it is never abandoned."""

    concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    """Feeds asked at the same time by one `poll` process."""

    max_feed_bytes: Annotated[int, Field(ge=10_000)] = 16_000_000
    """A feed larger than this, decoded, is refused as too large."""

    max_known_entries: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """Entry ids remembered for each feed, so that nothing is announced twice."""

    known_articles: Annotated[int, Field(ge=10)] = 200_000
    """Articles that one `poll` process remembers of all its feeds, so that it tells further announcements apart."""

    sitemap_days: Annotated[float, Field(gt=0, le=3650)] = 2.0
    """Entries of sitemaps, and sitemaps of an index, that are older than this are passed over."""

    pushed_interval_seconds: Annotated[float, Field(ge=0)] = 3600.0
    """Time between two polls of a feed whose hub pushes, where the schedule would ask earlier; 0 asks all the same."""


class FetchSettings(Section):
    """How article pages are fetched."""

    concurrency: Annotated[int, Field(ge=1, le=2000)] = 64
    """Pages fetched at the same time by one `fetch` process, on different hosts."""

    delay_seconds: Annotated[float, Field(ge=0, le=600)] = 1.0
    """Pause between two requests to one host, unless its robots.txt asks for more."""

    gate_directory: Folder = data_folder() / "hosts"
    """Where the `poll` and `fetch` processes of a machine tell each other which host is being asked, or not to be."""

    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    """Longest time one GET may take, redirects included."""

    max_page_bytes: Annotated[int, Field(ge=10_000, le=15_000_000)] = 5_000_000
    """A page larger than this, decoded, is refused as too large."""

    max_redirects: Annotated[int, Field(ge=0, le=20)] = 5
    """Redirects followed for one page."""

    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Tries of one page, spread over hours, before it ends as dead."""

    revisit: list[Delay] = ["15m", "1h", "6h", "24h"]
    """Delays after which an article is looked at again for changes: any of 15m, 1h, 6h, 24h; empty for never."""

    known_articles: Annotated[int, Field(ge=10)] = 100_000
    """Articles that one `fetch` process remembers, so that a further announcement makes no further request."""

    known_hosts: Annotated[int, Field(ge=10)] = 20_000
    """Sites whose robots.txt one `fetch` process keeps; one that is forgotten is asked for it again."""

    allow_networks: Annotated[list[Network], Field(examples=[["127.0.0.0/8"]])] = []
    """Private or loopback networks that may be fetched from all the same, e.g. ["10.1.0.0/16"]."""

    later_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor on the delays of retries and revisits; below 1 only in tests and demonstrations."""


class ProcessSettings(Section):
    """The Beam job that cleans, tags and indexes."""

    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Processes that `newsriver run` starts for this role; 0 means one per core."""

    generation_seconds: Annotated[float, Field(ge=1, le=300)] = 60.0
    """How long one run of the Beam graph lasts on one machine, at most 400 bundles, before a fresh one follows."""

    poll_milliseconds: Annotated[int, Field(ge=10, le=5000)] = 200
    """Longest wait for new pages in one bundle."""

    bundle_pages: Annotated[int, Field(ge=1, le=5000)] = 200
    """Most pages of one partition in one bundle."""

    stall_seconds: Annotated[float, Field(ge=1)] = 300.0
    """A partition with pages to read that stands still for longer ends the process, so that it is started afresh."""

    max_dead_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of sites whose pages may die by a fault of ours; beyond it `process` stops for good. 1 means no limit."""


class CleanSettings(Section):
    """What counts as an article."""

    min_words: Annotated[int, Field(ge=1, le=1000)] = 25
    """Fewer words of body text than this are no article (characters count for languages without spaces)."""

    max_html_bytes: Annotated[int, Field(ge=10_000, le=15_000_000)] = 5_000_000
    """Decoded pages larger than this are refused before any parser sees them."""

    cpu_seconds: Annotated[float, Field(ge=0.5, le=600)] = 5.0
    """CPU time that one page may take; one that takes more becomes a dead letter."""

    memory_mb: Annotated[int, Field(ge=256, le=65_536)] = 1024
    """Memory in MiB of the process that works on pages; a page that needs more becomes a dead letter."""

    # A tuple, since a process keeps its children by these settings, and what is a key must be hashable.
    skip_rights: Annotated[tuple[Right, ...], Field(examples=[["noindex", "noai"]])] = ()
    """Pages that say any of these are skipped, e.g. ["noindex", "noai", "tdm-reservation"]; empty keeps them all."""

    @property
    def wall_seconds(self) -> float:
        """Time on the clock that making an article of one page may take, on a machine that has other work."""
        return 12 * self.cpu_seconds + 10

    @property
    def longest_call_seconds(self) -> float:
        """Time after which one call has ended for certain: what ends a child gets a second try in a fresh one."""
        return 2 * self.wall_seconds


class SandboxSettings(Section):
    """How feeds, sitemaps, feed lists and robots.txt are read: in child processes that the kernel may end."""

    processes: Annotated[int, Field(ge=1, le=64)] = 2
    """Child processes of one `poll` or `fetch` process; each reads one document at a time, the others wait."""

    cpu_seconds: Annotated[float, Field(ge=1, le=600)] = 5.0
    """CPU time that one document may take; a feed that takes more fails as killed-cpu and is asked less often."""

    memory_mb: Annotated[int, Field(ge=256, le=65_536)] = 512
    """Memory in MiB of one child process; a document that needs more fails as killed-memory."""


class SearchSettings(Section):
    """What searches look at and how they rank."""

    show_gone: bool = True
    """Whether articles that their sites have removed are found; `gone:` says otherwise for one search."""

    title_weight: Annotated[float, Field(ge=0.1, le=100)] = 3.0
    """How much more a word counts in the title than in the text."""

    recency_weight: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Points that an article of this moment gains; a word found in the text brings 1 to 10."""

    recency_days: Annotated[float, Field(gt=0, le=3650)] = 7.0
    """Age in days at which an article has half of these points left."""

    story_weight: Annotated[float, Field(ge=0, le=100)] = 1.0
    """How much an article gains by further sources of its story, where the index knows stories."""

    count_up_to: Annotated[int, Field(ge=100)] = 100_000
    """Articles found are counted exactly up to this many; `count` always counts them all."""


class ServeSettings(Section):
    """The HTTP server: search page, API, and subscriptions at the feeds' WebSub hubs."""

    host: str = "127.0.0.1"
    """Address to listen on; put a proxy that speaks TLS before it rather than naming a public one."""

    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    """Port to listen on."""

    public_url: Annotated[str, AfterValidator(checks.public_url), Field(examples=["https://news.example.org"])] = ""
    """Address under which others reach this server, e.g. https://news.example.org; needed for `websub`."""

    with_run: bool = True
    """Whether `newsriver run` starts the HTTP server with the rest; with `websub` it always does."""

    keys: Literal["auto", "always", "never"] = "auto"
    """Who needs an API key: auto, all but this machine while the server is reached by no other; always; or never."""

    keys_file: Folder = data_folder() / "keys.json"
    """Where `newsriver keys` keeps the hashes of API keys; every server that takes them needs a copy."""

    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    """Most requests of one key, or of one address without a key; of this machine itself any number."""

    websub: bool = False
    """Whether to subscribe to feeds at the hubs that they name, so that news comes when it is published."""

    websub_lease_seconds: Annotated[int, Field(ge=300, le=2_592_000)] = 864_000
    """How long a subscription is asked for; hubs decide for themselves, and it is renewed in time."""

    websub_signatures: list[Signature] = [
        "sha1",
        "sha256",
        "sha384",
        "sha512",
    ]
    """Signatures that a push may have; without sha1 the largest public hubs are of no use."""

    websub_plain_hubs: bool = False
    """Whether hubs are asked over plain http where a feed names them so; else https is tried in its place."""


class AlertSettings(Section):
    """Saved searches and where their new articles are delivered."""

    with_serve: bool = True
    """Whether `serve` runs the saved searches; else `newsriver alerts run` does."""

    interval_seconds: Annotated[float, Field(ge=0.2, le=3600)] = 2.0
    """How often newly indexed articles are looked for; each time they are made findable at once."""

    most_searches: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """Most saved searches of a river."""

    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 15.0
    """Longest time that a webhook or the mail server may take to answer."""

    smtp_host: str = ""
    """Mail server for alerts by e-mail; empty for none."""

    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = 587
    """Its port: 587 with starttls, 465 with tls."""

    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is secured; with none, password and mails are readable on their way."""

    smtp_username: str = ""
    """User name at the mail server; empty for none."""

    smtp_password: SecretStr = SecretStr("")
    """Password at the mail server; better in the environment than in a file."""

    smtp_from: Annotated[str, Field(examples=["newsriver@example.org"])] = "newsriver@localhost"
    """Sender of the mails."""


class KibanaSettings(Section):
    """The Kibana that `newsriver dashboards push` and `newsriver setup` write dashboards into."""

    url: Annotated[str, AfterValidator(checks.kibana_url), Field(examples=["https://kibana.example.org"])] = ""
    """Address, with its base path if it has one; empty means none: `serve` has the same dashboards."""

    api_key: SecretStr = SecretStr("")
    """API key that may manage saved objects in the space; better in the environment than in a file."""

    api_key_file: Annotated[OptionalFile, Field(examples=["/run/secrets/kibana-api-key"])] = None
    """File that holds the API key, used instead of `api_key`."""

    space: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,100}$")] = "default"
    """Space the dashboards are written into."""

    ca_certs: Annotated[OptionalFile, Field(examples=["/etc/ssl/kibana-ca.pem"])] = None
    """PEM file of the authority that signed Kibana's certificate, where it is not a public one."""

    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Longest wait for one answer."""


class MetricsSettings(Section):
    """What each process tells Prometheus and whoever supervises it: `/metrics`, `/healthz`, `/readyz`."""

    host: str = "127.0.0.1"
    """Address to listen on; any other than loopback shows figures and what is waited for to whoever reaches it."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """Port of each process; 0 takes a free one, so that many copies run on one machine, and `folder` says which."""

    folder: Folder = data_folder() / "metrics"
    """Folder with a file for each running process, in the form that Prometheus reads (`file_sd_configs`)."""

    stall_seconds: Annotated[float, Field(ge=1)] = 300.0
    """A loop that waits for nothing and has not come round for longer makes `/healthz` fail."""


class StackSettings(Section):
    """The local servers that `newsriver stack up` runs, without Docker."""

    directory: Folder = data_folder() / "stack"
    """Where the servers' data, configuration and logs live."""

    software_directory: Folder = data_folder() / "software"
    """Where the servers themselves are kept, downloaded once; several stacks may share it."""

    kafka_heap_mb: Annotated[int, Field(ge=128, le=65_536)] = 512
    """Java heap of Kafka in MiB."""

    elasticsearch_heap_mb: Annotated[int, Field(ge=256, le=31_744)] = 1024
    """Java heap of Elasticsearch in MiB."""

    start_timeout_seconds: Annotated[float, Field(ge=5, le=1800)] = 180.0
    """Longest wait for the servers to answer after they are started."""


class Settings(Section):
    """All settings of Newsriver."""

    river: RiverSettings = RiverSettings()
    kafka: KafkaSettings = KafkaSettings()
    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    poll: PollSettings = PollSettings()
    fetch: FetchSettings = FetchSettings()
    process: ProcessSettings = ProcessSettings()
    clean: CleanSettings = CleanSettings()
    sandbox: SandboxSettings = SandboxSettings()
    search: SearchSettings = SearchSettings()
    serve: ServeSettings = ServeSettings()
    alerts: AlertSettings = AlertSettings()
    kibana: KibanaSettings = KibanaSettings()
    metrics: MetricsSettings = MetricsSettings()
    stack: StackSettings = StackSettings()

    @property
    def user_agent(self) -> str:
        """The honest User-Agent that every request carries."""
        from pipelines import __version__

        return f"newsriver/{__version__} (+{self.river.contact})"
