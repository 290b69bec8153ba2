# shellcheck shell=sh
# On the router: a narrow link with an address behind it, and addresses that swallow what they get.
set -eu
exec 9>/run/far.lock
flock 9
if ip netns list | grep -q far; then exit; fi
echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip netns add far
ip link add narrow type veth peer name narrow netns far
ip link set narrow mtu 1300 up
ip -6 address add 2001:db8:5::1/64 dev narrow nodad
ip -n far link set narrow mtu 1300 up
ip -n far -6 address add 2001:db8:5::2/64 dev narrow nodad
ip -n far -6 route add default via 2001:db8:5::1
ip -6 route add blackhole 2001:db8:b1ac::/64
setsid python3 -c '
import socket
server = socket.create_server(("::", 7777), family=socket.AF_INET6)
while True:
    server.accept()[0].send(b"220 \x1b[31mhello\r\n")
' >/dev/null 2>&1 9>&- &
