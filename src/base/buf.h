/* SPDX-License-Identifier: Apache-2.0
 *
 * Growing byte buffer with a stated maximum. Always NUL-terminated, so text is a C string.
 * Errors are sticky: append as often as you like, check once with dm_buf_ok. */
#ifndef DM_BASE_BUF_H
#define DM_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct dm_buf {
    char *data; /* NULL while empty; use dm_buf_str for a C string */
    size_t len;
    size_t cap;
    size_t max; /* appending beyond fails with DM_ELIMIT */
    int failed; /* first error, DM_OK otherwise */
};

/* Empty buffer that never grows beyond max bytes. */
static inline struct dm_buf dm_buf_init(size_t max)
{
    return (struct dm_buf){.max = max};
}

/* Release the memory; empty and reusable (same max) afterwards. */
void dm_buf_clear(struct dm_buf *b);

/* Room for n more bytes; returns where to write them, NULL on failure. Then call dm_buf_added. */
char *dm_buf_reserve(struct dm_buf *b, size_t n);
void dm_buf_added(struct dm_buf *b, size_t n);

void dm_buf_append(struct dm_buf *b, const void *p, size_t n);
void dm_buf_puts(struct dm_buf *b, const char *s);
void dm_buf_putc(struct dm_buf *b, char c);
void dm_buf_printf(struct dm_buf *b, const char *fmt, ...) DM_PRINTF(2, 3);

/* "" for an empty buffer. Borrowed until the next append. */
const char *dm_buf_str(const struct dm_buf *b);

/* DM_OK, or the first failure of any append, with a message. */
DM_MUST_CHECK int dm_buf_ok(const struct dm_buf *b, struct dm_err *e);

/* Whole file into b (appended). DM_ENOTFOUND, DM_EIO, DM_ELIMIT when larger than b->max. */
DM_MUST_CHECK int dm_buf_read_file(struct dm_buf *b, const char *path, struct dm_err *e);

/* Write path through a temporary file in the same folder, fsync, rename: whole or not at all. What
 * is a device or a pipe already (/dev/null, /dev/stdout) is written to as it stands. */
DM_MUST_CHECK int dm_file_write_atomic(const char *path, const void *p, size_t n, struct dm_err *e);

/* Create a folder and what leads to it; one that exists is fine. DM_EIO with the reason. */
DM_MUST_CHECK int dm_folder_make(const char *path, struct dm_err *e);

#endif
