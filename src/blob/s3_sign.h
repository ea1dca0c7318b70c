/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS Signature Version 4 (docs.aws.amazon.com, "Authenticating Requests (AWS Signature Version
 * 4)"). Ours, because libcurl 7.88's CURLOPT_AWS_SIGV4 neither signs addresses nor sorts the query
 * nor takes an access key with a colon. Inside blob/ only. */
#ifndef BLOB_S3_SIGN_H
#define BLOB_S3_SIGN_H

#include <stdint.h>

#include "base/buf.h"

#define S3_UNSIGNED  "UNSIGNED-PAYLOAD"
#define S3_PAIRS_MAX 16

struct s3_key {
    const char *access, *secret;
    const char *token; /* NULL without */
    const char *region;
};

struct s3_pair {
    const char *name, *value; /* not encoded; header names in lower case */
};

struct s3_pairs {
    struct s3_pair v[S3_PAIRS_MAX];
    size_t n;
};

static inline void s3_pair_add(struct s3_pairs *p, const char *name, const char *value)
{
    DM_BUG_UNLESS(p->n < S3_PAIRS_MAX);
    p->v[p->n++] = (struct s3_pair){name, value};
}

#define S3_DATE_SIZE 17 /* "20261123T150405Z" and the NUL */
void s3_date(int64_t seconds, char ret[static S3_DATE_SIZE]);

struct s3_call {
    const char *method;
    const char *path;        /* encoded, begins with a slash */
    struct s3_pairs query;   /* any order */
    struct s3_pairs headers; /* all that are signed, host among them; any order */
    const char *payload;     /* SHA-256 of the body in hexadecimal, or S3_UNSIGNED */
    char date[S3_DATE_SIZE];
};

/* Append the value of the Authorization header. Errors stay in ret. */
void s3_authorization(const struct s3_key *key, const struct s3_call *c, struct dm_buf *ret);

/* Append the query of a signed address, without the question mark; adds to c->query. */
void s3_presigned_query(const struct s3_key *key, struct s3_call *c, int seconds,
                        struct dm_buf *ret);

/* Append name=value&..., encoded and sorted as the signature wants it. */
void s3_query(const struct s3_pairs *query, struct dm_buf *ret);

#endif
