"""Python that runs on a host or in a container, by nothing but its standard library."""

from __future__ import annotations

# Answers on TCP port 80; on UDP port 9 prints what comes and tells the sender its address.
SERVER = """\
import select, socket
tcp = socket.create_server(("::", 80), family=socket.AF_INET6)
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.bind(("::", 9))
print("ready", flush=True)
while True:
    for ready in select.select([tcp, udp], [], [])[0]:
        if ready is tcp:
            tcp.accept()[0].close()
        else:
            data, peer = udp.recvfrom(1500)
            print(data.decode(), flush=True)
            udp.sendto(peer[0].encode(), peer)
"""

# Sends TEXT to UDP port 9, again where nothing comes back, and prints what does. Four times, or as often as given.
ASK = """\
import socket, sys
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.settimeout(1)
for attempt in range(int((sys.argv[3:] or [4])[0])):
    udp.sendto(sys.argv[2].encode(), (sys.argv[1], 9))
    try:
        sys.exit(print(udp.recv(1500).decode()))
    except OSError:
        pass
sys.exit("no reply")
"""

# Connects to PORT of each address again and again until it is stopped, and prints those that answer.
KNOCK = """\
import selectors, socket, sys, time
port, targets = int(sys.argv[1]), sys.argv[2:]
waiting = selectors.DefaultSelector()
print("knocking", flush=True)
while True:
    for target in targets:
        tcp = socket.socket(socket.AF_INET6)
        tcp.setblocking(False)
        if tcp.connect_ex((target, port)) == 115:
            waiting.register(tcp, selectors.EVENT_WRITE, (target, time.monotonic()))
        else:
            tcp.close()
    for key, ready in waiting.select(0):
        if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            print("open", key.data[0], flush=True)
        waiting.unregister(key.fileobj)
        key.fileobj.close()
    for key in list(waiting.get_map().values()):
        if time.monotonic() > key.data[1] + 2:
            waiting.unregister(key.fileobj)
            key.fileobj.close()
    time.sleep(0.02)
"""

# Sends TEXT to UDP port 9 from an address that is not the sender's (RFC 8200, RFC 768).
SPOOF = """\
import socket, struct, sys
source, target = (socket.inet_pton(socket.AF_INET6, text) for text in sys.argv[1:3])
text = sys.argv[3].encode()
def udp(checksum):
    return struct.pack("!4H", 9, 9, 8 + len(text), checksum) + text
pseudo = source + target + struct.pack("!2I", 8 + len(text), 17) + udp(0) + bytes(len(text) % 2)
total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
total = (total & 0xFFFF) + (total >> 16)
total = (total & 0xFFFF) + (total >> 16)
packet = struct.pack("!IHBB", 6 << 28, 8 + len(text), 17, 64) + source + target + udp(~total & 0xFFFF)
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.sendto(packet, (sys.argv[2], 0))
"""

# Sends what is too big for the path until the kernel has learnt its size, and prints that.
PATH_MTU = """\
import socket, sys, time
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.connect((sys.argv[1], 9))
deadline = time.monotonic() + 5
while time.monotonic() < deadline and udp.getsockopt(41, 24) == 1500:
    try:
        udp.send(bytes(1400))
    except OSError:
        pass
    time.sleep(0.1)
print(udp.getsockopt(41, 24))
"""

# One end of a tunnel: device, own UDP port, the other's address and port.
TUNNEL = """\
import contextlib, fcntl, os, select, socket, struct, sys
name, port, peer, peer_port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("", port))
while True:
    for ready in select.select([tun, udp], [], [])[0]:
        if ready == tun:
            udp.sendto(os.read(tun, 2000), (peer, peer_port))
        else:
            packet = udp.recv(2000)
            # It fails as long as the device is not up.
            with contextlib.suppress(OSError): os.write(tun, packet)
"""
