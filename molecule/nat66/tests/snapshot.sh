#!/bin/sh
# What site.yml changes on a host: rules, files and links, switches of the kernel, units.
# dockerd from 28 on leaves a table raw behind, which is no more than the rules in it.
ip6tables-save | sed 's/ \[.*//; /^#/d; /^\*raw/,/^COMMIT/{/^-A/!d}'
for path in /etc/systemd/system /etc/docker /etc/sysctl.d /etc/v6ops-docker /var/lib/v6ops-docker; do
    if [ -e "$path" ]; then
        find "$path" -printf '%y %m %u %p %l\n' | sort
        find "$path" -type f -exec sha256sum {} + | sort -k 2
    fi
done
cd /proc/sys/net/ipv6/conf && grep -r . all/forwarding default/forwarding lo/forwarding eth0/forwarding docker0/forwarding \
    all/accept_ra default/accept_ra eth0/accept_ra docker0/accept_ra docker0/disable_ipv6
systemctl list-units --all --plain --no-legend 'v6ops*'
