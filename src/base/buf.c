/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounded buffer and whole-file input and output. */
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arith.h"

void dm_buf_clear(struct dm_buf *b)
{
    dm_free(b->data);
    *b = dm_buf_init(b->max);
}

char *dm_buf_reserve(struct dm_buf *b, size_t n)
{
    size_t need;
    if (b->failed) {
        return NULL;
    }
    if (!dm_add_size(b->len, n, &need) || need > b->max) {
        b->failed = DM_ELIMIT;
        return NULL;
    }
    if (need + 1 > b->cap) {
        size_t cap = DM_MAX(b->cap + b->cap / 2, need + 1);
        cap = DM_MAX(cap, (size_t)64);
        char *p = dm_realloc(b->data, cap);
        if (!p) {
            b->failed = DM_ENOMEM;
            return NULL;
        }
        b->data = p;
        b->cap = cap;
    }
    return b->data + b->len;
}

void dm_buf_added(struct dm_buf *b, size_t n)
{
    b->len += n;
    DM_BUG_UNLESS(b->len < b->cap);
    b->data[b->len] = '\0';
}

void dm_buf_append(struct dm_buf *b, const void *p, size_t n)
{
    char *to = dm_buf_reserve(b, n);
    if (to) {
        if (n > 0) {
            memcpy(to, p, n);
        }
        dm_buf_added(b, n);
    }
}

void dm_buf_puts(struct dm_buf *b, const char *s)
{
    dm_buf_append(b, s, strlen(s));
}

void dm_buf_putc(struct dm_buf *b, char c)
{
    dm_buf_append(b, &c, 1);
}

void dm_buf_printf(struct dm_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *to = n < 0 ? NULL : dm_buf_reserve(b, (size_t)n);
    if (to) {
        va_start(ap, fmt);
        (void)vsnprintf(to, (size_t)n + 1, fmt, ap);
        va_end(ap);
        dm_buf_added(b, (size_t)n);
    }
}

const char *dm_buf_str(const struct dm_buf *b)
{
    return b->data ? b->data : "";
}

int dm_buf_ok(const struct dm_buf *b, struct dm_err *e)
{
    if (b->failed == DM_ELIMIT) {
        DM_FAIL(e, DM_ELIMIT, "more than %zu bytes", b->max);
    }
    if (b->failed) {
        DM_FAIL(e, b->failed, "not enough memory for %zu bytes", b->len);
    }
    return DM_OK;
}

static void closep(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

int dm_buf_read_file(struct dm_buf *b, const char *path, struct dm_err *e)
{
    DM_CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        DM_FAIL(e, errno == ENOENT ? DM_ENOTFOUND : DM_EIO, "%s: %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        DM_FAIL(e, DM_EBADINPUT, "%s: is a folder", path);
    }
    if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size > b->max) {
        DM_FAIL(e, DM_ELIMIT, "%s: %jd bytes, the limit is %zu", path, (intmax_t)st.st_size,
                b->max);
    }
    size_t chunk = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 65536;
    for (;;) {
        char probe; /* a full buffer still has to learn whether the file ends here */
        size_t room = DM_MIN(chunk, b->max - b->len);
        char *to = room > 0 ? dm_buf_reserve(b, room) : &probe;
        if (!to) {
            return dm_buf_ok(b, e);
        }
        ssize_t got = read(fd, to, DM_MAX(room, (size_t)1));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            DM_FAIL(e, DM_EIO, "%s: %s", path, strerror(errno));
        }
        if (got > 0 && room == 0) {
            DM_FAIL(e, DM_ELIMIT, "%s: more than %zu bytes", path, b->max);
        }
        if (got == 0) {
            return DM_OK;
        }
        dm_buf_added(b, (size_t)got);
    }
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno != EINTR) {
            return -1;
        }
        if (put > 0) {
            p += put;
            n -= (size_t)put;
        }
    }
    return 0;
}

/* A device, a pipe or a descriptor (/dev/stdout), which must be written to and never replaced by a
 * file. */
static bool is_special(const char *path)
{
    static const char descriptors[] = "/proc/";
    char target[sizeof(descriptors)];
    struct stat st;
    const ssize_t n = readlink(path, target, sizeof(target));
    return (n == (ssize_t)sizeof(target) && !memcmp(target, descriptors, sizeof(target) - 1)) ||
           (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

static int write_special(const char *path, const void *p, size_t n, struct dm_err *e)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const bool bad = fd < 0 || write_all(fd, p, n) < 0;
    const int saved = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (bad) {
        DM_FAIL(e, DM_EIO, "%s: %s", path, strerror(saved)); // NOLINT(concurrency-mt-unsafe)
    }
    return DM_OK;
}

int dm_file_write_atomic(const char *path, const void *p, size_t n, struct dm_err *e)
{
    static _Atomic unsigned serial;
    char temp[4096];
    if (is_special(path)) {
        return write_special(path, p, n, e);
    }
    int len = snprintf(temp, sizeof(temp), "%s.%ld-%u.tmp", path, (long)getpid(),
                       atomic_fetch_add(&serial, 1));
    if (len < 0 || (size_t)len >= sizeof(temp)) {
        DM_FAIL(e, DM_EBADINPUT, "%.80s...: path too long", path);
    }
    int fd = open(temp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) {
        DM_FAIL(e, DM_EIO, "%s: %s", path, strerror(errno));
    }
    int bad = write_all(fd, p, n) < 0 || fsync(fd) < 0;
    int saved = errno;
    if (close(fd) < 0 && !bad) {
        bad = 1;
        saved = errno;
    }
    if (!bad && rename(temp, path) < 0) {
        bad = 1;
        saved = errno;
    }
    if (bad) {
        (void)unlink(temp);
        DM_FAIL(e, DM_EIO, "%s: %s", path, strerror(saved));
    }
    return DM_OK;
}

static int make_one(const char *path, struct dm_err *e)
{
    struct stat st;
    if (mkdir(path, 0777) == 0 ||
        (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))) {
        return DM_OK;
    }
    DM_FAIL(e, DM_EIO, "%s: %s", path, strerror(errno)); // NOLINT(concurrency-mt-unsafe)
}

int dm_folder_make(const char *path, struct dm_err *e)
{
    char part[4096];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(part)) {
        DM_FAIL(e, DM_EBADINPUT, "a folder's path of %zu bytes", n);
    }
    for (size_t i = 1; i < n; i++) {
        if (path[i] == '/' && path[i - 1] != '/') {
            memcpy(part, path, i);
            part[i] = '\0';
            DM_TRY(make_one(part, e));
        }
    }
    return make_one(path, e);
}
