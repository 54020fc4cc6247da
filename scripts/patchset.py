# SPDX-License-Identifier: GPL-2.0
"""The series as files (patches/, linux/) and as commits (out/tree).

Problem: a series is edited as commits and kept as files, and neither side may
lose anything on the way to the other.

    patches/series   0003-a.patch kernel/bpf/arena.c docs/
                       |                 |             `- directory: all below
                       |                 `- file under linux/ that arrives
                       `- "From: " if another than NOBODY wrote it, "Subject: ",
                          message, "---", diff of base files and of earlier arrivals
    out/tree         base -- commit of 0001 -- ... -- commit of the last patch

Files have one version under linux/, the final one. What a later patch changes in a file
that has arrived is in that patch's diff. So a file arrives as the final one with these
diffs taken back, the last one first, and each commit has what it needs and no more. A
commit that does nothing else than to edit such files is folded when exported: the file
arrives with the edit.

Invariants:
  - refs/series/built is the commit that patches/ and linux/ last stood for.
    HEAD there and a clean tree mean that nothing in out/tree is unexported. What it
    has been earlier is in .git/series-heads: a branch that is at none of these, nor
    behind one, has work that is nowhere else.
  - refs/series/next is there while the work tree goes from built to it. After an
    interruption each file is one's or the other's, or has been written in part.
  - Commits are built in a temporary index; the work tree is only ever touched
    by git checkout, which leaves files alone whose content stays the same.
  - Exporting builds the series from the files that it is about to write, and
    refuses unless that gives exactly the tree that was exported.
"""
import fcntl
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
NEXT = "refs/series/next"
NOBODY = "bpf_arena <bpf_arena@localhost>"
# What git tells a hook about the repository that it runs for, which is not out/tree.
OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
             "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE",
             "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_QUARANTINE_PATH")
for name in OF_A_HOOK:
    os.environ.pop(name, None)


class Error(Exception):
    """Something the user has to know; the text says all of it."""


def main(function):
    """Run a script's function; an Error becomes one line and status 1."""
    name = os.path.basename(sys.argv[0])
    try:
        sys.exit(function(lambda text: print(f"{name}: {text}", file=sys.stderr)))
    except Error as error:
        sys.exit(f"{name}: {error}")


def lock(name, say):
    """Take scripts/lib.sh's exclusive lock of that name, until this script ends."""
    path = os.path.join(TOP, "out", ".lock", name)
    if f":{path}:" in f":{os.environ.get('ARENA_LOCKS', '')}:":
        return
    while True:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for {holders(path)}, which has the lock of out/{name}")
            fcntl.flock(fd, fcntl.LOCK_EX)
        if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(fd)):
            break
        os.close(fd)
    os.ftruncate(fd, 0)
    os.write(fd, f"{os.getpid()} {os.path.basename(sys.argv[0])}\n".encode())


def holders(path):
    """Name those of a lock's file that still run."""
    with open(path, encoding="utf-8") as f:
        lines = [line.strip("\n").split(" ", 1) for line in f]
    return ", ".join(f"{what} (process {pid})" for pid, what in lines
                     if os.path.exists(f"/proc/{pid}")) or "another process"


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
        self.author = self.message = self.diff = None

    def load(self, directory=PATCHES):
        try:
            with open(os.path.join(directory, self.name), "rb") as f:
                text = f.read()
        except OSError as error:
            raise Error(f"patches/{self.name}: {error.strerror}") from None
        self.author, self.message, self.diff = parse_patch(self.name, text)
        return self


def parse_patch(name, text):
    """Split a patch file into its author, its commit message and its diff."""
    head, mark, diff = text.partition(b"\n---\n")
    if not mark and text.endswith(b"\n---"):
        head, mark = text[:-4], b"---"
    found = re.match(rb"(?:From: ([^\n<>]+ <[^\n<>]+>)\n)?Subject: ", head)
    if not found or not mark:
        raise Error(f"patches/{name} is not 'Subject: ...', message, '---', diff, nor is "
                    "that after 'From: NAME <ADDRESS>'")
    subject, _, body = head[found.end():].partition(b"\n")
    body = body.strip(b"\n")
    author = found[1].decode(errors="surrogateescape") if found[1] else NOBODY
    return author, subject.strip() + b"\n" + (b"\n" + body + b"\n" if body else b""), diff


def format_patch(author, message, diff):
    subject, _, body = message.partition(b"\n")
    body = body.strip(b"\n")
    if re.search(rb"^(---|diff --git .*)$", body, re.M):
        raise Error(f"'{subject.decode()}': a line of the message looks like the start of a diff")
    head = b"" if author == NOBODY else f"From: {author}\n".encode(errors="surrogateescape")
    return (head + b"Subject: " + subject + b"\n" + (b"\n" + body + b"\n" if body else b"")
            + b"---\n" + diff)


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

    def apply(self, diff, *options):
        """Offsets are taken, fuzz is not. Returns git's complaint, or ''."""
        if not diff.strip():
            return ""
        done = git("apply", "--cached", "--whitespace=nowarn", *options, "-", stdin=diff,
                   env=self.env, check=False)
        return done.stderr.decode(errors="replace") if done.returncode else ""

    def put(self, entries):
        """Take (mode, blob, path) in; mode 0 takes a path out."""
        text = "".join(f"{mode} {blob}\t{path}\0" for mode, blob, path in entries)
        git("update-index", "-z", "--index-info", stdin=text.encode(errors="surrogateescape"),
            env=self.env)

    def entries(self):
        """Return {path: (mode, blob)}."""
        return {path: tuple(meta.split()[:2]) for meta, _, path in
                (line.partition("\t") for line in names("ls-files", "-s", env=self.env))}

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


def commit(tree, parent, message, author=NOBODY):
    """The same files give the same commits, whoever makes them and when."""
    env = {}
    for role, person in ("AUTHOR", author), ("COMMITTER", NOBODY):
        name, _, address = person.rstrip(">").rpartition(" <")
        env.update({f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": address,
                    f"GIT_{role}_DATE": "2000-01-01T00:00:00Z"})
    parents = ["-p", parent] if parent else []
    return out("commit-tree", tree, *parents, "-F", "-", stdin=message, env=env)


def author_of(commit):
    return out("log", "-1", "--format=%an <%ae>", commit)


def check_new_files(patch, paths, base_files):
    for path in paths:
        if path in base_files:
            raise Error(f"linux/{path} exists in the base: edits of it belong into a patch")
    created = re.findall(r"^diff --git a/.* b/(.*)\nnew file mode", patch.diff.decode(errors="replace"), re.M)
    for path in created:
        raise Error(f"{patch.name} creates {path}: new files belong under linux/")


def files_of(diff):
    """Return {path: what a diff says of it}."""
    parts = [p for p in re.split(rb"^(?=diff --git )", diff, flags=re.M) if p.startswith(b"diff --git ")]
    found = {}
    for part in parts:
        path = part.split(b"\n", 1)[0].rpartition(b" b/")[2].decode(errors="surrogateescape")
        found[path] = found.get(path, b"") + part
    return found


def edits_of(patches, owner):
    """Return (name, diff of our files) of each patch; these are there before it."""
    arrived, edits = set(), []
    for patch in patches:
        parts = {path: part for path, part in files_of(patch.diff).items() if path in owner}
        for path in sorted(set(parts) - arrived):
            raise Error(f"{patch.name} edits {path}, which arrives with {owner[path].name}")
        edits.append((patch.name, b"".join(parts.values())))
        arrived.update(p for p in owner if owner[p] is patch)
    return edits


def arrivals(final, edits):
    """Take the edits of our files back, the last one first.

    final is an index with our files as they are in the end; edits are (name, diff) of the
    patches in their order. Return {path: (mode, blob)} as they arrive.
    """
    for name, diff in reversed(edits):
        complaint = final.apply(diff, "-R")
        if complaint:
            raise Error(f"{name} cannot be taken back from the final files: "
                        + complaint.splitlines()[0])
    return final.entries()


def build(patches, owner, linux=LINUX):
    """Make a commit of each patch on top of base; return the last one."""
    head, index = out("rev-parse", "base"), Index("base")
    base_files = set(names("ls-tree", "-r", "--name-only", "base"))
    for patch in patches:
        check_new_files(patch, [p for p in owner if owner[p] is patch], base_files)
    final = Index("--empty")
    final.add_from(linux, sorted(owner))
    arriving = arrivals(final, edits_of(patches, owner))
    for patch in patches:
        complaint = index.apply(patch.diff)
        if complaint:
            raise Error(describe_failure(patch, complaint))
        index.put([(*arriving[p], p) for p in owner if owner[p] is patch])
        head = commit(index.write(), head, patch.message, patch.author)
    return head


def build_from_files():
    patches, _ = read_series()
    check_stray(patches)
    owner = assign(patches, files_below(LINUX))
    return build([p.load() for p in patches], owner)


# --- what out/tree holds -----------------------------------------------------

def exists(ref):
    return git("rev-parse", "-q", "--verify", ref, check=False).returncode == 0


def dirty():
    """Name the first files that are edited, or say nothing."""
    lines = out("status", "--porcelain", "--untracked-files=normal").splitlines()
    paths = ", ".join(line[3:] for line in lines[:3])
    return paths + (", ..." if len(lines) > 3 else "")


def is_work(commit):
    """Is there anything in this commit, or before it, that has never been exported?"""
    try:
        with open(git_file("series-heads"), encoding="ascii") as f:
            heads = f.read().split()
    except OSError:
        heads = []
    return out("rev-list", "--ignore-missing", "-n", "1", commit, "--not", BUILT, "base", *heads) != ""


def unexported():
    """Say what make tree would lose, or ''."""
    paths = dirty()
    if paths:
        return f"uncommitted edits ({paths})"
    if out("rev-parse", "HEAD") != out("rev-parse", BUILT):
        return "commits that are not exported"
    if exists("refs/heads/main") and is_work("refs/heads/main"):
        return "commits on main that are not exported"
    if any(os.path.exists(git_file(name)) for name in ("rebase-merge", "rebase-apply")):
        return "a rebase under way"
    return ""


def work_trees():
    """Return the commits that other work trees are at, but for scripts/check's own."""
    commits = []
    for entry in out("worktree", "list", "--porcelain").split("\n\n")[1:]:
        about = dict(line.split(" ", 1) for line in entry.splitlines() if " " in line)
        if not about["worktree"].startswith(os.path.join(TOP, "out", "check")):
            commits.append((f"the work tree {about['worktree']}", about["HEAD"]))
    return commits


def only_here():
    """Say what would be gone with out/tree, or ''."""
    if not exists("HEAD"):
        return "" if exists(BUILT) or not dirty() else "files that scripts/tree has not made"
    if not exists(BUILT):
        return "commits that scripts/tree has not made"
    edits = unexported()
    if edits:
        return edits
    if exists("refs/stash"):
        return "stashed edits"
    refs = out("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags").split()
    for name, commit in [(ref.split("/", 2)[2], ref) for ref in refs] + work_trees():
        if is_work(commit):
            return f"commits on {name} that are not exported"
    return ""


def switch(head):
    """Make main and the work tree those of head."""
    git("update-ref", NEXT, head)
    git("checkout", "-q", "-B", "main", head)
    mark_built(head)
    git("update-ref", "-d", NEXT)


def is_between(path):
    """Is a file of the work tree that of built, that of next, or the beginning of it?"""
    full = os.path.join(TREE, path)
    if os.path.islink(full):
        have = os.readlink(full).encode(errors="surrogateescape")
    elif os.path.isfile(full):
        with open(full, "rb") as f:
            have = f.read()
    else:
        return not os.path.isdir(full)
    old, new = (git("cat-file", "blob", f"{ref}:{path}", check=False) for ref in (BUILT, NEXT))
    return ((not old.returncode and have == old.stdout)
            or (not new.returncode and new.stdout.startswith(have)))


def finish_switch(say):
    """Go on where switch() was interrupted, unless something was edited since."""
    if not exists(NEXT):
        return
    if out("rev-parse", "HEAD") in (out("rev-parse", BUILT), out("rev-parse", NEXT)):
        edited = [p for p in names("diff", "--name-only", "--no-renames", NEXT) if not is_between(p)]
        if edited:
            raise Error("a checkout in out/tree was interrupted, and then edits were made "
                        f"({', '.join(edited[:3])}): keep what is to be kept of them elsewhere, "
                        f"then 'git -C out/tree checkout -f -B main {NEXT}'")
        say("a checkout in out/tree was interrupted: going on")
        git("checkout", "-q", "-f", "-B", "main", NEXT)
        git("update-ref", BUILT, NEXT)
        forget_stamp()
    git("update-ref", "-d", NEXT)


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


def git_file(name):
    return os.path.join(TREE, ".git", name)


def is_current():
    try:
        with open(git_file("series-stamp"), encoding="ascii") as f:
            return f.read() == stamp()
    except OSError:
        return False


def forget_stamp():
    if os.path.exists(git_file("series-stamp")):
        os.unlink(git_file("series-stamp"))


def mark_built(head):
    with open(git_file("series-heads"), "a", encoding="ascii") as f:
        f.write(head + "\n")
    git("update-ref", BUILT, head)
    with open(git_file("series-stamp"), "w", encoding="ascii") as f:
        f.write(stamp())
