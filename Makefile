# make demo            a lab of Docker hosts, and playbooks/site.yml run on it
# make test            every check there is
# make clean           take the lab down, and the engine too if it was started by hand
# make distclean       and what was downloaded and built for it
#
# make bench           how fast it is, beside the same job by hand (about 20 minutes)
# make lint            one kind of check: lint, sanity, unit, link, artifact
# make scenario NAME=site   one Molecule scenario; the lab stays up
VENV ?= .venv
PYTHON ?= python3

export PATH := $(abspath $(VENV))/bin:$(PATH)
export VENV PYTHON
IN_LAB := tests/lab/with-engine
CHECKS := lint sanity unit link artifact
SCENARIOS := $(filter-out scenario-default,$(patsubst molecule/%/molecule.yml,scenario-%,$(wildcard molecule/*/molecule.yml)))

.NOTPARALLEL:
.PHONY: demo test setup images scenario scenarios readme bench clean clean-images distclean $(CHECKS)

demo: setup
	@$(IN_LAB) tests/lab/demo

# The scenarios wait a lot and the other checks compute, so they run side by side; the output of the scenarios is shown
# as it comes, that of the others at their end.
test: setup
	@mkdir -p .cache; rm -f .cache/times .cache/failed.log; \
	setsid $(MAKE) --no-print-directory --keep-going $(CHECKS) >.cache/checks.log 2>&1 & checks=$$!; \
	trap "kill -- -$$checks 2>/dev/null" EXIT; trap 'exit 130' INT TERM HUP; \
	$(MAKE) --no-print-directory --keep-going scenarios readme; code=$$?; \
	wait $$checks || code=1; cat .cache/checks.log .cache/times; \
	if [ -f .cache/failed.log ]; then tail -n 300 .cache/failed.log; fi; exit $$code

setup:
	@tests/tools/setup $(VENV)

lint sanity link artifact: setup
	@tests/tools/timed $@ tests/tools/$@

unit: setup
	@tests/tools/timed $@ pytest

images: setup
	@tests/tools/timed $@ $(IN_LAB) tests/lab/build-images

scenarios: images $(SCENARIOS)

# Molecule makes the lab by the scenario "default"; it stays up, so that the next one finds it.
scenario-%: setup
	@tests/tools/timed $@ $(IN_LAB) molecule test --scenario-name $* --destroy never

# The README's own commands, from nothing and back to it.
readme: setup
	@tests/tools/timed $@ $(MAKE) --no-print-directory demo clean

scenario: scenario-$(NAME)

bench: setup
	@$(IN_LAB) ansible-playbook --inventory tests/lab/inventory tests/lab/create.yml --extra-vars '{lab_hosts: [trixie]}'
	@for script in tests/bench/*.py; do echo "==> $$script"; $(IN_LAB) python "$$script" || exit; done

clean:
	@if [ -x $(VENV)/bin/ansible-playbook ]; then \
		$(IN_LAB) --running ansible-playbook --inventory tests/lab/inventory tests/lab/destroy.yml; fi
	@$(IN_LAB) --stop

distclean: clean-images clean
	rm -rf $(VENV) .cache

clean-images:
	@$(IN_LAB) --running sh -c 'docker ps --all --quiet --filter label=v6ops-lab | xargs -r docker rm --force --volumes; \
		docker image ls --quiet --filter "reference=v6ops-lab/*" | sort -u | xargs -r docker rmi --force'
