import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stack.maven import Transfers, reason


def test_adds_up_what_maven_says() -> None:
    transfers = Transfers()
    heard = []
    for line in (
        "[INFO] Scanning for projects...",
        "Downloading from central: https://mirror.example/a.pom",
        "Progress (1): 2.0 kB",
        "Downloaded from central: https://mirror.example/a.pom (18 kB at 57 kB/s)",
        "Progress (1): 0.3/921 MB",
        "Progress (1): 661/921 MB",
        "Downloaded from central: https://mirror.example/a.zip (921 MB at 88 MB/s)",
    ):
        transfers.hear(line)
        heard.append(transfers.bytes)
    assert heard == [0, 0, 2_000, 18_000, 318_000, 661_018_000, 921_018_000]


def test_downloads_side_by_side_add_up_and_never_go_back() -> None:
    transfers = Transfers()
    transfers.hear("Progress (3): 4.3/7.3 MB | 4.9/10 MB | 3.0/5.9 MB")
    assert transfers.bytes == 12_200_000
    transfers.hear("Downloaded from central: https://mirror.example/c.jar (5.9 MB at 1.1 MB/s)")
    assert transfers.bytes == 12_200_000
    transfers.hear("Progress (2): 7.3/7.3 MB | 9.8/10 MB")
    assert transfers.bytes == 23_000_000


def test_newer_maven_puts_its_level_in_front() -> None:
    transfers = Transfers()
    transfers.hear("[INFO] Downloaded from central: https://mirror.example/b.jar (1.5 MB at 1.1 MB/s)")
    assert transfers.bytes == 1_500_000


@pytest.mark.parametrize(
    ("line", "mere_progress"),
    [
        ("Progress (1): 661/921 MB", True),
        ("                   ", True),
        ("[INFO] BUILD SUCCESS", False),
        ("Downloaded from central: https://mirror.example/a.pom (18 kB at 57 kB/s)", False),
    ],
)
def test_progress_stays_out_of_the_log(line: str, mere_progress: bool) -> None:
    assert Transfers().hear(line) is mere_progress


@given(st.lists(st.text()))
def test_no_output_stops_it(lines: list[str]) -> None:
    transfers = Transfers()
    for line in lines:
        before = transfers.bytes
        transfers.hear(line)
        assert transfers.bytes >= before


def test_the_reason_is_mavens_first_error_without_its_own_hints() -> None:
    log = """\
[INFO] BUILD FAILURE
[ERROR] Plugin x:y:1 or one of its dependencies could not be resolved: Unknown host mirror.example -> [Help 1]
[ERROR]
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.
"""
    assert reason(log) == "Plugin x:y:1 or one of its dependencies could not be resolved: Unknown host mirror.example"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("", "it said nothing"),
        ("\n\n", "it said nothing"),
        ("a\nThe JAVA_HOME variable is wrong\n\n", "The JAVA_HOME variable is wrong"),
    ],
)
def test_without_an_error_line_the_last_words_count(log: str, expected: str) -> None:
    assert reason(log) == expected
