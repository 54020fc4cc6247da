// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF: what a loader binds to a program
 *
 * Instructions refer to the file descriptors in fd_array by index. If the loader
 * says how many there are (fd_array_cnt), the program uses all of these maps, as if
 * an instruction mentioned each. An arena among them is the program's arena: clang
 * mentions an arena only where the program takes the address of the map or of a
 * global, and a program that follows pointers needs neither.
 *
 *	fd_array	| map | arena | BTF of a module |	fd_array_cnt 3
 *			   |      |           |
 *			used_maps, held       not held: a call of a function in it
 *			by the program        looks it up, by the index in the call
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/file.h>

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/* As many as a program may use: maps, and BTFs of kfuncs (MAX_KFUNC_BTFS) */
#define MAX_BOUND_FDS	(MAX_USED_MAPS + 256)

static bool is_btf_fd(u32 fd)
{
	struct btf *btf = btf_get_by_fd(fd);

	if (IS_ERR(btf))
		return false;
	btf_put(btf);
	return true;
}

static int bind_map(struct bpf_verifier_env *env, struct bpf_map *map)
{
	int ret = check_map_prog_compatibility(env, map, env->prog);

	if (ret)
		return ret;
	ret = bpf_add_used_map(env, map);
	return min(ret, 0);
}

static int bind_fd(struct bpf_verifier_env *env, u32 idx, u32 fd)
{
	struct fd f = fdget(fd);
	struct bpf_map *map = __bpf_map_get(f);
	int err;

	if (IS_ERR(map)) {
		if (is_btf_fd(fd))
			return 0;
		verbose(env, "fd_array[%u]: fd %d is neither of a map nor of a BTF\n", idx, fd);
		return PTR_ERR(map);
	}
	err = bind_map(env, map);
	fdput(f);
	return err;
}

/**
 * bpf_fd_array_bind() - a program uses the maps that its loader binds to it
 * @env: verifier state, before instructions add the maps that they mention
 * @cnt: number of file descriptors in env->fd_array
 *
 * The caller releases what is in env->used_maps, after errors as well.
 *
 * Return: 0; -EBADF or -EINVAL for a file descriptor of nothing or of something
 * else; -E2BIG for too many; -EFAULT if they cannot be read; what an instruction
 * would get that mentions the map.
 */
int bpf_fd_array_bind(struct bpf_verifier_env *env, u32 cnt)
{
	u32 i, fd;
	int err;

	if (cnt > MAX_BOUND_FDS) {
		verbose(env, "fd_array_cnt is %u, and %u at most\n", cnt, MAX_BOUND_FDS);
		return -E2BIG;
	}
	for (i = 0; i < cnt; i++) {
		if (copy_from_bpfptr_offset(&fd, env->fd_array, i * sizeof(fd), sizeof(fd)))
			return -EFAULT;
		err = bind_fd(env, i, fd);
		if (err)
			return err;
	}
	return 0;
}
