#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Draws cost against size: reads a results.json of scripts/bench, writes NAME.svg into a
directory, with gnuplot. For scripts/bench, and for tests/85-bench.t.

Points are the medians of the tables, and bars what their spread is of: from the
smallest to the largest boot, or, of times, the middle half of the runs. A plot for
which fewer than two points were measured is not drawn, which is said.
"""
import json
import os
import statistics
import subprocess
import sys

HASH_SIZES = {"64": 64, "4k": 4096, "64k": 65536, "1m": 1 << 20, "4m": 1 << 22}
COUNTS = {str(n): n for n in (1, 4, 16, 64, 256, 1024)}
USER_SIZES = {"-64": 64, "-512": 512, "": 4096, "-64k": 65536}

# name, title, axes, and the lines: title, whose, rows with % for the key of a size
PLOTS = [
    ("hash-time", "Look-up in a hash table, keys of 16 bytes", "entries", "ns", HASH_SIZES, [
        ("C, -O2", "C", "native/find-%"),
        ("arena, ours", "ours", "native/find-%"),
        ("arena, 6.12", "stock", "native/find-%")]),
    ("hash", "Look-up in a hash table, keys of 16 bytes", "entries", "instructions",
     HASH_SIZES, [
         ("arena, ours", "ours", "hash/find-%"),
         ("arena, 6.12", "stock", "hash/find-%"),
         ("BPF_MAP_TYPE_HASH, ours", "ours", "hash/map-%-find"),
         ("BPF_MAP_TYPE_HASH, 6.12", "stock", "hash/map-%-find")]),
    ("pages", "Pages allocated and freed at once", "pages", "instructions a page", COUNTS, [
        ("allocate, ours", "ours", "pages/alloc-%"),
        ("allocate, 6.12", "stock", "pages/alloc-%"),
        ("free, ours", "ours", "pages/free-%"),
        ("free, 6.12", "stock", "pages/free-%")]),
    ("user", "A process reads elements of 8 bytes", "elements", "instructions", USER_SIZES, [
        ("arena, plain loads", "ours", "user/loads%"),
        ("array, one batch", "ours", "user/batch%"),
        ("array, a bpf() call each", "ours", "user/lookups%")]),
]


def fail(message):
    sys.exit("plot.py: " + message)


def bar(result, is_time):
    """From where to where a result's runs reach"""
    runs = result["runs"]
    if is_time and len(runs) > 1:
        first, _, third = statistics.quantiles(runs, n=4)
        return first, third
    return min(runs), max(runs)


def points(rows, sizes, kernel, pattern):
    for key, size in sizes.items():
        row = rows.get(pattern.replace("%", key))
        result = row["results"].get(kernel, {}) if row else {}
        if "value" in result:
            yield (size, result["value"]) + bar(result, row["unit"] == "ns")


def script(path, title, x, y, lines):
    text = ['set terminal svg size 760,480 background "white" font "sans,13"',
            f'set output "{path}"', f'set title "{title}"', f'set xlabel "{x}"',
            f'set ylabel "{y}"', "set logscale x 2", "set logscale y", "set key below",
            "set grid", 'set format x "%.0f"', 'set xtics rotate by -30']
    for nr, (_, data) in enumerate(lines):
        text += [f"$line{nr} << END"] + [" ".join(map(str, point)) for point in data] + ["END"]
    text.append("plot " + ", ".join(f'$line{nr} with yerrorlines title "{name}" noenhanced'
                                    for nr, (name, _) in enumerate(lines)))
    return "\n".join(text) + "\n"


def draw(directory, rows, name, title, x, y, sizes, wanted):
    lines = [(text, list(points(rows, sizes, kernel, pattern)))
             for text, kernel, pattern in wanted]
    lines = [(text, data) for text, data in lines if len(data) > 1]
    if not lines:
        print(f"plot {name}: not drawn, its rows were not measured")
        return
    path = os.path.join(directory, name + ".svg")
    try:
        subprocess.run(["gnuplot"], input=script(path, title, x, y, lines), text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"gnuplot has not drawn {path}: {error}")
    print(f"plot {name}: {path}")


def main(args):
    if len(args) != 2:
        print("usage: plot.py RESULTS.json DIRECTORY")
        return 0 if args[:1] in (["-h"], ["--help"]) else 2
    try:
        with open(args[0]) as file:
            rows = {row["name"]: row for row in json.load(file)["rows"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail(f"{args[0]} is no result of scripts/bench: {error}")
    for plot in PLOTS:
        draw(args[1], rows, *plot)
    return 0


sys.exit(main(sys.argv[1:]))
