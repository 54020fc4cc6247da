#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Turns what bench prints in the VMs into a table, results.json and results.csv, and
compares two results.json. For scripts/bench, and for tests/85-bench.t.

	raw/rows	NAME UNIT GOAL TITLE	what "bench -l" prints, separated by tabs
	raw/environment	KEY VALUE
	raw/ours-1	row NAME VALUES		one file for each boot of each kernel, KERNEL-RUN
	raw/stock-1	missing NAME REASON
	raw/native	row NAME SIDE VALUES	what host/run.c prints; a side is a kernel, or C

There are two clocks, and a table for each: rows in ns come from raw/native, all others
from boots.

A boot's result is the median of its values. That of a kernel is the median over its
boots, and the spread is what its boots differ by: (largest - smallest) / median.

Of times the result is the median of all runs. What is compared with C is not that: each
run is divided by C's of the same turn, since a machine may be faster for a while, and
slower for another one, and the median of that is what a goal is about, and compare.
Other processes get in the way of some runs, so that the spread is that of the middle
half: (third quartile - first) / median, of C's time, or of the others' multiples of C's.
"""
import csv
import glob
import json
import os
import statistics
import sys

WORSE = 0.02	# from which on compare names a row
COMPILED = ["C", "C+count", "C+insns"]	# not from a kernel
EXACT = 0.001	# as far as the clock repeats, a goal is not missed


def fail(message):
    sys.exit("report.py: " + message)


def fields(path):
    with open(path) as file:
        return [line.rstrip("\n").split("\t") for line in file]


def read_boot(path):
    """{NAME: median}, {NAME: why there is none} of one boot"""
    values, missing = {}, {}
    for nr, line in enumerate(fields(path), 1):
        try:
            kind, name, rest = line
            if kind == "row":
                values[name] = statistics.median(float(v) for v in rest.split())
            elif kind == "missing":
                missing[name] = rest
            else:
                raise ValueError
        except ValueError:
            fail(f"{path}, line {nr} is no result: {' '.join(line)}")
    return values, missing


def is_asked(row, kernel):
    """The kernel without the series has no arenas."""
    return kernel != "base" or row["goal"].split()[1:2] == ["base"]


def read_kernel(paths, names):
    boots = [read_boot(path) for path in paths]
    results = {}
    for name in names:
        runs = [values[name] for values, _ in boots if name in values]
        if len(runs) == len(boots):
            results[name] = {"value": statistics.median(runs), "runs": runs}
        else:
            why = [missing[name] for _, missing in boots if name in missing]
            results[name] = {"missing": why[0] if why else "not measured there"}
    return results


def read_native(path):
    """{NAME: {SIDE: result}}"""
    results = {}
    for nr, line in enumerate(fields(path) if os.path.exists(path) else [], 1):
        try:
            _, name, side, values = line
            runs = [float(v) for v in values.split()]
            results.setdefault(name, {})[side] = {"value": statistics.median(runs), "runs": runs}
        except ValueError:
            fail(f"{path}, line {nr} is no result: {' '.join(line)}")
    return results


def read_raw(directory):
    rows = [dict(zip(("name", "unit", "goal", "title"), line))
            for line in fields(os.path.join(directory, "rows"))]
    by_kernel = {}
    for path in sorted(glob.glob(os.path.join(directory, "*-[0-9]*"))):
        if not path.endswith(".log"):
            by_kernel.setdefault(os.path.basename(path).rsplit("-", 1)[0], []).append(path)
    native = read_native(os.path.join(directory, "native"))
    if "ours" not in by_kernel and not native:
        fail(f"{directory} has no results of ours")
    kernels = {kernel: read_kernel(paths, [row["name"] for row in rows if is_asked(row, kernel)])
               for kernel, paths in by_kernel.items()}
    for row in rows:
        row["results"] = native.get(row["name"], {}) if is_time(row) else {
            kernel: results[row["name"]] for kernel, results in kernels.items()
            if row["name"] in results}
    return {"environment": dict(fields(os.path.join(directory, "environment"))), "rows": rows}


def is_time(row):
    return row["unit"] == "ns"


def value(row, kernel):
    return row["results"].get(kernel, {}).get("value")


def times_c_of_runs(row, kernel):
    runs, base = (row["results"].get(side, {}).get("runs", []) for side in (kernel, "C"))
    return [run / c for run, c in zip(runs, base)]


def times_c(row, kernel):
    """What code takes, as a multiple of what C takes"""
    runs = times_c_of_runs(row, kernel)
    return statistics.median(runs) if runs else None


def spread(row, kernel):
    runs = row["results"].get(kernel, {}).get("runs")
    if is_time(row) and kernel != "C":
        runs = times_c_of_runs(row, kernel)
    if not runs or len(runs) < 2:
        return None
    lowest, highest = min(runs), max(runs)
    if is_time(row):
        lowest, _, highest = statistics.quantiles(runs, n=4)
    middle = statistics.median(runs)
    return (highest - lowest) / abs(middle) if middle else None


def limit(row, rows):
    """What the goal comes to, or None: "-", or what it depends on is missing. By C: times C."""
    words = row["goal"].split()
    if words == ["-"]:
        return None
    factor, kernel = float(words[0]), words[1]
    if kernel in ("-", "C"):
        return factor
    other = row if len(words) == 2 else rows.get(words[2])
    base = value(other, kernel) if other else None
    return None if base is None else factor * base


def compared(row):
    """Times as multiples of C's: the machine may be busier than it was."""
    return times_c(row, "ours") if is_time(row) else value(row, "ours")


def verdict(row, rows):
    bound, ours = limit(row, rows), compared(row)
    if ours is None or bound is None:
        return ""
    if ours <= bound + EXACT * abs(bound):
        return "ok"
    return "missed by " + (f"{ours - bound:.2f}" if is_time(row) else number(ours - bound))


def number(x):
    if x is None:
        return "-"
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.1f}"


def nanoseconds(x):
    return "-" if x is None else f"{x:.3g}" if x < 100 else f"{x:.0f}"


def ratio(row, kernel):
    ours, theirs = value(row, "ours"), value(row, kernel)
    return "-" if ours is None or not theirs or theirs < 0 else f"{ours / theirs:.2f}"


def percent(x):
    return "-" if x is None else f"{100 * x:.2f} %"


def kernels_of(rows):
    found = {kernel for row in rows for kernel in row["results"]}
    return sorted(found - {"ours"} - set(COMPILED))


def print_lines(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        cells = [cell.ljust(width) if i < 3 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def table_of_counts(rows, all_rows, peers):
    lines = [["instructions", "", "unit", "ours"] + peers + ["ratio"] * len(peers) +
             ["goal", "", "spread"] + [f"of {peer}" for peer in peers]]
    for row in rows:
        bound = limit(row, all_rows)
        lines.append([row["name"], row["title"], row["unit"], number(value(row, "ours"))] +
                     [number(value(row, peer)) for peer in peers] +
                     [ratio(row, peer) for peer in peers] +
                     ["" if bound is None else number(bound), verdict(row, all_rows),
                      percent(spread(row, "ours"))] +
                     [percent(spread(row, peer)) for peer in peers])
    print_lines(lines)


def table_of_times(rows, all_rows, peers):
    sides = [side for side in COMPILED if any(side in row["results"] for row in rows)]
    sides += ["ours"] + peers
    lines = [["time", "", "unit"] + sides + [f"{side}/C" for side in sides[1:]] +
             ["goal", ""] + ["spread"] + [f"of {side}" for side in sides[1:]]]
    for row in rows:
        bound = limit(row, all_rows)
        lines.append([row["name"], row["title"], row["unit"]] +
                     [nanoseconds(value(row, side)) for side in sides] +
                     ["-" if times_c(row, side) is None else f"{times_c(row, side):.2f}"
                      for side in sides[1:]] +
                     ["" if bound is None else f"{bound:.2f}", verdict(row, all_rows)] +
                     [percent(spread(row, side)) for side in sides])
    print_lines(lines)


def table(data):
    all_rows = {row["name"]: row for row in data["rows"]}
    peers = kernels_of(data["rows"])
    for is_wanted, show in ((is_time, table_of_times),
                            (lambda row: not is_time(row), table_of_counts)):
        rows = [row for row in data["rows"] if is_wanted(row)]
        if rows:
            show(rows, all_rows, peers)
            print()
    print_notes(data, peers)


def print_notes(data, peers):
    reasons = {}
    for row in data["rows"]:
        for kernel, result in row["results"].items():
            if "missing" in result:
                reasons.setdefault((kernel, result["missing"]), []).append(row["name"])
    for (kernel, why), names in reasons.items():
        print(f"- on {kernel}: {why} ({', '.join(names)})")
    for key, text in data["environment"].items():
        print(f"{key}: {text}")
    print("goal: the most that ours may be, of times ours/C. spread: of instructions, between"
          " boots, largest - smallest; of C, between runs, the middle half; the same of X/C.")
    if not peers:
        print("No peer: scripts/peer fetch gets Debian's 6.12.")


def write(data, base):
    with open(base + ".json", "w") as file:
        json.dump(data, file, indent=1)
        file.write("\n")
    with open(base + ".csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["name", "unit", "kernel", "value", "spread", "runs", "missing", "title"])
        for row in data["rows"]:
            for kernel, result in row["results"].items():
                out.writerow([row["name"], row["unit"], kernel, result.get("value", ""),
                              "" if spread(row, kernel) is None else f"{spread(row, kernel):.6f}",
                              " ".join(map(str, result.get("runs", []))),
                              result.get("missing", ""), row["title"]])


def load(path):
    try:
        with open(path) as file:
            return {row["name"]: row for row in json.load(file)["rows"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail(f"{path} is no result of scripts/bench: {error}")


def tolerance(row, before):
    """Runs that differ by much show no difference that is less."""
    return WORSE + max(spread(row, "ours") or 0, spread(before, "ours") or 0) * is_time(row)


def compare_row(name, before, row):
    """Prints in what a row is worse, and returns whether it is."""
    old, new = compared(before), compared(row)
    if new - old <= tolerance(row, before) * abs(old):
        return False
    text = ("{:.2f} -> {:.2f} times C" if is_time(row) else "{} -> {} " + row["unit"])
    numbers = (old, new) if is_time(row) else (number(old), number(new))
    print(f"{name}: worse by {100 * (new - old) / abs(old or 1):.1f} %, {text.format(*numbers)}")
    return True


def compare(old_path, new_path):
    """Says what is worse, and what cannot be compared; the status is 1 if anything is."""
    old, new = load(old_path), load(new_path)
    nothing = {"unit": "", "results": {}}
    worse = 0
    for name, row in new.items():
        before = old.get(name, nothing)
        if compared(before) is None or compared(row) is None:
            print(f"{name}: only in {new_path if compared(before) is None else old_path}")
        else:
            worse += compare_row(name, before, row)
    for name in old.keys() - new.keys():
        print(f"{name}: only in {old_path}")
    print(f"{worse} of {len(new)} rows are worse by more than {100 * WORSE:.0f} %")
    return 1 if worse else 0


def main(args):
    if len(args) == 3 and args[0] == "table":
        data = read_raw(args[1])
        write(data, args[2])
        table(data)
        return 0
    if len(args) == 3 and args[0] == "compare":
        return compare(args[1], args[2])
    print("usage: report.py table RAW-DIRECTORY BASE | report.py compare OLD NEW")
    return 0 if args[:1] in (["-h"], ["--help"]) else 2


sys.exit(main(sys.argv[1:]))
