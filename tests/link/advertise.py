"""advertise.py INTERFACE SOURCE MAC MESSAGE HOP_LIMIT [...]: advertisements for whoever solicits them, until ended."""

from __future__ import annotations

import ipaddress
import socket
import sys

from fakes import ALL_NODES, frame

ALL_NODES_MAC = b"\x33\x33\0\0\0\x01"


def main():
    interface, *advertisements = sys.argv[1:]
    frames = []
    while advertisements:
        source, mac, message, hop_limit, *advertisements = advertisements
        packed = ipaddress.IPv6Address(source).packed
        frames.append(
            frame(bytes.fromhex(mac), ALL_NODES_MAC, packed, ALL_NODES, bytes.fromhex(message), int(hop_limit))
        )
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
    link.bind((interface, 0x86DD))
    print("ready", flush=True)
    while True:
        packet = link.recv(2048)
        if packet[20] == 58 and packet[54] == 133:
            for one in frames:
                link.send(one)


if __name__ == "__main__":
    main()
