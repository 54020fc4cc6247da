#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Does mc_race notice stale values? A server that serves some runs it.

usage: stale.py MC_RACE none|delete|append

What it serves is stale after "delete" or "append": it has answered that, and goes on for
a few gets with what was there before.
"""
import re
import socket
import struct
import subprocess
import sys
import threading

FRAME = struct.Struct(">HHHH")
STALE_GETS = 8

wrong = sys.argv[2]
items, served = {}, {}
cas = 0
changed = threading.Condition()


def put(key, value):
    global cas
    cas += 1
    items[key] = (value, cas)


def wait_for_gets(key):
    """Some of those under way were sent before the command was answered."""
    changed.wait_for(lambda: served.get(key, 0) >= STALE_GETS, 60)


def keep_for_a_while(command, key):
    """The item's place has what was there before: True if that is to be served"""
    if wrong != command:
        return False
    served[key] = 0
    return True


def run(command, key, text, late):
    """Returns the answer; in late, what is done after it"""
    if command == "delete":
        if keep_for_a_while(command, key):
            late.append(lambda: (wait_for_gets(key), items.pop(key)))
        else:
            items.pop(key)
        return b"DELETED\r\n"
    if command == "incr":
        value = b"%d" % (int(items[key][0]) + int(text))
        put(key, value)
        return value + b"\r\n"
    if command == "append":
        text = items[key][0] + text
        if keep_for_a_while(command, key):
            late.append(lambda: (wait_for_gets(key), put(key, text)))
            return b"STORED\r\n"
    put(key, text)
    return b"STORED\r\n"


def tcp(listening):
    stream = listening.accept()[0].makefile("rwb")
    for line in stream:
        words, late = line.decode().split(), []
        text = words[2].encode() if words[0] == "incr" else stream.readline()[:-2] \
            if words[0] != "delete" else b""
        with changed:
            answer = run(words[0], words[1], text, late)
        stream.write(answer)
        stream.flush()
        with changed:
            for step in late:
                step()


def find(words):
    key = words[1]
    served[key] = served.get(key, 0) + 1
    changed.notify_all()
    value, number = items.get(key, (None, 0))
    if words[0] == "mg":
        return b"EN\r\n" if value is None else b"VA %d c%d\r\n%s\r\n" % (len(value), number, value)
    if value is None:
        return b"END\r\n"
    return b"VALUE %s 0 %d%s\r\n%s\r\nEND\r\n" % (
        key.encode(), len(value), b" %d" % number if words[0] == "gets" else b"", value)


def udp(sock):
    while True:
        data, address = sock.recvfrom(2048)
        with changed:
            answer = find(data[8:].decode().split())
        sock.sendto(data[:2] + FRAME.pack(0, 0, 1, 0)[2:] + answer, address)


def main():
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    for target, arg in (tcp, listening), (udp, sock):
        threading.Thread(target=target, args=(arg,), daemon=True).start()
    said = subprocess.run([sys.argv[1], "-r", "2", "-n", "200", "127.0.0.1", str(port)],
                          check=False, capture_output=True, text=True).stdout
    counts = dict(re.findall(r"(torn|stale) (\d+)", said))
    print(said, end="")
    print("found" if counts["torn"] == "0" and counts["stale"] != "0" else
          "nothing" if counts == {"torn": "0", "stale": "0"} else "torn")


main()
