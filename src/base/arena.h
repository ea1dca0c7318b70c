/* SPDX-License-Identifier: Apache-2.0
 *
 * Arena: the memory regime of a request, a job, a result. Everything allocated from it dies at
 * once; nothing in it is freed alone. Not thread-safe: one owner at a time. */
#ifndef DM_BASE_ARENA_H
#define DM_BASE_ARENA_H

#include <stddef.h>

#include "base/macros.h"

struct dm_arena_block;

/* Zero-initialised is a valid empty arena without a limit. */
struct dm_arena {
    struct dm_arena_block *head;
    size_t used_bytes;
    size_t max_bytes; /* 0 = no limit */
};

/* 16-byte aligned memory for n bytes, or NULL when out of memory or over max_bytes. */
DM_MUST_CHECK void *dm_arena_alloc(struct dm_arena *a, size_t n);

/* Zeroed array of count elements; NULL also when the size overflows. count 0 gives a valid pointer.
 */
DM_MUST_CHECK void *dm_arena_calloc(struct dm_arena *a, size_t count, size_t size);

/* Copies; NULL when out of memory. */
DM_MUST_CHECK char *dm_arena_strdup(struct dm_arena *a, const char *s);
DM_MUST_CHECK char *dm_arena_strndup(struct dm_arena *a, const char *s, size_t n);
DM_MUST_CHECK char *dm_arena_printf(struct dm_arena *a, const char *fmt, ...) DM_PRINTF(2, 3);

/* Free everything; the arena is empty and reusable afterwards. */
void dm_arena_clear(struct dm_arena *a);

#endif
