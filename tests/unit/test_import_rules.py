"""The house's import rules: pure modules import no client and do no I/O, one module imports each client."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for folder in ("pipelines", "schemas") for path in (ROOT / folder).rglob("*.py"))

CLIENTS = {
    "kafka": ("pipelines/kafka/",),
    "elasticsearch": ("pipelines/index/elastic.py", "pipelines/search/client.py"),
    "elastic_transport": ("pipelines/index/elastic.py", "pipelines/search/client.py"),
    "babel": ("schemas/calendar_words.py",),
    "aiohttp": ("pipelines/http/", "pipelines/dashboards/kibana.py", "pipelines/demo/site.py"),
    "fastapi": ("pipelines/web/",),
    "starlette": ("pipelines/web/",),
    "uvicorn": ("pipelines/web/",),
    "jinja2": ("pipelines/web/",),
    "trafilatura": ("pipelines/clean/",),
    "pygal": ("pipelines/dashboards/charts.py",),
    "apache_beam": ("pipelines/process/",),
    "feedparser": ("pipelines/feed_formats",),
    "prometheus_client": ("pipelines/metrics/",),
    "py3langid": ("pipelines/language.py",),
}
"""Client library -> where it may be imported."""

PURE = (
    "pipelines/alerts/evaluation.py",
    "pipelines/alerts/figures.py",
    "pipelines/alerts/messages.py",
    "pipelines/alerts/positions.py",
    "pipelines/lab/internet/answers.py",
    "pipelines/lab/internet/audit.py",
    "pipelines/lab/internet/items.py",
    "pipelines/lab/internet/log.py",
    "pipelines/lab/internet/missed.py",
    "pipelines/lab/internet/plan.py",
    "pipelines/lab/internet/start.py",
    "pipelines/lab/internet/traits.py",
    "pipelines/lab/bench/pages.py",
    "pipelines/lab/bench/prose.py",
    "pipelines/lab/bench/publishers.py",
    "pipelines/lab/bench/rules.py",
    "pipelines/lab/bench/schedule.py",
    "pipelines/lab/bench/search_corpus.py",
    "pipelines/breaker/window.py",
    "pipelines/lab/chaos/delays.py",
    "pipelines/lab/chaos/hostile.py",
    "pipelines/lab/chaos/hostile_feeds.py",
    "pipelines/lab/chaos/hostile_http.py",
    "pipelines/lab/chaos/hostile_pages.py",
    "pipelines/lab/chaos/page_kinds.py",
    "pipelines/lab/chaos/pages.py",
    "pipelines/lab/chaos/plan.py",
    "pipelines/lab/chaos/recovery.py",
    "pipelines/lab/chaos/verdict.py",
    "pipelines/charset.py",
    "pipelines/dashboards/aggregations.py",
    "pipelines/dashboards/normal_form.py",
    "pipelines/dashboards/numbers.py",
    "pipelines/dashboards/period.py",
    "pipelines/index/states.py",
    "schemas/dashboards/",
    "pipelines/clean/",
    "pipelines/dates/",
    "pipelines/discovery/candidates.py",
    "pipelines/feeds/duplicates.py",
    "pipelines/feeds/opml.py",
    "pipelines/discovery/lint.py",
    "pipelines/feeds/selection.py",
    "pipelines/feeds/feed_status.py",
    "pipelines/http/addresses.py",
    "pipelines/http/answer.py",
    "pipelines/content_coding.py",
    "pipelines/http/lenient.py",
    "pipelines/index/documents.py",
    "pipelines/index/verdict.py",
    "pipelines/kafka/offsets.py",
    "pipelines/language.py",
    "pipelines/ledger/dead_letter_rules.py",
    "pipelines/ledger/dead_reasons.py",
    "pipelines/ledger/outcomes.py",
    "pipelines/ledger/reconcile.py",
    "pipelines/ledger/repair_plan.py",
    "pipelines/runtime/limits.py",
    "pipelines/markup.py",
    "pipelines/feed_formats",
    "pipelines/printable.py",
    "pipelines/poll/poll_result.py",
    "pipelines/poll/feed_table.py",
    "pipelines/http/host_note.py",
    "pipelines/poll/hub_links.py",
    "pipelines/fetch/deduplication.py",
    "pipelines/fetch/soft_redirects.py",
    "pipelines/fetch/partition_queues.py",
    "pipelines/poll/permanent_redirects.py",
    "pipelines/poll/pushes.py",
    "pipelines/http/robots.py",
    "pipelines/poll/schedule.py",
    "pipelines/poll/sitemaps.py",
    "pipelines/fetch/fetch_result.py",
    "pipelines/redaction.py",
    "pipelines/search/bodies.py",
    "pipelines/search/cursor.py",
    "pipelines/search/facets.py",
    "pipelines/search/history.py",
    "pipelines/search/hits.py",
    "pipelines/search/lexer.py",
    "pipelines/search/qualifiers.py",
    "pipelines/search/query.py",
    "pipelines/search/results.py",
    "pipelines/search/tree.py",
    "pipelines/search/vocabulary_results.py",
    "pipelines/topics/tagger.py",
    "pipelines/tap.py",
    "pipelines/urls.py",
    "pipelines/websub/lifecycle.py",
    "pipelines/websub/protocol.py",
    "pipelines/websub/subscriptions.py",
    "schemas/media_topics.py",
    "schemas/records/",
    "schemas/topics.py",
)
IMPURE = {
    "kafka",
    "elasticsearch",
    "aiohttp",
    "apache_beam",
    "requests",
    "urllib.request",
    "socket",
    "subprocess",
    "threading",
    "asyncio",
    "http.client",
    "sqlite3",
    "tempfile",
    "shutil",
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module}
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_has_one_importer(client: str) -> None:
    importers = [name(path) for path in MODULES if any(i.split(".")[0] == client for i in imports(path))]
    assert [path for path in importers if not path.startswith(CLIENTS[client])] == []


@pytest.mark.parametrize("path", [path for path in MODULES if name(path).startswith(PURE)], ids=name)
def test_pure_modules_do_no_io(path: Path) -> None:
    assert {i for i in imports(path) if i in IMPURE or i.split(".")[0] in IMPURE} == set()
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}


def test_schemas_import_no_pipeline() -> None:
    importers = [
        name(p)
        for p in MODULES
        if name(p).startswith("schemas/") and any(i.startswith("pipelines") for i in imports(p))
    ]
    assert importers == []


def test_every_package_is_installed() -> None:
    listed = {
        node.value for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())) if isinstance(node, ast.Constant)
    }
    packages = {name(path.parent).replace("/", ".") for path in MODULES if path.name == "__init__.py"}
    assert packages <= listed
