#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""GETs that XDP answers, and packets that it must not: xdp_test.py HOST4 HOST6 PORT

Runs in the client's namespace, see kvnet.sh. The server's counters tell who
answered; a packet socket sees what the answers look like on the wire.
"""
import errno
import random
import socket
import struct
import sys
import time

from client import FRAME, Tcp, Udp, check, equal
import client

HOST4, HOST6, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
DEV = "v1"
END = b"END\r\n"
LARGEST = 1400 - 8      # text of an answer in one datagram


class Counted:
    """What one test made the counters do."""

    def __init__(self, tcp):
        self.tcp = tcp
        self.before = self.now()

    def now(self):
        stats = self.tcp.stats()
        return [int(stats["xdp_" + name])
                for name in ("get_hits", "get_misses", "passed")]

    def diff(self):
        return [b - a for a, b in zip(self.before, self.now())]


def value_text(key, value, flags=0, cas=b""):
    return b"VALUE %s %d %d%s\r\n%s\r\nEND\r\n" % (key, flags, len(value), cas, value)


def expect(name, tcp, udp, request, answer, hits=0, misses=0, passed=0):
    counted = Counted(tcp)
    equal(name, udp.ask(request), answer)
    equal(name + ": by whom", counted.diff(), [hits, misses, passed])


def test_basic(tcp, udp, family):
    tcp.set(b"k", b"value", flags=4294967295)
    tcp.send(b"gets k\r\n")
    cas = b" " + tcp.until(END).split()[4]
    expect(family + " get", tcp, udp, b"get k\r\n",
           value_text(b"k", b"value", 4294967295), hits=1)
    expect(family + " gets", tcp, udp, b"gets k\r\n",
           value_text(b"k", b"value", 4294967295, cas), hits=1)
    expect(family + " miss", tcp, udp, b"get none\r\n", END, misses=1)
    expect(family + " two keys", tcp, udp, b"get k none\r\n",
           value_text(b"k", b"value", 4294967295), passed=1)
    expect(family + " two lines", tcp, udp, b"get none\r\nget none\r\n", END * 2, passed=1)
    expect(family + " two blanks", tcp, udp, b"get  none\r\n", END, passed=1)
    expect(family + " blank at the end", tcp, udp, b"get none \r\n", END, passed=1)
    expect(family + " newline alone", tcp, udp, b"get none\n", END, passed=1)
    expect(family + " a set", tcp, udp, b"set k 0 0 1\r\n2\r\n", b"STORED\r\n", passed=1)
    expect(family + " the new value", tcp, udp, b"get k\r\n", value_text(b"k", b"2"),
           hits=1)
    expect(family + " key too long", tcp, udp, b"get " + b"k" * 251 + b"\r\n",
           b"CLIENT_ERROR bad command line format\r\n", passed=1)
    expect(family + " no key", tcp, udp, b"get \r\n", b"ERROR\r\n", passed=1)
    expect(family + " cut off", tcp, udp, b"get k",
           b"CLIENT_ERROR incomplete request\r\n", passed=1)
    counted = Counted(tcp)
    equal(family + " two datagrams", udp.ask(b"get k\r\n", total=2),
          b"SERVER_ERROR multi-packet request not supported\r\n")
    equal(family + " two datagrams: by whom", counted.diff(), [0, 0, 1])


def test_changes(tcp, udp):
    """Nothing stale: each change is seen by the GET after it."""
    bad = []
    counted = Counted(tcp)
    for i in range(300):
        value = b"%d" % i * (i % 50 + 1)
        tcp.set(b"new", value)
        bad += [i] if udp.ask(b"get new\r\n") != value_text(b"new", value) else []
    equal("300 values, each seen at once", bad, [])
    equal("300 values: by whom", counted.diff(), [300, 0, 0])
    changes = [
        ("delete", b"delete x\r\n", END),
        ("touch into the past", b"touch x -1\r\n", END),
        ("flush_all", b"flush_all\r\n", END),
        ("append", b"append x 0 0 1\r\n2\r\n", value_text(b"x", b"12")),
        ("incr", b"incr x 9\r\n", value_text(b"x", b"10")),
        ("replace", b"replace x 3 0 2\r\nab\r\n", value_text(b"x", b"ab", 3)),
    ]
    for name, request, answer in changes:
        tcp.set(b"x", b"1")
        tcp.ask(request)
        expect("after " + name, tcp, udp, b"get x\r\n", answer,
               hits=answer != END, misses=answer == END)


def test_time(tcp, udp):
    tcp.set(b"short", b"x", exptime=1)
    tcp.set(b"kept", b"x", exptime=1)
    tcp.ask(b"touch kept 100\r\n")
    expect("not expired", tcp, udp, b"get short\r\n", value_text(b"short", b"x"), hits=1)
    time.sleep(1.3)
    expect("expired", tcp, udp, b"get short\r\n", END, misses=1)
    expect("touched in time", tcp, udp, b"get kept\r\n", value_text(b"kept", b"x"), hits=1)
    tcp.ask(b"flush_all 1\r\n")
    expect("to be flushed", tcp, udp, b"get kept\r\n", value_text(b"kept", b"x"), hits=1)
    time.sleep(1.3)
    expect("flushed", tcp, udp, b"get kept\r\n", END, misses=1)


def test_keys(tcp, udp):
    rng, bad = random.Random(1), []
    legal = [b for b in range(256) if b not in b" \r\n\0"]
    counted = Counted(tcp)
    for size in range(1, 251):
        key = bytes(rng.choice(legal) for _ in range(size))
        equal("set", tcp.set(key, key), b"STORED\r\n") if size == 1 else tcp.set(key, key)
        if udp.ask(b"get %s\r\n" % key) != value_text(key, key):
            bad.append(size)
        other = key[:-1] + (b"!" if key[-1:] != b"!" else b"?")
        if udp.ask(b"get %s\r\n" % other) != END:
            bad.append(-size)
    equal("keys of every length, of any bytes, and none like them", bad, [])
    hits, misses, _ = counted.diff()
    check("keys: by whom", hits >= 250 and hits + misses >= 480, counted.diff())


def test_sizes(tcp, udp):
    bad, head = [], len(value_text(b"s", b"1" * 1000)) - 1000
    counted = Counted(tcp)
    sizes = list(range(140)) + list(range(140, LARGEST, 37))
    for size in sizes:
        value = bytes(33 + i % 90 for i in range(size))
        tcp.set(b"s", value)
        if udp.ask(b"get s\r\n") != value_text(b"s", value):
            bad.append(size)
        udp.ask(b"gets s\r\n")
    equal("values of many sizes", bad, [])
    check("values: by whom", counted.diff()[0] >= 2 * len(sizes) - 4, counted.diff())
    tcp.set(b"s", b"v" * (LARGEST - head))
    expect("largest in one datagram", tcp, udp, b"get s\r\n",
           value_text(b"s", b"v" * (LARGEST - head)), hits=1)
    tcp.set(b"s", b"v" * (LARGEST - head + 1))
    expect("one byte more", tcp, udp, b"get s\r\n",
           value_text(b"s", b"v" * (LARGEST - head + 1)), passed=1)


def ones_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def checksums_good(packet):
    """Of a UDP packet, with its Ethernet header; None if it is another."""
    if packet[12:14] == b"\x08\0" and packet[23] == 17:
        ip, addresses, udp = packet[14:34], packet[26:34], packet[34:]
        if ones_sum(ip) != 0xffff or len(packet) != 14 + struct.unpack(">H", ip[2:4])[0]:
            return False
    elif packet[12:14] == b"\x86\xdd" and packet[20] == 17:
        addresses, udp = packet[22:54], packet[54:]
    else:
        return None
    pseudo = addresses + struct.pack(">HH", 17, len(udp))
    return udp[6:8] != b"\0\0" and struct.unpack(">H", udp[4:6])[0] == len(udp) and \
        ones_sum(pseudo + udp) == 0xffff


def seen(sniffer):
    """Whether each UDP packet that arrived meanwhile has good checksums."""
    try:
        while True:
            packet, address = sniffer.recvfrom(4096, socket.MSG_DONTWAIT)
            if address[2] != socket.PACKET_OUTGOING:
                yield checksums_good(packet)
    except BlockingIOError:
        pass


def test_checksums(tcp, clients):
    sniffer = client.roomy(
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
    sniffer.bind((DEV, 0))
    counted, results = Counted(tcp), []
    for size in list(range(64)) + [1000, 1001]:
        for key in (b"c", b"cc"):
            tcp.set(key, b"\xff" * size)
            for udp in clients:
                udp.ask(b"get %s\r\n" % key)
                udp.ask(b"gets %s\r\n" % key)
                udp.ask(b"get none\r\n")
            results += seen(sniffer)
    answered = sum(counted.diff()[:2])
    equal("checksums of answers: all were seen",
          results.count(True) + results.count(False), answered)
    equal("checksums of answers: wrong", results.count(False), 0)


class Raw:
    """Makes packets that no socket would send."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.sock.bind((DEV, 0))
        self.source = self.sock.getsockname()[4]
        with open("/proc/net/arp", encoding="ascii") as arp:
            mac = [line.split()[3] for line in arp if line.startswith(HOST4 + " ")][0]
        self.dest = bytes.fromhex(mac.replace(":", ""))

    def udp(self, request=b"get k\r\n", source=40000, dest=PORT, length=None):
        data = FRAME.pack(7, 0, 1, 0) + request
        return struct.pack(">HHHH", source, dest, length or len(data) + 8, 0) + data

    def ip4(self, payload, options=b"", fragment=0, source="10.9.0.2", dest=HOST4,
            length=None):
        head = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
                           length or 20 + len(options) + len(payload), 1, fragment,
                           64, 17, 0, socket.inet_aton(source), socket.inet_aton(dest))
        sum_ = 0xffff - ones_sum(head + options)
        return head[:10] + struct.pack(">H", sum_) + head[12:] + options + payload

    def ip6(self, payload, next_header=17, dest=HOST6):
        return struct.pack(">IHBB", 6 << 28, len(payload), next_header, 64) + \
            socket.inet_pton(socket.AF_INET6, "fd09::2") + \
            socket.inet_pton(socket.AF_INET6, dest) + payload

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


def odd_packets(raw):
    """Name, what to send: XDP answers the first two and no other."""
    udp, v6 = raw.udp(), b"\x86\xdd"
    bad6 = struct.pack(">HHHH", 40000, PORT, 8 + 8 + 7, 0) + FRAME.pack(7, 0, 1, 0) + b"get k\r\n"
    return [
        ("plain", raw.ip4(udp)),
        ("with padding", raw.ip4(udp) + b"\0" * 20),
        ("IPv4 options", raw.ip4(udp, options=b"\1\1\1\0")),
        ("more fragments", raw.ip4(udp, fragment=0x2000)),
        ("fragment offset", raw.ip4(udp, fragment=1)),
        ("another's address", raw.ip4(udp, dest="10.9.0.77")),
        ("another port", raw.ip4(raw.udp(dest=PORT + 1))),
        ("source port 0", raw.ip4(raw.udp(source=0))),
        ("multicast source", raw.ip4(udp, source="224.0.0.1")),
        ("loopback source", raw.ip4(udp, source="127.0.0.1")),
        ("IP length short", raw.ip4(udp, length=30)),
        ("IP length long", raw.ip4(udp, length=1000)),
        ("UDP length short", raw.ip4(raw.udp(length=12))),
        ("UDP length long", raw.ip4(raw.udp(length=1000))),
        ("both lengths long", raw.ip4(raw.udp(length=980), length=1000)),
        ("UDP length 0", raw.ip4(raw.udp(length=0xffff))),
        ("cut in the frame", raw.ip4(udp)[:33]),
        ("cut in the text", raw.ip4(udp)[:38]),
        ("no text", raw.ip4(raw.udp(request=b""))),
        ("VLAN", b"\0\1\x08\0" + raw.ip4(udp), b"\x81\0"),
        ("IPv6, wrong address", raw.ip6(bad6, dest="fd09::77"), v6),
        ("IPv6, extension header", raw.ip6(b"\x11\0\1\4\0\0\0\0" + bad6, 0), v6),
        ("IPv6, length long", raw.ip6(bad6) [:-3], v6),
        ("another protocol", raw.ip4(udp), b"\x88\xb5"),
        ("another's MAC", raw.ip4(udp), b"\x08\0", b"\2\0\0\0\0\7"),
        ("broadcast", raw.ip4(udp), b"\x08\0", b"\xff" * 6),
        ("multicast MAC as source", raw.ip4(udp), b"\x08\0", None, b"\1\0\0\0\0\7"),
        ("nothing", b"", b"\x08\0"),
        ("one byte", b"\x45", b"\x08\0"),
    ]


def test_odd_packets(tcp):
    raw = Raw()
    tcp.set(b"k", b"v")
    for number, (name, *packet) in enumerate(odd_packets(raw)):
        counted = Counted(tcp)
        raw.send(*packet)
        time.sleep(0.02)
        equal("packet, " + name, counted.diff()[:2], [int(number < 2), 0])


def test_random_packets(tcp, udp):
    raw, rng = Raw(), random.Random(29)
    good = raw.ip4(raw.udp())
    for _ in range(3000):
        packet = bytearray(good[:rng.randrange(1, len(good) + 1)])
        for _ in range(rng.randrange(4)):
            packet[rng.randrange(len(packet))] = rng.randrange(256)
        raw.send(bytes(packet))
    udp.drain()  # a source port may have become ours
    equal("after 3000 broken packets", udp.ask(b"get k\r\n"), value_text(b"k", b"v"))


def test_reset(tcp, udp):
    udp.ask(b"get k\r\n")
    check("counters before a reset", Counted(tcp).before[0] > 0)
    tcp.ask(b"stats reset\r\n")
    equal("counters after a reset", Counted(tcp).before, [0, 0, 0])


def main():
    tcp, udp4, udp6 = Tcp(HOST4, PORT), Udp(HOST4, PORT), Udp(HOST6, PORT)
    test_basic(tcp, udp4, "IPv4")
    test_basic(tcp, udp6, "IPv6")
    test_changes(tcp, udp4)
    test_time(tcp, udp4)
    test_keys(tcp, udp4)
    test_keys(tcp, udp6)
    test_sizes(tcp, udp4)
    test_sizes(tcp, udp6)
    test_checksums(tcp, (udp4, udp6))
    test_odd_packets(tcp)
    test_random_packets(tcp, udp4)
    test_reset(tcp, udp4)


main()
sys.exit(client.failed != 0)
