// SPDX-License-Identifier: GPL-2.0
/* Matrices and grids */
#include "corpus.h"

#define N 32

s64 __arena_global a[N][N], b[N][N], c[N][N];
u32 n = N;

SEC("tc")
int matrix_multiply(void *ctx)
{
	u32 i, j, k;
	s64 sum;

	for (i = 0; i < n && can_loop; i++) {
		for (j = 0; j < n && can_loop; j++) {
			sum = 0;
			for (k = 0; k < n && can_loop; k++)
				sum += a[i][k] * b[k][j];
			c[i][j] = sum;
		}
	}
	return 0;
}

SEC("tc")
int matrix_transpose(void *ctx)
{
	u32 i, j;
	s64 t;

	for (i = 0; i < N && can_loop; i++) {
		for (j = i + 1; j < N && can_loop; j++) {
			t = a[i][j];
			a[i][j] = a[j][i];
			a[j][i] = t;
		}
	}
	return 0;
}

/* Modulo a prime, so that there is a division */
#define PRIME 1000003

static u64 inverse(u64 x)
{
	u64 y = 1;
	u32 e = PRIME - 2;

	while (e && can_loop) {
		if (e & 1)
			y = y * x % PRIME;
		x = x * x % PRIME;
		e >>= 1;
	}
	return y;
}

SEC("tc")
int matrix_determinant(void *ctx)
{
	u64 det = 1, f, t;
	u32 i, j, k;

	for (i = 0; i < n && can_loop; i++) {
		for (k = i; k < n && !a[k][i] && can_loop; k++)
			;
		if (k == n)
			return 0;
		if (k != i) {
			for (j = i; j < n && can_loop; j++) {
				t = a[i][j];
				a[i][j] = a[k][j];
				a[k][j] = t;
			}
			det = PRIME - det;
		}
		det = det * a[i][i] % PRIME;
		f = inverse(a[i][i]);
		for (k = i + 1; k < n && can_loop; k++) {
			t = a[k][i] * f % PRIME;
			for (j = i; j < n && can_loop; j++)
				a[k][j] = (a[k][j] + PRIME - t * a[i][j] % PRIME) % PRIME;
		}
	}
	return det;
}

#define W 64
#define H 48

u8 __arena_global grid[2][H][W];
u32 which;

SEC("tc")
int game_of_life(void *ctx)
{
	u32 x, y, alive = 0, near;
	int dx, dy;

	for (y = 0; y < H && can_loop; y++) {
		for (x = 0; x < W && can_loop; x++) {
			near = 0;
			for (dy = -1; dy <= 1; dy++)
				for (dx = -1; dx <= 1; dx++)
					if (dx || dy)
						near += grid[which & 1][(y + H + dy) % H][(x + W + dx) % W];
			grid[~which & 1][y][x] = near == 3 || (near == 2 && grid[which & 1][y][x]);
			alive += grid[~which & 1][y][x];
		}
	}
	which++;
	return alive;
}

u16 __arena_global fill_stack[H * W];

SEC("tc")
int flood_fill(void *ctx)
{
	u8 __arena *cells = &grid[0][0][0];
	u32 top = 0, filled = 0, at;

	fill_stack[top++] = which % (H * W);
	while (top && can_loop) {
		at = fill_stack[--top];
		if (cells[at])
			continue;
		cells[at] = 2;
		filled++;
		if (at % W && !cells[at - 1])
			fill_stack[top++] = at - 1;
		if (at % W != W - 1 && !cells[at + 1])
			fill_stack[top++] = at + 1;
		if (at >= W && !cells[at - W])
			fill_stack[top++] = at - W;
		if (at < (H - 1) * W && !cells[at + W])
			fill_stack[top++] = at + W;
		if (top > H * W - 4)
			break;
	}
	return filled;
}

/* 3x3 blur */
SEC("tc")
int convolve(void *ctx)
{
	static const u8 kernel[3][3] = { { 1, 2, 1 }, { 2, 4, 2 }, { 1, 2, 1 } };
	u32 x, y, i, j, sum;

	for (y = 1; y < H - 1 && can_loop; y++) {
		for (x = 1; x < W - 1 && can_loop; x++) {
			sum = 0;
			for (j = 0; j < 3; j++)
				for (i = 0; i < 3; i++)
					sum += kernel[j][i] * grid[0][y + j - 1][x + i - 1];
			grid[1][y][x] = sum / 16;
		}
	}
	return 0;
}
