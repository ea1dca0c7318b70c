/* SPDX-License-Identifier: Apache-2.0
 *
 * From a path to the row of the table. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/http.h"

enum { HTTP_PARAMS_MAX = 6, HTTP_SEGMENTS_MAX = 16 };

struct http_router;

/* DM_EUSAGE names the row that contradicts another or itself. The tables stay borrowed. */
DM_MUST_CHECK int http_router_new(const struct http_app *app, struct http_router **ret,
                                  struct dm_err *e);
void http_router_free(struct http_router *r); /* accepts NULL */

struct http_match {
    const struct http_route *route; /* NULL: no row with this method */
    unsigned allowed;               /* methods of the rows that have the path; 0: no such path */
    size_t n;
    const char *name[HTTP_PARAMS_MAX];  /* borrowed from the router */
    const char *value[HTTP_PARAMS_MAX]; /* decoded, in the arena */
};

/* path begins with '/', percent-encoded as it came; one final slash does not count. A literal
 * segment wins over a parameter, and a row of the path itself over one of its other names. */
void http_router_find(const struct http_router *r, const char *path, enum http_method method,
                      struct dm_arena *a, struct http_match *ret);

/* %41 -> A, in the arena, and + -> blank with plus. NULL: a bad escape, a zero, bad UTF-8, or out
 * of memory. */
char *http_unescape(const char *s, size_t n, bool plus, struct dm_arena *a);

#endif
