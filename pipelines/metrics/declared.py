"""Every metric of the river, once; docs/metrics.md is made of it, and deploy/prometheus is checked against it."""

from __future__ import annotations

from pipelines.metrics.metric import Label, Metric, MetricKind, MetricSource
from schemas.records import OutcomeKind, Stage
from schemas.roles import Role
from schemas.topics import TOPICS

_EVERY = tuple(role for role in Role if role is not Role.CLI)
_WRITERS = (Role.PROCESS, Role.RECORD)
_COUNTER, _GAUGE, _HISTOGRAM = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_OUTCOME = Label(name="kind", values=tuple(OutcomeKind))
_REASON = Label(name="reason")
_TOPIC = Label(name="topic", values=tuple(topic.name for topic in TOPICS))
_ROLE = Label(name="role", values=tuple(_EVERY))
_PARTITION = Label(name="partition", most=10_000)
_SERVER_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_DELAY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0)

ROLE_INFO = Metric(
    name="newsriver_role_info",
    kind=_GAUGE,
    about="1, with the version that runs.",
    roles=_EVERY,
    labels=(Label(name="version"),),
    source=MetricSource.LOOKED_AT,
)
LOOP_IDLE = Metric(
    name="newsriver_loop_idle_seconds",
    kind=_GAUGE,
    unit="seconds",
    about="Since the role's loop last came round; /healthz fails when it is longer than metrics.stall_seconds.",
    roles=_EVERY,
    source=MetricSource.LOOKED_AT,
)
WAITING = Metric(
    name="newsriver_waiting_seconds",
    kind=_GAUGE,
    unit="seconds",
    about="How long the role has waited for something other than work, by what for; none while it works.",
    roles=_EVERY,
    labels=(_REASON,),
    source=MetricSource.LOOKED_AT,
)
POLL_ANSWERS = Metric(
    name="newsriver_poll_answers_total",
    kind=_COUNTER,
    about="Feeds asked or pushed, by whether something was new, nothing was, or it failed.",
    roles=(Role.POLL,),
    labels=(Label(name="result", values=("new", "unchanged", "failed")),),
)
POLL_ENTRIES = Metric(
    name="newsriver_poll_entries_total",
    kind=_COUNTER,
    about="Entries announced on Kafka.",
    roles=(Role.POLL,),
)
POLL_FEEDS = Metric(
    name="newsriver_poll_feeds",
    kind=_GAUGE,
    about="Feeds that this copy asks, and those of them whose last poll failed.",
    roles=(Role.POLL,),
    labels=(Label(name="state", values=("all", "failing")),),
    source=MetricSource.LOOKED_AT,
)
FETCH_RESULTS = Metric(
    name="newsriver_fetch_results_total",
    kind=_COUNTER,
    about="Tries to fetch an entry, by the outcome; `retry` where it is tried again later.",
    roles=(Role.FETCH,),
    labels=(Label(name="kind", values=(*OutcomeKind, "retry")), _REASON),
)
FETCH_BYTES = Metric(
    name="newsriver_fetch_body_bytes_total",
    kind=_COUNTER,
    unit="bytes",
    about="Bodies of pages put on Kafka.",
    roles=(Role.FETCH,),
)
FETCH_SECONDS = Metric(
    name="newsriver_fetch_seconds",
    kind=_HISTOGRAM,
    unit="seconds",
    about="From the request to the last byte of a page that was fetched.",
    roles=(Role.FETCH,),
    buckets=_SERVER_SECONDS,
)
FETCH_UNDER_WAY = Metric(
    name="newsriver_fetch_under_way",
    kind=_GAUGE,
    about="Entries that are being fetched or wait for their host.",
    roles=(Role.FETCH,),
)
PROCESS_OUTCOMES = Metric(
    name="newsriver_process_outcomes_total",
    kind=_COUNTER,
    about="Pages by how they ended; from Beam's counters, added at the end of each generation of the graph.",
    roles=(Role.PROCESS,),
    labels=(_OUTCOME, _REASON),
)
PROCESS_GENERATIONS = Metric(
    name="newsriver_process_generations_total",
    kind=_COUNTER,
    about="Runs of the graph, by whether they ended well or are repeated from the committed offsets.",
    roles=(Role.PROCESS,),
    labels=(Label(name="result", values=("ok", "failed")),),
)
INDEX_DELAY = Metric(
    name="newsriver_index_delay_seconds",
    kind=_HISTOGRAM,
    unit="seconds",
    about="From a page's last byte to its article being written.",
    roles=(Role.PROCESS,),
    buckets=_DELAY_SECONDS,
)
BULK_DOCUMENTS = Metric(
    name="newsriver_bulk_documents_total",
    kind=_COUNTER,
    about="Documents that Elasticsearch answered for, by the answer; `wait` for those that are sent again.",
    roles=_WRITERS,
    labels=(Label(name="kind", values=(*OutcomeKind, "wait")),),
)
BULK_SECONDS = Metric(
    name="newsriver_bulk_seconds",
    kind=_HISTOGRAM,
    unit="seconds",
    about="From a bulk request to its answer.",
    roles=_WRITERS,
    buckets=_SERVER_SECONDS,
)
SERVE_REQUESTS = Metric(
    name="newsriver_serve_requests_total",
    kind=_COUNTER,
    about="Requests answered, by the path's pattern and the class of the status.",
    roles=(Role.SERVE,),
    labels=(Label(name="route"), Label(name="status", values=("2xx", "3xx", "4xx", "5xx"))),
)
SERVE_SECONDS = Metric(
    name="newsriver_serve_seconds",
    kind=_HISTOGRAM,
    unit="seconds",
    about="From a request to the last byte of its answer.",
    roles=(Role.SERVE,),
    labels=(Label(name="route"),),
    buckets=_SERVER_SECONDS,
)
SERVER_UP = Metric(
    name="newsriver_server_up",
    kind=_GAUGE,
    about="Whether a server answered when it was asked for the metrics below: 1 or 0.",
    roles=(Role.RECORD,),
    labels=(Label(name="server", values=("kafka", "elasticsearch")),),
    source=MetricSource.LOOKED_AT,
)
TOPIC_RECORDS = Metric(
    name="newsriver_topic_records_total",
    kind=_COUNTER,
    about="Records ever written to a topic: the sum of its partitions' end offsets.",
    roles=(Role.RECORD,),
    labels=(_TOPIC,),
    source=MetricSource.KAFKA,
)
GROUP_COMMITTED = Metric(
    name="newsriver_group_committed_total",
    kind=_COUNTER,
    about="Records of a partition that a role has done: its committed offset.",
    roles=(Role.RECORD,),
    labels=(_TOPIC, _ROLE, _PARTITION),
    source=MetricSource.KAFKA,
)
GROUP_LAG = Metric(
    name="newsriver_group_lag_records",
    kind=_GAUGE,
    unit="records",
    about="Records of a partition that a role has yet to do.",
    roles=(Role.RECORD,),
    labels=(_TOPIC, _ROLE, _PARTITION),
    source=MetricSource.KAFKA,
)
BREAKER_TRIPPED = Metric(
    name="newsriver_breaker_tripped",
    kind=_GAUGE,
    about="1 while `process` has stopped for a fault of ours until `newsriver dead resume`.",
    roles=(Role.RECORD,),
    source=MetricSource.KAFKA,
)
LEDGER_OUTCOMES = Metric(
    name="newsriver_ledger_outcomes",
    kind=_GAUGE,
    about="Lines of the ledger; a gauge, since whole months of it can be deleted.",
    roles=(Role.RECORD,),
    labels=(Label(name="stage", values=tuple(Stage)), _OUTCOME, _REASON),
    source=MetricSource.ELASTICSEARCH,
)
ARTICLES = Metric(
    name="newsriver_articles",
    kind=_GAUGE,
    about="Articles that can be found.",
    roles=(Role.RECORD,),
    source=MetricSource.ELASTICSEARCH,
)

METRICS: tuple[Metric, ...] = (
    ROLE_INFO,
    LOOP_IDLE,
    WAITING,
    POLL_ANSWERS,
    POLL_ENTRIES,
    POLL_FEEDS,
    FETCH_RESULTS,
    FETCH_BYTES,
    FETCH_SECONDS,
    FETCH_UNDER_WAY,
    PROCESS_OUTCOMES,
    PROCESS_GENERATIONS,
    INDEX_DELAY,
    BULK_DOCUMENTS,
    BULK_SECONDS,
    SERVE_REQUESTS,
    SERVE_SECONDS,
    SERVER_UP,
    TOPIC_RECORDS,
    GROUP_COMMITTED,
    GROUP_LAG,
    BREAKER_TRIPPED,
    LEDGER_OUTCOMES,
    ARTICLES,
)
"""In the order of the docs."""

OF_THE_PROCESS = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
)
"""What prometheus-client tells of each process by itself."""
