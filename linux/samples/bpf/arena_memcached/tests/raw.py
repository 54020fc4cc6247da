# SPDX-License-Identifier: GPL-2.0
"""Packets that no socket would send. The client's interface is v1, see kvnet.sh."""
import errno
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../arena_kv/tests"))
from client import FRAME  # noqa: E402

DEV = "v1"


def ones_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


class Raw:
    """Makes packets that no socket would send."""

    def __init__(self, host4, host6, port, dev=DEV):
        self.host4, self.host6, self.port = host4, host6, port
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.sock.bind((dev, 0))
        self.source = self.sock.getsockname()[4]
        with open("/proc/net/arp", encoding="ascii") as arp:
            mac = [line.split()[3] for line in arp if line.startswith(host4 + " ")][0]
        self.dest = bytes.fromhex(mac.replace(":", ""))

    def udp(self, request=b"get k\r\n", source=40000, dest=None, length=None, total=1,
            frame=None):
        data = (frame or FRAME.pack(7, 0, total, 0)) + request
        return struct.pack(">HHHH", source, dest or self.port, length or len(data) + 8, 0) + data

    def ip4(self, payload, options=b"", fragment=0, source="10.9.0.2", dest=None,
            length=None, check=None):
        head = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
                           length or 20 + len(options) + len(payload), 1, fragment,
                           64, 17, 0, socket.inet_aton(source), socket.inet_aton(dest or self.host4))
        sum_ = 0xffff - ones_sum(head + options) if check is None else check
        return head[:10] + struct.pack(">H", sum_) + head[12:] + options + payload

    def udp6(self, source="fd09::2", dest=None, check=None):
        """With a checksum, which IPv6 asks for"""
        udp = self.udp()
        if check is None:
            pseudo = socket.inet_pton(socket.AF_INET6, source) + \
                socket.inet_pton(socket.AF_INET6, dest or self.host6) + \
                struct.pack(">HH", 17, len(udp))
            check = 0xffff - ones_sum(pseudo + udp) or 0xffff
        return udp[:6] + struct.pack(">H", check) + udp[8:]

    def ip6(self, payload, next_header=17, source="fd09::2", dest=None):
        return struct.pack(">IHBB", 6 << 28, len(payload), next_header, 64) + \
            socket.inet_pton(socket.AF_INET6, source) + \
            socket.inet_pton(socket.AF_INET6, dest or self.host6) + payload

    def send(self, packet, proto=b"\x08\0", dest=None, source=None):
        frame = (dest or self.dest) + (source or self.source) + proto + packet
        for patience in reversed(range(1000)):
            try:
                self.sock.send(frame)
                return
            except OSError as error:
                # The other side's queue is full, as it may be on a busy machine.
                if error.errno != errno.ENOBUFS or not patience:
                    raise
                time.sleep(0.01)


def misses(tcp, udp, count, patience=60):
    """
    How many GETs of no key are answered. Ten are sent at a time, or a server that is slow
    loses some: each may take a page of its socket's 200 KiB.
    """
    answers, wanted = set(), set()
    udp.sock.settimeout(patience)
    try:
        while len(wanted) < count:
            frames = [FRAME.pack(10000 + len(wanted) + i, 0, 1, 0) for i in range(10)]
            wanted |= {frame + b"END\r\n" for frame in frames}
            for frame in frames:
                udp.sock.send(frame + b"get none\r\n")
            for _ in range(5):  # a thread that answers these has seen those
                tcp.ask(b"version\r\n")
            while len(answers) < len(wanted):
                answers.add(udp.sock.recv(100))
    except TimeoutError:
        pass
    return len(answers & wanted)
