# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What chains of rules do with a packet: a verdict of three values (accept, drop, unknown) and the rule that decides.

Rules come from :mod:`._nft_rules` and :mod:`._iptables_rules` in one form. Where it is not sure that a rule matches,
both ways are followed; only where all ways end alike is there a verdict. So what is not understood can make a verdict
unknown, and never wrong. What BPF does (XDP, tc, cgroups) is in no rule set, so it is not seen here.
"""

from __future__ import annotations

from collections import namedtuple

from ansible_collections.v6ops.docker.plugins.module_utils._packet import (
    ESTABLISHED,
    INVALID,
    IPS_DST_NAT,
    NEW,
    RTN_LOCAL,
    RTN_UNICAST,
    SYN_ACK,
    TCP,
    UNTRACKED,
    among,
    every,
    every_of,
    only,
    span,
)

ACCEPT, DROP, CONTINUE, RETURN = ("accept",), ("drop",), ("continue",), ("return",)
# What a rule may do of which that is not known.
ANYTHING = [ACCEPT, DROP, CONTINUE]
# Where conntrack looks at a packet, NF_IP_PRI_CONNTRACK; without a connection it is INVALID to a rule that asks.
_CONNTRACK = -200
_TRACKED_AT = ("prerouting", "output")
_FILTERS = ("input", "forward", "output")
_PROTOCOLS = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
_LINK_LOCAL = every_of(among("family", only(6)), among("saddr", [span("fe80::/10")]))
_SEVERITY = ("accept", "unknown", "drop")

# :ivar text: the rule as the program that owns it prints it.
# :ivar questions: functions of a packet (see ._packet); the rule matches where all are true.
# :ivar verdicts: a function of a packet: the verdicts that are possible, each a tuple: ACCEPT, DROP, CONTINUE, RETURN,
#     ("jump", chain), ("goto", chain), ("dnat", address, port), ("redirect", port); no port is None.
# :ivar notrack: whether it takes the packet from conntrack.
Rule = namedtuple("Rule", "text questions verdicts notrack")
# :ivar table: the words for backend and table; a chain leads to others of the same table.
# :ivar family: ip, ip6, inet, netdev or bridge.
# :ivar hook: None for a chain that only others lead to; what follows it is without meaning then.
# :ivar nat: whether it sees just the first packet of a connection.
# :ivar policy: ACCEPT or DROP.
# :ivar devices: for the hook ingress; None where they are not known.
Chain = namedtuple("Chain", "table family name hook priority nat policy devices rules")
# :ivar verdict: accept, drop or unknown.
# :ivar rule: the text of the rule that decides, or of one that is not understood; None where there is not even a chain.
# :ivar explicit: whether that is a rule, and not a policy.
Verdict = namedtuple("Verdict", "verdict rule explicit")


def rule(text, questions, verdicts, notrack=False):
    """A rule with the same verdicts for every packet that matches."""
    return Rule(text, questions, lambda packet: verdicts, notrack)


def opaque(table, family, hook, text):
    """A chain of which nothing is known but that it may be there."""
    return Chain(table, family, text, hook, 0, False, ACCEPT, None, [rule(text, [], ANYTHING)])


class Filter:
    """All chains of a host, and what they do with a packet from or to a link.

    :param chains: a list of :class:`Chain`.
    :param host: tells what nat needs, see :class:`._links.Host`.
    """

    def __init__(self, chains, host):
        self.host = host
        self.chains = {(chain.table, chain.name): chain for chain in chains}
        self.hooked = sorted((chain for chain in chains if chain.hook), key=lambda chain: chain.priority)

    def arriving(self, packet, link):
        """The verdict on the first packet from a neighbour; a connection of TCP needs the answer as well."""
        passage = _Passage(self, packet, link)
        passage.through("ingress", "prerouting")
        local = passage.is_local()
        if not local and _LINK_LOCAL(packet):
            passage.stop("a packet from a link-local address does not leave its link (RFC 4291, section 2.5.6)")
        passage.through(*(["input"] if local else ["forward", "postrouting"]))
        verdict = passage.verdict()
        if packet.get("l4proto") != only(TCP) or verdict.verdict == "drop" or passage.astray:
            return verdict
        answer = _Passage(self, passage.answer(local), link)
        answer.through(*(["output"] if local else ["prerouting", "forward"]), "postrouting")
        return max(verdict, answer.verdict(), key=lambda one: _SEVERITY.index(one.verdict))

    def sent(self, packet, link):
        """The verdict on a packet that this host sends."""
        passage = _Passage(self, {**packet, "iifname": "", "oifname": link.name}, link)
        passage.through("output", "postrouting")
        return passage.verdict()

    def forwarded(self, packet, link):
        passage = _Passage(self, packet, link)
        passage.through("ingress", "prerouting", "forward", "postrouting")
        return passage.verdict()


class _Passage:
    """A packet on its way through the hooks.

    :ivar astray: whether nat may or may not have sent it elsewhere, so that nothing is known of its way any more.
    """

    def __init__(self, rules, packet, link):
        self._rules, self.packet, self._link = rules, packet, link
        self._lost = self._unclear = self._accepted = self._policy = None
        self._translated = self._redirected = False
        self._moved = None
        self.astray = False

    def through(self, *hooks):
        for hook in hooks:
            for chain in self._rules.hooked:
                if chain.hook == hook and not self._lost and not self.astray:
                    self._meet(chain)

    def stop(self, why):
        self._lost = self._lost or (f"{self._moved}: {why}", True)

    def verdict(self):
        if self._lost:
            return Verdict("drop", *self._lost)
        if self._unclear:
            return Verdict("unknown", self._unclear, True)
        if self._accepted:
            return Verdict("accept", self._accepted, True)
        return Verdict("accept", self._policy, False)

    def is_local(self):
        if self._redirected or not self._translated:
            return True
        return self._rules.host.owns(self.packet["daddr"][0][0])

    def answer(self, local):
        """The packet that comes back."""
        packet = self.packet
        tracked = packet["ct_state"] == only(NEW)
        return {
            "family": packet["family"],
            "l4proto": packet["l4proto"],
            "saddr": packet.get("daddr"),
            "sport": packet.get("dport"),
            "daddr": packet.get("saddr"),
            "daddr_type": only(RTN_UNICAST),
            "route_back": True,
            "iifname": "" if local else packet.get("oifname"),
            "oifname": packet.get("iifname"),
            "tcp_flags": only(SYN_ACK),
            "ct_state": only(ESTABLISHED) if tracked else None,
            "ct_status": packet.get("ct_status") if tracked else None,
        }

    def _meet(self, chain):
        packet = self._seen_by(chain)
        if packet is None:
            return
        walk = _Walk(self._rules.chains, chain, packet)
        ends = walk.ends
        if walk.untracked and self.packet.get("ct_state"):
            self.packet = {**self.packet, "ct_state": self.packet["ct_state"] + only(UNTRACKED)}
        moves = [end for end in ends if end[0] in ("dnat", "redirect")]
        if moves and (len(ends) > 1 or self._translated or not packet):
            self.astray = True
            self._unclear = self._unclear or walk.unclear or ends[moves[0]][0]
        elif moves:
            self._translate(moves[0])
            self._moved = ends[moves[0]][0]
        elif DROP in ends and len(ends) == 1:
            self._lost = ends[DROP]
        elif DROP in ends:
            self._unclear = self._unclear or walk.unclear or ends[DROP][0]
        elif chain.hook in _FILTERS and ends[ACCEPT][1]:
            self._accepted = self._accepted or ends[ACCEPT][0]
        elif chain.hook in _FILTERS:
            self._policy = ends[ACCEPT][0]

    def _seen_by(self, chain):
        """The packet as a chain sees it; None if it does not, and nothing known where bridges or devices below do."""
        packet = self.packet
        if chain.family == "bridge":
            return {} if self._link.bridge else None
        if chain.hook == "ingress":
            if chain.devices is None or set(chain.devices) & set(self._link.below):
                return {}
            return (
                {**packet, "ct_state": only(INVALID), "ct_status": None} if self._link.name in chain.devices else None
            )
        if packet["family"] not in map(only, _PROTOCOLS.get(chain.family, ())):
            return None
        if chain.nat and packet.get("ct_state") != only(NEW):
            return {} if (NEW, NEW) in (packet.get("ct_state") or only(NEW)) else None
        if chain.hook in _TRACKED_AT and chain.priority <= _CONNTRACK:
            return {**packet, "ct_state": only(INVALID) if chain.priority < _CONNTRACK else None, "ct_status": None}
        return packet

    def _translate(self, move):
        port = move[-1]
        changed = dict(self.packet, ct_status=only(IPS_DST_NAT))
        if port is not None:
            changed["dport"] = only(port)
        if move[0] == "redirect":
            changed.update(daddr=None, daddr_type=only(RTN_LOCAL), daddr_type_here=None)
            self._redirected = True
        else:
            host = self._rules.host
            kind = RTN_LOCAL if host.owns(move[1]) else RTN_UNICAST
            changed.update(daddr=only(move[1]), daddr_type=only(kind), daddr_type_here=None)
            changed["oifname"] = "" if kind == RTN_LOCAL else host.towards(move[1])
        self._translated, self.packet = True, changed


class _Walk:
    """The ways of one packet through a base chain and those it leads to.

    :ivar ends: {verdict: (text, explicit)}, the verdicts it can end with.
    :ivar unclear: the text of the first rule that leaves it open.
    :ivar untracked: whether it may have met a rule that takes it from conntrack.
    """

    def __init__(self, chains, base, packet):
        self._chains, self._packet, self._table = chains, packet, base.table
        self._known = {}
        self.unclear, self.untracked = None, False
        self.ends = self._through(base.name)
        if self.ends.pop(RETURN, None):
            text = f"policy {base.policy[0]} of {base.table}, chain {base.name}"
            self.ends.setdefault(base.policy, (text, False))

    def _through(self, name):
        """The ends of a chain, RETURN where it may come to its own."""
        if name not in self._known:
            # What leads in a circle, which no kernel takes, is not followed.
            self._known[name] = dict.fromkeys((ACCEPT, DROP, RETURN), (f"{self._table}, chain {name}", True))
            self._known[name] = self._through_rules(self._chains[(self._table, name)].rules)
        return self._known[name]

    def _through_rules(self, rules):
        ends = {}
        for one in rules:
            matches = every(question(self._packet) for question in one.questions)
            if matches is False:
                continue
            self.untracked = self.untracked or one.notrack
            found = self._carry_out(one)
            goes_on = found.pop(CONTINUE, False) or matches is None
            if found and (goes_on or len(found) > 1):
                self.unclear = self.unclear or one.text
            for end, why in found.items():
                ends.setdefault(end, why)
            if not goes_on:
                return ends
        return {**ends, RETURN: (None, False)}

    def _carry_out(self, one):
        """The ends of a rule that matches, CONTINUE where the next one may have its turn."""
        found = {}
        for verdict in one.verdicts(self._packet):
            if verdict[0] in ("jump", "goto") and (self._table, verdict[1]) not in self._chains:
                found.update({ACCEPT: (one.text, True), DROP: (one.text, True), CONTINUE: True})
            elif verdict[0] in ("jump", "goto"):
                ends = dict(self._through(verdict[1]))
                if verdict[0] == "jump" and ends.pop(RETURN, None):
                    found[CONTINUE] = True
                found.update(ends)
            elif verdict == CONTINUE:
                found[CONTINUE] = True
            else:
                found[verdict] = (one.text, True)
        return found
