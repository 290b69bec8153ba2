# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of nftables, as ``nft --numeric --json list ruleset`` prints them (libnftables-json(5)), for :mod:`._verdict`.

What is not understood is a question without an answer or a rule that may do anything. Some conditions are not printed,
as nft(8) puts them back by itself: what looks at a header holds only where the packet has one.
"""

from __future__ import annotations

import re

from ansible_collections.v6ops.docker.plugins.module_utils._packet import (
    EVERY_NUMBER,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    among,
    every_of,
    flagged,
    merged,
    named,
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
    Rule,
    rule,
)

_PORTS = {"sport": "sport", "dport": "dport"}
_TYPE = {"type": "icmp_type", "code": "icmp_code"}
# Protocol of a payload expression: the condition that comes with it, and its fields.
_HEADERS = {
    "ip": (("family", 4), {"saddr": "saddr", "daddr": "daddr", "protocol": "l4proto", "ttl": "hoplimit"}),
    "ip6": (("family", 6), {"saddr": "saddr", "daddr": "daddr", "nexthdr": "l4proto", "hoplimit": "hoplimit"}),
    "tcp": (("l4proto", TCP), {**_PORTS, "flags": "tcp_flags"}),
    "udp": (("l4proto", UDP), _PORTS),
    "sctp": (("l4proto", 132), {}),
    "dccp": (("l4proto", 33), {}),
    "udplite": (("l4proto", 136), {}),
    "icmp": (("l4proto", ICMP), _TYPE),
    "icmpv6": (("l4proto", ICMPV6), _TYPE),
    "th": (None, _PORTS),
}
_META = {
    "l4proto": "l4proto",
    "nfproto": "nfproto",
    "protocol": "protocol",
    "pkttype": "pkttype",
    "iif": "iifname",
    "iifname": "iifname",
    "oif": "oifname",
    "oifname": "oifname",
}
_CT = {"state": "ct_state", "status": "ct_status"}
# How numbers of a kind of expression are told from the family: NFPROTO_..., and ETH_P_..., which some nft swap.
_FAMILIES = {
    "nfproto": {2: 4, 10: 6},
    "protocol": {0x0800: 4, 0x0008: 4, 0x86DD: 6, 0xDD86: 6},
}
_VERDICTS = {"accept": ACCEPT, "drop": DROP, "continue": CONTINUE, "return": RETURN}
# They go on, whatever they do.
_HARMLESS = {"counter", "log", "ct helper", "ct timeout", "ct expectation", "secmark", "dup", "notrack", "last"}
# They are a condition that the packet alone does not decide.
_UNDECIDED = {"limit", "quota", "ct count", "set", "map", "meter", "flow"}
_CONDITIONAL_REJECTS = {"tcp reset": ("l4proto", TCP), "icmp": ("family", 4), "icmpv6": ("family", 6)}
_SETTABLE = ("mark", "priority", "nftrace", "secmark")
_OPTIONAL_HEADERS = ("rt", "frag", "dst", "mh", "srh", "ah", "esp", "hbh")


class NotUnderstood(ValueError):
    """An expression that is not among those above."""


def read(listing, rule_texts, devices, dormant, xtables):
    """All chains of a rule set.

    :param listing: what ``nft --numeric --json list ruleset`` prints, decoded.
    :param rule_texts: see :func:`texts`, as for devices and dormant.
    :param xtables: rules that only iptables can show, as a function of family, table, chain and its number of rules: a
        list of :class:`._verdict.Rule`, or None.
    """
    kinds = {}
    for entry in listing.get("nftables", []):
        for kind, content in entry.items():
            kinds.setdefault(kind, []).append(content)
    sets = {
        (one["family"], one["table"], one["name"]): one.get("elem", [])
        for one in kinds.get("set", []) + kinds.get("map", [])
    }
    inside = {}
    for one in kinds.get("rule", []):
        inside.setdefault((one["family"], one["table"], one["chain"]), []).append(one)
    return [
        _chain(one, inside.get((one["family"], one["table"], one["name"]), []), rule_texts, devices, sets, xtables)
        for one in kinds.get("chain", [])
        if (one["family"], one["table"]) not in dormant
    ]


def texts(listing):
    """What ``nft --handle --stateless list ruleset`` tells better than JSON.

    :returns: the text of each rule, {(family, table, handle): text}, the devices of each chain, {(family, table,
        chain): names}, and the tables that are switched off, {(family, table)}. Some versions leave the latter two out
        of JSON.
    """
    rules, devices, dormant, table, chain = {}, {}, set(), None, None
    for line in listing.splitlines():
        head = re.match(r"table (\S+) (\S+) \{", line)
        table = head.groups() if head else table
        if re.match(r"\tflags .*\bdormant\b", line):
            dormant.add(table)
        begin = re.match(r"\tchain (\S+) \{", line)
        chain = begin[1] if begin else chain
        on = re.match(r"\t\ttype \S+ hook \w+ devices?(?: =)? (.*?) priority ", line)
        if on and table:
            devices[(*table, chain)] = re.findall(r"[^\s{},\"]+", on[1])
        tail = re.fullmatch(r"\t\t(.*) # handle (\d+)", line)
        if tail and table:
            rules[(*table, int(tail[2]))] = tail[1]
    return rules, devices, dormant


def _chain(one, inside, rule_texts, devices, sets, xtables):
    family, table, name = one["family"], one["table"], one["name"]
    shown = xtables(family, table, name, len(inside)) if any(map(_is_foreign, inside)) else None
    where = f"nft table {family} {table}, chain {name}"
    rules = []
    for index, content in enumerate(inside):
        if shown and _is_foreign(content):
            rules.append(shown[index])
        else:
            handle = content.get("handle")
            text = f"{where}: {rule_texts.get((family, table, handle)) or f'handle {handle}'}"
            rules.append(_rule(text, content, _Scope(family, table, sets)))
    hook, priority = one.get("hook"), one.get("prio", 0)
    on = one.get("dev", devices.get((family, table, name)))
    on = [on] if isinstance(on, str) else on
    words = [family, table, name, *(on or []), *([hook] if hook is not None else [])]
    if not isinstance(priority, int) or not all(isinstance(word, str) for word in words):
        raise NotUnderstood(f"the chain {name}")
    return Chain(
        f"nft table {family} {table}",
        family,
        name,
        hook,
        priority,
        one.get("type") == "nat",
        DROP if one.get("policy") == "drop" else ACCEPT,
        on,
        rules,
    )


def _is_foreign(content):
    return any("xt" in expression for expression in content["expr"])


class _Scope:
    """The sets that an expression can refer to."""

    def __init__(self, family, table, sets):
        self._family, self._table, self._sets = family, table, sets

    def elements(self, reference):
        """The elements of a set or map, anonymous or by its name ``@name``."""
        if isinstance(reference, dict):
            return reference["set"]
        return self._sets[(self._family, self._table, reference[1:])]


def _rule(text, content, scope):
    questions, verdicts, notrack = [], None, False
    for expression in content["expr"]:
        kind = None
        try:
            ((kind, value),) = expression.items()
            asked, verdicts = _statement(kind, value, scope)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            if kind != "match":
                return rule(text, questions, ANYTHING, notrack)
            asked = [unknown]
        questions += asked
        notrack = notrack or kind == "notrack"
        if verdicts:
            break
    return Rule(text, questions, verdicts or (lambda packet: [CONTINUE]), notrack)


def _statement(kind, value, scope):
    """The conditions of a statement, and its verdicts as a function of a packet, None where it has none."""
    if kind == "match":
        return _match(value["left"], value["op"], value["right"], scope), None
    if kind == "vmap":
        conditions, answers = _lookup(value["key"], scope.elements(value["data"]), scope)
        return conditions, answers
    if kind in _HARMLESS:
        return [], None
    if kind in _UNDECIDED:
        return [unknown], None
    if kind == "mangle":
        key = value["key"]
        if "ct" in key or key.get("meta", {}).get("key") in _SETTABLE:
            return [], None
        raise NotUnderstood(kind)
    conditions, verdict = _terminal(kind, value)
    return conditions, lambda packet: [verdict]


def _terminal(kind, value):
    if kind in _VERDICTS:
        return [], _VERDICTS[kind]
    if kind in ("jump", "goto"):
        return [], (kind, value["target"])
    if kind == "reject":
        condition = _CONDITIONAL_REJECTS.get((value or {}).get("type"))
        return [_condition(*condition)] if condition else [], DROP
    if kind in ("snat", "masquerade"):
        return [], ACCEPT
    if kind == "redirect":
        return [], ("redirect", _port(value))
    if kind == "dnat":
        family = {"ip": 4, "ip6": 6}.get(value.get("family"))
        ((address, last),) = _ranges(value["addr"])
        if address != last:
            raise NotUnderstood(kind)
        return [_condition("family", family)] if family else [], ("dnat", address, _port(value))
    raise NotUnderstood(kind)


def _port(value):
    port = (value or {}).get("port")
    if port is not None and not isinstance(port, int):
        raise NotUnderstood("a range of ports")
    return port


def _condition(field, number):
    return among(field, only(number))


def _lookup(key, elements, scope):
    """The conditions of a verdict map, and its verdicts: those of each element that may match."""
    conditions, others, entries = [], [CONTINUE], []
    for element, statement in elements:
        ((kind, value),) = statement.items()
        verdict = _terminal(kind, value)[1]
        if element == "*":
            others = [verdict]
            continue
        *conditions, question = _match(key, "==", element, scope)
        entries.append((question, verdict))

    def verdicts(packet):
        found = []
        for question, verdict in entries:
            answer = question(packet)
            if answer:
                return [verdict]
            if answer is None:
                found.append(verdict)
        return [*dict.fromkeys(found + others)]

    return conditions, verdicts


def _match(left, operator, right, scope):
    """The questions of a comparison; the last one is itself, those before it are its conditions."""
    if "concat" in left:
        operands = [_operand(part) for part in left["concat"]]
        conditions = [condition for operand in operands for condition in operand[0]]
        question = some_of(
            *(
                every_of(*(_compare(operand, "==", part) for operand, part in zip(operands, _parts(element, operands))))
                for element in _elements(right, scope)
            )
        )
        if operator not in ("==", "!=", "in"):
            raise NotUnderstood(operator)
        return [*conditions, opposite(question) if operator == "!=" else question]
    operand = _operand(left)
    return [*operand[0], _compare(operand, operator, right, scope)]


def _parts(element, operands):
    parts = _bare(element)["concat"]
    if len(parts) != len(operands):
        raise NotUnderstood("a concatenation of another length")
    return parts


def _operand(left):
    """What is on the left of a comparison: its conditions, the kind of comparison and what that needs."""
    ((kind, value),) = left.items()
    if kind == "payload":
        condition, fields = _HEADERS.get(value.get("protocol"), (None, {}))
        return [_condition(*condition)] if condition else [], "number", fields.get(value.get("field"))
    if kind == "meta":
        field = _META.get(value["key"])
        if field in _FAMILIES:
            return [], field, "family"
        return [], "name" if field and field.endswith("ifname") else "number", field
    if kind == "ct" and "dir" not in value:
        return [], "number", _CT.get(value["key"])
    if kind == "fib":
        return [], *_fib(value["result"], set(value["flags"]))
    if kind == "exthdr" and value["name"] in _OPTIONAL_HEADERS:
        return [_condition("family", 6)], "header", value.get("field")
    if kind == "&":
        conditions, comparison, field = _operand(value[0])
        if comparison == "number" and field:
            return conditions, ("masked", _bits(value[1])), field
    return [], "number", None


def _fib(result, flags):
    if result in ("oif", "oifname") and "saddr" in flags and not flags - {"saddr", "iif", "mark"}:
        return "route", "route_back"
    if result == "type" and not flags - {"daddr", "saddr", "iif", "mark"} and "daddr" in flags:
        return "number", "daddr_type_here" if "iif" in flags else "daddr_type"
    if result == "type" and flags == {"saddr"}:
        return "number", "saddr_type"
    raise NotUnderstood(result)


def _compare(operand, operator, right, scope=None):
    """The question of a comparison, without its conditions."""
    _conditions, kind, field = operand
    if operator == "!=" and kind != "header":
        return opposite(_compare(operand, "==", right, scope), unless_empty=field if kind == "name" else None)
    if kind == "header":
        return _header(field, operator, right)
    if field is None:
        return unknown
    if kind == "name":
        return some_of(*(_name(field, _bare(element)) for element in _elements(right, scope)))
    if kind == "route":
        if right not in (False, True, 0, "0") or operator != "==":
            raise NotUnderstood(right)
        return true(field) if right is True else opposite(true(field))
    if isinstance(kind, tuple):
        if operator != "==":
            raise NotUnderstood(operator)
        return flagged(field, kind[1], _bits(right))
    if operator == "!":
        return flagged(field, _bits(right), 0)
    if operator == "in":
        return flagged(field, _bits(right))
    ranges = _numbers(right, scope)
    if kind in _FAMILIES:
        ranges = only(*(_FAMILIES[kind].get(first, 0) for first, last in ranges))
    return among(field, _ordered(operator, ranges))


def _ordered(operator, ranges):
    """The numbers that are so compared to another."""
    first, last = EVERY_NUMBER
    if operator == "==":
        return ranges
    ((number, same),) = ranges
    if number != same:
        raise NotUnderstood(operator)
    return {
        "<": [(first, number - 1)] if number else [],
        ">": [(number + 1, last)],
        "<=": [(first, number)],
        ">=": [(number, last)],
    }[operator]


def _header(field, operator, right):
    """An extension header, which an ordinary packet has not: what looks into it does not match."""
    if field is None and right not in (True, False):
        raise NotUnderstood(right)
    answer = field is None and (right is False) == (operator == "==")
    return lambda packet: answer


def _name(field, text):
    wildcard = text.endswith("*") and not text.endswith("\\*")
    text = text[:-1] if wildcard else text
    return named(field, text.replace("\\*", "*"), wildcard)


def _elements(right, scope):
    """The elements of a set, or the one value that there is instead."""
    if (isinstance(right, dict) and "set" in right) or (isinstance(right, str) and right.startswith("@")):
        return scope.elements(right)
    return [right]


def _bare(element):
    """An element without what comes with it, such as its time; a limit of its own leaves it open."""
    if isinstance(element, dict) and "elem" in element:
        if set(element["elem"]) - {"val", "timeout", "expires", "comment", "counter"}:
            raise NotUnderstood("an element with a statement")
        return element["elem"]["val"]
    return element


def _numbers(right, scope):
    return merged([one for element in _elements(right, scope) for one in _ranges(_bare(element))])


def _ranges(value):
    """The ranges of a number, an address, a prefix or a range."""
    if value == "*":
        return [EVERY_NUMBER]
    if isinstance(value, dict):
        ((kind, content),) = value.items()
        if kind == "prefix":
            return [span(f"{content['addr']}/{content['len']}")]
        if kind == "range":
            (first, _same), (_same, last) = (_ranges(end)[0] for end in content)
            return [(first, last)]
        raise NotUnderstood(kind)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise NotUnderstood(value)
    return only(value) if isinstance(value, int) else [span(value)]


def _bits(value):
    """The bits of a flag or several, which old and new nft write in two ways."""
    if isinstance(value, dict):
        value = value["|"]
    if isinstance(value, list):
        bits = 0
        for one in value:
            bits |= _bits(one)
        return bits
    if isinstance(value, bool) or not isinstance(value, int):
        raise NotUnderstood(value)
    return value
