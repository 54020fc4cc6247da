#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tree, export, series and clean, on a kernel of three files
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

project=$scratch/some-name
export GIT_CONFIG_GLOBAL=$scratch/gitconfig GIT_CONFIG_SYSTEM=/dev/null
git config --global user.name 'A. Tester'
git config --global user.email tester@example.org
git config --global init.defaultBranch main

make_project() {
	rm -rf "$project"
	mkdir -p "$project/patches" "$project/linux/kernel/bpf"
	cp -r "$top/scripts" "$top/BASE" "$project/"
	make_kernel
	write_series
}

# A stand-in for the unpacked kernel package: scripts/tree takes it as it is.
make_kernel() {
	mkdir -p "$project/out/src/kernel/bpf" "$project/out/src/mm"
	echo "$base_version" >"$project/out/src.version"
	seq 1 60 >"$project/out/src/mm/vmalloc.c"
	printf 'obj-y += syscall.o\n' >"$project/out/src/kernel/bpf/Makefile"
	printf 'all:\n' >"$project/out/src/Makefile"
	# As Debian has it; only *.o may be hidden from out/tree.
	printf '*.o\n/*\n!/debian/\n' >"$project/out/src/.gitignore"
	cp "$project/out/src/mm/vmalloc.c" "$scratch/before"
}

write_patch() {
	printf 'Subject: %s\n\nWhy it is so.\n---\n%s' "$2" "$3" >"$project/patches/$1"
}

vmalloc_diff='diff --git a/mm/vmalloc.c b/mm/vmalloc.c
--- a/mm/vmalloc.c
+++ b/mm/vmalloc.c
@@ -28,5 +28,6 @@
 28
 29
-30
+thirty
+and more
 31
 32
'

write_series() {
	write_patch 0001-sparse.patch 'mm/vmalloc: sparse areas' "$vmalloc_diff"
	write_patch 0002-arena.patch 'bpf: arena' 'diff --git a/kernel/bpf/Makefile b/kernel/bpf/Makefile
--- a/kernel/bpf/Makefile
+++ b/kernel/bpf/Makefile
@@ -1 +1,2 @@
 obj-y += syscall.o
+obj-y += arena.o
'
	write_patch 0003-docs.patch 'docs: arena' ''
	echo 'int arena;' >"$project/linux/kernel/bpf/arena.c"
	mkdir -p "$project/linux/docs/arena"
	echo 'An arena' >"$project/linux/docs/arena/index.rst"
	echo 'Two arenas' >"$project/linux/docs/arena/more.rst"
	cat >"$project/patches/series" <<-END
	# Memory
	0001-sparse.patch

	# BPF
	0002-arena.patch kernel/bpf/arena.c
	0003-docs.patch docs/arena/
	# the end
	END
	echo 'bpf: arenas' >"$project/patches/cover"
}

p() {
	"$project/scripts/$1" "${@:2}"
}

in_tree() {
	git -C "$project/out/tree" "$@"
}

edit() {
	echo "$2" >>"$project/out/tree/$1"
	in_tree add -A
}

files_sum() {
	(cd "$project" && find patches linux -type f | sort | xargs sha256sum)
}

round_trip() {
	local before after
	before=$(files_sum)
	run p tree
	expect "tree: three patches become three commits" 0 "holds 3 patches"
	run in_tree log --format=%s base..HEAD
	expect "tree: commits have the patches' subjects" 0 "docs: arena
bpf: arena
mm/vmalloc: sparse areas"
	run in_tree show HEAD:docs/arena/more.rst
	expect "tree: files of linux/ arrive" 0 "Two arenas"
	holds "tree: a file arrives with its own patch, not earlier" \
		bash -c "! git -C '$project/out/tree' cat-file -e HEAD~2:kernel/bpf/arena.c 2>/dev/null"
	run p export
	expect "export: says what it did" 0 "exported 3 patches and 3 files"
	after=$(files_sum)
	holds "export: a round trip changes nothing" [ "$before" = "$after" ]
	run p tree
	expect "tree: a second run has nothing to do" 0 ""
	holds "tree: ... and says nothing" [ -z "$said" ]
}

keeps_mtimes() {
	touch -d 2001-01-01 "$project/out/tree/mm/vmalloc.c"
	in_tree update-index -q --refresh
	echo 'int arena2;' >>"$project/linux/kernel/bpf/arena.c"
	run p tree
	expect "tree: takes over an edit of linux/" 0 "holds 3 patches"
	holds "tree: ... into the work tree" grep -q arena2 "$project/out/tree/kernel/bpf/arena.c"
	holds "tree: ... and leaves other files as old as they were" \
		[ "$(stat -c %y "$project/out/tree/mm/vmalloc.c" | cut -c1-4)" = 2001 ]
}

keeps_edits() {
	echo 'uncommitted' >>"$project/out/tree/mm/vmalloc.c"
	echo 'int arena3;' >>"$project/linux/kernel/bpf/arena.c"
	run p tree
	expect "tree: uncommitted edits that are in the way are an error" 1 "out/tree has uncommitted edits (mm/vmalloc.c), and patches/"
	holds "tree: ... and are kept" grep -q uncommitted "$project/out/tree/mm/vmalloc.c"
	run p export
	expect "export: refuses uncommitted edits and names the file" 1 "uncommitted edits (mm/vmalloc.c)"
	in_tree commit -qam 'mm: more'
	run p tree
	expect "tree: so are unexported commits" 1 "out/tree has commits that are not exported"
	run p series
	expect "series: refuses unexported commits" 1 "out/tree has commits that are not exported"
	run p export
	expect "export: refuses to overwrite newer files" 1 "patches/ or linux/ changed since out/tree was made"
	holds "export: ... and left them alone" grep -q arena3 "$project/linux/kernel/bpf/arena.c"
	run p clean
	expect "clean: keeps a tree with unexported commits" 0 "keeping out/tree"
	holds "clean: ... really, and removes the rest" \
		[ -d "$project/out/tree" -a ! -e "$project/out/src" ]
}

exports_edits() {
	make_project
	p tree 2>/dev/null
	edit kernel/bpf/new.c 'int new;'
	edit kernel/bpf/Makefile 'obj-y += new.o'
	in_tree commit -qm $'bpf: new file\n\nIt is new.'
	edit kernel/bpf/arena.c 'int fixed;'
	in_tree commit -qm 'fixup of an added file'
	run p export
	expect "export: an edit of an added file is folded" 0 "folded"
	expect "export: a new commit becomes a patch" 0 "exported 4 patches and 4 files"
	holds "export: a new file goes to linux/" grep -q 'int new' "$project/linux/kernel/bpf/new.c"
	holds "export: an edit of a base file goes to the patch" \
		grep -q '^+obj-y += new.o' "$project/patches/0004-bpf-new-file.patch"
	holds "export: no blob names in patches" \
		bash -c "! grep -r '^index ' '$project/patches'"
	run cat "$project/patches/series"
	expect "export: series names the new file, comments stay" 0 "# Memory
0001-sparse.patch

# BPF
0002-arena.patch kernel/bpf/arena.c
0003-docs.patch docs/arena/
0004-bpf-new-file.patch kernel/bpf/new.c
# the end"
	holds "export: out/tree is clean afterwards" [ -z "$(p tree --edits)" ]
}

# A patch may change what an earlier one has brought; linux/ has the file as it is then.
files_that_grow() {
	local before
	make_project
	seq 1 20 >"$project/linux/kernel/bpf/arena.c"
	p tree 2>/dev/null
	edit kernel/bpf/arena.c 'int grown;'
	edit kernel/bpf/Makefile 'obj-y += grown.o'
	in_tree commit -qm $'bpf: arenas grow\n\nThey do.'
	edit kernel/bpf/arena.c 'int more;'
	edit mm/vmalloc.c 61
	in_tree commit -qm $'mm: more\n\nOf it.'
	run p export
	expect "export: an edit of an earlier file along with others is a patch" 0 "exported 5 patches and 3 files"
	holds "export: ... which has both" \
		[ "$(grep -c '^+\(int grown;\|obj-y += grown.o\)' "$project/patches/0004-bpf-arenas-grow.patch")" = 2 ]
	holds "export: ... and linux/ the file as it is in the end" \
		[ "$(tail -n 2 "$project/linux/kernel/bpf/arena.c" | paste -sd ,)" = "int grown;,int more;" ]
	run in_tree diff --stat HEAD~2 HEAD~1 -- kernel/bpf/arena.c
	expect "export: ... and the tree a commit that has no more than it needs" 0 "1 file changed, 1 insertion(+)"
	before=$(files_sum)
	rm -rf "$project/out/tree"
	run p tree
	expect "tree: five patches" 0 "holds 5 patches"
	holds "tree: the file arrives as it was" \
		bash -c "! git -C '$project/out/tree' grep -q 'grown\|more' HEAD~2 -- kernel/bpf/arena.c"
	run p export
	holds "export: files that grow come through a round trip" [ "$before" = "$(files_sum)" ]
	sed -i 's/^2$/two/' "$project/out/tree/kernel/bpf/arena.c"
	in_tree commit -qam 'fixup of a file that grows'
	run p export
	expect "export: what only edits earlier files is folded" 0 "folded"
	run in_tree show HEAD~2:kernel/bpf/arena.c
	holds "export: ... and is there when the file arrives" \
		bash -c "[[ \$1 = *two* && \$1 != *grown* ]]" - "$said"
	before=$(files_sum)
	sed -i 's/grown/tall/' "$project/out/tree/kernel/bpf/arena.c"
	in_tree commit -qam 'fixup of what came later'
	run p export
	expect "export: what a later patch has brought is edited there" 1 \
		"cannot be taken back from the final files: error: patch failed: kernel/bpf/arena.c:"
	expect "export: ... and it says how" 1 "only edit files of earlier ones ('fixup of what came later')"
	holds "export: ... and nothing is written" [ "$before" = "$(files_sum)" ]
	in_tree reset -q --hard HEAD~1
	sed -i /grown/d "$project/linux/kernel/bpf/arena.c"
	refuses "an edit of linux/ that takes away what a patch adds" \
		"0005-mm-more.patch cannot be taken back from the final files: error: patch failed"
	write_patch 0001-sparse.patch s 'diff --git a/kernel/bpf/arena.c b/kernel/bpf/arena.c
--- a/kernel/bpf/arena.c
+++ b/kernel/bpf/arena.c
@@ -1 +1,2 @@
 1
+int early;
'
	refuses "a patch that edits what is not there yet" \
		"0001-sparse.patch edits kernel/bpf/arena.c, which arrives with 0002-arena.patch"
}

drops_and_reorders() {
	make_project
	p tree 2>/dev/null
	in_tree reset -q --hard base
	in_tree cherry-pick refs/series/built~1 refs/series/built >/dev/null 2>&1
	run p export
	expect "export: a dropped commit drops its patch" 0 "exported 2 patches and 3 files"
	run cat "$project/patches/series"
	expect "export: the title of an emptied section stays" 0 "# Memory

# BPF
0001-arena.patch kernel/bpf/arena.c"
	holds "export: the dropped patch file is gone" [ ! -e "$project/patches/0001-sparse.patch" ]
}

# A newer package within 6.1.y: the lines have moved, or changed.
new_package() {
	make_project
	{ seq 101 110; cat "$scratch/before"; } >"$project/out/src/mm/vmalloc.c"
	run p tree
	expect "tree: an offset is taken" 0 "holds 3 patches"
	local before
	before=$(files_sum)
	run p export
	holds "export: ... and an offset changes no patch" [ "$before" = "$(files_sum)" ]
	echo 6.1.999-1 >"$project/out/src.version"
	sed -i s/^29$/twenty-nine/ "$project/out/src/mm/vmalloc.c"
	run p tree
	expect "tree: fuzz is refused, patch and hunk are named" 1 \
		"0001-sparse.patch does not apply: hunk 1 of mm/vmalloc.c (@@ -28,5 +28,6 @@)"
	sed -i s/^twenty-nine$/29/ "$project/out/src/mm/vmalloc.c"
	echo 6.1.999-2 >"$project/out/src.version"
	run p tree
	expect "tree: goes on when the package fits again" 0 "holds 3 patches on 6.1.999-2"
	in_tree commit -q --allow-empty -m 'mine'
	echo 6.1.999-3 >"$project/out/src.version"
	run p tree
	expect "tree: a new package does not replace unexported commits" 1 "out/tree has commits that are not exported"
}

foreign_tree() {
	make_project
	git init -q "$project/out/tree"
	in_tree commit -q --allow-empty -m 'years of work'
	run p tree
	expect "tree: refuses a git tree that it did not make" 1 "this script did not make"
	run in_tree log --format=%s
	expect "tree: ... and leaves it alone" 0 "years of work"
}

# refuses NAME TEXT: tree fails with TEXT, after the project was spoilt.
refuses() {
	run p tree
	expect "tree: $1" 1 "$2"
	make_project
}

bad_series() {
	make_project
	echo x >"$project/linux/stray.c"
	refuses "a file that no patch names" "linux/stray.c is named by no patch"
	sed -i 's,^0003.*,& kernel/bpf/arena.c,' "$project/patches/series"
	refuses "a file that two patches name" \
		"linux/kernel/bpf/arena.c is named by 0002-arena.patch and by 0003-docs.patch"
	rm "$project/linux/kernel/bpf/arena.c"
	refuses "a name without a file" "0002-arena.patch names linux/kernel/bpf/arena.c, which does not exist"
	mkdir -p "$project/linux/mm"
	echo x >"$project/linux/mm/vmalloc.c"
	sed -i 's,^0003.*,& mm/vmalloc.c,' "$project/patches/series"
	refuses "a file that the kernel has" "linux/mm/vmalloc.c exists in the base"
	rm "$project/patches/0002-arena.patch"
	refuses "a patch that is not there" "patches/0002-arena.patch: No such file"
	echo x >"$project/patches/0009-x.patch"
	refuses "a patch that is not listed" "patches/0009-x.patch is not in patches/series"
	echo x >"$project/patches/0001-sparse.patch"
	refuses "a patch without a subject" "0001-sparse.patch is not 'Subject: ...'"
	write_patch 0001-sparse.patch s 'diff --git a/n b/n
new file mode 100644
--- /dev/null
+++ b/n
@@ -0,0 +1 @@
+n
'
	refuses "a patch that creates a file" "0001-sparse.patch creates n: new files belong under linux/"
	run p tree
	expect "tree: the unspoilt series is taken" 0 "holds 3 patches"
}

mails() {
	run p series
	expect "series: one mail a patch and a cover letter" 0 "wrote 4 mails to out/series, by A. Tester"
	holds "series: the cover letter has its text" grep -q '^Subject: .*0/3.* bpf: arenas' \
		"$project/out/series/0000-cover-letter.patch"
	holds "series: signed off" \
		[ "$(grep -l '^Signed-off-by: A. Tester <tester@example.org>' "$project"/out/series/*.patch | wc -l)" = 3 ]
	git -C "$project/out/tree" worktree add -q --detach "$scratch/am" base
	run git -C "$scratch/am" am "$project/out/series/"000[1-9]*.patch
	expect "series: git am takes it on a clean base" 0 "Applying: docs: arena"
	holds "series: ... and gives the same tree" \
		git -C "$scratch/am" diff --quiet HEAD refs/series/built
	git config --global --unset user.email
	run p series
	expect "series: refuses without an address" 1 "git has no user.email"
	git config --global --unset user.name
	run p series
	expect "series: refuses without a name" 1 "git has no user.name"
	touch "$project/linux/docs/arena/more.rst"
	echo more >>"$project/linux/docs/arena/more.rst"
	run p tree
	expect "tree: needs no identity" 0 "holds 3 patches"
}

# The name of the kernel's package goes with the version: an upgrade is another package.
versions_of_packages() {
	make_project
	echo /out/ >"$project/.gitignore"
	git -C "$project" init -q
	git -C "$project" add -A
	GIT_COMMITTER_DATE='2026-11-22T19:00:00+0100' git -C "$project" -c user.name=A -c user.email=a@example.org commit -qm all
	run env ARCH=x86_64 "$project/scripts/deb" version
	expect "deb: the version is that of the commit" 0 \
		"${base_version}arena202611221800 linux-image-${base_version%-*}-arena202611221800-amd64"
	run env ARCH=x86_64 FLAVOUR=cloud "$project/scripts/deb" version
	expect "deb: so is the flavour's" 0 \
		"${base_version}arena202611221800 linux-image-${base_version%-*}-arena202611221800-cloud-amd64"
	echo edit >>"$project/linux/kernel/bpf/arena.c"
	run env ARCH=x86_64 "$project/scripts/deb" version
	expect "deb: edits that are not committed are a version of their own" 0 ".edits linux-image-"
	holds "... which is a newer one" dpkg --compare-versions "${said%% *}" gt "${base_version}arena202611221800"
	git -C "$project" checkout -q linux
	p tree 2>/dev/null
	edit mm/vmalloc.c 'not exported'
	run env ARCH=x86_64 "$project/scripts/deb" version
	expect "deb: so are edits in out/tree" 0 ".edits linux-image-"
	rm -rf "$project/.git" "$project/out/tree"
	run env ARCH=x86_64 "$project/scripts/deb" version
	expect "deb: no git, no version" 1 "this is no git checkout"
}

# keeps NAME WHAT: clean keeps out/tree for WHAT.
keeps() {
	run p clean
	expect "clean: keeps $1" 0 "keeping out/tree: it has $2"
	holds "... really" [ -d "$project/out/tree/.git" ]
}

# topic FILE: a commit on a branch of that name, which is left again.
topic() {
	in_tree checkout -q -b topic
	edit "$1" 'on a branch'
	in_tree commit -qm topic
	in_tree checkout -q main
}

keeps_branches() {
	make_project
	p tree 2>/dev/null
	topic mm/vmalloc.c
	keeps "a topic branch" "commits on topic that are not exported"
	make_project
	p tree 2>/dev/null
	echo edit >>"$project/out/tree/mm/vmalloc.c"
	in_tree stash -q
	keeps "what is stashed" "stashed edits"
	make_project
	p tree 2>/dev/null
	git -C "$project/out/tree" worktree add -q --detach "$scratch/elsewhere"
	git -C "$scratch/elsewhere" commit -q --allow-empty -m elsewhere
	keeps "a work tree's commits" "commits on the work tree $scratch/elsewhere"
	rm -r "$scratch/elsewhere"
}

keeps_main() {
	local tip
	make_project
	p tree 2>/dev/null
	edit mm/vmalloc.c 'on main'
	in_tree commit -qm 'mine, on main'
	tip=$(in_tree rev-parse main)
	in_tree checkout -q --detach refs/series/built
	keeps "main, though HEAD is elsewhere" "commits on main that are not exported"
	make_kernel
	echo 'int arena4;' >>"$project/linux/kernel/bpf/arena.c"
	run p tree
	expect "tree: main is not moved away from a commit" 1 "out/tree has commits on main"
	holds "... really" [ "$tip" = "$(in_tree rev-parse main)" ]
}

# A branch that was exported, or has nothing of its own, has nothing to lose.
forgets_branches() {
	make_project
	p tree 2>/dev/null
	in_tree branch idle
	in_tree checkout -q -b topic
	edit mm/vmalloc.c 'on a branch'
	in_tree commit -qm topic
	run p export
	expect "export: from a branch" 0 "exported 4 patches"
	echo 'int arena5;' >>"$project/linux/kernel/bpf/arena.c"
	run p tree
	expect "tree: goes on after that" 0 "holds 4 patches"
	run p clean
	expect "clean: removes branches that are exported" 0 ""
	holds "clean: ... with all the rest" [ ! -e "$project/out/tree" ]
}

keeps_authors() {
	make_project
	p tree 2>/dev/null
	edit mm/vmalloc.c 'by another'
	in_tree commit -qm 'mm: by another' --author 'B. Other <other@example.org>'
	run p export
	expect "export: of a commit by another" 0 "exported 4 patches"
	run head -n 2 "$project/patches/0004-mm-by-another.patch"
	expect "export: its author is kept" 0 $'From: B. Other <other@example.org>\nSubject: mm: by another'
	rm -rf "$project/out/tree"
	p tree 2>/dev/null
	run in_tree log -1 --format='%an <%ae>'
	expect "tree: the author is the patch's" 0 "B. Other <other@example.org>"
	run in_tree log -1 --format='%an' HEAD^
	expect "tree: other patches are nobody's" 0 "bpf_arena"
	p series 2>/dev/null
	run cat "$project/out/series/0004-mm-by-another.patch"
	expect "series: the mail has the author" 0 'From: "B. Other" <other@example.org>'
	expect "series: ... and is signed by the sender" 0 "Signed-off-by: A. Tester"
	run cat "$project/out/series/0003-docs-arena.patch"
	expect "series: what is nobody's is the sender's" 0 'From: "A. Tester" <'
}

# git leaves the tree as a Ctrl-C would have it: a file half written, another not at all.
finishes_checkout() {
	make_project
	p tree 2>/dev/null
	mkdir -p "$scratch/bin"
	cat >"$scratch/bin/git" <<-END
	#!/bin/sh
	case "\$*" in
	*"checkout -q -B"*) printf 'int ar' >"$project/out/tree/kernel/bpf/arena.c"; kill -9 \$\$ ;;
	esac
	exec $(command -v git) "\$@"
	END
	chmod +x "$scratch/bin/git"
	echo 'int arena6;' >>"$project/linux/kernel/bpf/arena.c"
	echo 'int arena7;' >"$project/linux/docs/arena/new.rst"
	PATH=$scratch/bin:$PATH run p tree
	holds "tree: a checkout is interrupted" [ "$status" != 0 ]
	echo 'Three arenas' >>"$project/linux/docs/arena/more.rst"
	run p tree
	expect "tree: goes on after an interrupted checkout" 0 "holds 3 patches"
	holds "tree: ... and has what is there by now" [ -z "$(p tree --edits)" -a \
		"$(cat "$project/linux/"{docs/arena/{more,new}.rst,kernel/bpf/arena.c} | sha256sum)" = \
		"$(cat "$project/out/tree/"{docs/arena/{more,new}.rst,kernel/bpf/arena.c} | sha256sum)" ]
	echo 'int arena8;' >>"$project/linux/kernel/bpf/arena.c"
	PATH=$scratch/bin:$PATH p tree 2>/dev/null || true
	echo edited >"$project/out/tree/kernel/bpf/Makefile"
	run p tree
	expect "tree: does not go on over an edit" 1 "and then edits were made (kernel/bpf/Makefile)"
}

strays() {
	make_project
	p tree 2>/dev/null
	touch "$project/out/tree/mm/stray"
	run p tree
	expect "tree: a stray file is no harm while nothing changes" 0 ""
	echo 'int arena9;' >>"$project/linux/kernel/bpf/arena.c"
	run p tree
	expect "tree: afterwards it is an error, not an old series" 1 "out/tree has uncommitted edits (mm/stray)"
}

# As a hook of the project's own repository runs it.
from_a_hook() {
	local before
	make_project
	git init -q "$project"
	before=$(cat "$project/.git/config")
	run env GIT_DIR="$project/.git" GIT_INDEX_FILE="$project/.git/index" "$project/scripts/tree"
	expect "tree: with GIT_DIR of another repository" 0 "holds 3 patches"
	holds "... which is left alone" [ "$before" = "$(cat "$project/.git/config")" -a \
		! -e "$project/.git/index" ]
	run env GIT_DIR="$project/.git" "$project/scripts/series"
	expect "series: the same" 0 "wrote 4 mails"
}

# A machine that has no package, and whose dpkg fails in the midst of installing some.
disk_full() {
	local bin=$scratch/full-bin
	mkdir "$bin"
	cat >"$bin/apt-get" <<-'END'
	#!/bin/sh
	case $* in
	*--simulate*) ;;
	*install*)
		echo "dpkg: unrecoverable fatal error: No space left on device"
		echo "E: Sub-process /usr/bin/dpkg returned an error code (2)" >&2
		exit 100
	esac
	END
	printf '#!/bin/sh\necho "dpkg $*"\n' >"$bin/dpkg"
	printf '#!/bin/sh\n' >"$bin/dpkg-query"
	printf '#!/bin/sh\nexec "$@"\n' >"$bin/sudo"
	chmod +x "$bin"/*
	run env PATH="$bin:$PATH" "$project/scripts/prepare" series
	expect "prepare: what cannot be installed" 1 "cannot install linux-source-6.1"
	expect "prepare: ... with what dpkg said" 1 "No space left on device"
	expect "prepare: ... and the space there is" 1 "Avail"
	expect "prepare: what was interrupted goes on first" 1 "dpkg --configure -a"
}

make_project
round_trip
keeps_mtimes
keeps_edits
exports_edits
files_that_grow
drops_and_reorders
new_package
keeps_branches
keeps_main
forgets_branches
keeps_authors
finishes_checkout
strays
from_a_hook
foreign_tree
bad_series
mails
disk_full
versions_of_packages
plan 108
