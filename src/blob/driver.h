/* SPDX-License-Identifier: Apache-2.0
 *
 * What a driver must do for blob/. A new one is one `const struct blob_driver`, a row of drivers[]
 * in blob.c and one in tests/unit/blob/test_contract.c. Keys, sizes and hashes are checked before.
 * Inside blob/ only. */
#ifndef BLOB_DRIVER_H
#define BLOB_DRIVER_H

#include <sodium.h>

#include "blob/blob.h"

/* First member of the driver's struct. */
struct blob {
    const struct blob_driver *driver;
};

/* First member of the driver's struct of a put. */
struct blob_put {
    struct blob *blob;
    char key[BLOB_KEY_MAX + 1];
    char type[BLOB_TYPE_MAX + 1];
    int64_t size_bytes;
    crypto_hash_sha256_state sha;
};

struct blob_driver {
    const char *scheme;

    /* rest is the URL after the colon. */
    int (*open)(const char *rest, const struct blob_options *o, struct blob **ret,
                struct dm_err *e);
    void (*close)(struct blob *b);
    /* *ret is zeroed but for what the driver sets; the wrapper fills the base. */
    int (*put_begin)(struct blob *b, const char *key, const char *type, struct blob_put **ret,
                     struct dm_err *e);
    int (*put_write)(struct blob_put *p, const void *bytes, size_t n, struct dm_err *e);
    /* Frees p in any case. info holds size and hash; the driver may add. */
    int (*put_commit)(struct blob_put *p, struct blob_info *info, struct dm_err *e);
    void (*put_abort)(struct blob_put *p);
    int (*get)(struct blob *b, const char *key, struct blob_range r, blob_sink sink, void *ctx,
               struct dm_err *e);
    int (*stat)(struct blob *b, const char *key, struct blob_info *ret, struct dm_err *e);
    int (*remove)(struct blob *b, const char *key, struct dm_err *e);
    int (*list)(struct blob *b, const char *prefix, blob_list_fn fn, void *ctx, struct dm_err *e);
    /* Optional: without it a file goes through put_begin. info holds size and hash. */
    int (*put_file)(struct blob *b, const char *key, const char *type, int fd,
                    struct blob_info *info, struct dm_err *e);
    /* Optional. */
    int (*file)(struct blob *b, const char *key, int *ret_fd, struct dm_err *e);
    int (*presign)(struct blob *b, enum blob_method m, const char *key, int seconds,
                   struct dm_buf *ret, struct dm_err *e);
};

extern const struct blob_driver blob_driver_dir, blob_driver_s3;

#endif
