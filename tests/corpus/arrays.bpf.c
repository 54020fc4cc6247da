// SPDX-License-Identifier: GPL-2.0
/* Loops over arrays that are not in the arena: global variables, a map's value, the
 * program's stack, a packet. The verifier has to know the index.
 */
#include "corpus.h"

#define N 1000

int zero;
u32 array[N], copy[N];
u64 wide[N];
u32 matrix[32][32];
u32 used, result;
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u64[128]);
} values SEC(".maps");

u64 __arena_global mirror[N];

SEC("tc")
int array_fill_int(void *ctx)
{
	int i;

	for (i = zero; i < N && can_loop; i++)
		array[i] = i;
	return 0;
}

SEC("tc")
int array_fill_u32(void *ctx)
{
	u32 i;

	for (i = zero; i < N && can_loop; i++)
		array[i] = i * i;
	return 0;
}

SEC("tc")
int array_fill_u64(void *ctx)
{
	u64 i;

	for (i = zero; i < N && can_loop; i++)
		wide[i] = i;
	return 0;
}

SEC("tc")
int array_two(void *ctx)
{
	u32 i;

	for (i = zero; i < N && can_loop; i++)
		copy[i] = array[i] + 1;
	return 0;
}

SEC("tc")
int array_to_arena(void *ctx)
{
	u32 i;

	for (i = 0; i < N && can_loop; i++)
		mirror[i] = array[i];
	return 0;
}

SEC("tc")
int array_break(void *ctx)
{
	u32 i, sum = 0;

	for (i = zero; i < N; i++) {
		cond_break;
		if (array[i] == 77)
			continue;
		sum += array[i];
		if (sum > 100000)
			break;
	}
	result = sum;
	return i;
}

SEC("tc")
int array_nested(void *ctx)
{
	u32 i, j, sum = 0;

	for (i = zero; i < 32 && can_loop; i++)
		for (j = zero; j < 32 && can_loop; j++)
			sum += matrix[i][j];
	return sum;
}

SEC("tc")
int array_down(void *ctx)
{
	int i;

	for (i = N - 1; i >= zero && can_loop; i--)
		if (i >= 0 && array[i])
			return i;
	return -1;
}

SEC("tc")
int array_step(void *ctx)
{
	u32 i, sum = 0;

	for (i = zero; i < N - 3 && can_loop; i += 4)
		sum += array[i] + array[i + 1] + array[i + 2] + array[i + 3];
	return sum;
}

SEC("tc")
int array_bounded_by_variable(void *ctx)
{
	u32 i, sum = 0;

	for (i = 0; i < used && i < N && can_loop; i++)
		sum += array[i];
	return sum;
}

static __noinline u32 weigh(u32 x)
{
	return x * 3 + 1;
}

SEC("tc")
int array_call(void *ctx)
{
	u32 i, sum = 0;

	for (i = zero; i < N && can_loop; i++)
		sum += weigh(array[i]);
	return sum;
}

SEC("tc")
int array_helper(void *ctx)
{
	u32 i;

	for (i = zero; i < N && can_loop; i++)
		array[i] = bpf_get_prandom_u32();
	return 0;
}

SEC("tc")
int map_values(void *ctx)
{
	u64 *v, sum = 0;
	u32 key, i;

	for (key = 0; key < 16 && can_loop; key++) {
		v = bpf_map_lookup_elem(&values, &key);
		if (!v)
			break;
		for (i = zero; i < 128 && can_loop; i++)
			sum += v[i];
	}
	return sum;
}

SEC("tc")
int map_value_from_arena(void *ctx)
{
	u32 key = 3, i;
	u64 *v;

	v = bpf_map_lookup_elem(&values, &key);
	if (!v)
		return 1;
	for (i = zero; i < 128 && can_loop; i++)
		v[i] = mirror[i];
	return 0;
}

SEC("tc")
int stack_array(void *ctx)
{
	u8 seen[256] = {};
	u32 i, n = 0;

	for (i = 0; i < N && can_loop; i++) {
		u8 b = mirror[i];

		if (!seen[b]) {
			seen[b] = 1;
			n++;
		}
	}
	return n;
}

SEC("tc")
int stack_fibonacci(void *ctx)
{
	u64 f[48];
	u32 i;

	f[0] = 0;
	f[1] = 1;
	for (i = 2; i < 48 && can_loop; i++)
		f[i] = f[i - 1] + f[i - 2];
	for (i = 0; i < 48 && can_loop; i++)
		mirror[i] = f[i];
	return 0;
}

SEC("xdp")
int packet_bytes(struct xdp_md *ctx)
{
	u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	u32 i, sum = 0;

	for (i = 0; i < 1500 && can_loop; i++) {
		if (data + i + 1 > end)
			break;
		sum += data[i];
	}
	mirror[0] = sum;
	return XDP_PASS;
}

struct option {
	u8 kind, length;
};

SEC("xdp")
int packet_options(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct option *o;
	u32 offset = 54;

	while (offset < 94 && can_loop) {
		o = data + offset;
		if ((void *)(o + 1) > end)
			return XDP_PASS;
		if (!o->kind)
			break;
		if (o->kind == 1) {
			offset++;
			continue;
		}
		if (o->length < 2)
			return XDP_DROP;
		mirror[o->kind]++;
		offset += o->length;
	}
	return XDP_PASS;
}
