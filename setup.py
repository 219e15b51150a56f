"""Package metadata, all of it: Beam's stager falls back to this file when it ships the job to workers."""

from pathlib import Path

from setuptools import setup

# Ranges say what the code is written for; constraints.txt names the versions it was tested with.
REQUIRES = [
    "aiohttp>=3.14,<4",
    "apache-beam>=2.77,<2.78",
    "brotli>=1.2,<2",  # the first whose decoder can be told where to stop
    "click>=8.3,<9",
    "elasticsearch>=8.19,<9",  # the 8 client speaks to 8 and 9 servers, the 9 client only to 9
    "fastapi>=0.165,<0.166",
    "feedparser>=6.0.12,<7",
    "h11>=0.16,<0.17",  # uvicorn's parser: which state a connection is in
    "htmldate>=1.11,<2",
    "jinja2>=3.1.6,<4",
    "kafka-python[crc32c,lz4,zstd]>=3.0.12,<3.1",  # without crc32c checksums are computed in Python, 64 times slower
    "lxml>=6,<7",
    "lxml_html_clean>=0.4.6",  # trafilatura 2.3.1 needs it and does not name it
    "orjson>=3.11,<4",
    "platformdirs>=4.3,<5",
    "prometheus-client>=0.26,<0.27",
    "psutil>=7,<8",
    "py3langid>=0.4,<0.5",
    "pydantic>=2.12,<3",
    "pygal>=3.1,<4",
    "resiliparse>=2,<3",
    "rich>=14,<16",
    "trafilatura==2.3.1",
    "uvicorn>=0.54,<0.55",
    "w3lib>=2.5,<3",  # the first that resolves dot segments
    "yarl>=1.20,<2",
    "zstandard>=0.25,<1",
]

EXTRAS = {
    "dev": [
        "aiosmtpd>=1.4,<2",  # a mail server for the tests of alerts
        "babel>=2.18,<3",  # only to generate schemas/calendar
        "cryptography>=45",  # certificates for the tests of secured servers
        "httpx2",  # FastAPI's test client
        "hypothesis>=6.150",
        "lxml-stubs",
        "mypy>=2.4,<3",
        "protego>=0.7,<1",  # what our own reader of robots.txt is compared with
        "pytest>=9,<10",
        "pytest-timeout>=2.4,<3",
        "pytest-xdist>=3.8,<4",
        "pyyaml>=6,<7",  # deploy/ is read by tests
        "ruff>=0.17,<0.18",
        "schemathesis>=4.32,<5",
        "types-psutil",
        "zstandard>=0.25",
    ],
}

setup(
    name="newsriver",
    version="0.1.0",
    description="Every article of the feeds you care about: pulled, cleaned, tagged and searchable, and none lost.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11",
    # Listed one by one so that tests and deploy are never installed.
    packages=[
        "pipelines",
        "pipelines.alerts",
        "pipelines.breaker",
        "pipelines.clean",
        "pipelines.cli",
        "pipelines.dashboards",
        "pipelines.dates",
        "pipelines.demo",
        "pipelines.discovery",
        "pipelines.feed_formats",
        "pipelines.feeds",
        "pipelines.fetch",
        "pipelines.http",
        "pipelines.index",
        "pipelines.kafka",
        "pipelines.lab",
        "pipelines.lab.bench",
        "pipelines.lab.chaos",
        "pipelines.lab.internet",
        "pipelines.ledger",
        "pipelines.metrics",
        "pipelines.poll",
        "pipelines.process",
        "pipelines.runtime",
        "pipelines.sandbox",
        "pipelines.search",
        "pipelines.settings",
        "pipelines.stack",
        "pipelines.topics",
        "pipelines.web",
        "pipelines.websub",
        "schemas",
        "schemas.dashboards",
        "schemas.records",
    ],
    package_data={
        "pipelines": ["clean/*.toml", "topics/lexicon/*.toml", "py.typed"],
        "pipelines.demo": ["pages/*", "outlets/*"],
        "pipelines.web": ["static/*", "templates/*.html"],
        "schemas": [
            "calendar/*.json",
            "elasticsearch/*.json",
            "json/*.json",
            "examples/*.json",
            "kibana/*",
            "py.typed",
        ],
    },
    install_requires=REQUIRES,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["newsriver = pipelines.cli:main"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: Information Technology",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Internet :: WWW/HTTP :: Indexing/Search",
        "Typing :: Typed",
    ],
)
