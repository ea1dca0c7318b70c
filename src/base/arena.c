/* SPDX-License-Identifier: Apache-2.0
 *
 * Arena of doubling blocks. Unused bytes are poisoned under ASan, so that the arena does not blind
 * the tool. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"

#if defined(__SANITIZE_ADDRESS__)
#define DM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DM_ASAN 1
#endif
#endif
#ifdef DM_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20, ALIGN = 16 };

struct dm_arena_block {
    struct dm_arena_block *next;
    size_t size_bytes; /* of data */
    size_t used_bytes;
    size_t pad; /* keeps data 16-byte aligned */
    unsigned char data[];
};

_Static_assert(sizeof(struct dm_arena_block) % ALIGN == 0, "block data must stay aligned");

static struct dm_arena_block *block_new(struct dm_arena *a, size_t need)
{
    size_t size = a->head ? a->head->size_bytes * 2 : BLOCK_MIN;
    size = DM_MIN(size, (size_t)BLOCK_MAX);
    size = DM_MAX(size, need);
    size_t total;
    if (!dm_add_size(size, sizeof(struct dm_arena_block), &total)) {
        return NULL;
    }
    struct dm_arena_block *b = dm_alloc(total);
    if (!b) {
        return NULL;
    }
    *b = (struct dm_arena_block){.next = a->head, .size_bytes = size};
    ASAN_POISON_MEMORY_REGION(b->data, size);
    a->head = b;
    return b;
}

void *dm_arena_alloc(struct dm_arena *a, size_t n)
{
    size_t padded;
    if (!dm_add_size(n, ALIGN - 1, &padded)) {
        return NULL;
    }
    padded &= ~(size_t)(ALIGN - 1);
    if (a->max_bytes && (padded > a->max_bytes || a->used_bytes > a->max_bytes - padded)) {
        return NULL;
    }
    struct dm_arena_block *b = a->head;
    if (!b || b->size_bytes - b->used_bytes < padded) {
        b = block_new(a, padded);
        if (!b) {
            return NULL;
        }
    }
    void *p = b->data + b->used_bytes;
    b->used_bytes += padded;
    a->used_bytes += padded;
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    return p;
}

void *dm_arena_calloc(struct dm_arena *a, size_t count, size_t size)
{
    size_t n;
    if (!dm_mul_size(count, size, &n)) {
        return NULL;
    }
    void *p = dm_arena_alloc(a, n);
    if (p) {
        memset(p, 0, n);
    }
    return p;
}

char *dm_arena_strndup(struct dm_arena *a, const char *s, size_t n)
{
    size_t size;
    n = strnlen(s, n);
    if (!dm_add_size(n, 1, &size)) {
        return NULL;
    }
    char *copy = dm_arena_alloc(a, size);
    if (copy) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

char *dm_arena_strdup(struct dm_arena *a, const char *s)
{
    return dm_arena_strndup(a, s, strlen(s));
}

char *dm_arena_printf(struct dm_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        return NULL;
    }
    char *s = dm_arena_alloc(a, (size_t)n + 1);
    if (s) {
        va_start(ap, fmt);
        (void)vsnprintf(s, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    return s;
}

void dm_arena_clear(struct dm_arena *a)
{
    struct dm_arena_block *b = a->head;
    while (b) {
        struct dm_arena_block *next = b->next;
        ASAN_UNPOISON_MEMORY_REGION(b->data, b->size_bytes);
        dm_free(b);
        b = next;
    }
    a->head = NULL;
    a->used_bytes = 0;
}
