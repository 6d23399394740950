from __future__ import annotations

from ipaddress import IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.errors import SpecInvalid
from rollouts.reach.policy import REFUSED, ReachPolicy

DEFAULT = ReachPolicy()


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16", "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0",  # noqa: S104 - nobody listens
        "0.1.2.3", "::", "224.0.0.1", "ff02::1",
        "255.255.255.255", "240.0.0.1",
        "::ffff:169.254.169.254", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1",
        "64:ff9b:1::169.254.169.254", "64:ff9b:1:ffff::127.0.0.1", "::ffff:0:169.254.169.254",
    ],
)  # fmt: skip
def test_what_only_the_controller_can_reach_is_refused(address: str) -> None:
    """Link-local, metadata, loopback and what is no server; whatever the name, and however it is dressed as IPv6."""
    assert DEFAULT.refusal("prometheus.example.com", address).startswith(REFUSED)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "172.16.0.9", "100.64.0.1", "93.184.216.34", "fd12::7"])
def test_services_are_reached(address: str) -> None:
    """Inside the cluster, whose addresses are private ones, and outside."""
    assert not DEFAULT.refusal("prometheus.monitoring.svc", address)
    assert not DEFAULT.refusal("prometheus.monitoring.svc", "::ffff:10.0.0.1")


@pytest.mark.parametrize(
    ("allow", "deny", "host", "address", "allowed"),
    [
        (("127.0.0.0/8",), (), "localhost", "127.0.0.1", True),
        (("127.0.0.1",), (), "localhost", "127.0.0.2", False),
        (("0.0.0.0/0",), (), "x", "169.254.169.254", False),
        (("169.254.169.254",), (), "x", "169.254.169.254", True),
        (("0.0.0.0/0",), ("0.0.0.0/0",), "x", "10.0.0.1", False),
        (("10.1.0.0/16",), ("0.0.0.0/0", "::/0"), "x", "10.1.2.3", True),
        (("10.1.0.0/16",), ("0.0.0.0/0", "::/0"), "x", "10.2.2.3", False),
        (("10.1.0.0/16",), ("0.0.0.0/0", "::/0"), "x", "fd12::7", False),
        ((), ("10.0.0.0/8",), "x", "::ffff:10.0.0.1", False),
        (("10.0.0.0/8",), ("10.1.0.0/16",), "x", "10.1.0.1", False),
        (("prometheus.monitoring.svc",), ("0.0.0.0/0",), "prometheus.monitoring.svc", "10.0.0.1", True),
        (("prometheus.monitoring.svc",), ("0.0.0.0/0",), "Prometheus.monitoring.SVC.", "10.0.0.1", True),
        (("prometheus.monitoring.svc",), ("0.0.0.0/0",), "other.monitoring.svc", "10.0.0.1", False),
        (("*.example.com",), ("0.0.0.0/0",), "a.b.example.com", "10.0.0.1", True),
        (("*.example.com",), ("0.0.0.0/0",), "example.com", "10.0.0.1", False),
        (("*.example.com",), ("0.0.0.0/0",), "badexample.com", "10.0.0.1", False),
        (("*.example.com",), ("secret.example.com",), "secret.example.com", "10.0.0.1", False),
        (("good.example.com",), ("*.example.com",), "good.example.com", "10.0.0.1", True),
        ((), ("*.example.com",), "a.example.com", "93.184.216.34", False),
    ],
)  # fmt: skip
def test_the_most_specific_entry_decides(
    allow: tuple[str, ...], deny: tuple[str, ...], host: str, address: str, *, allowed: bool
) -> None:
    """At a tie `deny`; the operator's before the built-in ones; names before networks."""
    assert (not ReachPolicy(allow, deny).refusal(host, address)) is allowed


@pytest.mark.parametrize(
    "entry", ["", "10.0.0.1/8", "10.0.0", "a b", "*", "*.", "http://x", "ex*mple.com", "1.2.3.4.5"]
)
def test_an_entry_that_is_none_is_said(entry: str) -> None:
    """Instead of being a rule that never applies."""
    with pytest.raises(SpecInvalid, match="no network, address, name or"):
        ReachPolicy(allow=(entry,))


def test_a_refusal_says_the_way_out() -> None:
    """For the operator alone can take it."""
    assert DEFAULT.refusal("x", "127.0.0.1").endswith("an operator can allow it by ROLLOUTS_REACH_ALLOW")
    assert "ROLLOUTS_REACH_DENY" in ReachPolicy(deny=("10.0.0.0/8",)).refusal("x", "10.0.0.1")


@given(st.ip_addresses())
def test_an_ipv4_address_is_judged_the_same_in_every_dress(address: object) -> None:
    """Mapped, translated by NAT64 or through 6to4, it leads to the same place."""
    meant = ip_address(str(address))
    if isinstance(meant, IPv6Address):
        return
    refused = bool(DEFAULT.refusal("x", str(meant)))
    for dress in (0xFFFF << 32, 0x64FF9B << 96):
        assert bool(DEFAULT.refusal("x", str(IPv6Address(dress | int(meant))))) is refused
    assert bool(DEFAULT.refusal("x", str(IPv6Address(0x2002 << 112 | int(meant) << 80)))) is refused
