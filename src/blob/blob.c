/* SPDX-License-Identifier: Apache-2.0
 *
 * The door of blob/: checks keys and sizes and hashes what passes, for every driver once. */
#include "blob/blob.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "blob/driver.h"

static const struct blob_driver *const drivers[] = {
    &blob_driver_dir,
    &blob_driver_s3,
};

int blob_open(const char *url, const struct blob_options *o, struct blob **ret, struct dm_err *e)
{
    static const struct blob_options none;
    const char *colon = strchr(url, ':');
    size_t n = colon ? (size_t)(colon - url) : 0;
    for (size_t i = 0; i < DM_COUNT(drivers); i++) {
        if (n && strlen(drivers[i]->scheme) == n && !strncmp(url, drivers[i]->scheme, n)) {
            return drivers[i]->open(colon + 1, o ? o : &none, ret, e);
        }
    }
    DM_FAIL(e, DM_EBADINPUT, "the address of a photo store begins with dir: or s3:");
}

void blob_close(struct blob *b)
{
    if (b) {
        b->driver->close(b);
    }
}

const char *blob_scheme(const struct blob *b)
{
    return b->driver->scheme;
}

static bool key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

bool blob_key_valid(const char *key)
{
    size_t n = strlen(key);
    if (n == 0 || n > BLOB_KEY_MAX || key[n - 1] == '/') {
        return false;
    }
    bool first = true; /* of a part */
    for (size_t i = 0; i < n; i++) {
        bool slash = key[i] == '/';
        if (first ? (slash || key[i] == '.' || !key_char(key[i])) : (!slash && !key_char(key[i]))) {
            return false;
        }
        first = slash;
    }
    return true;
}

static int check_key(const char *key, struct dm_err *e)
{
    if (!blob_key_valid(key)) {
        DM_FAIL(e, DM_EBADINPUT, "\"%.80s\" is not the key of an object", key);
    }
    return DM_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool type_valid(const char *type)
{
    size_t n = strlen(type);
    for (size_t i = 0; i < n; i++) {
        if (type[i] < ' ' || type[i] > '~') {
            return false;
        }
    }
    return n > 0 && n <= BLOB_TYPE_MAX;
}

int blob_put_begin(struct blob *b, const char *key, const char *type, struct blob_put **ret,
                   struct dm_err *e)
{
    struct blob_put *p = NULL;
    DM_TRY(check_key(key, e));
    if (!type_valid(type)) {
        DM_FAIL(e, DM_EBADINPUT, "not a content type");
    }
    DM_TRY(b->driver->put_begin(b, key, type, &p, e));
    p->blob = b;
    memcpy(p->key, key, strlen(key) + 1);
    memcpy(p->type, type, strlen(type) + 1);
    (void)crypto_hash_sha256_init(&p->sha);
    *ret = p;
    return DM_OK;
}

int blob_put_write(struct blob_put *p, const void *bytes, size_t n, struct dm_err *e)
{
    if (n == 0) {
        return DM_OK;
    }
    if (n > (uint64_t)LIMIT_BLOB_BYTES || p->size_bytes > LIMIT_BLOB_BYTES - (int64_t)n) {
        DM_FAIL(e, DM_ELIMIT, "more than %jd bytes", (intmax_t)LIMIT_BLOB_BYTES);
    }
    DM_TRY(p->blob->driver->put_write(p, bytes, n, e));
    (void)crypto_hash_sha256_update(&p->sha, bytes, n);
    p->size_bytes += (int64_t)n;
    return DM_OK;
}

static void hex_of(crypto_hash_sha256_state sha, char ret[static DM_SHA256_HEX_SIZE])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256_final(&sha, digest);
    (void)sodium_bin2hex(ret, DM_SHA256_HEX_SIZE, digest, sizeof(digest));
}

void blob_put_sha256(const struct blob_put *p, char ret[static DM_SHA256_HEX_SIZE])
{
    hex_of(p->sha, ret);
}

int blob_put_commit(struct blob_put **p, struct blob_info *ret, struct dm_err *e)
{
    struct blob_put *put = DM_STEAL(*p);
    struct blob_info info = {.size_bytes = put->size_bytes};
    hex_of(put->sha, info.sha256);
    DM_TRY(put->blob->driver->put_commit(put, &info, e));
    if (ret) {
        *ret = info;
    }
    return DM_OK;
}

void blob_put_abort(struct blob_put *p)
{
    if (p) {
        p->blob->driver->put_abort(p);
    }
}

int blob_put(struct blob *b, const char *key, const char *type, const void *bytes, size_t n,
             struct blob_info *ret, struct dm_err *e)
{
    DM_CLEANUP(blob_put_abortp) struct blob_put *p = NULL;
    DM_TRY(blob_put_begin(b, key, type, &p, e));
    DM_TRY(blob_put_write(p, bytes, n, e));
    return blob_put_commit(&p, ret, e);
}

enum { PIECE_BYTES = 16 << 10 }; /* on the stack, which may be a fiber's */

/* fd in pieces, from its beginning. */
static int each_piece(int fd, int (*fn)(void *ctx, const void *bytes, size_t n, struct dm_err *e),
                      void *ctx, int64_t *ret_n, struct dm_err *e)
{
    char piece[PIECE_BYTES];
    int64_t at = 0;
    for (;;) {
        ssize_t n = pread(fd, piece, sizeof(piece), at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            DM_FAIL(e, DM_EIO, "the file cannot be read");
        }
        if (n == 0) {
            *ret_n = at;
            return DM_OK;
        }
        DM_TRY(fn(ctx, piece, (size_t)n, e));
        at += n;
    }
}

static int hash_piece(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    (void)e;
    (void)crypto_hash_sha256_update(ctx, bytes, n);
    return DM_OK;
}

static int put_piece(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    return blob_put_write(ctx, bytes, n, e);
}

static int put_in_pieces(struct blob *b, const char *key, const char *type, int fd,
                         const char *sha256, struct blob_info *ret, struct dm_err *e)
{
    DM_CLEANUP(blob_put_abortp) struct blob_put *p = NULL;
    int64_t n = 0;
    char got[DM_SHA256_HEX_SIZE];
    DM_TRY(blob_put_begin(b, key, type, &p, e));
    DM_TRY(each_piece(fd, put_piece, p, &n, e));
    blob_put_sha256(p, got);
    if (sha256 && strcmp(got, sha256) != 0) {
        DM_FAIL(e, DM_ECONFLICT, "%s: the file is not what it should be", key);
    }
    return blob_put_commit(&p, ret, e);
}

/* Size and hash of a file. */
static int measure(int fd, const char *sha256, struct blob_info *ret, struct dm_err *e)
{
    crypto_hash_sha256_state sha;
    struct stat st;
    if (fstat(fd, &st) < 0) {
        DM_FAIL(e, DM_EIO, "the file cannot be read");
    }
    ret->size_bytes = st.st_size;
    if (sha256) {
        (void)snprintf(ret->sha256, sizeof(ret->sha256), "%s", sha256);
        return DM_OK;
    }
    (void)crypto_hash_sha256_init(&sha);
    DM_TRY(each_piece(fd, hash_piece, &sha, &ret->size_bytes, e));
    hex_of(sha, ret->sha256);
    return DM_OK;
}

int blob_put_file(struct blob *b, const char *key, const char *type, int fd, const char *sha256,
                  struct blob_info *ret, struct dm_err *e)
{
    struct blob_info info = {0};
    DM_TRY(check_key(key, e));
    if (!type_valid(type)) {
        DM_FAIL(e, DM_EBADINPUT, "not a content type");
    }
    if (!b->driver->put_file) {
        return put_in_pieces(b, key, type, fd, sha256, ret, e);
    }
    DM_TRY(measure(fd, sha256, &info, e));
    if (info.size_bytes > LIMIT_BLOB_BYTES) {
        DM_FAIL(e, DM_ELIMIT, "more than %jd bytes", (intmax_t)LIMIT_BLOB_BYTES);
    }
    DM_TRY(b->driver->put_file(b, key, type, fd, &info, e));
    if (ret) {
        *ret = info;
    }
    return DM_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct hashing {
    blob_sink sink;
    void *ctx;
    crypto_hash_sha256_state sha;
};

static int hash_sink(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    struct hashing *h = ctx;
    (void)crypto_hash_sha256_update(&h->sha, bytes, n);
    return h->sink(h->ctx, bytes, n, e);
}

int blob_get(struct blob *b, const char *key, struct blob_range r, const char *sha256,
             blob_sink sink, void *ctx, struct dm_err *e)
{
    struct hashing h = {.sink = sink, .ctx = ctx};
    char got[DM_SHA256_HEX_SIZE];
    DM_TRY(check_key(key, e));
    if (r.offset < 0 || r.n < 0) {
        DM_FAIL(e, DM_EBADINPUT, "not a range of bytes");
    }
    if (!sha256 || r.offset || r.n) {
        return b->driver->get(b, key, r, sink, ctx, e);
    }
    (void)crypto_hash_sha256_init(&h.sha);
    DM_TRY(b->driver->get(b, key, r, hash_sink, &h, e));
    hex_of(h.sha, got);
    if (strcmp(got, sha256) != 0) {
        DM_FAIL(e, DM_ECONFLICT, "%s: the bytes are not those that were stored", key);
    }
    return DM_OK;
}

static int buf_sink(void *ctx, const void *bytes, size_t n, struct dm_err *e)
{
    dm_buf_append(ctx, bytes, n);
    return dm_buf_ok(ctx, e);
}

int blob_get_buf(struct blob *b, const char *key, struct blob_range r, const char *sha256,
                 struct dm_buf *buf, struct dm_err *e)
{
    return blob_get(b, key, r, sha256, buf_sink, buf, e);
}

int blob_file(struct blob *b, const char *key, int *ret_fd, struct dm_err *e)
{
    DM_TRY(check_key(key, e));
    if (!b->driver->file) {
        DM_FAIL(e, DM_EUNSUPPORTED, "%s: has no files", b->driver->scheme);
    }
    return b->driver->file(b, key, ret_fd, e);
}

int blob_stat(struct blob *b, const char *key, struct blob_info *ret, struct dm_err *e)
{
    DM_TRY(check_key(key, e));
    return b->driver->stat(b, key, ret, e);
}

int blob_delete(struct blob *b, const char *key, struct dm_err *e)
{
    DM_TRY(check_key(key, e));
    return b->driver->remove(b, key, e);
}

int blob_list(struct blob *b, const char *prefix, blob_list_fn fn, void *ctx, struct dm_err *e)
{
    size_t n = strlen(prefix);
    for (size_t i = 0; i < n; i++) {
        if (!key_char(prefix[i]) && prefix[i] != '/') {
            DM_FAIL(e, DM_EBADINPUT, "\"%.80s\" begins no key", prefix);
        }
    }
    return b->driver->list(b, prefix, fn, ctx, e);
}

int blob_presign(struct blob *b, enum blob_method m, const char *key, int seconds,
                 struct dm_buf *ret, struct dm_err *e)
{
    DM_TRY(check_key(key, e));
    if (seconds < 1 || seconds > 7 * 86400) {
        DM_FAIL(e, DM_EBADINPUT, "a signed address lives 1 to 604800 seconds");
    }
    if (!b->driver->presign) {
        DM_FAIL(e, DM_EUNSUPPORTED, "%s: has no signed addresses", b->driver->scheme);
    }
    return b->driver->presign(b, m, key, seconds, ret, e);
}
