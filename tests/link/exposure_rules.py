"""Rule sets as they are met on hosts, each a list of (program, text); those in files are of ufw and firewalld."""

from __future__ import annotations

import os

_FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rulesets")
# The rules that an ordinary server has, in the words of nft(8).
_WORKSTATION = """
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iif lo accept
    icmp type { echo-request, destination-unreachable } accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, packet-too-big, echo-request } accept
    tcp dport 22 accept comment "ssh"
    counter
  }
  chain forward { type filter hook forward priority filter; policy drop; }
}
"""


def _recorded(name):
    with open(os.path.join(_FILES, name), encoding="utf-8") as file:
        return file.read()


def _nft_input(rules, policy="drop", before=""):
    body = "\n    ".join(rules)
    chain = f"type filter hook input priority 0; policy {policy};\n    {body}"
    return [("nft", f"table inet t {{\n  {before}\n  chain input {{\n    {chain}\n  }}\n}}\n")]


def _filter(rules, policy="DROP", chains=(), table="filter", output="ACCEPT"):
    """A table for iptables-restore."""
    builtin = {
        "filter": [f":INPUT {policy} [0:0]", ":FORWARD ACCEPT [0:0]", f":OUTPUT {output} [0:0]"],
        "mangle": [f":PREROUTING {policy} [0:0]", ":INPUT ACCEPT [0:0]"],
        "raw": [f":PREROUTING {policy} [0:0]", ":OUTPUT ACCEPT [0:0]"],
        "nat": [":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]"],
    }[table]
    lines = [f"*{table}", *builtin, *(f":{chain} - [0:0]" for chain in chains), *rules, "COMMIT"]
    return "\n".join(lines) + "\n"


_SSH = ["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A INPUT -p tcp --dport 22 -j ACCEPT"]
_ND = [f"-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j ACCEPT" for kind in (2, 134, 135, 136)]
_ROLE = [
    "-A INPUT -i lo -j ACCEPT",
    '-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "Open Port 22 tcp on all interfaces" -j ACCEPT',
    "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT",
    "-A INPUT -p udp --sport 123 -j ACCEPT",
    "-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT",
    '-A INPUT -m limit --limit 15/minute -j LOG --log-level 7 --log-prefix "Dropped by firewall: "',
    "-A INPUT -j DROP",
]
_DOCKER_CHAINS = ("DOCKER", "DOCKER-USER", "DOCKER-FORWARD", "DOCKER-CT", "DOCKER-BRIDGE")


def _docker(family, address, everywhere=""):
    """What Docker 28 sets up for ``--publish 8080:80``."""
    port = f"-p tcp -m tcp --dport 8080 -j DNAT --to-destination {address}:80"
    single = address.strip("[]")
    length, subnet = (32, "172.17.0.0/16") if family == "ipv4" else (128, "fd17::/64")
    return [
        (
            family,
            _filter(
                [
                    "-A FORWARD -j DOCKER-USER",
                    "-A FORWARD -j DOCKER-FORWARD",
                    f"-A DOCKER -d {single}/{length} ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT",
                    "-A DOCKER ! -i docker0 -o docker0 -j DROP",
                    "-A DOCKER-BRIDGE -o docker0 -j DOCKER",
                    "-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                    "-A DOCKER-FORWARD -j DOCKER-CT",
                    "-A DOCKER-FORWARD -j DOCKER-BRIDGE",
                    "-A DOCKER-FORWARD -i docker0 -j ACCEPT",
                ],
                policy="ACCEPT",
                chains=_DOCKER_CHAINS,
            )
            + _filter(
                [
                    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
                    f"-A POSTROUTING -s {subnet} ! -o docker0 -j MASQUERADE",
                    f"-A DOCKER {everywhere} ! -i docker0 {port}",
                ],
                table="nat",
                chains=["DOCKER"],
            ),
        )
    ]


_DOCKER = _docker("ipv4", "172.17.0.2") + _docker("ipv6", "[fd17::2]", "! -d fe80::/10")
# Those with a container.
WITH_CONTAINER = {
    "docker publishes": _DOCKER,
    "docker publishes, input is strict": [*_DOCKER, ("nft", _WORKSTATION)],
    "nft dnat to a container": [
        (
            "nft",
            """
table inet nat {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    iifname "eth0" tcp dport 8080 dnat ip to 172.17.0.2:80
    iifname "eth0" tcp dport 9999 dnat ip6 to [fd17::2]:80
    tcp dport 443 dnat ip to 172.17.0.2:81
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    ct status dnat tcp dport 80 accept
  }
}
""",
        )
    ],
    "dnat now and then": [
        (
            "nft",
            """
table inet nat {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    limit rate 1000/second tcp dport 8080 dnat ip to 172.17.0.2:80
    limit rate 1000/second tcp dport 443 redirect to :22
  }
  chain input { type filter hook input priority filter; policy drop; tcp dport 22 accept; ct state established accept; }
}
""",
        )
    ],
    "dnat without a way back": [
        (
            "nft",
            """
table inet nat {
  chain prerouting { type nat hook prerouting priority dstnat; tcp dport 8080 dnat ip to 172.17.0.2:80; }
  chain forward { type filter hook forward priority filter; policy drop; iifname "eth0" oifname "docker0" accept; }
}
""",
        )
    ],
}

RULESETS = {
    "none at all": [],
    "workstation": [("nft", _WORKSTATION)],
    "drop everything": _nft_input([]),
    "IPv4 alone, nft": [
        ("nft", "table ip f { chain i { type filter hook input priority 0; policy drop; tcp dport 22 accept; }; }")
    ],
    "IPv4 alone, iptables-nft": [("ipv4", _filter(_SSH))],
    "IPv4 alone, iptables-legacy": [("legacy4", _filter(_SSH))],
    "IPv6 alone, iptables-legacy": [("legacy6", _filter([*_SSH, *_ND]))],
    "legacy and nft": [
        ("legacy4", _filter(["-A INPUT -p tcp --dport 80 -j DROP"], policy="ACCEPT")),
        ("legacy6", _filter(["-A INPUT -p udp -m multiport --dports 53,546 -j REJECT"], policy="ACCEPT")),
        ("nft", _WORKSTATION.replace("tcp dport 22", "tcp dport { 22, 80 }")),
    ],
    "iptables-nft and nft": [
        ("ipv4", _filter(_SSH)),
        ("ipv6", _filter([*_SSH, *_ND, "-A INPUT -p tcp --dport 80 -j ACCEPT"])),
        *_nft_input(["tcp dport 80 drop", "udp dport 53 accept"], policy="accept"),
    ],
    "a role, both families": [("ipv4", _filter(_ROLE)), ("ipv6", _filter([*_ROLE[:5], "-A INPUT -j DROP"]))],
    "a role, no neighbour discovery": [("ipv4", _filter(_SSH)), ("ipv6", _filter(_SSH))],
    "a role, output dropped": [
        ("ipv4", _filter(_SSH, policy="ACCEPT", output="DROP")),
        (
            "ipv6",
            _filter(
                [*_SSH, "-A OUTPUT -p ipv6-icmp -j ACCEPT", "-A OUTPUT -p tcp --sport 22 -j ACCEPT"],
                policy="ACCEPT",
                output="DROP",
            ),
        ),
    ],
    "output lets answers out": [
        (
            "nft",
            _WORKSTATION + "table inet out { chain o { type filter hook output priority 0; policy drop;\n"
            "ct state established,related accept\nicmpv6 type { 135, 136 } accept\n}; }\n",
        )
    ],
    "ufw": [("ipv4", _recorded("ufw.ipv4")), ("ipv6", _recorded("ufw.ipv6"))],
    "ufw, legacy": [("legacy4", _recorded("ufw.ipv4")), ("legacy6", _recorded("ufw.ipv6"))],
    "firewalld": [("nft", _recorded("firewalld.nft"))],
    "firewalld and docker": [("nft", _recorded("firewalld.nft")), *_docker("ipv4", "172.17.0.2")[:1]],
    "sets": _nft_input(
        [
            "tcp dport @ports accept",
            "udp dport { 50-60, 546 } ip6 saddr @friends accept",
            "ip saddr . udp dport @pairs accept",
            "ip saddr @banned drop",
            "tcp dport 9999 ip saddr != { 10.0.0.0/24, 192.168.0.0/16 } accept",
        ],
        before="""set ports { type inet_service; flags interval; elements = { 22, 440-450 }; }
  set friends { type ipv6_addr; flags interval; elements = { fe80::/10, 2001:db8::/32 }; }
  set banned { type ipv4_addr; flags interval, timeout; elements = { 198.51.100.0/24 timeout 1h, 203.0.113.7 }; }
  set pairs { type ipv4_addr . inet_service; flags interval; elements = { 10.77.0.0/16 . 9000-9999 }; }""",
    ),
    "verdict maps": _nft_input(
        [
            "ct state vmap { established : accept, related : accept, invalid : drop }",
            "meta l4proto vmap { tcp : jump tcps, udp : goto udps }",
            "tcp dport 9999 accept",
            "udp dport 9999 accept",
        ],
        before="""map m { type inet_service : verdict; flags interval; elements = { 22 : accept, 80-90 : drop }; }
  chain tcps { tcp dport vmap @m; tcp dport vmap { 443 : accept, 8080 : return }; tcp dport 8080 accept; }
  chain udps { udp dport vmap { 53 : accept, 546 : drop }; }""",
    ),
    "a map with the rest": _nft_input(
        ["tcp dport vmap { 22 : accept, 80 : goto web, * : drop }", "accept"],
        before='chain web { iifname "eth1" return; meta nfproto ipv6 drop; accept; }',
    ),
    "concatenations": _nft_input(
        [
            'iifname . tcp dport vmap { "eth0" . 22 : accept, "eth1" . 80 : accept }',
            "meta nfproto . meta l4proto . th dport { ipv6 . tcp . 443, ipv4 . udp . 53 } accept",
        ]
    ),
    "interfaces": _nft_input(
        [
            'iifname "lo" accept',
            'iifname "et*" tcp dport 22 accept',
            'iifname != "et*" tcp dport 80 accept',
            'iifname { "wl*", "eth0" } udp dport 53 accept',
            "iif eth0 tcp dport 443 accept",
            'iifname "eth" udp dport 9999 accept',
            'iifname "eth0\\*" tcp dport 8080 accept',
            'iifname != { "lo", "docker0" } udp dport 546 accept',
        ]
    ),
    "interfaces, iptables": [
        (
            program,
            _filter(
                [
                    "-A INPUT -i eth+ -p tcp --dport 22 -j ACCEPT",
                    "-A INPUT ! -i eth+ -p tcp --dport 80 -j ACCEPT",
                    "-A INPUT ! -i lo -p udp --dport 53 -j ACCEPT",
                    "-A INPUT -i eth -p udp --dport 9999 -j ACCEPT",
                ]
            ),
        )
        for program in ("ipv4", "legacy6")
    ],
    "two priorities": [
        (
            "nft",
            """
table inet late { chain i { type filter hook input priority 10; policy accept; tcp dport { 80, 443 } drop; }; }
table inet early { chain i { type filter hook input priority -10; policy drop; tcp dport { 22, 80 } accept; }; }
""",
        )
    ],
    "raw and mangle of nft": [
        (
            "nft",
            """
table inet pre {
  chain raw { type filter hook prerouting priority raw; tcp dport 80 drop; meta protocol ip udp dport 53 drop; }
  chain mangle { type filter hook prerouting priority mangle; meta mark set 7; ip6 nexthdr tcp tcp dport 443 drop; }
}
""",
        )
    ],
    "raw and mangle of iptables": [
        ("ipv4", _filter(["-A PREROUTING -p tcp --dport 80 -j DROP"], policy="ACCEPT", table="raw")),
        ("ipv6", _filter(["-A PREROUTING -p tcp --dport 443 -j DROP"], policy="ACCEPT", table="mangle")),
        ("legacy6", _filter(["-A PREROUTING -p udp --dport 53 -j DROP"], policy="ACCEPT", table="raw")),
    ],
    "states before conntrack": [
        (
            "nft",
            "table inet pre { chain raw { type filter hook prerouting priority -300;\n"
            "tcp dport 80 ct state invalid drop\nudp dport 53 ct state new drop\n}; }",
        ),
        ("ipv4", _filter(["-A PREROUTING -p tcp --dport 443 -m conntrack --ctstate NEW -j DROP"], "ACCEPT", (), "raw")),
        (
            "legacy6",
            _filter(["-A PREROUTING -p tcp --dport 443 -m conntrack --ctstate INVALID -j DROP"], "ACCEPT", (), "raw"),
        ),
    ],
    "without conntrack": [
        (
            "nft",
            """
table inet t {
  chain raw { type filter hook prerouting priority raw; udp dport { 53, 546 } notrack; tcp dport 80 notrack accept; }
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established accept
    ct state untracked udp dport 53 accept
    ct state new,untracked tcp dport { 22, 80 } accept
    ct state new udp dport 546 accept
  }
}
""",
        )
    ],
    "without conntrack, iptables": [
        (
            program,
            _filter(["-A PREROUTING -p udp --dport 53 -j CT --notrack"], policy="ACCEPT", table="raw")
            + _filter(
                [
                    "-A INPUT -p udp -m conntrack --ctstate UNTRACKED -j ACCEPT",
                    "-A INPUT -m conntrack --ctstate NEW -p tcp --dport 22 -j ACCEPT",
                    "-A INPUT -m state --state NEW -p udp --dport 546 -j ACCEPT",
                ]
            ),
        )
        for program in ("ipv4", "ipv6")
    ],
    "limits": _nft_input(
        [
            "tcp dport 22 limit rate 10/minute accept",
            "tcp dport 80 limit rate over 10/second drop",
            "tcp dport 443 ct count over 20 reject",
            "udp dport 53 limit rate 1/hour accept",
            'limit rate 5/minute log prefix "x"',
            "tcp dport { 80, 443 } accept",
            "udp dport 53 accept",
        ]
    ),
    "chains, goto and return": [
        (
            program,
            _filter(
                [
                    "-A INPUT -p tcp -j services",
                    "-A INPUT -p udp -g datagrams",
                    "-A INPUT -j ACCEPT",
                    "-A services -p tcp -m multiport --dports 22,440:450 -j ACCEPT",
                    "-A services -p tcp --dport 80 -j RETURN",
                    "-A services -p tcp ! --dport 9999 -j DROP",
                    "-A datagrams -p udp --dport 53 -j deeper",
                    "-A datagrams -p udp --dport 546 -j ACCEPT",
                    "-A deeper -j RETURN",
                ],
                chains=("services", "datagrams", "deeper"),
            ),
        )
        for program in ("ipv4", "ipv6")
    ],
    "sources": _nft_input(
        [
            "ip6 saddr fe80::/10 tcp dport 22 accept",
            "ip6 saddr fd77::/64 tcp dport 80 accept",
            "ip saddr 10.0.0.0/8 tcp dport { 22, 443 } accept",
            "ip saddr 10.77.0.128/25 udp dport 53 accept",
            "ip6 saddr != fe80::/64 udp dport 546 accept",
            "ip6 daddr fe80::/64 udp dport 9999 ct state { new, untracked } accept",
            "ip daddr 10.77.0.1 udp dport 9999 accept",
        ]
    ),
    "sources, iptables": [
        (
            "ipv4",
            _filter(
                [
                    "-A INPUT ! -s 10.77.0.0/24 -p tcp --dport 80 -j ACCEPT",
                    "-A INPUT -s 10.77.0.0/24 -d 10.77.0.1/32 -p tcp --dport 22 -j ACCEPT",
                ]
            ),
        ),
        (
            "legacy6",
            _filter(
                [
                    "-A INPUT -s fe80::/64 -p tcp --dport 22 -j ACCEPT",
                    "-A INPUT -d fd77::1/128 -p tcp --dport 80 -j ACCEPT",
                    "-A INPUT ! -s fe80::/10 -p udp --dport 53 -j ACCEPT",
                ]
            ),
        ),
    ],
    "routes back": [
        (
            "nft",
            """
table inet t {
  chain pre {
    type filter hook prerouting priority -140;
    meta nfproto ipv6 fib saddr . mark . iif oif missing drop
    fib saddr . iif oif eq 0 drop
    fib daddr . iif type != { local, broadcast, multicast } drop
  }
  chain input {
    type filter hook input priority 0; policy drop;
    fib daddr type local tcp dport { 22, 80 } accept
    fib saddr type local tcp dport 443 accept
    fib daddr type multicast udp dport 53 accept
  }
}
""",
        )
    ],
    "routes back, iptables": [
        (
            program,
            _filter(["-A PREROUTING -m rpfilter --validmark --invert -j DROP"], policy="ACCEPT", table="mangle")
            + _filter(
                [
                    "-A INPUT -m addrtype --dst-type LOCAL -p tcp -m tcp --dport 22 -j ACCEPT",
                    "-A INPUT -m addrtype --dst-type MULTICAST -p tcp -m tcp --dport 80 -j ACCEPT",
                    "-A INPUT -m addrtype ! --dst-type LOCAL -j DROP",
                    "-A INPUT -p udp -m udp --dport 53 -j ACCEPT",
                ]
            ),
        )
        for program in ("ipv4", "ipv6")
    ],
    "flags of TCP": _nft_input(
        [
            "tcp flags & (fin|syn|rst|ack) != syn ct state new drop",
            "tcp flags & (fin|syn) == (fin|syn) drop",
            "tcp flags syn tcp dport 22 accept",
            "tcp flags ack tcp dport 80 accept",
            "tcp flags & (syn|ack) == syn tcp dport 443 accept",
            "ct state established accept",
        ]
    ),
    "flags of TCP, iptables": [
        (
            program,
            _filter(
                [
                    "-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP",
                    "-A INPUT -p tcp -m tcp --tcp-flags ALL NONE -j DROP",
                    "-A INPUT -p tcp --syn --dport 22 -j ACCEPT",
                    "-A INPUT -p tcp ! --syn --dport 80 -j ACCEPT",
                    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT",
                ]
            ),
        )
        for program in ("ipv4", "ipv6")
    ],
    "ingress": [
        (
            "nft",
            """
table netdev n {
  chain e { type filter hook ingress device "eth0" priority 0; tcp dport 80 drop; meta protocol ip6 udp dport 53 drop; }
  chain l { type filter hook ingress device "lo" priority 0; policy drop; }
}
table inet i { chain e { type filter hook ingress device "eth0" priority 0; ip protocol tcp tcp dport 443 drop; }; }
""",
        )
    ],
    "bridges, which this is not": [
        ("nft", "table bridge b { chain i { type filter hook input priority 0; policy drop; }; }"),
        ("nft", "table arp a { chain i { type filter hook input priority 0; policy accept; }; }"),
    ],
    "reject": _nft_input(
        [
            "tcp dport 22 reject with tcp reset",
            "tcp dport 80 reject with icmpx type port-unreachable",
            "tcp dport 443 reject with icmp type host-unreachable",
            "udp dport 53 reject with icmpv6 type no-route",
            "reject with tcp reset",
            "udp dport 546 reject",
        ],
        policy="accept",
    ),
    "reject, iptables": [
        ("ipv4", _filter(["-A INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset"], policy="ACCEPT")),
        ("ipv6", _filter(["-A INPUT -j REJECT --reject-with icmp6-adm-prohibited"], policy="ACCEPT")),
    ],
    "redirect": [
        (
            "nft",
            """
table inet n {
  chain p { type nat hook prerouting priority dstnat; tcp dport 8080 redirect to :80; tcp dport 443 redirect to :9; }
  chain i { type filter hook input priority 0; policy drop; ct status dnat tcp dport 80 accept; tcp dport 8080 accept; }
}
""",
        )
    ],
    "redirect, iptables": [
        (
            program,
            _filter(
                [
                    "-A PREROUTING -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 80",
                    "-A PREROUTING -p tcp -m tcp --dport 443 -j DNAT --to-destination "
                    + ("10.77.0.1:22" if program == "ipv4" else "[fd77::1]:22"),
                ],
                table="nat",
            )
            + _filter(["-A INPUT -p tcp --dport 80 -m conntrack --ctstate DNAT -j ACCEPT", *_SSH]),
        )
        for program in ("ipv4", "ipv6")
    ],
    "before and behind nat": [
        (
            "nft",
            """
table inet n {
  chain a { type filter hook prerouting priority -150; tcp dport 80 drop; }
  chain p { type nat hook prerouting priority dstnat; tcp dport 8080 redirect to :80; tcp dport 9999 redirect to :22; }
  chain b { type filter hook prerouting priority -50; tcp dport 22 drop; }
}
""",
        )
    ],
    "protocols": _nft_input(
        [
            "meta l4proto { tcp, udp } th dport 53 accept",
            "ip protocol tcp tcp dport 22 accept",
            "ip6 nexthdr udp udp dport 546 accept",
            "meta protocol ip6 tcp dport 443 accept",
            "meta l4proto != udp meta nfproto ipv4 tcp dport 80 accept",
            "udp dport != { 53, 546 } meta nfproto ipv6 accept",
            "tcp dport >= 9000 accept",
            "tcp dport < 23 ip ttl 1 accept",
            "exthdr frag exists accept",
            "rt type 0 accept",
        ]
    ),
    "no protocol but another": _nft_input(
        ["udp dport != 53 accept", "icmpv6 type != echo-request accept", "ip6 daddr != ::1 tcp dport 22 accept"]
    ),
    "missing header": _nft_input(["exthdr frag missing tcp dport 22 accept", "rt type != 0 accept"]),
    "bans": [
        (
            "ipv4",
            _filter(
                [
                    "-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd",
                    "-A f2b-sshd -s 198.51.100.7/32 -j REJECT --reject-with icmp-port-unreachable",
                    "-A f2b-sshd -j RETURN",
                ],
                policy="ACCEPT",
                chains=["f2b-sshd"],
            ),
        ),
        *_nft_input(
            ["ip saddr @crowd drop", "ip6 saddr @crowd6 drop"],
            policy="accept",
            before="""set crowd { type ipv4_addr; flags timeout; elements = { 203.0.113.9 timeout 4h }; }
  set crowd6 { type ipv6_addr; flags timeout; elements = { 2001:db8::9 timeout 4h }; }""",
        ),
    ],
    "what iptables alone understands": [
        (
            program,
            _filter(
                [
                    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                    '-A INPUT -p tcp --dport 80 -m string --algo bm --string "-j ACCEPT" -j DROP',
                    "-A INPUT -m mark --mark 0x8000/0x8000 -p udp --dport 53 -j DROP",
                    "-A INPUT -p tcp --dport 443 -m hashlimit --hashlimit-above 5/sec --hashlimit-mode srcip "
                    "--hashlimit-name h -j DROP",
                    "-A INPUT -p udp --dport 546 -m pkttype --pkt-type multicast -j DROP",
                    '-A INPUT -p tcp --dport 22 -m comment --comment "! -j DROP" -j ACCEPT',
                    "-A INPUT -p tcp --dport 8080 -m length --length 1000:2000 -j ACCEPT",
                    "-A INPUT -p udp --dport 9999 -m statistic --mode nth --every 1000000 --packet 5 -j DROP",
                    "-A INPUT -p udp -j ACCEPT",
                ]
            ),
        )
        for program in ("ipv4", "legacy6")
    ],
    "much that changes nothing": _nft_input(
        [
            "ct state established accept",
            "meta mark set 0x5",
            "ct mark set meta mark",
            'log prefix "in: " group 2',
            "counter",
            "update @seen { ip saddr }",
            "meta priority set 1:2",
            "continue",
            "tcp dport 22 counter meta mark set 1 accept",
            "udp dport 53 quota over 100 mbytes drop",
            "udp dport 53 accept",
        ],
        before="set seen { type ipv4_addr; flags dynamic; size 128; timeout 1m; }",
    ),
    "a port knocked for": _nft_input(
        [
            "tcp dport 9 add @knocked { ip saddr timeout 10s }",
            "ip saddr @knocked tcp dport 22 accept",
            "ip6 saddr @knocked6 tcp dport 22 accept",
            "tcp dport 22 drop",
            "accept",
        ],
        before="""set knocked { type ipv4_addr; flags timeout; }
  set knocked6 { type ipv6_addr; flags timeout; elements = { fe80::2 timeout 1h }; }""",
    ),
    "switched off": [
        (
            "nft",
            "table inet off { flags dormant; chain i { type filter hook input priority 0; policy drop; }; }\n"
            "table inet on { chain i { type filter hook input priority 0; policy accept; tcp dport 80 drop; }; }\n",
        )
    ],
    "nft in a table of iptables": [
        ("ipv6", _filter(["-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT", "-A INPUT -j LOG"])),
        (
            "nft",
            "add rule ip6 filter INPUT tcp dport 22 accept\nadd rule ip6 filter INPUT ct state new udp dport 53 accept",
        ),
    ],
}

# Where neighbour discovery is another matter.
DISCOVERY = {
    "none at all": [],
    "workstation": RULESETS["workstation"],
    "ufw": RULESETS["ufw"],
    "firewalld": RULESETS["firewalld"],
    "a role": RULESETS["a role, no neighbour discovery"],
    "a role that thinks of it": [*RULESETS["a role, both families"][:1], ("legacy6", _filter([*_SSH, *_ND]))],
    "established is not enough": _nft_input(["ct state established,related accept", "tcp dport 22 accept"]),
    "untracked, not new": _nft_input(["ct state new accept", "icmpv6 type nd-neighbor-advert accept"]),
    "untracked": _nft_input(["ct state untracked accept"]),
    "invalid, which it is not": _nft_input(["ct state invalid drop"], policy="accept"),
    "hop limit": _nft_input(["icmpv6 type { 135, 136 } ip6 hoplimit 255 ip6 saddr fe80::/10 accept"]),
    "solicitations alone": [
        ("ipv6", _filter(["-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT"]))
    ],
    "output": [
        (
            "ipv6",
            _filter(
                ["-A OUTPUT -p ipv6-icmp --icmpv6-type 136 -j ACCEPT", "-A OUTPUT -p udp -j ACCEPT"],
                policy="ACCEPT",
                output="DROP",
            ),
        )
    ],
    "multicast": _nft_input(["meta pkttype multicast drop"], policy="accept"),
    "solicited nodes": _nft_input(["ip6 daddr ff02::1:ff00:0/104 accept", "fib daddr type local accept"]),
    "limited": _nft_input(["icmpv6 type { 135, 136 } limit rate 100/second accept"]),
}
