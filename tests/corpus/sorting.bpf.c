// SPDX-License-Identifier: GPL-2.0
/* Sorting an array, in many ways */
#include "corpus.h"

#define MAX 4096

u32 __arena_global v[MAX], tmp[MAX];
u32 __arena_global stack[128];
u32 __arena_global counts[256];
u32 n, key;

static void swap(u32 i, u32 j)
{
	u32 t = v[i];

	v[i] = v[j];
	v[j] = t;
}

SEC("tc")
int sort_bubble(void *ctx)
{
	u32 i, end = n;
	bool swapped;

	do {
		swapped = false;
		for (i = 1; i < end && can_loop; i++) {
			if (v[i - 1] > v[i]) {
				swap(i - 1, i);
				swapped = true;
			}
		}
		end--;
	} while (swapped && can_loop);
	return 0;
}

SEC("tc")
int sort_insertion(void *ctx)
{
	u32 i, j, x;

	for (i = 1; i < n && can_loop; i++) {
		x = v[i];
		for (j = i; j > 0 && v[j - 1] > x && can_loop; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
	return 0;
}

SEC("tc")
int sort_selection(void *ctx)
{
	u32 i, j, least;

	for (i = 0; i + 1 < n && can_loop; i++) {
		least = i;
		for (j = i + 1; j < n && can_loop; j++)
			if (v[j] < v[least])
				least = j;
		if (least != i)
			swap(i, least);
	}
	return 0;
}

SEC("tc")
int sort_shell(void *ctx)
{
	u32 gap, i, j, x;

	for (gap = n / 2; gap > 0 && can_loop; gap /= 2) {
		for (i = gap; i < n && can_loop; i++) {
			x = v[i];
			for (j = i; j >= gap && v[j - gap] > x && can_loop; j -= gap)
				v[j] = v[j - gap];
			v[j] = x;
		}
	}
	return 0;
}

static u32 partition(u32 low, u32 high)
{
	u32 pivot = v[low + (high - low) / 2], i = low - 1, j = high + 1;

	while (can_loop) {
		do {
			i++;
		} while (v[i] < pivot && can_loop);
		do {
			j--;
		} while (v[j] > pivot && can_loop);
		if (i >= j)
			return j;
		swap(i, j);
	}
	return low;
}

/* Its stack is in the arena */
SEC("tc")
int sort_quick(void *ctx)
{
	u32 top = 0, low, high, p;

	if (n < 2)
		return 0;
	stack[top++] = 0;
	stack[top++] = n - 1;
	while (top && can_loop) {
		high = stack[--top];
		low = stack[--top];
		while (low < high && can_loop) {
			p = partition(low, high);
			if (top >= 126)
				return 1;
			if (p - low < high - p - 1) {
				stack[top++] = p + 1;
				stack[top++] = high;
				high = p;
			} else {
				stack[top++] = low;
				stack[top++] = p;
				low = p + 1;
			}
		}
	}
	return 0;
}

/* Its stack is the program's, of bounds that the verifier follows */
SEC("tc")
int sort_quick_on_stack(void *ctx)
{
	struct { u32 low, high; } todo[24];
	u32 top = 0, low, high, i, j, pivot;

	if (n < 2)
		return 0;
	todo[top].low = 0;
	todo[top].high = n - 1;
	top++;
	while (top > 0 && top <= 24 && can_loop) {
		top--;
		low = todo[top].low;
		high = todo[top].high;
		if (low >= high)
			continue;
		pivot = v[high];
		i = low;
		for (j = low; j < high && can_loop; j++) {
			if (v[j] < pivot) {
				swap(i, j);
				i++;
			}
		}
		swap(i, high);
		if (top >= 22)
			return 1;
		if (i > low) {
			todo[top].low = low;
			todo[top].high = i - 1;
			top++;
		}
		todo[top].low = i + 1;
		todo[top].high = high;
		top++;
	}
	return 0;
}

SEC("tc")
int sort_merge(void *ctx)
{
	u32 width, left, mid, right, i, j, k;

	for (width = 1; width < n && can_loop; width *= 2) {
		for (left = 0; left < n && can_loop; left += 2 * width) {
			mid = left + width < n ? left + width : n;
			right = left + 2 * width < n ? left + 2 * width : n;
			i = left;
			j = mid;
			for (k = left; k < right && can_loop; k++) {
				if (i < mid && (j >= right || v[i] <= v[j]))
					tmp[k] = v[i++];
				else
					tmp[k] = v[j++];
			}
		}
		for (i = 0; i < n && can_loop; i++)
			v[i] = tmp[i];
	}
	return 0;
}

static void sift(u32 root, u32 end)
{
	u32 child;

	while ((child = 2 * root + 1) < end && can_loop) {
		if (child + 1 < end && v[child] < v[child + 1])
			child++;
		if (v[root] >= v[child])
			return;
		swap(root, child);
		root = child;
	}
}

SEC("tc")
int sort_heap(void *ctx)
{
	u32 i;

	for (i = n / 2; i > 0 && can_loop; i--)
		sift(i - 1, n);
	for (i = n; i > 1 && can_loop; i--) {
		swap(0, i - 1);
		sift(0, i - 1);
	}
	return 0;
}

SEC("tc")
int sort_radix(void *ctx)
{
	u32 shift, i, sum, c;

	for (shift = 0; shift < 32; shift += 8) {
		for (i = 0; i < 256 && can_loop; i++)
			counts[i] = 0;
		for (i = 0; i < n && can_loop; i++)
			counts[v[i] >> shift & 255]++;
		sum = 0;
		for (i = 0; i < 256 && can_loop; i++) {
			c = counts[i];
			counts[i] = sum;
			sum += c;
		}
		for (i = 0; i < n && can_loop; i++)
			tmp[counts[v[i] >> shift & 255]++] = v[i];
		for (i = 0; i < n && can_loop; i++)
			v[i] = tmp[i];
	}
	return 0;
}

SEC("tc")
int search_binary(void *ctx)
{
	u32 low = 0, high = n, mid;

	while (low < high && can_loop) {
		mid = low + (high - low) / 2;
		if (v[mid] == key)
			return mid;
		if (v[mid] < key)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

/* The key-th smallest */
SEC("tc")
int quickselect(void *ctx)
{
	u32 low = 0, high = n - 1, p;

	while (low < high && can_loop) {
		p = partition(low, high);
		if (key <= p)
			high = p;
		else
			low = p + 1;
	}
	return v[low];
}

SEC("tc")
int shuffle(void *ctx)
{
	u32 i;

	for (i = n; i > 1 && can_loop; i--)
		swap(i - 1, bpf_get_prandom_u32() % i);
	return 0;
}
