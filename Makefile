# make demo            a lab of Docker hosts, and playbooks/site.yml run on it
# make test            every check there is
# make clean           take the lab down, and the engine too if it was started here
#
# make lint            one kind of check: lint, sanity, unit, artifact
# make scenario NAME=site   one Molecule scenario; the lab stays up
VENV ?= .venv
PYTHON ?= python3

export PATH := $(abspath $(VENV))/bin:$(PATH)
export VENV PYTHON
IN_LAB := tests/lab/with-engine
CHECKS := lint sanity unit artifact

.PHONY: demo test setup scenario scenarios clean distclean $(CHECKS)

demo: setup
	@$(IN_LAB) tests/lab/demo

# The scenarios wait a lot, the other checks compute: side by side they use both cores.
test: setup
	@rm -f .cache/times
	@$(MAKE) --jobs 2 --output-sync=target --keep-going scenarios $(CHECKS); code=$$?; cat .cache/times; exit $$code

setup:
	@tests/tools/setup $(VENV)

lint sanity artifact: setup
	@tests/tools/timed $@ tests/tools/$@

unit: setup
	@tests/tools/timed $@ pytest

scenarios: setup
	@tests/tools/timed $@ $(IN_LAB) molecule test --all

scenario: setup
	@$(IN_LAB) molecule test --scenario-name $(NAME) --destroy never

clean: setup
	@$(IN_LAB) ansible-playbook --inventory tests/lab/inventory.yml tests/lab/destroy.yml
	@$(IN_LAB) --stop

distclean: clean
	rm -rf $(VENV) .cache
