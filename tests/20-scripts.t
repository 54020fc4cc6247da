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

# A stand-in for the unpacked kernel package: scripts/tree takes it as it is.
make_project() {
	rm -rf "$project"
	mkdir -p "$project/patches" "$project/linux/kernel/bpf" "$project/out/src/kernel/bpf" \
		"$project/out/src/mm"
	cp -r "$top/scripts" "$top/BASE" "$project/"
	echo "$base_version" >"$project/out/src.version"
	seq 1 60 >"$project/out/src/mm/vmalloc.c"
	printf 'obj-y += syscall.o\n' >"$project/out/src/kernel/bpf/Makefile"
	printf 'all:\n' >"$project/out/src/Makefile"
	# As Debian has it; only *.o may be hidden from out/tree.
	printf '*.o\n/*\n!/debian/\n' >"$project/out/src/.gitignore"
	cp "$project/out/src/mm/vmalloc.c" "$scratch/before"
	write_series
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
	expect "tree: uncommitted edits are kept, and it says so" 0 "out/tree has uncommitted edits"
	holds "tree: ... really" grep -q uncommitted "$project/out/tree/mm/vmalloc.c"
	run p export
	expect "export: refuses uncommitted edits and names the file" 1 "uncommitted edits (mm/vmalloc.c)"
	in_tree commit -qam 'mm: more'
	run p tree
	expect "tree: unexported commits are kept, and it says so" 0 "out/tree has commits that are not exported"
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
	expect "tree: a new package waits for unexported commits" 0 "out/tree has commits that are not exported"
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

make_project
round_trip
keeps_mtimes
keeps_edits
exports_edits
drops_and_reorders
new_package
foreign_tree
bad_series
mails
