"""Says hello on TCP ports 8080 and 8022, IPv6 and IPv4."""

from __future__ import annotations

import selectors
import socket

with selectors.DefaultSelector() as selector:
    for port in (8080, 8022):
        server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        selector.register(server, selectors.EVENT_READ)
    while True:
        for key, _events in selector.select():
            client = key.fileobj.accept()[0]
            client.sendall(b"hello\r\n")
            client.close()
