# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole rule set of the running kernel, from every program that shows a part of it.

nft(8) shows what nftables holds, though not the matches and targets of iptables-nft in it; those are in what
iptables-nft-save prints for the same rule. What iptables-legacy holds is in neither. Which of them hold anything the
kernel says itself, so a part that no program of the host can show makes verdicts unknown.
"""

from __future__ import annotations

import json

from ansible_collections.v6ops.docker.plugins.module_utils import _iptables_rules, _nft_rules
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text
from ansible_collections.v6ops.docker.plugins.module_utils._netlink import attributes, dump
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import opaque

_NETLINK_NETFILTER = 12  # linux/netlink.h
_NFT_MSG_GETTABLE = 10 << 8 | 1  # linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h
_NFTA_TABLE_NAME = 1
_NFGENMSG = 4
# Those that IP packets meet, which leaves out arp.
_FAMILIES = {1: "inet", 2: "ip", 5: "netdev", 7: "bridge", 10: "ip6"}
_IPTABLES = {"ip": ("iptables", "/proc/net/ip_tables_names"), "ip6": ("ip6tables", "/proc/net/ip6_tables_names")}
_HOOKS = ("prerouting", "input", "forward", "output")
_SBIN = ["/usr/sbin", "/sbin"]


class Ruleset:
    """The chains of all backends.

    :ivar chains: a list of :class:`._verdict.Chain`.
    :ivar sources: which program showed which tables, ``{program: [table, ...]}``; those that none can show are under
        ``nothing``.
    """

    def __init__(self, module):
        self._module = module
        self._saved = {}
        self.chains, self.sources = [], {}
        tables = nft_tables()
        if tables:
            self._read_nft(tables)
        for family, (program, names) in _IPTABLES.items():
            legacy = (read_text(names) or "").split()
            if legacy:
                self._read_legacy(family, program, legacy)

    def _read_nft(self, tables):
        nft = self._module.get_bin_path("nft", opt_dirs=_SBIN)
        try:
            listing = json.loads(self._run([nft, "--numeric", "--json", "list", "ruleset"])) if nft else None
            if listing:
                texts = _nft_rules.texts(self._run([nft, "--handle", "--stateless", "list", "ruleset"]))
                self.chains += _nft_rules.read(listing, *texts, self._rules_of_iptables)
                self.sources["nft"] = [f"{family} {name}" for family, name in tables]
                return
        except (AttributeError, KeyError, TypeError, ValueError):
            # A version that prints no JSON, or another.
            pass
        for family, name in tables:
            self._read_nft_table(family, name)

    def _read_nft_table(self, family, name):
        """A table of nftables, without nft."""
        chains = [
            chain
            for chain in self._save(family, "nft")
            if family in _IPTABLES and chain.table.endswith(f"-save -t {name}")
        ]
        text = f"table {family} {name} of nftables"
        if chains:
            self._note(chains[0].table.split()[0], f"{family} {name}")
        else:
            self._note("nothing", text)
            chains = [opaque(text, family, hook, f"{text}, which nft does not show here") for hook in _opaque(family)]
        self.chains += chains

    def _read_legacy(self, family, program, names):
        chains = self._save(family, "legacy")
        self.chains += chains
        if chains:
            self._note(chains[0].table.split()[0], *names)
            return
        for name in names:
            text = f"table {name} of the legacy {program}"
            self._note("nothing", text)
            self.chains += [
                opaque(text, family, hook, f"{text}, which {program}-legacy-save does not show here") for hook in _HOOKS
            ]

    def _rules_of_iptables(self, family, table, chain, count):
        """The rules of a chain of iptables-nft, where it has as many for iptables as for nft."""
        for one in self._save(family, "nft"):
            if one.table.endswith(f"-save -t {table}") and one.name == chain and len(one.rules) == count:
                return one.rules
        return None

    def _save(self, family, backend):
        """The chains that iptables-save, or that for IPv6, prints of a backend; none where it is not there."""
        if family not in _IPTABLES:
            return []
        if (family, backend) not in self._saved:
            program = self._program(_IPTABLES[family][0], backend)
            try:
                text = self._run([program]) if program else ""
                chains = _iptables_rules.read(text, program.rpartition("/")[2], family) if text else []
            except (IndexError, KeyError, ValueError):
                chains = []
            self._saved[(family, backend)] = chains
        return self._saved[(family, backend)]

    def _program(self, name, backend):
        path = self._module.get_bin_path(f"{name}-{backend}-save", opt_dirs=_SBIN)
        plain = self._module.get_bin_path(name, opt_dirs=_SBIN)
        if path or not plain:
            return path
        # Before 1.8 there was no other backend, and no word for it.
        is_nft = "nf_tables" in self._run([plain, "--version"])
        return f"{plain}-save" if is_nft == (backend == "nft") else None

    def _note(self, program, *tables):
        self.sources.setdefault(program, []).extend(tables)

    def _run(self, command):
        """What a program prints, nothing where it fails."""
        code, out, _err = self._module.run_command(command, environ_update={"LC_ALL": "C"})
        return "" if code else out


def _opaque(family):
    return ("ingress",) if family == "netdev" else _HOOKS


def nft_tables():
    """The tables of nftables that IP packets meet, a list of (family, name); none where the kernel has no nftables."""
    try:
        messages = dump(_NETLINK_NETFILTER, _NFT_MSG_GETTABLE, bytes(_NFGENMSG))
    except PermissionError:
        raise
    except OSError:
        return []
    return [
        (_FAMILIES[message[0]], attributes(message[_NFGENMSG:])[_NFTA_TABLE_NAME].rstrip(b"\0").decode())
        for message in messages
        if message[0] in _FAMILIES
    ]
