// SPDX-License-Identifier: GPL-2.0
/* Dynamic programming, number theory, backtracking */
#include "corpus.h"

#define MAX 512

char __arena_global a[MAX], b[MAX];
u32 __arena_global table[MAX + 1][MAX + 1];
u32 __arena_global best[65536];
u32 __arena_global weights[MAX], values[MAX];
u8 __arena_global composite[100000];
u32 na, nb, n, capacity, result;

static u32 min3(u32 x, u32 y, u32 z)
{
	if (y < x)
		x = y;
	return z < x ? z : x;
}

SEC("tc")
int edit_distance(void *ctx)
{
	u32 i, j;

	for (i = 0; i <= na && can_loop; i++)
		table[i][0] = i;
	for (j = 0; j <= nb && can_loop; j++)
		table[0][j] = j;
	for (i = 1; i <= na && can_loop; i++)
		for (j = 1; j <= nb && can_loop; j++)
			table[i][j] = min3(table[i - 1][j] + 1, table[i][j - 1] + 1,
					   table[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
	return table[na][nb];
}

SEC("tc")
int common_subsequence(void *ctx)
{
	u32 i, j;

	for (i = 1; i <= na && i <= MAX && can_loop; i++) {
		for (j = 1; j <= nb && j <= MAX && can_loop; j++) {
			if (a[i - 1] == b[j - 1])
				table[i][j] = table[i - 1][j - 1] + 1;
			else if (table[i - 1][j] >= table[i][j - 1])
				table[i][j] = table[i - 1][j];
			else
				table[i][j] = table[i][j - 1];
		}
	}
	return table[na][nb];
}

SEC("tc")
int knapsack(void *ctx)
{
	u32 i, w, with;

	if (capacity >= 65536)
		return -1;
	for (i = 0; i < n && can_loop; i++) {
		for (w = capacity; w >= weights[i] && can_loop; w--) {
			with = best[w - weights[i]] + values[i];
			if (with > best[w])
				best[w] = with;
			if (!w)
				break;
		}
	}
	return best[capacity];
}

SEC("tc")
int increasing_subsequence(void *ctx)
{
	u32 i, length = 0, low, high, mid;

	for (i = 0; i < n && can_loop; i++) {
		low = 0;
		high = length;
		while (low < high && can_loop) {
			mid = (low + high) / 2;
			if (best[mid] < values[i])
				low = mid + 1;
			else
				high = mid;
		}
		best[low] = values[i];
		if (low == length)
			length++;
	}
	return length;
}

SEC("tc")
int coin_change(void *ctx)
{
	u32 i, sum;

	best[0] = 1;
	for (i = 0; i < n && can_loop; i++)
		for (sum = weights[i]; sum <= capacity && sum < 65536 && can_loop; sum++)
			best[sum] += best[sum - weights[i]];
	return best[capacity];
}

SEC("tc")
int sieve(void *ctx)
{
	u32 i, k, primes = 0;

	for (i = 2; i < sizeof(composite) && can_loop; i++) {
		if (composite[i])
			continue;
		primes++;
		for (k = 2 * i; k < sizeof(composite) && can_loop; k += i)
			composite[k] = 1;
	}
	return primes;
}

static u32 gcd(u32 x, u32 y)
{
	u32 t;

	while (y && can_loop) {
		t = x % y;
		x = y;
		y = t;
	}
	return x;
}

SEC("tc")
int gcd_of_all(void *ctx)
{
	u32 i, g = 0;

	for (i = 0; i < n && can_loop; i++)
		g = gcd(g, values[i]);
	return g;
}

SEC("tc")
int collatz(void *ctx)
{
	u32 i, steps, longest = 0;
	u64 x;

	for (i = 1; i < n && can_loop; i++) {
		x = i;
		steps = 0;
		while (x != 1 && can_loop) {
			if (x & 1)
				x = 3 * x + 1;
			else
				x /= 2;
			steps++;
			if (x < i && x < 65536) {
				steps += best[x];
				break;
			}
		}
		best[i % 65536] = steps;
		if (steps > longest) {
			longest = steps;
			result = i;
		}
	}
	return longest;
}

s32 __arena_global columns[16];

/* Queens on a board of n by n, by trying */
SEC("tc")
int queens(void *ctx)
{
	u32 solutions = 0, size = n < 16 ? n : 15;
	int row = 0, i, d;

	columns[0] = -1;
	while (row >= 0 && can_loop) {
		columns[row]++;
		if (columns[row] >= size) {
			row--;
			continue;
		}
		for (i = 0; i < row && can_loop; i++) {
			d = columns[i] - columns[row];
			if (!d || d == row - i || d == i - row)
				break;
		}
		if (i < row)
			continue;
		if (row + 1 == size) {
			solutions++;
			continue;
		}
		row++;
		columns[row] = -1;
	}
	return solutions;
}

u8 __arena_global sudoku[81], given[81];

static bool fits(u32 at, u8 digit)
{
	u32 row = at / 9, col = at % 9, i;
	u32 box = row / 3 * 27 + col / 3 * 3;

	for (i = 0; i < 9; i++) {
		if (sudoku[row * 9 + i] == digit || sudoku[i * 9 + col] == digit)
			return false;
		if (sudoku[box + i / 3 * 9 + i % 3] == digit)
			return false;
	}
	return true;
}

SEC("tc")
int sudoku_solve(void *ctx)
{
	bool back = false;
	int at = 0;
	u8 digit;

	while (at >= 0 && at < 81 && can_loop) {
		if (given[at]) {
			at += back ? -1 : 1;
			continue;
		}
		digit = sudoku[at] + 1;
		sudoku[at] = 0;
		while (digit <= 9 && !fits(at, digit) && can_loop)
			digit++;
		if (digit > 9) {
			back = true;
			at--;
		} else {
			sudoku[at] = digit;
			back = false;
			at++;
		}
	}
	return at == 81;
}

u32 __arena_global next_of[32];

/* Heap's permutations, without recursion */
SEC("tc")
int permutations(void *ctx)
{
	u32 i, k, t, count = 1;

	for (i = 0; i < n && i < 32 && can_loop; i++)
		next_of[i] = 0;
	i = 1;
	while (i < n && i < 32 && can_loop) {
		if (next_of[i] >= i) {
			next_of[i++] = 0;
			continue;
		}
		k = i & 1 ? next_of[i] : 0;
		t = values[k];
		values[k] = values[i];
		values[i] = t;
		count++;
		next_of[i]++;
		i = 1;
	}
	return count;
}
