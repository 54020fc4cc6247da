#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Requests whose senders cannot be answered: does memcached answer others after them?

usage: unanswerable.py HOST PORT [all]

memcached of one thread (-t 1), whose queue of answers stops at the first one that cannot
be sent. Without "all" that is one datagram, from port 0.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../arena_kv/tests"))
from client import Tcp, Udp  # noqa: E402
from raw import Raw, misses  # noqa: E402

HOST, PORT = sys.argv[1], int(sys.argv[2])


def main():
    tcp, udp = Tcp(HOST, PORT), Udp(HOST, PORT)
    raw = Raw(HOST, None, PORT)
    before = misses(tcp, udp, 60)
    packets = [raw.ip4(raw.udp(source=0))]
    if sys.argv[3:] == ["all"]:
        packets += [
            raw.ip4(raw.udp(source=0), options=b"\1\1\1\0"),  # which XDP passes up
            raw.ip4(raw.udp(), source="192.0.2.1"),  # no route leads there
        ]
    for packet in packets:
        raw.send(packet)
    after = misses(tcp, udp, 60, patience=60 if sys.argv[3:] else 2)
    print("answered before:", before, "after:", after)


main()
