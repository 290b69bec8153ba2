"""fakes.py INTERFACE [OPTION...]: many neighbours in one process, on the wire of one interface, until it is ended.

They answer echo (by multicast, too), an unknown option, and neighbour solicitations as real ones do, late
or not at all as the options say. Number 0 is a router.
"""

from __future__ import annotations

import argparse
import heapq
import ipaddress
import random
import select
import socket
import struct
import time

ALL_NODES = ipaddress.IPv6Address("ff02::1").packed


def mac(number):
    return b"\x02\xfa\x00\x00" + struct.pack("!H", number)


def address(number):
    """The one that is made from the Ethernet address."""
    return ipaddress.IPv6Address(f"fe80::fa:ff:fe00:{number:x}")


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(source_mac, target_mac, source, target, message, hop_limit=64):
    """An Ethernet frame with an ICMPv6 message, whose octets are even in number."""
    summed = checksum(source + target + struct.pack("!II", len(message), 58) + message)
    message = message[:2] + struct.pack("!H", summed) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), 58, hop_limit)
    return target_mac + source_mac + b"\x86\xdd" + header + source + target + message


class Fakes:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.members = {address(number).packed: number for number in range(options.count)}
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
        for force in (32, 33):
            self.socket.setsockopt(socket.SOL_SOCKET, force, 16 << 20)
        self.socket.bind((options.interface, 0x86DD))
        self.late, self.sent = [], 0

    def run(self):
        print("ready", flush=True)
        while True:
            wait = max(self.late[0][0] - time.monotonic(), 0) if self.late else None
            if select.select([self.socket], [], [], wait)[0]:
                data, where = self.socket.recvfrom(2048)
                if where[2] != socket.PACKET_OUTGOING:
                    self.hear(data)
            while self.late and self.late[0][0] <= time.monotonic():
                self.socket.send(heapq.heappop(self.late)[2])

    def is_lost(self):
        return self.random.random() < self.options.loss

    def answer(self, number, data, message, hop_limit=64):
        # The question may have been lost, and the answer.
        if self.is_lost() or self.is_lost():
            return
        reply = frame(mac(number), data[6:12], address(number).packed, data[22:38], message, hop_limit)
        for __ in range(1 + (self.random.random() < self.options.duplicates)):
            if self.options.jitter:
                self.sent += 1
                when = time.monotonic() + self.random.random() * self.options.jitter
                heapq.heappush(self.late, (when, self.sent, reply))
            else:
                self.socket.send(reply)

    def hear(self, data):
        packet = data[14:]
        next_header, target = packet[6], packet[24:40]
        answers = self.options.answers
        if next_header == 58 and packet[40] == 128:
            reply = b"\x81\0\0\0" + packet[44:]
            if target == ALL_NODES and "echo" in answers:
                for number in range(self.options.count):
                    self.answer(number, data, reply)
            elif target in self.members and "unicast" in answers:
                self.answer(self.members[target], data, reply)
        elif next_header == 58 and packet[40] == 135 and "solicitation" in answers:
            target = packet[48:64]
            if target in self.members:
                number = self.members[target]
                flags = 0x60 | (0x80 if number == 0 else 0)
                message = b"\x88\0\0\0" + bytes([flags, 0, 0, 0]) + target + b"\x02\x01" + mac(number)
                self.answer(number, data, message, 255)
        elif next_header == 60 and "option" in answers:
            problem = struct.pack("!BBHI", 4, 2, 0, 42) + packet
            for number in range(self.options.count):
                self.answer(number, data, problem)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("interface")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--jitter", type=float, default=0, help="seconds, at most")
    parser.add_argument("--loss", type=float, default=0, help="share of questions, and of answers")
    parser.add_argument("--duplicates", type=float, default=0, help="share of answers")
    parser.add_argument("--answers", nargs="*", default=["echo", "unicast", "option", "solicitation"])
    parser.add_argument("--seed", type=int)
    Fakes(parser.parse_args()).run()


if __name__ == "__main__":
    main()
