"""Which addresses the controller may be sent to by what users write, purely.

The controller's account may reach more than a user may: the node it runs on, the cloud's metadata with its
credentials. So an address is judged after the name is resolved, at the moment it is connected to; sockets.py and
requests_adapter.py see to that. In-cluster addresses are private ones and allowed. What the operator writes for the
controller itself, such as its own Prometheus, is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from rollouts.errors import SpecInvalid

REFUSED = "the address may not be called"
"""How every refusal begins; none has a comma in it."""

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network
_TRANSLATED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96")))
"""Of NAT64 (RFC 6052, and RFC 8215 for networks of one's own) and of stateless translators (RFC 7915)."""
_DENIED = {
    "link-local (clouds keep their metadata there)": ("169.254.0.0/16", "fe80::/10"),
    "a cloud's metadata": (
        "fd00:ec2::/32",
        "fd20:ce::254/128",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
    ),
    "loopback (the controller's own)": ("127.0.0.0/8", "::1/128"),
    "no address of a server": ("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8"),
}
_BUILT_IN = tuple((ip_network(network), kind) for kind, networks in _DENIED.items() for network in networks)
_NAME, _SUFFIX = 1000, 500
"""Above every prefix: a name is more specific than a network, a whole one more than a domain."""


@dataclass(frozen=True, slots=True)
class ReachPolicy:
    """Which addresses may be asked; the default is `ReachPolicy()`.

    `allow` and `deny` hold networks (`10.0.0.0/8`), addresses, names (`prometheus.monitoring.svc`) and domains
    (`*.example.com`). The most specific entry decides, at a tie `deny`; the operator's before the built-in ones; what
    no entry speaks of is allowed. So `deny: [0.0.0.0/0, ::/0]` leaves only what `allow` has.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises SpecInvalid for an entry that is none."""
        for entry in (*self.allow, *self.deny):
            if _network(entry) is None and not _is_name(entry):
                raise SpecInvalid(f"{entry!r} is no network, address, name or *.domain")

    def refusal(self, host: str, address: str) -> str:
        """Why `host` may not be asked at `address`, for a person; empty if it may."""
        meant = tuple(_meanings(ip_address(address.partition("%")[0])))
        return next((reason for one in meant if (reason := self._refusal(_plain(host), one))), "")

    def _refusal(self, host: str, address: _Address) -> str:
        allowed, denied = (_specificity(entries, host, address) for entries in (self.allow, self.deny))
        built_in, kind = max(
            ((network.prefixlen, kind) for network, kind in _BUILT_IN if address in network), default=(-1, "")
        )
        if denied >= max(allowed, built_in, 0):
            return f"{REFUSED}: the operator's ROLLOUTS_REACH_DENY has it"
        if built_in > allowed:
            return f"{REFUSED}: it is {kind}; an operator can allow it by ROLLOUTS_REACH_ALLOW"
        return ""


def _meanings(address: _Address) -> Iterator[_Address]:
    """The address, and the IPv4 one that it leads to, where it holds one."""
    yield address
    if isinstance(address, IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if embedded is None and address.teredo is not None:
            embedded = address.teredo[1]
        if embedded is None and (
            any(address in one for one in _TRANSLATED) or (int(address) >> 32 == 0 and int(address) > 1)
        ):
            embedded = IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded is not None:
            yield embedded


def _specificity(entries: Iterable[str], host: str, address: _Address) -> int:
    """Of the most specific entry that speaks of this place; -1 if none does."""
    return max((_matches(entry, host, address) for entry in entries), default=-1)


def _matches(entry: str, host: str, address: _Address) -> int:
    network = _network(entry)
    if network is not None:
        return network.prefixlen if address.version == network.version and address in network else -1
    name = _plain(entry)
    if name.startswith("*."):
        return _SUFFIX + len(name) if host.endswith(name[1:]) else -1
    return _NAME if host == name else -1


def _network(entry: str) -> _Network | None:
    try:
        return ip_network(entry)
    except ValueError:
        return None


def _is_name(entry: str) -> bool:
    labels = _plain(entry).removeprefix("*.").split(".")
    written = all(label and label.replace("-", "").replace("_", "").isalnum() for label in labels)
    # What ends in digits was meant as an address.
    return written and entry.isascii() and not labels[-1].isdigit()


def _plain(host: str) -> str:
    return host.lower().removesuffix(".")
