/* SPDX-License-Identifier: Apache-2.0
 *
 * One request to an S3 server: signed, sent, tried again, its failure understood. Inside blob/. */
#ifndef BLOB_S3_HTTP_H
#define BLOB_S3_HTTP_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "blob/driver.h"
#include "blob/s3_sign.h"

#define S3_ANSWER_MAX ((size_t)4 << 20) /* a list of 1000 keys has below 1 MiB */
#define S3_HANDLES    16                /* idle connections kept */

/* Everything below mu: mu. clock_offset: atomic. The rest is read-only after open. */
struct s3_blob {
    struct blob base;
    struct dm_arena a; /* of the texts */
    struct s3_key key;
    const char *scheme;      /* "https" */
    const char *host;        /* with bucket and port */
    const char *root;        /* path before a key: "/", "/bucket/", with the prefix */
    const char *bucket_path; /* "/" or "/bucket": of lists */
    const char *prefix;      /* "" or "a/b/" */
    const char *sse;         /* NULL without */
    int connect_ms, stall_ms, tries;
    char list_page[12];
    int64_t part_bytes;
    int (*perform)(void *perform_ctx, void *curl_easy); /* NULL: curl_easy_perform */
    void *perform_ctx;
    void (*pause)(int ms);          /* NULL: nanosleep */
    _Atomic int64_t clock_offset_s; /* server's clock less ours, once it refused ours */
    pthread_mutex_t mu;
    CURL *idle[S3_HANDLES];
    size_t n_idle;
};

struct s3_exchange {
    const char *method;
    const char *path;               /* encoded */
    struct s3_pairs query, headers; /* headers beside the usual ones, lower case, signed */
    const void *body;
    size_t body_n;
    const int *body_fd;    /* instead of body: body_n bytes of a file; NULL without */
    const char *body_hash; /* of that file */
    blob_sink sink;        /* of a 2xx body; NULL: into answer */
    void *ctx;
    bool one_try; /* the caller tries again itself */

    long status;
    struct dm_buf answer; /* body of what the sink does not get; clear it */
    char etag[128], modified[40];
    int64_t length;    /* content-length, -1 unknown */
    int64_t date_s;    /* server's clock, 0 unknown */
    int64_t delivered; /* to the sink */
    int sink_code;
    char code[64], message[160]; /* of an error answer */
    struct dm_err *e;            /* for the sink */
};

void s3_exchange_clear(struct s3_exchange *x);

/* Until it works, a failure that trying again does not heal, or s3->tries. Codes: blob.h. */
DM_MUST_CHECK int s3_exchange_run(struct s3_blob *s3, struct s3_exchange *x, struct dm_err *e);

/* Wait before try number n (1 is the second one): 100 ms doubled each time up to 5 s, of which a
 * random half is taken off, so that clients do not come back together. */
void s3_pause(const struct s3_blob *s3, int n);

#endif
