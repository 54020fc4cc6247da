# SPDX-License-Identifier: GPL-2.0
"""memcached's arena, mapped: the counters without a process for each look at them"""
import ctypes
import mmap
import os
import platform

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
BPF_OBJ_GET = 7
MAP_FIXED_NOREPLACE = 0x100000
HEADER, BLOCK = 64 << 10, 32 << 20

# Offsets in struct arena_heap_header, mc_dir and mc_reader
START, BLOCKS, ROOT = 24, 32, 96
GENERATION, TABLE, MASK, OLD, OLD_MASK, SEQS, LOCK_MASK, READERS = range(16, 80, 8)
NR_READERS, TEST, EPOCH = 80, 84, 88
BUSY, HITS, READER_SIZE = 0, 16, 832
COUNTERS = ["xdp_hits", "xdp_passed", "xdp_missed", "xdp_inactive", "xdp_locked",
            "xdp_changed", "xdp_old"]
MAGIC = 0x6d6f656d6e657261

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                      ctypes.c_int, ctypes.c_long]


class ObjGet(ctypes.Structure):
    _fields_ = [("path", ctypes.c_uint64), ("fd", ctypes.c_uint32),
                ("flags", ctypes.c_uint32)]


def obj_get(path):
    name = ctypes.create_string_buffer(path.encode())
    attr = ObjGet(ctypes.addressof(name), 0, 0)
    fd = libc.syscall(SYS_BPF, BPF_OBJ_GET, ctypes.byref(attr), ctypes.sizeof(attr))
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return fd


def word(addr, type_=ctypes.c_uint64):
    return type_.from_address(addr)


def murmur3(key):
    def rotate(x, by):
        return (x << by | x >> (32 - by)) & 0xffffffff
    h, n = 0, len(key) & ~3
    for i in range(0, n, 4):
        k = int.from_bytes(key[i:i + 4], "little") * 0xcc9e2d51 & 0xffffffff
        h = rotate(h ^ rotate(k, 15) * 0x1b873593 & 0xffffffff, 13)
        h = (h * 5 + 0xe6546b64) & 0xffffffff
    k = int.from_bytes(key[n:], "little") * 0xcc9e2d51 & 0xffffffff
    h ^= rotate(k, 15) * 0x1b873593 & 0xffffffff
    h ^= len(key)
    for shift, by in ((16, 0x85ebca6b), (13, 0xc2b2ae35), (16, 1)):
        h = (h ^ h >> shift) * by & 0xffffffff
    return h


class Arena:
    def __init__(self, pin):
        fd = obj_get(pin)
        header = os.read(fd, 256)
        start = int.from_bytes(header[START:START + 8], "little")
        blocks = int.from_bytes(header[BLOCKS:BLOCKS + 4], "little")
        if libc.mmap(start, HEADER + blocks * BLOCK, mmap.PROT_READ | mmap.PROT_WRITE,
                     mmap.MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != start:
            raise OSError(ctypes.get_errno(), "mmap of the arena")
        self.dir = word(start + ROOT).value
        if word(self.dir).value != MAGIC:
            raise ValueError("no mc_dir in the arena")
        self.generation = word(self.dir + GENERATION)
        self.test = word(self.dir + TEST, ctypes.c_uint32)
        self.epoch = word(self.dir + EPOCH)
        self.readers = [word(self.dir + READERS).value + cpu * READER_SIZE + HITS
                        for cpu in range(word(self.dir + NR_READERS, ctypes.c_uint32).value)]
        self.busy = [word(reader - HITS + BUSY) for reader in self.readers]
        self.tables = [word(self.dir + off) for off in (TABLE, MASK, OLD, OLD_MASK)]
        self.no_table = self.dir + NR_READERS  # a number there is small: no item's address

    def stats(self):
        sums = {name: sum(word(reader + i * 8).value for reader in self.readers)
                for i, name in enumerate(COUNTERS)}
        sums["buckets"] = word(self.dir + MASK).value + 1
        return sums

    def hits(self):
        return sum(word(reader).value for reader in self.readers)

    def counter(self, key):
        """Of the key's lock"""
        return word(word(self.dir + SEQS).value +
                    (murmur3(key) & word(self.dir + LOCK_MASK).value) * 8)
