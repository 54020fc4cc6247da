# SPDX-License-Identifier: GPL-2.0
"""A small memcached client, and how the tests here report."""
import socket
import struct
import sys

FRAME = struct.Struct(">HHHH")
failed = 0


def check(name, good, why=""):
    """Reports one test, with what was seen if it failed."""
    global failed
    if good:
        print("ok -", name)
    else:
        failed += 1
        print("not ok -", name, "-", " ".join(str(why).split())[:200] or "false")
    sys.stdout.flush()


def equal(name, got, want):
    check(name, got == want, f"got {got!r}, not {want!r}")


class Tcp:
    def __init__(self, host, port):
        self.sock = socket.create_connection((host, port), timeout=20)
        self.file = self.sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        return self.file.readline()

    def ask(self, data):
        """For requests whose answer is one line."""
        self.send(data)
        return self.line()

    def set(self, key, value, flags=0, exptime=0):
        return self.ask(b"set %s %d %d %d\r\n%s\r\n"
                        % (key, flags, exptime, len(value), value))

    def until(self, end, data=b""):
        while not data.endswith(end):
            line = self.line()
            if not line:
                break
            data += line
        return data

    def stats(self):
        self.send(b"stats\r\n")
        lines = self.until(b"END\r\n").decode().split("\r\n")
        return dict(line.split(" ", 2)[1:] for line in lines if line[:4] == "STAT")

    def rest(self, timeout=0.5, least=0):
        """
        All that comes until the server closes or is silent: for so many seconds if it has
        sent at least that many bytes, and for much longer before.
        """
        data = b""
        try:
            while True:
                self.sock.settimeout(timeout if len(data) >= least else 30)
                more = self.sock.recv(1 << 20)
                if not more:
                    break
                data += more
        except (TimeoutError, ConnectionError):
            pass
        return data


def roomy(sock):
    """Let sock hold many packets, each of which may take a page of 64 KiB."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    return sock


class Udp:
    def __init__(self, host, port):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = roomy(socket.socket(family, socket.SOCK_DGRAM))
        self.sock.connect((host, port))
        self.id = 0

    def ask(self, request, timeout=2.0, total=1):
        """The answer's text, from as many datagrams as it has, or None."""
        self.id = (self.id + 1) % 65536
        self.sock.send(FRAME.pack(self.id, 0, total, 0) + request)
        return self.receive(timeout)

    def drain(self, silence=0.5):
        """Forget what comes to this port until nothing does."""
        self.sock.settimeout(silence)
        try:
            while True:
                self.sock.recv(65536)
        except (TimeoutError, ConnectionError):
            pass

    def receive(self, timeout):
        parts, want = {}, 1
        self.sock.settimeout(timeout)
        try:
            while len(parts) < want:
                data = self.sock.recv(65536)
                answer_id, seq, want, reserved = FRAME.unpack(data[:8])
                if answer_id != self.id or reserved:
                    return b"bad frame"
                parts[seq] = data[8:]
        except (TimeoutError, ConnectionError):
            return None
        return b"".join(parts[seq] for seq in range(want))
