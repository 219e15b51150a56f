# ruff: noqa: E501 - tables are read across
"""Addresses as strangers send them: every part bent in every way that a parser of URLs may choke on."""

from __future__ import annotations

from hypothesis import strategies as st

SCHEMES = [
    "http",
    "https",
    "HTTP",
    "hTtps",
    "ftp",
    "file",
    "javascript",
    "data",
    "feed",
    "",
    "1http",
    "http\t",
    "ht\x00tp",
]
HOSTS = [
    "x.example", "X.EXAMPLE.", "localhost", "", ".", "..", "a..b", "-a-.example", "_a.example", "a" * 64 + ".example",
    ".".join(["a"] * 200), "xn--", "xn--a", "xn--\u00e9", "xn--zzzzzzzzzzzzzz.example", "bücher.example", "例え.テスト",
    "\u2126.example", "①②⑦.⓪.⓪.①", "127。0。0。1", "ＦＵＬＬ.example", "a\u200db.example", "\u202eelpmaxe.x", "\u0130.example",
    "127.0.0.1", "0x7f000001", "2130706433", "0177.1", "1.2.3.4.5", "999.999.999.999", "9" * 5000,
    "[::1]", "[::1", "::1]", "[]", "[", "]", "[fe80::1%25lo]", "[fe80::1%lo]", "[v1.x]", "[::ffff:1.2.3.4]", "[1]", "[[::1]]",
    "x[y].example", "%", "%zz", "%00", "%2e", "a%20b", "a b", "a\tb", "a\nb", "a\x00b", "a\\b", "a,b", "a|b", "a^b", "a<b>",
    "\ud800.example", "\udcff", "\x80.example", "ß.example", "a\u00adb.example", "🚀.example", "x.example\u2028",
]  # fmt: skip
USERS = ["", "", "", "user@", "user:pass@", ":@", "@", "@@", "a@b@", "%@", "[@", "user:p@ss@", "\x00@"]
PORTS = [
    "", "", "", ":", ":0", ":80", ":443", ":65535", ":65536", ":99999", ":-1", ":+1", ":1e3", ":0x50", ":１２", ":a", ": 80",
    ":" + "9" * 5000, ":" + "0" * 5000 + "80", ":80:80", ":\x00",
]  # fmt: skip
PATHS = [
    "", "/", "//", "///x", "/a/../../..", "/./", "/%", "/%z", "/%2", "/%u1234", "/%ff", "/\ud800", "/ä", "/a b", "/a\nb", "/\x00",
    "/;a=b", "/:", "/@", "/[", "/]", "/\\..\\", "/" + "a/" * 2000, "/" + "%41" * 1500, "/" + "ä" * 1300, "/" + "../" * 1000, "/consent",
    "/\u202e", "\\\\x.example\\",
]  # fmt: skip
QUERIES = [
    "", "", "?", "??", "?a", "?=", "?&&&", "?" + "&".join(f"a{n}=1" for n in range(150)), "?" + "&" * 3000, "?a=%", "?a=%zz",
    "?a=\ud800", "?a;b;c", "?utm_source=rss&ref=rss", "?next=http://[::1", "?u=http%3A%2F%2F%5B", "?q=" + "A" * 40, "?q=" + "=" * 20,
    "?q=" + "aHR0cDovL1s=" * 3, "?a=1&amp;b=2", "?" + "a=b&" * 1100, "?[", "?a=\x00\r\n",
]  # fmt: skip
FRAGMENTS = ["", "", "#", "##", "#[", "#a=http://[", "#" + "&".join(f"b{n}=2" for n in range(150)), "#!/a"]
SEPARATORS = ["://", "://", "://", ":", ":/", ":///", "", "//", ":\\\\", ":%2f%2f"]

BENT = st.builds(
    "{}{}{}{}{}{}{}{}".format,
    *map(st.sampled_from, (SCHEMES, SEPARATORS, USERS, HOSTS, PORTS, PATHS, QUERIES, FRAGMENTS)),
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)

NASTY = BENT | ANY_TEXT | st.builds("http://{}".format, ANY_TEXT) | st.builds("{}{}".format, BENT, ANY_TEXT)
"""A text that stands where an address should."""
