#!/bin/sh
# What linklocal_parity changes on a host: rules, files and links, units.
ip6tables-save | sed 's/ \[.*//; /^#/d'
for path in /etc/systemd/system /etc/v6ops-docker; do
    if [ -e "$path" ]; then
        find "$path" -printf '%y %m %u %p %l\n' | sort
    fi
done
systemctl list-units --all --plain --no-legend 'v6ops*'
