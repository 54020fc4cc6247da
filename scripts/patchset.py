# SPDX-License-Identifier: GPL-2.0
"""The series as files (patches/, linux/) and as commits (out/tree).

Problem: a series is edited as commits and kept as files, and neither side may
lose anything on the way to the other.

    patches/series   0003-a.patch kernel/bpf/arena.c docs/
                       |                 |             `- directory: all below
                       |                 `- file under linux/ that arrives
                       `- "Subject: ", message, "---", diff of base files
    out/tree         base -- commit of 0001 -- ... -- commit of the last patch

Files have one version under linux/, the final one. So in the tree a file is
complete in the commit that it arrives with, and a commit that edits such a file
later is folded into that one when exported.

Invariants:
  - refs/series/built is the commit that patches/ and linux/ last stood for.
    HEAD there and a clean tree mean that nothing in out/tree is unexported.
  - Commits are built in a temporary index; the work tree is only ever touched
    by git checkout, which leaves files alone whose content stays the same.
  - Exporting builds the series from the files that it is about to write, and
    refuses unless that gives exactly the tree that was exported.
"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TREE = os.path.join(TOP, "out", "tree")
PATCHES = os.path.join(TOP, "patches")
LINUX = os.path.join(TOP, "linux")
BUILT = "refs/series/built"
NOBODY = {"GIT_AUTHOR_NAME": "bpf_arena", "GIT_AUTHOR_EMAIL": "bpf_arena@localhost"}


class Error(Exception):
    """Something the user has to know; the text says all of it."""


def main(function):
    """Run a script's function; an Error becomes one line and status 1."""
    name = os.path.basename(sys.argv[0])
    try:
        sys.exit(function(lambda text: print(f"{name}: {text}", file=sys.stderr)))
    except Error as error:
        sys.exit(f"{name}: {error}")


def git(*args, stdin=None, env=None, check=True, cwd=TREE):
    """Run git in out/tree, deaf to what a user may have configured."""
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=false", "-c", "core.quotePath=false",
         "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", *args],
        cwd=cwd, input=stdin, env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if check and done.returncode:
        raise Error(f"git {args[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done


def out(*args, **kwargs):
    return git(*args, **kwargs).stdout.decode(errors="surrogateescape").strip("\n")


def names(*args, **kwargs):
    return [n for n in out(*args, "-z", **kwargs).split("\0") if n]


# --- the series as files -----------------------------------------------------

class Patch:
    """One line of patches/series and the patch file that it names."""

    def __init__(self, name, paths, line, comments):
        self.name, self.paths, self.line, self.comments = name, paths, line, comments
        self.message = self.diff = None

    def load(self, directory=PATCHES):
        try:
            with open(os.path.join(directory, self.name), "rb") as f:
                text = f.read()
        except OSError as error:
            raise Error(f"patches/{self.name}: {error.strerror}") from None
        self.message, self.diff = parse_patch(self.name, text)
        return self


def parse_patch(name, text):
    """Split a patch file into its commit message and its diff."""
    head, mark, diff = text.partition(b"\n---\n")
    if not mark and text.endswith(b"\n---"):
        head, mark = text[:-4], b"---"
    if not head.startswith(b"Subject: ") or not mark:
        raise Error(f"patches/{name} is not 'Subject: ...', message, '---', diff")
    subject, _, body = head[len(b"Subject: "):].partition(b"\n")
    body = body.strip(b"\n")
    return subject.strip() + b"\n" + (b"\n" + body + b"\n" if body else b""), diff


def format_patch(message, diff):
    subject, _, body = message.partition(b"\n")
    body = body.strip(b"\n")
    if re.search(rb"^(---|diff --git .*)$", body, re.M):
        raise Error(f"'{subject.decode()}': a line of the message looks like the start of a diff")
    return b"Subject: " + subject + b"\n" + (b"\n" + body + b"\n" if body else b"") + b"---\n" + diff


def read_series():
    """Return the patches in order, and the comments that follow the last one."""
    patches, comments, seen = [], [], set()
    with open(os.path.join(PATCHES, "series"), encoding="utf-8") as f:
        for raw in f.read().splitlines():
            if not raw.strip() or raw.startswith("#"):
                comments.append(raw)
            elif raw[0].isspace():
                if not patches or comments:
                    raise Error(f"patches/series: '{raw.strip()}' goes on with no patch")
                patches[-1].paths += raw.split()
                patches[-1].line += "\n" + raw
            else:
                name, *paths = raw.split()
                if name in seen or not re.fullmatch(r"[0-9]{4}-[^/]+\.patch", name):
                    raise Error(f"patches/series: '{name}' is named twice or is not NNNN-name.patch")
                seen.add(name)
                patches.append(Patch(name, paths, raw, comments))
                comments = []
    return patches, comments


def files_below(directory):
    found = []
    for where, _, files in os.walk(directory):
        found += [os.path.relpath(os.path.join(where, f), directory) for f in files]
    return sorted(found)


def covers(entry, path):
    return path.startswith(entry) if entry.endswith("/") else path == entry


def assign(patches, files):
    """Return {file under linux/: patch}; each must be named exactly once."""
    owner = {}
    for patch in patches:
        for entry in patch.paths:
            hits = [f for f in files if covers(entry, f)]
            if not hits:
                raise Error(f"patches/series: {patch.name} names linux/{entry}, which does not exist")
            for path in hits:
                if path in owner:
                    raise Error(f"linux/{path} is named by {owner[path].name} and by {patch.name}")
                owner[path] = patch
    for path in files:
        if path not in owner:
            raise Error(f"linux/{path} is named by no patch in patches/series")
    return owner


def check_stray(patches):
    listed = {p.name for p in patches} | {"series", "cover"}
    for path in files_below(PATCHES):
        if path not in listed:
            raise Error(f"patches/{path} is not in patches/series")


# --- building commits --------------------------------------------------------

class Index:
    """A temporary git index: commits are made without touching files."""

    def __init__(self, start):
        self.dir = tempfile.TemporaryDirectory()
        self.env = {"GIT_INDEX_FILE": os.path.join(self.dir.name, "index")}
        self.read(start)

    def read(self, tree):
        git("read-tree", tree, env=self.env)

    def write(self):
        return out("write-tree", env=self.env)

    def apply(self, diff):
        """Offsets are taken, fuzz is not. Returns git's complaint, or ''."""
        if not diff.strip():
            return ""
        done = git("apply", "--cached", "--whitespace=nowarn", "-", stdin=diff,
                   env=self.env, check=False)
        return done.stderr.decode(errors="replace") if done.returncode else ""

    def put(self, entries):
        """Take (mode, blob, path) in; mode 0 takes a path out."""
        text = "".join(f"{mode} {blob}\t{path}\0" for mode, blob, path in entries)
        git("update-index", "-z", "--index-info", stdin=text.encode(errors="surrogateescape"),
            env=self.env)

    def add_from(self, worktree, paths):
        if paths:
            git(f"--work-tree={worktree}", "add", "-f", "--pathspec-from-file=-",
                "--pathspec-file-nul", stdin="\0".join(paths).encode(),
                env={**self.env, "GIT_DIR": os.path.join(TREE, ".git"),
                     "GIT_LITERAL_PATHSPECS": "1"}, cwd=worktree)


def describe_failure(patch, complaint):
    """Name the hunk: git says FILE:LINE, and the patch has '@@ -LINE,'."""
    found = re.search(r"patch failed: (.*):(\d+)", complaint)
    if not found:
        return f"{patch.name} does not apply: {complaint.strip()}"
    path, line = found.group(1), found.group(2)
    number = 0
    inside = False
    for text in patch.diff.decode(errors="replace").splitlines():
        if text.startswith("diff --git "):
            inside, number = text.endswith(" b/" + path), 0
        elif inside and text.startswith("@@ "):
            number += 1
            if re.match(rf"@@ -{line}[, ]", text):
                break
    return f"{patch.name} does not apply: hunk {number} of {path} ({text})"


def commit(tree, parent, message):
    have_name = git("config", "user.name", check=False).returncode == 0
    env = {} if have_name else dict(NOBODY)
    env.update({k.replace("AUTHOR", "COMMITTER"): v for k, v in env.items()})
    # A fixed date: the same files give the same commits.
    env.update(GIT_AUTHOR_DATE="2000-01-01T00:00:00Z", GIT_COMMITTER_DATE="2000-01-01T00:00:00Z")
    parents = ["-p", parent] if parent else []
    return out("commit-tree", tree, *parents, "-F", "-", stdin=message, env=env)


def check_new_files(patch, paths, base_files):
    for path in paths:
        if path in base_files:
            raise Error(f"linux/{path} exists in the base: edits of it belong into a patch")
    created = re.findall(r"^diff --git a/.* b/(.*)\nnew file mode", patch.diff.decode(errors="replace"), re.M)
    for path in created:
        raise Error(f"{patch.name} creates {path}: new files belong under linux/")


def build(patches, owner, linux=LINUX):
    """Make a commit of each patch on top of base; return the last one."""
    head, index = out("rev-parse", "base"), Index("base")
    base_files = set(names("ls-tree", "-r", "--name-only", "base"))
    for patch in patches:
        paths = [p for p in owner if owner[p] is patch]
        check_new_files(patch, paths, base_files)
        complaint = index.apply(patch.diff)
        if complaint:
            raise Error(describe_failure(patch, complaint))
        index.add_from(linux, paths)
        head = commit(index.write(), head, patch.message)
    return head


def build_from_files():
    patches, _ = read_series()
    check_stray(patches)
    owner = assign(patches, files_below(LINUX))
    return build([p.load() for p in patches], owner)


def unexported():
    """Say what out/tree holds that patches/ and linux/ do not, or ''."""
    if out("status", "--porcelain", "--untracked-files=normal"):
        return "uncommitted edits"
    if out("rev-parse", "HEAD") != out("rev-parse", BUILT):
        return "commits that are not exported"
    return ""


def stamp():
    """What the series consists of, in a few bytes: files, modes and base."""
    digest = hashlib.sha256(out("rev-parse", "base").encode())
    for directory in (PATCHES, LINUX):
        for path in files_below(directory):
            full = os.path.join(directory, path)
            digest.update(f"{path}\0{os.lstat(full).st_mode}\0".encode())
            with open(full, "rb") as f:
                digest.update(hashlib.sha256(f.read()).digest())
    return digest.hexdigest()


def stamp_file():
    return os.path.join(TREE, ".git", "series-stamp")


def is_current():
    try:
        with open(stamp_file(), encoding="ascii") as f:
            return f.read() == stamp()
    except OSError:
        return False


def mark_built(head):
    git("update-ref", BUILT, head)
    with open(stamp_file(), "w", encoding="ascii") as f:
        f.write(stamp())
