"""A packet filter and a systemd with a state, for tests of rules; pytest.ini has the directory on its path."""

from __future__ import annotations

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._persistence import Have


class FakeNetfilter:
    """The packet filter as ip6tables-restore --noflush changes it, each table at once, and ip6tables-save prints it.

    :ivar meanwhile: what another program does, a function of this or None, before each of our next reads and changes.
    """

    program, backend = "ip6tables", "auto"

    def __init__(self, saved):
        self.chains = {table: [line for line in lines if line.startswith(":")] for table, lines in saved.items()}
        self.rules = {table: [line for line in lines if line.startswith("-A ")] for table, lines in saved.items()}
        self.meanwhile = []

    def save(self):
        """Rules of the built-in chains first."""
        self._let_others()
        rules = {name: sorted(self.rules[name], key=lambda rule: "-A V6OPS" in rule) for name in self.rules}
        return {name: self.chains[name] + rules[name] for name in self.chains}

    def restore(self, lines):
        self._let_others()
        for line in lines:
            if line.startswith("*"):
                table = line[1:]
                chains, rules = list(self.chains.get(table, [])), list(self.rules.get(table, []))
            elif line == "COMMIT":
                self.chains[table], self.rules[table] = chains, rules
            else:
                self._execute(chains, rules, line)

    def installed(self):
        return True

    def path(self):
        return "/usr/sbin/ip6tables"

    def other(self):
        return FakeNetfilter({})

    def drop(self, tables):
        for table in tables:
            del self.chains[table], self.rules[table]

    def _let_others(self):
        act = self.meanwhile.pop(0) if self.meanwhile else None
        if act:
            act(self)

    def _execute(self, chains, rules, line):
        command, chain = (":", line.split()[0][1:]) if line.startswith(":") else line.split()[:2]
        inside = [rule for rule in rules if rule.startswith(f"-A {chain} ")]
        if command == "-A":
            assert f" -j {chain}" not in line
            rules.append(line)
        elif command == "-D":
            if "-A" + line[2:] not in rules:
                raise Refusal("Cannot change the IPv6 packet filter: Bad rule.", "")
            rules.remove("-A" + line[2:])
        elif command in {":", "-F"}:
            rules[:] = [rule for rule in rules if rule not in inside]
            chains[:] = [*(one for one in chains if not one.startswith(f":{chain} ")), f":{chain} - [0:0]"]
        elif command == "-X":
            assert not inside
            assert not any(rule.endswith(f" {chain}") for rule in rules)
            chains.remove(f":{chain} - [0:0]")


class FakeSystemd:
    """Files and units, of which all that have a file run."""

    def __init__(self):
        self.files = {}

    def have(self, persistence):
        there = bool(self.files)
        files = {path: self.files.get(path) for path in persistence.paths}
        return Have(files, persistence.links if there else [], persistence.lasting if there else [], False)

    def carry_out(self, persistence, change):
        for path, text in change.files.items():
            self.files.pop(path, None) if text is None else self.files.update({path: text})


class FakeModule:
    """An ``AnsibleModule`` as far as rules need it."""

    def __init__(self, check_mode=False):
        self.check_mode = check_mode
        self.warnings = []

    def warn(self, warning):
        self.warnings.append(warning)
