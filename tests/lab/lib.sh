# shellcheck shell=bash
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -- "$@"; fi; }

# install_packages PACKAGE...: Debian packages of this machine; checks that run side by side take turns.
install_packages() {
    # shellcheck disable=SC2016
    as_root env DEBIAN_FRONTEND=noninteractive flock /run/lock sh -ec '
        apt-get -qq update
        apt-get -qq install --yes --no-install-recommends "$@" >/dev/null' install "$@"
}
