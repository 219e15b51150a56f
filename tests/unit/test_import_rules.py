"""The house's import rules: pure modules import no client and do no I/O, one module imports each client."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for folder in ("pipelines", "schemas") for path in (ROOT / folder).rglob("*.py"))

CLIENTS = {
    "kafka": ("pipelines/kafka/",),
    "elasticsearch": ("pipelines/index/elastic.py",),
    "elastic_transport": ("pipelines/index/elastic.py",),
    "babel": ("schemas/calendar_words.py",),
    "aiohttp": ("pipelines/http/", "pipelines/demo/site.py", "pipelines/serve/"),
    "trafilatura": ("pipelines/clean/",),
    "apache_beam": ("pipelines/beam/",),
    "feedparser": ("pipelines/parse",),
    "py3langid": ("pipelines/language.py",),
}
"""Client library -> where it may be imported."""

PURE = (
    "pipelines/bench/internet/answers.py",
    "pipelines/bench/internet/audit.py",
    "pipelines/bench/internet/items.py",
    "pipelines/bench/internet/log.py",
    "pipelines/bench/internet/missed.py",
    "pipelines/bench/internet/plan.py",
    "pipelines/bench/internet/start.py",
    "pipelines/bench/internet/traits.py",
    "pipelines/bench/pages.py",
    "pipelines/bench/prose.py",
    "pipelines/bench/publishers.py",
    "pipelines/bench/rules.py",
    "pipelines/bench/schedule.py",
    "pipelines/breaker/window.py",
    "pipelines/chaos/delays.py",
    "pipelines/chaos/hostile.py",
    "pipelines/chaos/hostile_feeds.py",
    "pipelines/chaos/hostile_http.py",
    "pipelines/chaos/hostile_pages.py",
    "pipelines/chaos/page_kinds.py",
    "pipelines/chaos/pages.py",
    "pipelines/chaos/plan.py",
    "pipelines/chaos/recovery.py",
    "pipelines/chaos/verdict.py",
    "pipelines/charset.py",
    "pipelines/clean/",
    "pipelines/dates/",
    "pipelines/feeds/discovery.py",
    "pipelines/feeds/duplicates.py",
    "pipelines/feeds/opml.py",
    "pipelines/feeds/remarks.py",
    "pipelines/feeds/selection.py",
    "pipelines/feeds/standing.py",
    "pipelines/http/addresses.py",
    "pipelines/http/answer.py",
    "pipelines/http/content_coding.py",
    "pipelines/http/lenient.py",
    "pipelines/index/documents.py",
    "pipelines/index/verdict.py",
    "pipelines/kafka/offsets.py",
    "pipelines/language.py",
    "pipelines/ledger/dead.py",
    "pipelines/ledger/dead_reasons.py",
    "pipelines/ledger/lines.py",
    "pipelines/ledger/reconcile.py",
    "pipelines/ledger/repair_plan.py",
    "pipelines/limits.py",
    "pipelines/markup.py",
    "pipelines/parse",
    "pipelines/printable.py",
    "pipelines/pull/announce.py",
    "pipelines/pull/feed_table.py",
    "pipelines/pull/host_note.py",
    "pipelines/pull/hubs.py",
    "pipelines/pull/known.py",
    "pipelines/pull/landing.py",
    "pipelines/pull/lanes.py",
    "pipelines/pull/moves.py",
    "pipelines/pull/pushes.py",
    "pipelines/pull/robots.py",
    "pipelines/pull/schedule.py",
    "pipelines/pull/sitemaps.py",
    "pipelines/pull/visits.py",
    "pipelines/redaction.py",
    "pipelines/search/query.py",
    "pipelines/tag.py",
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
