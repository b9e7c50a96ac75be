"""Tables of the IP networks that are not part of the public internet, and tunnelled addresses.

The rows follow IANA's registries of special-purpose IPv4 and IPv6 addresses (RFC 6890 and its
successors). Python's ``ipaddress`` knows such networks too, but which of them depends on its patch
release, so nothing here uses that. All rows count as not public, even the few that IANA calls
globally reachable (anycast relays and sinks): nobody publishes documents there.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

METADATA: tuple[Network, ...] = (  # services that hand out a cloud machine's credentials
    IPv4Network("169.254.169.254/32"),  # most clouds
    IPv4Network("169.254.170.0/24"),  # Amazon's containers
    IPv4Network("168.63.129.16/32"),  # Azure: an address of the public range
    IPv4Network("100.100.100.200/32"),  # Alibaba
    IPv4Network("192.0.0.192/32"),  # Oracle
    IPv6Network("fd00:ec2::/32"),  # Amazon
    IPv6Network("fd20:ce::254/128"),  # Google
)

UNFETCHABLE: tuple[Network, ...] = (  # never fetched from, not even with a trusted network
    *METADATA,
    IPv4Network("0.0.0.0/8"),  # "this network", RFC 791; 0.0.0.0 itself reaches this machine
    IPv4Network("169.254.0.0/16"),  # link-local, RFC 3927
    IPv4Network("224.0.0.0/4"),  # multicast, RFC 5771
    IPv4Network("255.255.255.255/32"),  # broadcast, RFC 919
    IPv6Network("::/128"),  # unspecified, RFC 4291
    IPv6Network("64:ff9b:1::/48"),  # local NAT64, RFC 8215: the IPv4 address may be anywhere in it
    IPv6Network("fe80::/10"),  # link-local, RFC 4291
    IPv6Network("ff00::/8"),  # multicast, RFC 4291
)

SPECIAL: tuple[Network, ...] = (
    *UNFETCHABLE,
    IPv4Network("10.0.0.0/8"),  # private, RFC 1918
    IPv4Network("100.64.0.0/10"),  # between a provider and its customers, RFC 6598
    IPv4Network("127.0.0.0/8"),  # loopback, RFC 1122
    IPv4Network("172.16.0.0/12"),  # private, RFC 1918
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890
    IPv4Network("192.0.2.0/24"),  # documentation, RFC 5737
    IPv4Network("192.31.196.0/24"),  # AS112, RFC 7535
    IPv4Network("192.52.193.0/24"),  # automatic multicast tunnels, RFC 7450
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
    IPv4Network("192.168.0.0/16"),  # private, RFC 1918
    IPv4Network("192.175.48.0/24"),  # AS112, RFC 7534
    IPv4Network("198.18.0.0/15"),  # benchmarks, RFC 2544
    IPv4Network("198.51.100.0/24"),  # documentation, RFC 5737
    IPv4Network("203.0.113.0/24"),  # documentation, RFC 5737
    IPv4Network("240.0.0.0/4"),  # reserved, RFC 1112
    IPv6Network("2001::/23"),  # protocol assignments, RFC 2928: Teredo, ORCHID and others
    IPv6Network("2001:db8::/32"),  # documentation, RFC 3849
    IPv6Network("2620:4f:8000::/48"),  # AS112, RFC 7534
    IPv6Network("3ffe::/16"),  # the former 6bone, RFC 3701
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
)

_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_SIX_TO_FOUR = IPv6Network("2002::/16")  # RFC 3056
_TEREDO = IPv6Network("2001::/32")  # RFC 4380

GLOBAL: tuple[Network, ...] = (
    IPv4Network("0.0.0.0/0"),
    IPv6Network("2000::/3"),  # everything that IANA assigns to hosts
    _MAPPED,  # this and the next represent an IPv4 address
    _NAT64,
)

_IPV4_IN_LAST_BITS = (
    _MAPPED,
    _NAT64,
    IPv6Network("::/96"),  # "IPv4-compatible", RFC 4291
    IPv6Network("::ffff:0:0:0/96"),  # "IPv4-translated", RFC 2765
)
_LOW_32 = 0xFFFFFFFF
# An interface identifier of ISATAP (RFC 5214) is 0000:5efe:a.b.c.d; the two lowest bits of its
# first byte may be set.
_ISATAP, _ISATAP_MASK = 0x00005EFE, 0xFCFFFFFF


def is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    """Return whether an IP address belongs to one of some networks."""
    return any(address in network for network in networks)


def embedded_ipv4(address: Address) -> list[IPv4Address]:
    """List the IPv4 addresses that are embedded in an IPv6 address and may receive its packets.

    Known are IPv4-mapped, -compatible and -translated addresses, NAT64, 6to4, Teredo (server and
    client) and ISATAP. An IPv4 address has none.
    """
    if isinstance(address, IPv4Address):
        return []
    bits = int(address)
    if bits <= 1:  # unspecified and loopback, which lie among the IPv4-compatible ones
        return []
    embedded = []
    if is_in(address, _IPV4_IN_LAST_BITS) or (bits >> 32) & _ISATAP_MASK == _ISATAP:
        embedded.append(bits & _LOW_32)
    if address in _SIX_TO_FOUR:
        embedded.append(bits >> 80 & _LOW_32)
    if address in _TEREDO:
        embedded += [bits >> 64 & _LOW_32, ~bits & _LOW_32]
    return [IPv4Address(each) for each in embedded]
