/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of the schema code. */
#ifndef HTTP_SCHEMA_PRIV_H
#define HTTP_SCHEMA_PRIV_H

#include "http/schema.h"

DM_UNUSED static inline void http_json_freep(json_t **p)
{
    json_decref(*p);
}

/* Where in the request we are, and what was wrong so far. */
struct http_taker {
    json_t *issues;
    json_t *loc; /* array of names and indices, "body" first */
    bool text;   /* values are texts of a query or form */
};

/* Append an item of api.md 1.5. input borrowed, NULL or secret: left out; ctx is taken. DM_OK or
 * DM_ENOMEM. */
DM_MUST_CHECK int http_issue(struct http_taker *t, const struct http_field *f, const char *type,
                             const json_t *input, json_t *ctx, const char *fmt, ...)
    DM_PRINTF(6, 7);

/* One value that is not null, in its normal form. 1: *ret is a new reference; 0: faults were
 * noted. */
DM_MUST_CHECK int http_take_scalar(struct http_taker *t, const struct http_field *f,
                                   const json_t *in, json_t **ret, struct dm_err *e);

/* Whether the whole of s matches; the compiled form is kept for the life of the process. A pattern
 * that cannot be compiled is a bug of its table. */
bool http_pattern_match(const char *pattern, const char *s);

/* Whether s is one of "a|b|c". */
bool http_one_of(const char *list, const char *s);

bool http_uuid_lower(const char *s, char ret[static 37]);

#endif
