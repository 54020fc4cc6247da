#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""GETs that XDP answers, and packets that it must not.

usage: mc_test.py HOST4 HOST6 PORT ARENA-MEMCACHED PIN [steps | mtu VALUE-LEN xdp|stack]

Runs in the client's namespace, see kvnet.sh. TCP is memcached's own, so what it says is
what XDP has to say over UDP. The counters in the arena tell who answered.
"""
import os
import random
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../arena_kv/tests"))
from client import FRAME, Tcp, check, equal  # noqa: E402
import client  # noqa: E402
from arena import COUNTERS, Arena, murmur3  # noqa: E402
from raw import DEV, Raw, misses, ones_sum  # noqa: E402

HOST4, HOST6, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
LAUNCHER, PIN = sys.argv[4], sys.argv[5]
arena = Arena(PIN)
END = b"END\r\n"
LARGEST = 1400 - 8      # text of an answer in one datagram
ENOUGH = 1000           # tries, until memcached's own threads are not in the way

stats, hits = arena.stats, arena.hits


class Udp(client.Udp):
    def ask(self, request, timeout=60.0, total=1):
        return super().ask(request, timeout, total)


def moved(before):
    """Counters that are others now, and by how much"""
    after = stats()
    return {name[4:]: after[name] - before[name] for name in COUNTERS
            if after[name] != before[name]}


def tcp_ask(tcp, request):
    """What memcached answers to a get, gets or mg."""
    tcp.send(request)
    if not request.startswith(b"mg"):
        return tcp.until(END)
    line = tcp.line()
    if line.startswith(b"VA "):
        line += tcp.file.read(int(line.split()[1]) + 2)
    return line


def until_hit(udp, request):
    """
    All answers until XDP gives one, and whether it does: not at first, as memcached wants
    to see two fetches, and its LRU thread may make it forget them.
    """
    before, answers = hits(), set()
    for _ in range(ENOUGH):
        answers.add(udp.ask(request))
        if hits() > before:
            return answers, True
    return answers, False


def is_by_xdp(tcp, udp, request):
    """Answered by XDP, and as memcached does"""
    return until_hit(udp, request) == ({tcp_ask(tcp, request)}, True)


def by_xdp(name, tcp, udp, *requests):
    for request in requests:
        said = f"{name}: {request[:40]!r}"
        answers, hit = until_hit(udp, request)
        equal(said, answers, {tcp_ask(tcp, request)})
        check(said + ": by XDP", hit)


def passed_up(name, udp, request, answer, why=None):
    """
    Not by XDP, though the key is one that it would answer for; nor did it look for the
    key, or other counters would have moved. Or it did, and that is why.
    """
    for _ in range(ENOUGH):
        before = stats()
        said = udp.ask(request)
        if not moved(before).keys() & {"locked", "changed"}:
            break
    equal(name, said, answer)
    equal(name + ": not by XDP", moved(before), {"passed": 1, **({why: 1} if why else {})})


def several(name, host, request, wanted):
    """memcached answers several keys by datagrams that are not numbered together."""
    udp = Udp(host, PORT)
    before = stats()
    udp.sock.send(FRAME.pack(1, 0, 1, 0) + request)
    udp.sock.settimeout(60)
    text = b""
    while len(text) < len(wanted):
        text += udp.sock.recv(65536)[8:]
    equal(name, text, wanted)
    equal(name + ": not by XDP", moved(before), {"passed": 1})


def test_basic(tcp, udp, family):
    tcp.set(b"k", b"value", flags=4294967295)
    by_xdp(family, tcp, udp, b"get k\r\n", b"gets k\r\n", b"mg k v\r\n",
           b"mg k v s f c k q t Oabc\r\n", b"mg k Ox v\r\n", b"mg k c v k\r\n",
           b"mg k O v\r\n", b"mg k q v Oabcdefghijklmnopqrstuvwxyz0123\r\n")
    tcp.set(b"zero", b"")
    by_xdp(family + " empty value", tcp, udp, b"get zero\r\n", b"gets zero\r\n",
           b"mg zero s f v\r\n")
    value = tcp_ask(tcp, b"get k\r\n")
    item = value[:-len(END)]
    gone = b"CLIENT_ERROR bad command line format\r\n"
    # memcached itself answers the odd ones
    passed_up(family + " miss", udp, b"get none\r\n", END, "missed")
    host = HOST4 if family == "IPv4" else HOST6
    several(family + " two keys", host, b"get k k\r\n", item * 2 + END)
    several(family + " two lines", host, b"get k\r\nget k\r\n", value * 2)
    passed_up(family + " two blanks", udp, b"get  k\r\n", value)
    passed_up(family + " blank at the end", udp, b"get k \r\n", value)
    passed_up(family + " a carriage return more", udp, b"get k\r\r\n", END)
    passed_up(family + " newline alone", udp, b"get k\n", value)
    passed_up(family + " key too long", udp, b"get " + b"k" * 251 + b"\r\n", gone)
    passed_up(family + " no key", udp, b"get \r\n", b"ERROR\r\n")
    passed_up(family + " capitals", udp, b"GET k\r\n", b"ERROR\r\n")
    passed_up(family + " mg without v", udp, b"mg k s\r\n", b"HD s5\r\n")
    passed_up(family + " mg alone", udp, b"mg k\r\n", b"HD\r\n")
    passed_up(family + " mg, a flag twice", udp, b"mg k v v\r\n",
              b"CLIENT_ERROR duplicate flag\r\n")
    passed_up(family + " mg, unknown flag", udp, b"mg k v !\r\n",
              b"CLIENT_ERROR invalid flag\r\n")
    passed_up(family + " mg, hit before", udp, b"mg k v h\r\n",
              b"VA 5 h1\r\nvalue\r\n")
    passed_up(family + " mg, base64", udp, b"mg aw== v b k\r\n",
              b"VA 5 kk\r\nvalue\r\n")
    passed_up(family + " mg, two blanks", udp, b"mg k  v\r\n", b"VA 5\r\nvalue\r\n")
    passed_up(family + " mg miss", udp, b"mg none v\r\n", b"EN\r\n", "missed")
    passed_up(family + " mn", udp, b"mn    \r\n", b"MN\r\n")
    equal(family + " two datagrams: none answers", udp.ask(b"get k\r\n", 0.5, total=2), None)


def test_mg_passed(tcp, udp):
    """Each flag that XDP does not know goes up: the answer is memcached's own."""
    tcp.set(b"mgp", b"x")
    for _ in range(4):
        udp.ask(b"get mgp\r\n")
    known = b"vsfckqtO"
    for flag in range(0x21, 0x7f):
        request = b"mg mgp v %c\r\n" % flag
        if flag in known or flag in b"NRTEb":
            continue
        before = stats()
        answer = udp.ask(request)
        if flag == ord("l"):
            check("mg flag l", answer.startswith(b"VA 1 l"), answer)
        else:
            equal(f"mg flag {flag:c}", answer, tcp_ask(tcp, request))
        equal(f"mg flag {flag:c}: not by XDP", moved(before), {"passed": 1})


def test_changes(tcp, udp):
    """Nothing stale: each change is seen by the GET after it."""
    changes = [
        ("delete", b"delete x\r\n", None),
        ("touch into the past", b"touch x -1\r\n", None),
        ("append", b"append x 0 0 1\r\n2\r\n", b"12"),
        ("prepend", b"prepend x 0 0 1\r\n2\r\n", b"21"),
        ("incr in place", b"incr x 8\r\n", b"9"),
        ("incr to more digits", b"incr x 9\r\n", b"10"),
        ("decr", b"decr x 1\r\n", b"0"),
        ("replace", b"replace x 0 0 2\r\nab\r\n", b"ab"),
        ("md", b"md x\r\n", None),
        ("ms", b"ms x 3\r\nabc\r\n", b"abc"),
        ("ma", b"ma x\r\n", b"2"),
    ]
    for name, request, value in changes:
        tcp.set(b"x", b"1")
        by_xdp("before " + name, tcp, udp, b"get x\r\n")
        cas = int(udp.ask(b"gets x\r\n").split()[4])
        tcp.ask(request)
        wanted = END if value is None else b"VALUE x 0 %d\r\n%s\r\nEND\r\n" % (len(value), value)
        equal("after " + name, udp.ask(b"get x\r\n"), wanted)
        if value is not None:
            check("a new cas after " + name, int(udp.ask(b"gets x\r\n").split()[4]) > cas)
            by_xdp("later than " + name, tcp, udp, b"get x\r\n", b"gets x\r\n")
    bad = []
    for i in range(100):
        value = b"%d" % i * (i % 50 + 1)
        tcp.set(b"new", value)
        for _ in range(i % 5 + 1):
            if udp.ask(b"get new\r\n") != b"VALUE new 0 %d\r\n%s\r\nEND\r\n" % (len(value), value):
                bad.append(i)
    equal("100 values, each seen at once", bad, [])
    tcp.set(b"n", b"10000000")
    by_xdp("a number", tcp, udp, b"get n\r\n")
    bad = []
    for i in range(50):
        tcp.ask(b"incr n 1\r\n")
        if until_hit(udp, b"get n\r\n") != ({b"VALUE n 0 8\r\n%d\r\nEND\r\n" % (10000001 + i)},
                                          True):
            bad.append(i)
    equal("50 numbers counted in place, each seen at once, and by XDP", bad, [])
    tcp.set(b"n", b"10")
    by_xdp("a number of two digits", tcp, udp, b"get n\r\n")
    tcp.ask(b"decr n 1\r\n")
    by_xdp("a blank behind a number", tcp, udp, b"get n\r\n", b"gets n\r\n")


def test_time(tcp, udp):
    """An item that expires is answered by XDP only until shortly before it does."""
    answer = b"VALUE long 0 1\r\nx\r\nEND\r\n"
    tcp.set(b"long", b"x", exptime=100000)
    by_xdp("expires later", tcp, udp, b"get long\r\n", b"mg long v\r\n")
    before = hits()
    check("mg t of what expires", udp.ask(b"mg long v t\r\n").startswith(b"VA 1 t"))
    equal("mg t of what expires: not by XDP", hits(), before)
    # To XDP the day has passed, to memcached it has not.
    epoch = arena.epoch.value
    arena.epoch.value = epoch - 100001
    before, answers = hits(), {udp.ask(b"get long\r\n") for _ in range(10)}
    equal("an item that may have expired: answer", answers, {answer})
    equal("an item that may have expired: not by XDP", hits(), before)
    arena.epoch.value = epoch - 90000
    by_xdp("an item that expires in a while", tcp, udp, b"get long\r\n")
    arena.epoch.value = epoch
    tcp.set(b"short", b"x", exptime=3)
    answers = [udp.ask(b"get short\r\n")]
    deadline = time.monotonic() + 60
    while answers[-20:] != [END] * 20 and time.monotonic() < deadline:
        answers.append(udp.ask(b"get short\r\n"))
        time.sleep(0.01)
    found = [answer != END for answer in answers]
    check("an item expires", not found[-1])
    equal("an item that has expired stays away", sorted(found, reverse=True), found)
    tcp.set(b"kept", b"x", exptime=1000)
    tcp.ask(b"touch kept 0\r\n")
    by_xdp("never expires, since it was touched", tcp, udp, b"get kept\r\n", b"mg kept v t\r\n")


def test_keys(tcp, udp, sizes):
    rng, bad = random.Random(1), []
    odd = b"\1\x1f\t\x7f\x80\xff!"
    tcp.set(odd, b"odd")
    by_xdp("a key of odd bytes", tcp, udp, b"get %s\r\n" % odd, b"mg %s v k\r\n" % odd)
    legal = [b for b in range(256) if b not in b" \r\n\0"]
    forms = [b"get %s\r\n", b"gets %s\r\n", b"mg %s v k f\r\n"]
    for size in sizes:
        key = bytes(rng.choice(legal) for _ in range(size))
        tcp.set(key, key)
        if not is_by_xdp(tcp, udp, forms[size // 8 % 3] % key):
            bad.append(size)
        other = key[:-1] + (b"!" if key[-1:] != b"!" else b"?")
        if udp.ask(b"get %s\r\n" % other) != END:
            bad.append(-size)
    equal(f"keys of {len(sizes)} lengths, of any bytes, by XDP, and none like them", bad, [])


def test_sizes(tcp, udp, sizes):
    bad = []
    forms = [b"get s\r\n", b"gets s\r\n", b"mg s s v c\r\n"]
    for size in sizes:
        value = bytes(33 + i % 90 for i in range(size))
        tcp.set(b"s", value, flags=size % 5)
        if not is_by_xdp(tcp, udp, forms[size % 3]):
            bad.append(size)
    equal(f"values of {len(sizes)} sizes, by XDP", bad, [])
    head = len(b"VALUE s 0 1000\r\n\r\nEND\r\n")
    tcp.set(b"s", b"v" * (LARGEST - head))
    by_xdp("largest in one datagram", tcp, udp, b"get s\r\n")
    tcp.set(b"s", b"v" * (LARGEST - head + 1))
    wanted = tcp_ask(tcp, b"get s\r\n")
    for _ in range(ENOUGH):
        before = stats()
        answer = udp.ask(b"get s\r\n")
        if not moved(before).keys() & {"inactive", "locked", "changed"}:
            break
    equal("one byte more", answer, wanted)
    equal("one byte more: not by XDP", moved(before), {"passed": 1})


def test_chunked(tcp, udp):
    tcp.set(b"big", b"v" * 700000)
    for _ in range(3):
        tcp_ask(tcp, b"get big\r\n")
    for _ in range(ENOUGH):
        before = stats()
        udp.sock.send(FRAME.pack(1, 0, 1, 0) + b"get big\r\n")
        udp.drain()
        if not moved(before).keys() & {"locked", "changed"}:
            break
    equal("a chunked item: not by XDP", moved(before), {"passed": 1, "inactive": 1})


def checksums_good(packet):
    """Of a UDP packet, with its Ethernet header; None if it is another."""
    if packet[12:14] == b"\x08\0" and packet[23] == 17:
        ip, addresses = packet[14:34], packet[26:34]
        size = 14 + struct.unpack(">H", ip[2:4])[0]
        udp = packet[34:size]  # there may be padding behind
        if ones_sum(ip) != 0xffff or len(packet) < size:
            return False
    elif packet[12:14] == b"\x86\xdd" and packet[20] == 17:
        addresses, udp = packet[22:54], packet[54:]
    else:
        return None
    pseudo = addresses + struct.pack(">HH", 17, len(udp))
    return udp[6:8] != b"\0\0" and struct.unpack(">H", udp[4:6])[0] == len(udp) and \
        ones_sum(pseudo + udp) == 0xffff


def packets(sniffer):
    """What arrived meanwhile"""
    try:
        while True:
            packet, address = sniffer.recvfrom(4096, socket.MSG_DONTWAIT)
            if address[2] != socket.PACKET_OUTGOING:
                yield packet
    except BlockingIOError:
        pass


def seen(sniffer):
    """Whether each UDP packet that arrived meanwhile has good checksums"""
    return [checksums_good(packet) for packet in packets(sniffer)]


def test_checksums(tcp, clients):
    """Those of XDP's answers. A veth leaves the stack's own to nobody: not complete."""
    sniffer = client.roomy(
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
    sniffer.bind((DEV, 0))
    bad = []
    for size in list(range(16)) + [255, 1000, 1001]:
        for key in (b"c", b"cc"):
            tcp.set(key, b"\xff" * size)
            for i, udp in enumerate(clients):
                for request in (b"get %s\r\n", b"gets %s\r\n", b"mg %s v k\r\n"):
                    until_hit(udp, request % key)
                    for _ in range(ENOUGH):
                        seen(sniffer)
                        before = hits()
                        udp.ask(request % key)
                        if hits() > before:
                            break
                    if seen(sniffer).count(True) != 1:
                        bad.append((size, request % key, i))
    equal("checksums of answers", bad, [])


def test_short(tcp, udp):
    """XDP does not take the padding off a frame of Ethernet's least size."""
    sniffer = client.roomy(
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
    sniffer.bind((DEV, 0))
    tcp.set(b"shortly", b"v")
    for _ in range(ENOUGH):
        list(packets(sniffer))
        before = hits()
        udp.ask(b"mg shortly v q\r\n")
        if hits() > before:
            break
    got = [packet for packet in packets(sniffer) if checksums_good(packet)]
    equal("an answer of 59 bytes: frame", [len(packet) for packet in got], [60])


def all_answered(name, tcp, udp):
    """Each of memcached's workers still answers over UDP: see unanswerable.py."""
    udp.drain()
    equal(name + ": 60 misses, all answered", misses(tcp, udp, 60), 60)


ANSWERED = 3    # of these:


def odd_packets(raw):
    """Name, what to send: XDP answers the first ANSWERED and no other."""
    udp, v6 = raw.udp(), b"\x86\xdd"
    udp6 = raw.udp6()
    return [
        ("plain", raw.ip4(udp)),
        ("with padding", raw.ip4(udp) + b"\0" * 20),
        ("IPv6", raw.ip6(udp6), v6),
        ("bad header checksum", raw.ip4(udp, check=0x1234)),
        ("header checksum 0", raw.ip4(udp, check=0)),
        ("our own address as source", raw.ip4(udp, source=HOST4)),
        ("our loopback address as source", raw.ip4(udp, source="127.0.0.2")),
        ("the network's broadcast as source", raw.ip4(udp, source="10.9.0.255")),
        ("IPv6, our own address as source",
         raw.ip6(raw.udp6(source=HOST6), source=HOST6), v6),
        ("IPv6, checksum 0", raw.ip6(raw.udp6(check=0)), v6),
        ("IPv4 options", raw.ip4(udp, options=b"\1\1\1\0")),
        ("more fragments", raw.ip4(udp, fragment=0x2000)),
        ("fragment offset", raw.ip4(udp, fragment=1)),
        ("another's address", raw.ip4(udp, dest="10.9.0.77")),
        ("another port", raw.ip4(raw.udp(dest=PORT + 1))),
        ("source port 0", raw.ip4(raw.udp(source=0))),
        ("two datagrams", raw.ip4(raw.udp(total=2))),
        ("no datagrams", raw.ip4(raw.udp(total=0))),
        ("multicast source", raw.ip4(udp, source="224.0.0.1")),
        ("loopback source", raw.ip4(udp, source="127.0.0.1")),
        ("IP length short", raw.ip4(udp, length=30)),
        ("IP length long", raw.ip4(udp, length=1000)),
        ("UDP length short", raw.ip4(raw.udp(length=12))),
        ("UDP length shorter than the frame", raw.ip4(raw.udp(length=15), length=35)),
        ("UDP length long", raw.ip4(raw.udp(length=1000))),
        ("both lengths long", raw.ip4(raw.udp(length=980), length=1000)),
        ("UDP length 0", raw.ip4(raw.udp(length=0xffff))),
        ("cut in the frame", raw.ip4(udp)[:33]),
        ("cut in the text", raw.ip4(udp)[:38]),
        ("no text", raw.ip4(raw.udp(request=b""))),
        ("a long text", raw.ip4(raw.udp(request=b"get k" + b" " * 400 + b"\r\n"))),
        ("a NUL", raw.ip4(raw.udp(request=b"get k\0\r\n"))),
        ("VLAN", b"\0\1\x08\0" + raw.ip4(udp), b"\x81\0"),
        ("IPv6, another's address", raw.ip6(raw.udp6(dest="fd09::77"), dest="fd09::77"), v6),
        ("IPv6, extension header", raw.ip6(b"\x11\0\1\4\0\0\0\0" + udp6, 0), v6),
        ("IPv6, length long", raw.ip6(udp6)[:-3], v6),
        ("another protocol", raw.ip4(udp), b"\x88\xb5"),
        ("another's MAC", raw.ip4(udp), b"\x08\0", b"\2\0\0\0\0\7"),
        ("broadcast", raw.ip4(udp), b"\x08\0", b"\xff" * 6),
        ("multicast MAC as source", raw.ip4(udp), b"\x08\0", None, b"\1\0\0\0\0\7"),
        ("nothing", b"", b"\x08\0"),
        ("one byte", b"\x45", b"\x08\0"),
    ]


def between(raw, receiver, packet):
    """
    How many of good, packet, good are answered by XDP, if both good ones are. They come
    in this order, so that the second good answer says that all three were looked at.
    """
    for i in range(ENOUGH):
        before = stats()
        last = FRAME.pack(2000 + i, 0, 1, 0)
        raw.send(raw.ip4(raw.udp()))
        raw.send(*packet)
        raw.send(raw.ip4(raw.udp(frame=last)))
        while receiver.recv(2048)[:8] != last:
            pass
        delta = moved(before)
        if not delta.keys() - {"hits", "passed"}:
            return delta.get("hits")
    return "memcached answers all"


def test_odd_packets(tcp, udp):
    raw = Raw(HOST4, HOST6, PORT)
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("", 40000))
    receiver.settimeout(60)
    tcp.set(b"k", b"v")
    by_xdp("before the odd packets", tcp, udp, b"get k\r\n")
    for number, (name, *packet) in enumerate(odd_packets(raw)):
        equal("packet, " + name, between(raw, receiver, packet), 2 + (number < ANSWERED))
    by_xdp("after the odd packets", tcp, udp, b"get k\r\n")
    all_answered("after the odd packets", tcp, udp)


def test_steps(tcp, udp):
    """
    Steps 1, 2 and 5 of layout.h. The program is one into which tests/steps.h is built: it
    changes a number itself, between steps 4 and 5, and finds no room.
    """
    tcp.set(b"steps", b"v")
    tcp.set(b"large", b"v" * 1200)
    by_xdp("before the steps", tcp, udp, b"get steps\r\n")
    answer = b"VALUE steps 0 1\r\nv\r\nEND\r\n"
    for test, (name, number) in enumerate((("lock's counter", arena.counter(b"steps")),
                                           ("generation", arena.generation)), 1):
        tries = 5  # memcached may lock and unlock meanwhile, which makes it even
        while tries:
            number.value |= 1
            before = stats()
            equal(f"an odd {name}: answer", udp.ask(b"get steps\r\n"), answer)
            if moved(before) == {"passed": 1, "locked": 1}:
                break
            tries -= "inactive" not in moved(before)
        equal(f"an odd {name}: not by XDP", moved(before), {"passed": 1, "locked": 1})
        number.value += number.value & 1
        passed_in_test(f"another {name} at the end", udp, b"get steps\r\n", answer, test,
                       {"passed": 1, "changed": 1})
        test_put_back(name, tcp, udp, test)
        test_put_back(f"{name}, IPv6", tcp, Udp(HOST6, PORT), test)
    request = b"get large\r\n"
    passed_in_test("a packet that cannot be made longer", udp, request, tcp_ask(tcp, request),
                   3, {"passed": 1})
    by_xdp("after the steps", tcp, udp, b"get steps\r\n", request)


def test_put_back(name, tcp, udp, test):
    """What is put back: the answer was longer, shorter, or as large as it may be."""
    for request in (b"get steps\r\n", b"mg steps v q\r\n", b"get large\r\n",
                    b"mg large v k Oabcdefghijklmnopqrstuvwxyz\r\n"):
        passed_in_test(f"put back, {name}, {request!r}", udp, request, tcp_ask(tcp, request),
                       test, {"passed": 1, "changed": 1})


def passed_in_test(name, udp, request, answer, test, wanted):
    """As passed_up(), by a program that does what dir->test says"""
    arena.test.value = test
    for _ in range(ENOUGH):
        before = stats()
        said = udp.ask(request)
        if not moved(before).keys() & {"inactive", "locked"}:
            break
    arena.test.value = 0
    equal(f"{name}: answer", said, answer)
    equal(f"{name}: not by XDP", moved(before), wanted)


def test_random_packets(tcp, udp):
    raw, rng = Raw(HOST4, HOST6, PORT), random.Random(29)
    good = [raw.ip4(raw.udp()), raw.ip4(raw.udp(request=b"mg k v s f c k q t Oabc\r\n"))]
    for i in range(2000):
        packet = bytearray(good[i % 2][:rng.randrange(1, len(good[i % 2]) + 1)] if i % 3
                           else good[i % 2])
        for _ in range(rng.randrange(4)):
            packet[rng.randrange(28 * (i % 3 == 0), len(packet))
                   if len(packet) > 28 else 0] = rng.randrange(256)
        raw.send(bytes(packet))
    udp.drain()  # a source port may have become ours
    all_answered("after 2000 broken packets", tcp, udp)
    equal("after 2000 broken packets", udp.ask(b"get k\r\n"), b"VALUE k 0 1\r\nv\r\nEND\r\n")


def test_collisions(tcp, udp):
    """More items in one chain than XDP looks at: passed up, and answered."""
    mask = stats()["buckets"] - 1
    keys, i, bucket = [], 0, murmur3(b"chain") & mask
    while len(keys) < 24:
        key = b"c%d" % i
        i += 1
        if murmur3(key) & mask == bucket:
            keys.append(key)
    for key in keys:
        tcp.set(key, key)
    by, wrong = [], []
    for number, key in enumerate(keys):  # the newest is first in the chain
        wanted = {b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(key), key)}
        if number >= 8:
            answers, hit = until_hit(udp, b"get %s\r\n" % key)
        else:
            before, answers = hits(), {udp.ask(b"get %s\r\n" % key) for _ in range(10)}
            hit = hits() > before
        by.append(hit)
        if answers != wanted:
            wrong.append(key)
    equal("a long chain: answers", wrong, [])
    check("a long chain: its first 16 by XDP", all(by[8:]), by)
    equal("a long chain: those behind are passed up", by[:8], [False] * 8)


def test_old_table(tcp, udp):
    """
    While memcached grows its table, an item is in the old one or in the new one. To XDP it
    does: one of the two has no items.
    """
    table, mask, old, old_mask = (number.value for number in arena.tables)
    equal("the table does not grow", (old, old_mask), (0, 0))
    tcp.set(b"moved", b"v")
    wanted = {b"VALUE moved 0 1\r\nv\r\nEND\r\n"}
    for name, tables, counts in (
            ("old", (arena.no_table, 0, table, mask), {"hits": 1, "old": 1}),
            ("new", (table, mask, arena.no_table, 0), {"hits": 1})):
        set_tables(tables)
        equal(f"an item in the {name} table", until_hit(udp, b"get moved\r\n"), (wanted, True))
        for _ in range(ENOUGH):
            before = stats()
            udp.ask(b"get moved\r\n")
            if hits() > before["xdp_hits"]:
                break
        equal(f"an item in the {name} table: counted", moved(before), counts)
        passed_up(f"no item in the {name} table", udp, b"get nowhere\r\n", END, "missed")
    set_tables((table, mask, old, old_mask))
    by_xdp("an item in the table alone", tcp, udp, b"get moved\r\n")


def set_tables(values):
    arena.generation.value += 1
    for number, value in zip(arena.tables, values):
        number.value = value
    arena.generation.value += 1


def test_busy(tcp, udp):
    """A program that interrupts another one on its CPU leaves all to memcached."""
    tcp.set(b"busy", b"v")
    by_xdp("not busy", tcp, udp, b"get busy\r\n")
    for busy in arena.busy:
        busy.value = 1
    before = stats()
    answers = {udp.ask(b"get busy\r\n") for _ in range(10)}
    equal("busy: answers", answers, {tcp_ask(tcp, b"get busy\r\n")})
    equal("busy: XDP does not look", moved(before), {})
    for busy in arena.busy:
        busy.value = 0
    by_xdp("no longer busy", tcp, udp, b"get busy\r\n")


def test_mtu(tcp, udp, size, by):
    """An answer longer than the MTU is the stack's affair, which fragments it."""
    tcp.set(b"mtu", b"v" * size)
    if by == "xdp":
        by_xdp(f"{size} bytes, within the MTU", tcp, udp, b"get mtu\r\n")
        return
    before, answers = hits(), {udp.ask(b"get mtu\r\n") for _ in range(10)}
    equal(f"{size} bytes, over the MTU", answers, {tcp_ask(tcp, b"get mtu\r\n")})
    equal(f"{size} bytes, over the MTU: not by XDP", hits(), before)


def main():
    said = subprocess.run([LAUNCHER, "--stats", PIN], check=True, capture_output=True,
                          text=True).stdout
    said = dict(map(str.split, said.splitlines()))
    equal("--stats is what the arena has",
          {name: int(said[name]) for name in COUNTERS + ["buckets"]}, stats())
    tcp, udp4, udp6 = Tcp(HOST4, PORT), Udp(HOST4, PORT), Udp(HOST6, PORT)
    test_basic(tcp, udp4, "IPv4")
    test_basic(tcp, udp6, "IPv6")
    test_mg_passed(tcp, udp4)
    test_changes(tcp, udp4)
    test_time(tcp, udp4)
    test_keys(tcp, udp4, range(1, 251))
    test_keys(tcp, udp6, range(1, 251, 10))
    sizes = list(range(100)) + list(range(100, LARGEST - 60, 37)) + list(range(1310, 1360, 5))
    test_sizes(tcp, udp4, sizes)
    test_sizes(tcp, udp6, sizes[::7])
    test_chunked(tcp, udp4)
    test_checksums(tcp, (udp4, udp6))
    test_short(tcp, udp4)
    test_collisions(tcp, udp4)
    test_old_table(tcp, udp4)
    test_busy(tcp, udp4)
    test_odd_packets(tcp, udp4)
    test_random_packets(tcp, udp4)


if sys.argv[6:] == ["steps"]:
    test_steps(Tcp(HOST4, PORT), Udp(HOST4, PORT))
elif sys.argv[6:7] == ["mtu"]:
    test_mtu(Tcp(HOST4, PORT), Udp(HOST4, PORT), int(sys.argv[7]), sys.argv[8])
else:
    main()
sys.exit(client.failed != 0)
