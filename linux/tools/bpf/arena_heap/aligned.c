// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * Allocations that are aligned, as aligned as was asked for
 *
 * mimalloc 2.0.9 takes a block whose size is a power of two of up to 1024 bytes for
 * aligned to its size, and gives aligned_alloc(256, 256) an address that is a multiple of
 * 128 only. Of other sizes it looks at the address. So they get one byte more.
 *
 * C++ calls these for types with alignas(256) or more: operator new and new[].
 */
#include <mimalloc.h>
#include <stddef.h>
#include "preload.h"

#define ALWAYS_ALIGNED 128
#define LARGEST 1024

static size_t fixed(size_t align, size_t size)
{
	return align > ALWAYS_ALIGNED && size <= LARGEST && !(size & (size - 1)) ? size + 1 : size;
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return mi_aligned_alloc(align, fixed(align, size));
}

EXPORT void *memalign(size_t align, size_t size)
{
	return mi_memalign(align, fixed(align, size));
}

EXPORT int posix_memalign(void **ptr, size_t align, size_t size)
{
	return mi_posix_memalign(ptr, align, fixed(align, size));
}

void *new_aligned(size_t size, size_t align)
	__asm__("_ZnwmSt11align_val_t");
void *new_array_aligned(size_t size, size_t align)
	__asm__("_ZnamSt11align_val_t");
void *new_aligned_nothrow(size_t size, size_t align, const void *nothrow)
	__asm__("_ZnwmSt11align_val_tRKSt9nothrow_t");
void *new_array_aligned_nothrow(size_t size, size_t align, const void *nothrow)
	__asm__("_ZnamSt11align_val_tRKSt9nothrow_t");

EXPORT void *new_aligned(size_t size, size_t align)
{
	return mi_new_aligned(fixed(align, size), align);
}

EXPORT void *new_array_aligned(size_t size, size_t align)
{
	return new_aligned(size, align);
}

EXPORT void *new_aligned_nothrow(size_t size, size_t align, const void *nothrow)
{
	return mi_new_aligned_nothrow(fixed(align, size), align);
}

EXPORT void *new_array_aligned_nothrow(size_t size, size_t align, const void *nothrow)
{
	return new_aligned_nothrow(size, align, nothrow);
}
