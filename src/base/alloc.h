/* SPDX-License-Identifier: Apache-2.0
 *
 * The one door to the heap, so that tests can make the n-th allocation fail.
 * Threads: all functions may be called from any thread. */
#ifndef DM_BASE_ALLOC_H
#define DM_BASE_ALLOC_H

#include <stddef.h>

#include "base/macros.h"

/* Memory for n > 0 bytes, or NULL. Owned by the caller, released with dm_free. */
DM_MUST_CHECK void *dm_alloc(size_t n);

/* Zeroed memory for count elements of size bytes; NULL on overflow or when out of memory. */
DM_MUST_CHECK void *dm_calloc(size_t count, size_t size);

/* Grow or shrink; on NULL the old block stays valid. */
DM_MUST_CHECK void *dm_realloc(void *p, size_t n);

/* 64-byte aligned memory for tensors and image rows (contents undefined), released with dm_free. */
DM_MUST_CHECK void *dm_alloc_aligned(size_t n);

/* Copy of a string, or NULL. */
DM_MUST_CHECK char *dm_strdup(const char *s);

/* Accepts NULL. */
void dm_free(void *p);

/* Clean-up for `DM_CLEANUP(dm_freep) T *p`. */
static inline void dm_freep(void *p)
{
    dm_free(*(void **)p);
}

/* Tests: the n-th allocation from now on fails (1 = the next one); 0 switches it off.
 * Returns how many allocations were made since the last call. */
size_t dm_alloc_fail_at(size_t n);

#endif
