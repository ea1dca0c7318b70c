/* SPDX-License-Identifier: Apache-2.0
 *
 * A photo on its way in: a file of its own, hashed while it is written, so that its bytes are read
 * once more only to look at them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "inventory/photo.h"

struct photo_file {
    char *path; /* NULL: it lies elsewhere and is not removed */
    int fd;
    int64_t size, max;
    crypto_hash_sha256_state hash;
    bool ended;
    char sha256[DM_SHA256_HEX_SIZE];
    void *map; /* of an ended file */
};

int photo_file_begin(const struct photo_place *p, int64_t max_bytes, struct photo_file **ret,
                     struct dm_err *e)
{
    char uuid[STORE_UUID_SIZE];
    const size_t room = strlen(p->incoming) + STORE_UUID_SIZE + 8;
    DM_TRY(photo_room(p, 0, e));
    DM_CLEANUP(photo_file_freep) struct photo_file *f = dm_calloc(1, sizeof(*f));
    char *path = dm_alloc(room);
    if (!f || !path) {
        dm_free(path);
        DM_FAIL(e, DM_ENOMEM, "no memory for an upload");
    }
    store_uuid_new(uuid);
    (void)snprintf(path, room, "%s/%s.part", p->incoming, uuid);
    f->path = path;
    f->max = max_bytes > 0 ? max_bytes : (int64_t)LIMIT_IMAGE_FILE_BYTES;
    (void)crypto_hash_sha256_init(&f->hash);
    f->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0 && errno == ENOENT) { /* the first upload of all */
        DM_TRY(dm_folder_make(p->incoming, e));
        f->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    if (f->fd < 0) {
        DM_FAIL(e, DM_EIO, "cannot write %s: %s", path, strerror(errno));
    }
    *ret = DM_STEAL(f);
    return DM_OK;
}

/* So many more bytes, hashed. */
static int count_bytes(struct photo_file *f, const void *bytes, size_t n, struct dm_err *e)
{
    if ((int64_t)n > f->max - f->size) {
        DM_REFUSE(e, INV_FILE_TOO_LARGE, DM_FIELDS(DM_I("max_bytes", f->max)),
                  "the photo has more than %lld MB", (long long)(f->max / 1000000));
    }
    (void)crypto_hash_sha256_update(&f->hash, bytes, n);
    f->size += (int64_t)n;
    return DM_OK;
}

int photo_file_write(struct photo_file *f, const void *bytes, size_t n, struct dm_err *e)
{
    const char *at = bytes;
    DM_BUG_UNLESS(!f->ended);
    DM_TRY(count_bytes(f, bytes, n, e));
    while (n > 0) {
        const ssize_t wrote = write(f->fd, at, n);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            DM_FAIL(e, DM_EIO, "cannot write %s: %s", f->path, strerror(errno));
        }
        at += wrote;
        n -= (size_t)wrote;
    }
    return DM_OK;
}

int photo_file_copy(struct photo_file *f, int fd, struct dm_err *e)
{
    char piece[65536];
    for (;;) {
        const ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            DM_FAIL(e, DM_EIO, "cannot read the photo: %s", strerror(errno));
        }
        if (n == 0) {
            return DM_OK;
        }
        DM_TRY(photo_file_write(f, piece, (size_t)n, e));
    }
}

int photo_file_of(int fd, int64_t max_bytes, struct photo_file **ret, struct dm_err *e)
{
    DM_CLEANUP(photo_file_freep) struct photo_file *f = dm_calloc(1, sizeof(*f));
    char piece[65536];
    if (!f) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an upload");
    }
    f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    f->max = max_bytes > 0 ? max_bytes : (int64_t)LIMIT_IMAGE_FILE_BYTES;
    (void)crypto_hash_sha256_init(&f->hash);
    for (;;) {
        const ssize_t n = pread(f->fd, piece, sizeof(piece), f->size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            DM_FAIL(e, DM_EIO, "cannot read the photo: %s", strerror(errno));
        }
        if (n == 0) {
            break;
        }
        DM_TRY(count_bytes(f, piece, (size_t)n, e));
    }
    DM_TRY(photo_file_end(f, e));
    *ret = DM_STEAL(f);
    return DM_OK;
}

int photo_file_end(struct photo_file *f, struct dm_err *e)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    if (f->ended) {
        return DM_OK;
    }
    if (f->size == 0) {
        DM_FAIL(e, INV_UNSUPPORTED_MEDIA, "the file is empty");
    }
    void *map = mmap(NULL, (size_t)f->size, PROT_READ, MAP_PRIVATE, f->fd, 0);
    if (map == MAP_FAILED) {
        DM_FAIL(e, DM_EIO, "cannot read a photo on its way: %s", strerror(errno));
    }
    f->map = map;
    (void)crypto_hash_sha256_final(&f->hash, digest);
    (void)sodium_bin2hex(f->sha256, sizeof(f->sha256), digest, sizeof(digest));
    f->ended = true;
    return DM_OK;
}

const char *photo_file_sha256(const struct photo_file *f)
{
    DM_BUG_UNLESS(f->ended);
    return f->sha256;
}

const void *photo_file_bytes(const struct photo_file *f, size_t *ret_n)
{
    DM_BUG_UNLESS(f->ended);
    *ret_n = (size_t)f->size;
    return f->map;
}

void photo_file_rest(const struct photo_file *f)
{
    if (f->map) {
        (void)madvise(f->map, (size_t)f->size, MADV_DONTNEED);
    }
}

void photo_file_free(struct photo_file *f)
{
    if (!f) {
        return;
    }
    if (f->map) {
        (void)munmap(f->map, (size_t)f->size);
    }
    if (f->fd > 0) {
        (void)close(f->fd);
    }
    if (f->fd > 0 && f->path) {
        (void)unlink(f->path);
    }
    dm_free(f->path);
    dm_free(f);
}
