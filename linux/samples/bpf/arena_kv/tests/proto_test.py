#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The protocol, and what is not the protocol: proto_test.py HOST PORT [WHAT]

WHAT is "memcached" if that is the server: only the table is tried then, which
shows that the table is right. It is "brief" to leave out what takes long.
"""
import random
import sys
import time

from client import Tcp, Udp, check, equal
import client

LONG = b"k" * 251
BAD = b"CLIENT_ERROR bad command line format\r\n"
ERR = b"ERROR\r\n"

# What is sent on a new connection, and all that comes back.
TABLE = [
    (b"\r\n", ERR),
    (b"bogus\r\n", ERR),
    (b"GET a\r\n", ERR),
    (b"set\ta 0 0 1\r\n", ERR),
    (b"get\r\n", ERR),
    (b"get \r\n", ERR),
    (b"get none\r\n", b"END\r\n"),
    (b"get  none\r\n", b"END\r\n"),
    (b"  get none   \r\n", b"END\r\n"),
    (b"get none\n", b"END\r\n"),
    (b"get " + LONG + b"\r\n", BAD),
    (b"get a " + LONG + b" b\r\n", BAD),
    (b"get " + b"a " * 4000 + b"\r\n", b"END\r\n"),
    (b"set " + LONG + b" 0 0 1\r\nx\r\n", BAD + ERR),
    (b"set a 0 0 -1\r\nx\r\n", BAD + ERR),
    (b"set a x 0 1\r\nx\r\n", BAD + ERR),
    (b"set a 0 x 1\r\nx\r\n", BAD + ERR),
    (b"set a 0 0 x\r\nx\r\n", BAD + ERR),
    (b"set a -1 0 1\r\nx\r\n", BAD + ERR),
    (b"set a 0 0\r\n", ERR),
    (b"set a 0 0 1 noreply extra\r\nx\r\n", ERR + ERR),
    (b"set a 0 0 1 bogus\r\nx\r\n", b"STORED\r\n"),
    (b"set a b c d noreply\r\n", b""),
    (b"set a 0 0 1\r\nxyz\r\n", b"CLIENT_ERROR bad data chunk\r\n" + ERR),
    (b"set a 0 0 1 noreply\r\nxy\r\n", ERR),
    (b"set a 0 0 1\r\nxy", b""),
    (b"set a 0 0 0\r\n\r\nget a\r\n", b"STORED\r\nVALUE a 0 0\r\n\r\nEND\r\n"),
    (b"set a 4294967295 0 4\r\n\r\n\r\n\r\nget a\r\n",
     b"STORED\r\nVALUE a 4294967295 4\r\n\r\n\r\n\r\nEND\r\n"),
    (b"set a 0 -1 1\r\nx\r\nget a\r\n", b"STORED\r\nEND\r\n"),
    (b"set a 0 2000000000 1\r\nx\r\nget a\r\n",
     b"STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n"),
    (b"set a 0 0 2000000\r\n" + b"x" * 2000000 + b"\r\nget a\r\n",
     b"SERVER_ERROR object too large for cache\r\nEND\r\n"),
    (b"set p 0 0 1\r\n2\r\nprepend p 0 0 1\r\n1\r\nappend p 9 0 1\r\n3\r\nget p\r\n",
     b"STORED\r\nSTORED\r\nSTORED\r\nVALUE p 0 3\r\n123\r\nEND\r\n"),
    (b"append none 0 0 1\r\nx\r\nprepend none 0 0 1\r\nx\r\n", b"NOT_STORED\r\n" * 2),
    (b"replace none 0 0 1\r\nx\r\nadd p 0 0 1\r\nx\r\n", b"NOT_STORED\r\n" * 2),
    (b"cas a 0 0 1\r\nx\r\n", ERR + ERR),
    (b"cas a 0 0 1 x\r\nx\r\n", BAD + ERR),
    (b"cas none 0 0 1 1\r\nx\r\n", b"NOT_FOUND\r\n"),
    (b"cas p 0 0 1 99999999\r\nx\r\n", b"EXISTS\r\n"),
    (b"incr a\r\n", ERR),
    (b"incr a x\r\n", b"CLIENT_ERROR invalid numeric delta argument\r\n"),
    (b"incr a -1\r\n", b"CLIENT_ERROR invalid numeric delta argument\r\n"),
    (b"incr a 99999999999999999999\r\n",
     b"CLIENT_ERROR invalid numeric delta argument\r\n"),
    (b"incr none 1\r\n", b"NOT_FOUND\r\n"),
    (b"incr a b noreply\r\n", b""),
    (b"set t 0 0 3\r\nabc\r\nincr t 1\r\n",
     b"STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n"),
    (b"set n 0 0 1\r\n5\r\ndecr n 10\r\nincr n 18446744073709551615\r\nincr n 1\r\n",
     b"STORED\r\n0\r\n18446744073709551615\r\n0\r\n"),
    (b"touch t\r\n", ERR),
    (b"touch t x\r\n", b"CLIENT_ERROR invalid exptime argument\r\n"),
    (b"touch t 0\r\n", b"TOUCHED\r\n"),
    (b"touch none 0\r\n", b"NOT_FOUND\r\n"),
    (b"gat x t\r\n", b"CLIENT_ERROR invalid exptime argument\r\n"),
    (b"gat 0 t none\r\n", b"VALUE t 0 3\r\nabc\r\nEND\r\n"),
    (b"gat -1 t\r\nget t\r\n", b"VALUE t 0 3\r\nabc\r\nEND\r\nEND\r\n"),
    (b"delete\r\n", ERR),
    (b"delete p 0\r\n", b"DELETED\r\n"),
    (b"delete p 0 noreply\r\n", b""),
    (b"delete p\r\n", b"NOT_FOUND\r\n"),
    (b"delete p 5\r\n", BAD[:-2] + b".  Usage: delete <key> [noreply]\r\n"),
    (b"delete a b c\r\n", BAD[:-2] + b".  Usage: delete <key> [noreply]\r\n"),
    (b"delete noreply\r\n", b"NOT_FOUND\r\n"),
    (b"flush_all x\r\n", b"CLIENT_ERROR invalid exptime argument\r\n"),
    (b"flush_all 1 2 3\r\n", ERR),
    (b"flush_all -1\r\n", b"OK\r\n"),
    (b"flush_all noreply\r\n", b""),
    (b"flush_all 0\r\n", b"OK\r\n"),
    (b"verbosity\r\n", ERR),
    (b"verbosity x\r\n", BAD),
    (b"verbosity noreply\r\n", b""),
    (b"verbosity 0 noreply\r\n", b""),
    (b"verbosity 0\r\n", b"OK\r\n"),
    (b"verbosity 0 0 0\r\n", ERR),
    (b"stats bogus\r\n", ERR),
    (b"stats reset\r\n", b"RESET\r\n"),
    (b"quit x\r\nversion\r\n", b""),
    (b"\x00\x00\x01", b""),
]


def try_table(host, port):
    bad = []
    for request, want in TABLE:
        tcp = Tcp(host, port)
        tcp.send(request)
        got = tcp.rest(0.1, len(want))
        if got != want:
            bad.append((request[:60], got[:100], want[:100]))
    return bad


def test_values(host, port):
    tcp = Tcp(host, port)
    value = bytes(range(256)) * 4
    equal("binary value", tcp.set(b"bin", value), b"STORED\r\n")
    tcp.send(b"get bin\r\n")
    equal("and back", tcp.until(b"END\r\n"),
          b"VALUE bin 0 1024\r\n" + value + b"\r\nEND\r\n")
    for byte in b"set slow 1 0 3\r\nabc\r\nget slow\r\n":
        tcp.send(bytes([byte]))
    equal("byte by byte", tcp.until(b"END\r\n"),
          b"STORED\r\nVALUE slow 1 3\r\nabc\r\nEND\r\n")
    first, second = tcp.stats(), (tcp.set(b"c", b"1"), tcp.stats())[1]
    equal("stats count sets", int(second["cmd_set"]), int(first["cmd_set"]) + 1)


def test_cas(host, port):
    tcp = Tcp(host, port)
    tcp.set(b"c", b"1")
    tcp.send(b"gets c\r\n")
    number = tcp.until(b"END\r\n").split()[4]
    equal("cas", tcp.ask(b"cas c 0 0 1 %s\r\n2\r\n" % number), b"STORED\r\n")
    equal("cas, late", tcp.ask(b"cas c 0 0 1 %s\r\n3\r\n" % number), b"EXISTS\r\n")


def test_backlog(host, port):
    """More output than memory may be spent on, to a client that does not read."""
    tcp = Tcp(host, port)
    for i in range(16):
        tcp.set(b"big%d" % i, bytes([65 + i]) * 500000)
    keys = b" ".join(b"big%d" % i for i in range(16))
    tcp.send((b"get " + keys + b"\r\n") * 10)
    time.sleep(1)
    got = sum(len(tcp.until(b"END\r\n")) for _ in range(10))
    lines = sum(len(b"VALUE big%d 0 500000\r\n\r\n" % i) for i in range(16))
    equal("80 MB of answers", got, 10 * (16 * 500000 + lines + 5))


def test_time(host, port):
    tcp = Tcp(host, port)
    tcp.set(b"short", b"x", exptime=1)
    tcp.set(b"long", b"x", exptime=100)
    tcp.ask(b"touch long 200\r\n")
    tcp.send(b"get short long\r\n")
    equal("not expired", tcp.until(b"END\r\n").count(b"VALUE"), 2)
    time.sleep(1.3)
    tcp.send(b"get short long\r\n")
    equal("expired", tcp.until(b"END\r\n"), b"VALUE long 0 1\r\nx\r\nEND\r\n")
    tcp.ask(b"flush_all 1\r\n")
    tcp.send(b"get long\r\n")
    equal("not flushed yet", tcp.until(b"END\r\n").count(b"VALUE"), 1)
    time.sleep(1.3)
    equal("flushed later", tcp.ask(b"get long\r\n"), b"END\r\n")


def test_udp(host, port):
    udp, tcp = Udp(host, port), Tcp(host, port)
    equal("UDP set", udp.ask(b"set u 5 0 3\r\nabc\r\n"), b"STORED\r\n")
    equal("UDP get", udp.ask(b"get u\r\n"), b"VALUE u 5 3\r\nabc\r\nEND\r\n")
    equal("UDP, two commands", udp.ask(b"get u\r\nget none\r\n"),
          b"VALUE u 5 3\r\nabc\r\nEND\r\nEND\r\n")
    large = bytes(range(250)) * 100
    tcp.set(b"large", large)
    equal("UDP answer of many datagrams", udp.ask(b"get large\r\n"),
          b"VALUE large 0 25000\r\n" + large + b"\r\nEND\r\n")
    equal("UDP request of many datagrams", udp.ask(b"get u\r\n", total=2),
          b"SERVER_ERROR multi-packet request not supported\r\n")
    equal("UDP value cut off", udp.ask(b"set u 0 0 10\r\nabc"),
          b"CLIENT_ERROR incomplete request\r\n")
    equal("UDP line cut off", udp.ask(b"get u"),
          b"CLIENT_ERROR incomplete request\r\n")
    equal("UDP garbage", udp.ask(b"\x80\x00\xff\r\n"), b"ERROR\r\n")
    tcp.set(b"huge", b"h" * 1000000)
    equal("UDP answer too long", udp.ask(b"get huge huge\r\n"),
          b"SERVER_ERROR answer too long for UDP\r\n")
    for size in range(9):
        udp.sock.send(b"\0" * size)
    udp.sock.send(b"")
    time.sleep(0.2)
    udp = Udp(host, port)
    equal("UDP after datagrams without a frame", udp.ask(b"get u\r\n"),
          b"VALUE u 5 3\r\nabc\r\nEND\r\n")


def random_line(rng):
    words = [b"get", b"gets", b"gat", b"set", b"add", b"cas", b"incr", b"decr",
             b"append", b"touch", b"delete", b"flush_all", b"verbosity", b"stats",
             b"noreply", b"0", b"1", b"-1", b"99999999999", b"18446744073709551616",
             b"k", b"k" * 250, b"k" * 300, b"", b"\0", b"\xff" * 9, b"\r", b"a\tb",
             bytes(rng.randrange(256) for _ in range(rng.randrange(20)))]
    line = b" ".join(rng.choice(words) for _ in range(rng.randrange(1, 9)))
    return line + rng.choice([b"\r\n", b"\n", b"\r\n\r\n", b"", b" \r\n", b"\r\r\n"])


def test_fuzz(host, port):
    rng, udp = random.Random(6192), Udp(host, port)
    for _ in range(200):
        tcp = Tcp(host, port)
        try:
            tcp.send(b"".join(random_line(rng) for _ in range(50)))
            tcp.rest(0.01)
        except ConnectionError:
            pass
        tcp.sock.close()
    for _ in range(2000):
        udp.sock.send(bytes(rng.randrange(2) for _ in range(rng.randrange(9))) +
                      random_line(rng))
    time.sleep(0.5)
    tcp = Tcp(host, port)
    check("alive after 12000 random lines", tcp.ask(b"version\r\n")[:8] == b"VERSION ")
    udp = Udp(host, port)
    tcp.set(b"after", b"all")
    equal("and right", udp.ask(b"get after\r\n"), b"VALUE after 0 3\r\nall\r\nEND\r\n")


def test_long_line(host, port):
    tcp = Tcp(host, port)
    tcp.send(b"x" * 70000)
    want = b"CLIENT_ERROR line too long\r\n"
    equal("line without an end", tcp.rest(least=len(want)), want)


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    what = sys.argv[3] if len(sys.argv) > 3 else "all"
    if what == "memcached":
        bad = try_table(host, port)
        check("memcached answers as the table says", not bad, bad)
        return
    if what == "all":
        bad = try_table(host, port)
        check(f"{len(TABLE)} requests are answered as by memcached", not bad, bad)
        test_backlog(host, port)
        test_time(host, port)
    for test in (test_values, test_cas, test_udp, test_long_line, test_fuzz):
        test(host, port)


main()
sys.exit(client.failed != 0)
