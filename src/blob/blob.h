/* SPDX-License-Identifier: Apache-2.0
 *
 * Where photographs lie: one interface, a folder or an S3 bucket, chosen by the URL.
 *
 *   dir:/var/lib/demeter/photos      a folder; what it stores is synced before put says so
 *   s3:BUCKET or s3:BUCKET/PREFIX    any S3 server; credentials and endpoint in the options
 *
 * A key is a relative path of A-Z a-z 0-9 - _ . between single slashes; no part begins with a dot.
 * Callers build it from UUIDs (data-model.md 7). An object is written whole or not at all, and is
 * replaced in one step. Threads: a blob serves many; a put belongs to one at a time.
 *
 * Codes of every call: DM_EBADINPUT a bad key; DM_ENOTFOUND no such object; DM_EIO the place does
 * not work, retry; DM_EAGAIN the circuit breaker is open, retry later; DM_ELIMIT too large;
 * DM_EUNSUPPORTED the driver cannot; DM_ECONFLICT the server refuses (rights, no such bucket). */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"

struct blob;
struct blob_put;

#define BLOB_KEY_MAX  512 /* bytes, as image_blobs.storage_key */
#define BLOB_TYPE_MAX 100 /* bytes of a content type */

/* Zero and NULL mean the default that the comment gives. Strings are copied. */
struct blob_options {
    bool create; /* dir: make the folder and its marker; without it a missing marker is an error */

    const char *access_key, *secret_key; /* s3: required */
    const char *session_token;           /* s3: of temporary credentials */
    const char *region;                  /* s3: us-east-1 */
    const char *endpoint;                /* s3: https://s3.REGION.amazonaws.com */
    bool path_style;                     /* s3: endpoint/BUCKET/key, not BUCKET.endpoint/key */
    const char *sse;                     /* s3: server-side encryption, "AES256"; none */
    int connect_ms, stall_ms;            /* s3: 5000; 20000 without a byte */
    int tries;                           /* s3: of each request, 4 */
    int64_t part_bytes;                  /* s3: of a multipart upload, 5 MiB (the least allowed) */
    int list_page;                       /* s3: keys of one answer, 1000 (the most allowed) */

    /* s3: who runs a transfer (CURL *, returns its CURLcode) and who waits between tries: an event
     * loop may do other things meanwhile. curl_easy_perform, nanosleep. */
    int (*perform)(void *perform_ctx, void *curl_easy);
    void *perform_ctx;
    void (*pause)(int ms);
};

/* Open; nothing is sent to an S3 server. DM_EBADINPUT: not such a URL, an option missing;
 * dir: DM_ENOTFOUND the folder or its marker is missing. */
DM_MUST_CHECK int blob_open(const char *url, const struct blob_options *o, struct blob **ret,
                            struct dm_err *e);

/* All puts have ended before. Accepts NULL. */
void blob_close(struct blob *b);
DM_DEFINE_CLEANUP(blob_closep, struct blob *, blob_close)

const char *blob_scheme(const struct blob *b); /* "dir", "s3" */

struct blob_info {
    int64_t size_bytes;
    int64_t modified_ms;             /* since 1970 UTC */
    char sha256[DM_SHA256_HEX_SIZE]; /* of a put; "" from stat and list */
};

/* Write an object piece by piece. type is its content type. Until commit nobody sees it. */
DM_MUST_CHECK int blob_put_begin(struct blob *b, const char *key, const char *type,
                                 struct blob_put **ret, struct dm_err *e);
DM_MUST_CHECK int blob_put_write(struct blob_put *p, const void *bytes, size_t n, struct dm_err *e);
/* Hash of what was written so far: a duplicate is found before it is stored. */
void blob_put_sha256(const struct blob_put *p, char ret[static DM_SHA256_HEX_SIZE]);
/* Store it; *p is NULL afterwards in any case. After DM_OK the object survives a power cut.
 * ret may be NULL. */
DM_MUST_CHECK int blob_put_commit(struct blob_put **p, struct blob_info *ret, struct dm_err *e);
/* Forget it. Accepts NULL. */
void blob_put_abort(struct blob_put *p);
DM_DEFINE_CLEANUP(blob_put_abortp, struct blob_put *, blob_put_abort)

/* The four calls above at once. */
DM_MUST_CHECK int blob_put(struct blob *b, const char *key, const char *type, const void *bytes,
                           size_t n, struct blob_info *ret, struct dm_err *e);

/* Store the file behind fd from its beginning; fd is read only with pread. However large it is,
 * only a small piece of it is in memory. sha256: of the file, hexadecimal, when it is known; NULL:
 * it is read once more to find out. DM_ECONFLICT: sha256 is not that of the bytes. ret may be NULL.
 */
DM_MUST_CHECK int blob_put_file(struct blob *b, const char *key, const char *type, int fd,
                                const char *sha256, struct blob_info *ret, struct dm_err *e);

/* The object as an open file to read, which the caller closes. s3: DM_EUNSUPPORTED. */
DM_MUST_CHECK int blob_file(struct blob *b, const char *key, int *ret_fd, struct dm_err *e);

/* What of an object is wanted. {0}: all of it. */
struct blob_range {
    int64_t offset; /* beyond the end: DM_EBADINPUT */
    int64_t n;      /* 0: up to the end; more than there is: up to the end */
};

/* Receives bytes in order; a negative code stops the transfer and is returned. */
typedef int (*blob_sink)(void *ctx, const void *bytes, size_t n, struct dm_err *e);

/* Read. With sha256 (hexadecimal, NULL to trust) and the whole object, DM_ECONFLICT when the bytes
 * are not those; the sink has then seen them already. */
DM_MUST_CHECK int blob_get(struct blob *b, const char *key, struct blob_range r, const char *sha256,
                           blob_sink sink, void *ctx, struct dm_err *e);
/* Into memory, appended; DM_ELIMIT beyond buf->max. */
DM_MUST_CHECK int blob_get_buf(struct blob *b, const char *key, struct blob_range r,
                               const char *sha256, struct dm_buf *buf, struct dm_err *e);

DM_MUST_CHECK int blob_stat(struct blob *b, const char *key, struct blob_info *ret,
                            struct dm_err *e);

/* An object that is not there is deleted already: DM_OK. */
DM_MUST_CHECK int blob_delete(struct blob *b, const char *key, struct dm_err *e);

/* Each object whose key begins with prefix ("" for all), once, sorted by bytes of the key; a
 * negative code of fn stops. What changes meanwhile may or may not be seen. */
typedef int (*blob_list_fn)(void *ctx, const char *key, const struct blob_info *info,
                            struct dm_err *e);
DM_MUST_CHECK int blob_list(struct blob *b, const char *prefix, blob_list_fn fn, void *ctx,
                            struct dm_err *e);

enum blob_method { BLOB_GET, BLOB_PUT };
/* URL with which anyone may do that within seconds (1 to 604800), appended to ret. dir:
 * DM_EUNSUPPORTED, the service hands out the bytes itself. */
DM_MUST_CHECK int blob_presign(struct blob *b, enum blob_method m, const char *key, int seconds,
                               struct dm_buf *ret, struct dm_err *e);

/* Whether it is a key as above. */
bool blob_key_valid(const char *key);

#endif
