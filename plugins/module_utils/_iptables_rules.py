# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of iptables, as iptables-save(8) prints them, for :mod:`._verdict`; see iptables-extensions(8) for the words.

What is not understood is a question without an answer or a rule that may do anything.
"""

from __future__ import annotations

import re
import shlex

from ansible_collections.v6ops.docker.plugins.module_utils._packet import (
    ESTABLISHED,
    ICMP,
    ICMPV6,
    INVALID,
    IPS_DST_NAT,
    NEW,
    RELATED,
    RTN_BROADCAST,
    RTN_LOCAL,
    RTN_MULTICAST,
    RTN_UNICAST,
    TCP,
    UDP,
    UNTRACKED,
    among,
    every_of,
    flagged,
    named,
    no,
    only,
    opposite,
    some_of,
    span,
    true,
    unknown,
)
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import (
    ACCEPT,
    ANYTHING,
    CONTINUE,
    DROP,
    RETURN,
    Chain,
    rule,
)

# linux/netfilter_ipv4.h
PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_SOURCE_NAT = 100
_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_PROTOCOLS = {
    "icmp": ICMP,
    "tcp": TCP,
    "udp": UDP,
    "ipv6-icmp": ICMPV6,
    "icmpv6": ICMPV6,
    "igmp": 2,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "ospf": 89,
    "vrrp": 112,
    "sctp": 132,
    "udplite": 136,
}
_STATES = {
    "INVALID": INVALID,
    "ESTABLISHED": ESTABLISHED,
    "RELATED": RELATED,
    "NEW": NEW,
    "UNTRACKED": UNTRACKED,
}
_TYPES = {"UNICAST": RTN_UNICAST, "LOCAL": RTN_LOCAL, "BROADCAST": RTN_BROADCAST, "MULTICAST": RTN_MULTICAST}
_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ALL": 63, "NONE": 0}
_VERDICTS = {"ACCEPT": ACCEPT, "DROP": DROP, "REJECT": DROP, "RETURN": RETURN}
# In nat; the packet goes on with another source.
_SOURCE_TARGETS = ("MASQUERADE", "SNAT")
_HARMLESS = (
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNMARK",
    "CONNSECMARK",
    "DSCP",
    "LOG",
    "MARK",
    "NFLOG",
    "SECMARK",
    "SET",
    "TCPMSS",
    "TOS",
    "TRACE",
    "ULOG",
)


def read(text, program, family):
    """All chains that ``iptables-save`` or ``ip6tables-save`` prints.

    :param program: that printed them, for people.
    :param family: ``ip`` or ``ip6``.
    """
    chains, table = {}, None
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            name, policy = line[1:].split()[:2]
            chains[(table, name)] = _chain(program, family, table, name, policy)
        elif line.startswith("-A "):
            chains[(table, line.split()[1])].rules.append(_rule(f"{program} -t {table}: {line}", line))
    return list(chains.values())


def _chain(program, family, table, name, policy):
    hook = name.lower() if name in _HOOKS else None
    priority = PRIORITIES.get(table, 0)
    if table == "nat" and hook in ("input", "postrouting"):
        priority = _SOURCE_NAT
    return Chain(
        f"{program} -t {table}",
        family,
        name,
        hook,
        priority,
        table == "nat",
        DROP if policy == "DROP" else ACCEPT,
        None,
        [],
    )


def _rule(text, line):
    try:
        words = shlex.split(line)[2:]
    except ValueError:
        return rule(text, [], ANYTHING)
    questions, negate = [], False
    while words and words[0] not in ("-j", "-g"):
        word = words.pop(0)
        if word == "!":
            negate = True
            continue
        question = None
        if word == "-m" and words:
            question = _match(words.pop(0), words)
        elif word in _OPTIONS and words:
            question = _question(word, words.pop(0), words)
        else:
            question, words = unknown, _after_unknown(words)
        if question:
            questions.append(opposite(question, unless_empty=_NAMES.get(word)) if negate else question)
        negate = False
    return _with_target(text, questions, words)


def _match(name, words):
    """The question that a match asks without any option."""
    if name == "rpfilter":
        options = []
        while words and words[0] in ("--loose", "--validmark", "--accept-local", "--invert"):
            options.append(words.pop(0))
        question = true("route_back")
        return opposite(question) if "--invert" in options else question
    if name in _OPTIONAL_HEADERS:
        return no
    return None if name in _BY_OPTIONS else unknown


def _question(option, value, words):
    try:
        return _OPTIONS[option](value, words)
    except (KeyError, IndexError, ValueError):
        return unknown


def _after_unknown(words):
    """The words from the target on; all that is before it belongs to what is not understood."""
    targets = [index for index, word in enumerate(words) if word in ("-j", "-g")]
    # More than one: a word of a match, such as a string to look for, may look like a target.
    return words[targets[0] :] if len(targets) == 1 else ["-j", ""] if targets else []


def _with_target(text, questions, words):
    if not words:
        return rule(text, questions, [CONTINUE])
    option, target, *arguments = [*words, ""]
    values = dict(zip(arguments, arguments[1:]))
    if option == "-g":
        return rule(text, questions, [("goto", target)])
    if target in _VERDICTS:
        return rule(text, questions, [_VERDICTS[target]])
    if target in _SOURCE_TARGETS:
        return rule(text, questions, [ACCEPT])
    if target == "NOTRACK" or (target == "CT" and "--notrack" in arguments):
        return rule(text, questions, [CONTINUE], notrack=True)
    if target in _HARMLESS or target == "CT":
        return rule(text, questions, [CONTINUE])
    if target == "DNAT":
        return rule(text, questions, _destination(values.get("--to-destination", "")))
    if target == "REDIRECT":
        return rule(text, questions, _redirect(values.get("--to-ports")))
    # Any other word is a chain of the user's, or a target that leads nowhere here.
    return rule(text, questions, [("jump", target)])


def _destination(text):
    """Where DNAT leads to: ``ADDRESS``, ``ADDRESS:PORT`` or ``[ADDRESS]:PORT``; what else it says is not for us."""
    found = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([0-9.]+)|([0-9a-f:]+))(?::(\d+))?", text)
    if not found:
        return ANYTHING
    address = span(found[1] or found[2] or found[3])[0]
    return [("dnat", address, int(found[4]) if found[4] else None)]


def _redirect(ports):
    if ports is not None and not ports.isdigit():
        return ANYTHING
    return [("redirect", int(ports) if ports else None)]


def _protocol(value, words):
    if value in ("all", "0"):
        return None
    return among("l4proto", only(_PROTOCOLS[value] if value in _PROTOCOLS else int(value)))


def _address(field):
    return lambda value, words: among(field, [span(value)])


def _interface(field):
    def question(value, words):
        wildcard = value.endswith("+")
        return named(field, value[:-1] if wildcard else value, wildcard)

    return question


def _port_ranges(value):
    """What ``22``, ``22,80:90`` or ``1024:`` stand for."""
    ranges = []
    for part in value.split(","):
        first, colon, last = part.partition(":")
        ranges.append((int(first or 0), int(last or 65535) if colon else int(first)))
    return ranges


def _ports(*fields):
    def question(value, words):
        return some_of(*(among(field, _port_ranges(value)) for field in fields))

    return question


def _any_of(field, numbers):
    """One of several words, each a bit of a state."""

    def question(value, words):
        return flagged(field, sum(numbers[word] for word in set(value.split(","))))

    return question


def _connection_states(value, words):
    """States of conntrack, with those of nat among them, as ``-m conntrack --ctstate`` takes them."""
    either = []
    for word in value.split(","):
        either.append(flagged("ct_status", IPS_DST_NAT) if word == "DNAT" else flagged("ct_state", _STATES[word]))
    return some_of(*either)


def _address_type(field):
    return lambda value, words: among(field, only(*(_TYPES[word] for word in value.split(","))))


def _tcp_flags(value, words):
    mask, wanted = (sum({_FLAGS[word] for word in part.split(",")}) for part in (value, words.pop(0)))
    return flagged("tcp_flags", mask, wanted)


def _icmp(value, words):
    kind, _slash, code = value.partition("/")
    questions = [among("icmp_type", only(int(kind)))] + ([among("icmp_code", only(int(code)))] if code else [])
    return every_of(*questions)


def _nothing(value, words):
    return None


def _undecided(value, words):
    return unknown


def _set(value, words):
    words.pop(0)
    return unknown


# Extension headers, which an ordinary packet has not.
_OPTIONAL_HEADERS = ("ah", "dst", "frag", "hbh", "mh", "rt")
# Matches that ask nothing but what their options say.
_BY_OPTIONS = ("addrtype", "comment", "conntrack", "hl", "icmp", "icmp6", "multiport", "state", "tcp", "ttl", "udp")
_NAMES = {"-i": "iifname", "-o": "oifname"}
# Options that are understood, each with one value or more.
_OPTIONS = {
    "-p": _protocol,
    "-s": _address("saddr"),
    "-d": _address("daddr"),
    "-i": _interface("iifname"),
    "-o": _interface("oifname"),
    "--dport": _ports("dport"),
    "--dports": _ports("dport"),
    "--sport": _ports("sport"),
    "--sports": _ports("sport"),
    "--ports": _ports("sport", "dport"),
    "--tcp-flags": _tcp_flags,
    "--icmp-type": _icmp,
    "--icmpv6-type": _icmp,
    "--ctstate": _connection_states,
    "--state": _any_of("ct_state", _STATES),
    "--ctstatus": _any_of("ct_status", {"DNAT": IPS_DST_NAT}),
    "--dst-type": _address_type("daddr_type"),
    "--src-type": _address_type("saddr_type"),
    "--hl-eq": lambda value, words: among("hoplimit", only(int(value))),
    "--ttl-eq": lambda value, words: among("hoplimit", only(int(value))),
    "--comment": _nothing,
    "--limit": _undecided,
    "--limit-burst": _undecided,
    "--mark": _undecided,
    "--match-set": _set,
}
