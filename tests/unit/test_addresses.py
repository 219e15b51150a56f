"""The address guard: every private or special address is refused in every form it can be written in."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import AddressRefused
from pipelines.http.addresses import AddressGuard, literal_address

REFUSED = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::1"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0"],
    "cloud metadata": ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1"],
    "reserved": [
        "0.0.0.0",  # noqa: S104 - not bound to
        "0.1.2.3",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "192.0.2.1",
        "198.51.100.1",
        "2001:db8::1",
    ],
    "benchmarks": ["198.18.0.1", "198.19.255.255"],
    "site-local": ["fec0::1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe"],
    "compatible": ["::127.0.0.1"],
    "6to4": ["2002:7f00:1::1", "2002:a00:1::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:80ff:fffe"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"],
    "no address": ["", "localhost", "127.1", "example.org"],
}
PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("address", [each for group in REFUSED.values() for each in group])
def test_what_is_not_public_is_refused(address: str) -> None:
    guard = AddressGuard()
    assert not guard.allows(address)
    with pytest.raises(AddressRefused) as caught:
        guard.check(address, "http://example.org/")
    assert (caught.value.reason, caught.value.retryable) == ("address-refused", False)
    assert "fetch.allow_networks" in str(caught.value)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_passes(address: str) -> None:
    guard = AddressGuard()
    guard.check(address)
    guard.check_host(address)
    assert guard.allows(address)


def test_only_the_named_networks_are_let_through() -> None:
    guard = AddressGuard(["10.1.0.0/16", "::1/128"])
    assert [guard.allows(each) for each in ("10.1.2.3", "::ffff:10.1.2.3", "::1", "8.8.8.8")] == [True] * 4
    assert [guard.allows(each) for each in ("10.2.0.1", "127.0.0.1", "169.254.169.254", "fe80::1")] == [False] * 4


FORMS = [
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1.", "127.0.0.1"),
    ("127.1", "127.0.0.1"),
    ("127.0.1", "127.0.0.1"),
    ("2130706433", "127.0.0.1"),
    ("0x7f000001", "127.0.0.1"),
    ("0X7F.1", "127.0.0.1"),
    ("017700000001", "127.0.0.1"),
    ("0177.0.0.01", "127.0.0.1"),
    ("0x7f.0.0x0.01", "127.0.0.1"),
    ("0", "0.0.0.0"),  # noqa: S104 - not bound to
    ("169.254.43518", "169.254.169.254"),
    ("[::1]", "::1"),
    ("::1", "::1"),
    ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
    ("[fe80::1%25eth0]", "fe80::1"),
]


@pytest.mark.parametrize(("host", "address"), FORMS)
def test_every_form_of_an_address_is_read(host: str, address: str) -> None:
    assert str(literal_address(host)) == address
    with pytest.raises(AddressRefused):
        AddressGuard().check_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.65536",
        "4294967296",
        "09.1",
        "1.2.3.x",
        "0xg",
        "-1",
        "1e3",
        "",
        "[::1::2]",
    ],
)
def test_a_name_is_no_address(host: str) -> None:
    assert literal_address(host) is None
    AddressGuard().check_host(host)


@given(st.ip_addresses(v=4))
def test_all_forms_of_an_ipv4_address_are_judged_alike(address: ipaddress.IPv4Address) -> None:
    number, guard = int(address), AddressGuard()
    a, b, c, d = address.packed
    forms = [str(number), hex(number), f"0{number:o}", f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{number & 0xFFFF}"]
    forms += [f"0x{a:x}.0{b:o}.{c}.{d}", f"::ffff:{address}", f"[::ffff:{a:02x}{b:02x}:{c:02x}{d:02x}]"]
    verdicts = set()
    for form in forms:
        found = literal_address(form)
        assert found is not None
        verdicts.add(guard.allows(str(found)))
    assert verdicts == {guard.allows(str(address))}


@given(st.text())
def test_what_the_guard_lets_through_is_an_address(text: str) -> None:
    if AddressGuard().allows(text):
        found = literal_address(text)
        assert found is not None
        assert found.is_global
