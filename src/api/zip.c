/* SPDX-License-Identifier: Apache-2.0
 *
 * Archives, stored: heads and bytes of each entry, then the directory. */
#include "api/zip.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "base/buf.h"

enum {
    VERSION = 20,
    UTF8 = 1 << 11,     /* flag: names are UTF-8 */
    ENTRIES_MAX = 1000, /* of one archive of ours */
    DIRECTORY_MAX = 1 << 20,
};

static void put16(struct dm_buf *b, unsigned v)
{
    dm_buf_putc(b, (char)(v & 0xff));
    dm_buf_putc(b, (char)(v >> 8 & 0xff));
}

static void put32(struct dm_buf *b, uint32_t v)
{
    put16(b, v & 0xffff);
    put16(b, v >> 16);
}

/* What head and directory say alike: from the version needed to the length of the extra field. */
static void put_common(struct dm_buf *b, const struct zip_entry *x, uint32_t crc, int64_t at_ms)
{
    const time_t at = (time_t)(at_ms / 1000);
    struct tm tm;
    (void)gmtime_r(&at, &tm);
    put16(b, VERSION);
    put16(b, UTF8);
    put16(b, 0); /* stored */
    put16(b, (unsigned)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2));
    put16(b, (unsigned)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday));
    put32(b, crc);
    put32(b, (uint32_t)x->n);
    put32(b, (uint32_t)x->n);
    put16(b, (unsigned)strlen(x->name));
    put16(b, 0);
}

static int write_all(int fd, const void *bytes, size_t n, struct dm_err *e)
{
    for (size_t done = 0; done < n;) {
        const ssize_t k = write(fd, (const char *)bytes + done, n - done);
        if (k < 0 && errno == EINTR) {
            continue;
        }
        if (k <= 0) {
            DM_FAIL(e, DM_EIO, "an archive cannot be written: %s", strerror(errno));
        }
        done += (size_t)k;
    }
    return DM_OK;
}

static int write_buf(int fd, const struct dm_buf *b, struct dm_err *e)
{
    DM_TRY(dm_buf_ok(b, e));
    return write_all(fd, dm_buf_str(b), b->len, e);
}

/* Head and bytes of an entry; its line of the directory goes to dir. */
static int write_entry(int fd, const struct zip_entry *x, int64_t at_ms, uint64_t *offset,
                       struct dm_buf *dir, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf head = dm_buf_init(4096);
    const uint32_t crc = (uint32_t)crc32_z(crc32(0, NULL, 0), x->bytes, x->n);
    dm_buf_append(&head, "PK\3\4", 4);
    put_common(&head, x, crc, at_ms);
    dm_buf_puts(&head, x->name);
    DM_TRY(write_buf(fd, &head, e));
    DM_TRY(write_all(fd, x->bytes, x->n, e));
    dm_buf_append(dir, "PK\1\2", 4);
    put16(dir, 3 << 8 | VERSION); /* made on Unix */
    put_common(dir, x, crc, at_ms);
    put16(dir, 0); /* comment */
    put16(dir, 0); /* disk */
    put16(dir, 0); /* internal attributes */
    put32(dir, (uint32_t)0100644 << 16);
    put32(dir, (uint32_t)*offset);
    dm_buf_puts(dir, x->name);
    *offset += head.len + x->n;
    return DM_OK;
}

int zip_write(int fd, const struct zip_entry *entry, size_t n, int64_t at_ms, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf dir = dm_buf_init(DIRECTORY_MAX);
    uint64_t offset = 0;
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all += entry[i].n + 4096;
    }
    if (n > ENTRIES_MAX || all > UINT32_MAX) {
        DM_FAIL(e, DM_ELIMIT, "an archive would be too large");
    }
    for (size_t i = 0; i < n; i++) {
        DM_TRY(write_entry(fd, &entry[i], at_ms, &offset, &dir, e));
    }
    const uint32_t size = (uint32_t)dir.len;
    dm_buf_append(&dir, "PK\5\6", 4);
    put32(&dir, 0); /* disks */
    put16(&dir, (unsigned)n);
    put16(&dir, (unsigned)n);
    put32(&dir, size);
    put32(&dir, (uint32_t)offset);
    put16(&dir, 0); /* comment */
    DM_TRY(write_buf(fd, &dir, e));
    if (lseek(fd, 0, SEEK_SET) < 0) {
        DM_FAIL(e, DM_EIO, "an archive cannot be read back");
    }
    return DM_OK;
}
