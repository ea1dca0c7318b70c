/* SPDX-License-Identifier: Apache-2.0
 *
 * Files and objects: hashing, packing, unpacking; names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "backup/backup_priv.h"
#include "base/text.h"

enum { CHUNK = 64 << 10, GZIP = 16 + MAX_WBITS, LEVEL = 6, MEMORY = 8 };

const char *backup_part_key(char ret[static BACKUP_KEY_SIZE], const char *id, const char *name)
{
    (void)snprintf(ret, BACKUP_KEY_SIZE, "backups/%s/%s", id, name);
    return ret;
}

const char *backup_object_key(char ret[static BACKUP_KEY_SIZE], const char *sha256)
{
    (void)snprintf(ret, BACKUP_KEY_SIZE, "photos/%.2s/%s", sha256, sha256);
    return ret;
}

/* "20261124T020000Z-1a2b3c4d" */
bool backup_id_valid(const char *id)
{
    static const char shape[] = "00000000T000000Z-xxxxxxxx";
    if (strlen(id) != sizeof(shape) - 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        const bool digit = id[i] >= '0' && id[i] <= '9';
        const bool letter = id[i] >= 'a' && id[i] <= 'f';
        if (shape[i] == '0' ? !digit : shape[i] == 'x' ? !digit && !letter : id[i] != shape[i]) {
            return false;
        }
    }
    return true;
}

void backup_progress(const struct backup_site *s, const char *what, int64_t done, int64_t all)
{
    if (s->progress) {
        s->progress(s->ctx, what, done, all);
    }
}

static int fail_errno(struct dm_err *e, const char *path)
{
    char why[64];
    DM_FAIL(e, DM_EIO, "%s: %s", path, strerror_r(errno, why, sizeof(why)));
}

static void close_fdp(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

/* ---- hashing --------------------------------------------------------------------------------- */

struct hashing {
    struct dm_sha256 *h;
    int64_t n;
};

static int on_hash(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    struct hashing *x = ctx;
    (void)e;
    dm_sha256_add(x->h, bytes, n);
    x->n += (int64_t)n;
    return DM_OK;
}

int backup_hash(const struct backup_site *s, const char *key, int64_t *ret_bytes,
                char ret[static DM_SHA256_HEX_SIZE], struct dm_err *e)
{
    struct hashing x = {.h = dm_sha256_new()};
    if (!x.h) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a checksum");
    }
    const int code = blob_get(s->place, key, (struct blob_range){0}, NULL, on_hash, &x, e);
    if (code >= 0) {
        dm_sha256_end(x.h, ret);
        *ret_bytes = x.n;
    }
    dm_sha256_free(x.h);
    return code;
}

/* fd from its beginning, in pieces. */
static int each_piece(int fd, const char *path, blob_sink fn, void *ctx, struct dm_err *e)
{
    char piece[CHUNK];
    for (;;) {
        const ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(e, path);
        }
        if (n == 0) {
            return DM_OK;
        }
        DM_TRY(fn(ctx, piece, (size_t)n, e));
    }
}

int backup_hash_file(const char *path, int64_t *ret_bytes, char ret[static DM_SHA256_HEX_SIZE],
                     struct dm_err *e)
{
    DM_CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct hashing x = {.h = dm_sha256_new()};
    if (!x.h) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a checksum");
    }
    const int code = fd < 0 ? fail_errno(e, path) : each_piece(fd, path, on_hash, &x, e);
    if (code >= 0) {
        dm_sha256_end(x.h, ret);
        *ret_bytes = x.n;
    }
    dm_sha256_free(x.h);
    return code;
}

/* ---- packing --------------------------------------------------------------------------------- */

struct packer {
    z_stream z;
    struct blob_put *put;
};

static int deflate_all(struct packer *p, int flush, struct dm_err *e)
{
    unsigned char out[CHUNK];
    do {
        p->z.next_out = out;
        p->z.avail_out = sizeof(out);
        if (deflate(&p->z, flush) == Z_STREAM_ERROR) {
            DM_FAIL(e, DM_EINTERNAL, "zlib: %s", p->z.msg ? p->z.msg : "stream error");
        }
        DM_TRY(blob_put_write(p->put, out, sizeof(out) - p->z.avail_out, e));
    } while (p->z.avail_out == 0);
    return DM_OK;
}

static int on_pack(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    struct packer *p = ctx;
    p->z.next_in = (z_const Bytef *)(const Bytef *)bytes;
    p->z.avail_in = (uInt)n;
    return deflate_all(p, Z_NO_FLUSH, e);
}

static int pack_into(int fd, const char *path, struct packer *p, struct dm_err *e)
{
    if (deflateInit2(&p->z, LEVEL, Z_DEFLATED, GZIP, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        DM_FAIL(e, DM_ENOMEM, "no memory to pack");
    }
    int code = each_piece(fd, path, on_pack, p, e);
    code = code < 0 ? code : deflate_all(p, Z_FINISH, e);
    (void)deflateEnd(&p->z);
    return code;
}

int backup_pack(const struct backup_site *s, const char *path, const char *key,
                struct blob_info *ret, struct dm_err *e)
{
    DM_CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
    DM_CLEANUP(blob_put_abortp) struct blob_put *put = NULL;
    if (fd < 0) {
        return fail_errno(e, path);
    }
    DM_TRY(blob_put_begin(s->place, key, "application/gzip", &put, e));
    struct packer p = {.put = put};
    DM_TRY(pack_into(fd, path, &p, e));
    return blob_put_commit(&put, ret, e);
}

/* ---- unpacking ------------------------------------------------------------------------------- */

struct unpacker {
    z_stream z;
    struct hashing hash;
    int fd;
    const char *path, *key;
    int64_t max;
    bool ended;
};

static int write_all(const struct unpacker *u, const unsigned char *bytes, size_t n,
                     struct dm_err *e)
{
    for (size_t done = 0; done < n;) {
        const ssize_t got = write(u->fd, bytes + done, n - done);
        if (got < 0 && errno != EINTR) {
            return fail_errno(e, u->path);
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return DM_OK;
}

static int on_unpack(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    struct unpacker *u = ctx;
    unsigned char out[CHUNK];
    u->z.next_in = (z_const Bytef *)(const Bytef *)bytes;
    u->z.avail_in = (uInt)n;
    do {
        u->z.next_out = out;
        u->z.avail_out = sizeof(out);
        const int code = u->ended ? Z_DATA_ERROR : inflate(&u->z, Z_NO_FLUSH);
        u->ended = u->ended || code == Z_STREAM_END;
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
            DM_FAIL(e, DM_ECONFLICT, "%s is damaged", u->key);
        }
        const size_t got = sizeof(out) - u->z.avail_out;
        DM_TRY(on_hash(&u->hash, out, got, e));
        if (u->hash.n > u->max) {
            DM_FAIL(e, DM_ECONFLICT, "%s is larger than its manifest says", u->key);
        }
        DM_TRY(write_all(u, out, got, e));
    } while (u->z.avail_in > 0 || u->z.avail_out == 0);
    return DM_OK;
}

static int unpack_into(const struct backup_site *s, struct unpacker *u, const char *sha256,
                       struct dm_err *e)
{
    char got[DM_SHA256_HEX_SIZE];
    DM_TRY(blob_get(s->place, u->key, (struct blob_range){0}, NULL, on_unpack, u, e));
    dm_sha256_end(u->hash.h, got);
    if (!u->ended || u->hash.n != u->max || strcmp(got, sha256) != 0) {
        DM_FAIL(e, DM_ECONFLICT, "%s: what is packed in it is not what was saved", u->key);
    }
    return DM_OK;
}

int backup_unpack(const struct backup_site *s, const char *key, const char *path, int64_t bytes,
                  const char *sha256, struct dm_err *e)
{
    DM_CLEANUP(close_fdp)
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* password hashes */
    struct unpacker u = {
        .fd = fd, .path = path, .key = key, .max = bytes, .hash = {.h = dm_sha256_new()}};
    if (fd < 0 || !u.hash.h) {
        dm_sha256_free(u.hash.h);
        return fail_errno(e, path);
    }
    if (inflateInit2(&u.z, GZIP) != Z_OK) {
        dm_sha256_free(u.hash.h);
        DM_FAIL(e, DM_ENOMEM, "no memory to unpack");
    }
    const int code = unpack_into(s, &u, sha256, e);
    (void)inflateEnd(&u.z);
    dm_sha256_free(u.hash.h);
    return code;
}

/* ---- the database ---------------------------------------------------------------------------- */

int backup_take_database(const struct backup_site *s, const struct backup_manifest *m,
                         struct dm_arena *a, const char **ret_path, struct dm_err *e)
{
    char key[BACKUP_KEY_SIZE];
    const char *path = dm_arena_printf(a, "%s/%s-%ld.db", s->scratch, m->id, (long)getpid());
    if (!path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    backup_remove_database(path);
    const int code = backup_unpack(s, backup_part_key(key, m->id, BACKUP_DATABASE), path,
                                   m->database_bytes, m->database_sha256, e);
    if (code < 0) {
        backup_remove_database(path);
        return code;
    }
    *ret_path = path;
    return DM_OK;
}

void backup_remove_database(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[4096];
    for (size_t i = 0; path && i < DM_COUNT(ends); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        (void)unlink(name);
    }
}

int backup_open_file(const char *path, bool must_exist, struct dm_arena *a, struct store **ret,
                     struct dm_err *e)
{
    const struct store_options o = {.pool_size = 2, .statement_ms = -1, .must_exist = must_exist};
    const char *url = dm_arena_printf(a, "sqlite:%s", path);
    if (!url) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    return store_open(url, &o, ret, e);
}
