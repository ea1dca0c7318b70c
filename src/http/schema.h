/* SPDX-License-Identifier: Apache-2.0
 *
 * The shape of values that come in and go out, as data: one table of fields says how a parameter or
 * a member is written, and validation, OpenAPI, the documentation page and the tests read it.
 *
 *   static const struct http_field point[] = {
 *       {"longitude", HTTP_NUM, HTTP_REQ, .min = -180, .max = 180},
 *       {"latitude", HTTP_NUM, HTTP_REQ, .min = -90, .max = 90},
 *       {NULL},
 *   };
 *   static const struct http_schema Point = {"Point", point};
 *
 * A field table ends with a row without a name. */
#ifndef HTTP_SCHEMA_H
#define HTTP_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"

enum http_type {
    HTTP_ANY,     /* any JSON value; `of` NULL */
    HTTP_STR,     /* min..max code points, pattern, one_of */
    HTTP_INT,     /* integer, or what api.md 1.3 takes for one */
    HTTP_NUM,     /* number */
    HTTP_BOOL,    /* in query and form also yes, no, on, off ... */
    HTTP_UUID,    /* lower-case hyphenated */
    HTTP_DATE,    /* YYYY-MM-DD; stays a string */
    HTTP_INSTANT, /* in: RFC 3339 or Unix seconds, handed on as integer milliseconds; out: RFC 3339
                   */
    HTTP_OBJ,     /* object of schema `of`; NULL: any object */
    HTTP_MAP,     /* object whose values are of schema `of`, or integers when it is NULL */
    HTTP_FILE,    /* part of a multipart body */
};

enum http_field_flag {
    HTTP_REQ = 1,         /* in: must be there */
    HTTP_NULL = 2,        /* may be null: in, null then stays (it clears a column) */
    HTTP_LIST = 4,        /* array of it; in query and form: comma list or the key repeated */
    HTTP_OPT = 8,         /* out: may be absent */
    HTTP_SECRET = 16,     /* never repeated in an error */
    HTTP_UPPER = 32,      /* in: made upper case (ASCII) before it is looked at */
    HTTP_TRIM = 64,       /* in: white space at both ends does not count */
    HTTP_ABOVE = 128,     /* min itself is not allowed */
    HTTP_WRITE_ONLY = 256 /* documented as such */
};

struct http_schema;

struct http_field {
    const char *name;
    enum http_type type;
    unsigned flags;  /* enum http_field_flag */
    double min, max; /* of the number, or of the code points of a string; both 0: no bound */
    unsigned items_min, items_max; /* of a list; items_max 0: no bound but the body's */
    const char *one_of;            /* "a|b|c" */
    const char *pattern;           /* POSIX extended expression for the whole value */
    const struct http_schema *of;
    const char *fallback; /* JSON text of the value when the request has none */
    const char *alias;    /* another name it is taken under */
    const char *about;    /* one line for the documentation */
    const char *example;  /* JSON text */
};

struct http_schema {
    const char *name;               /* in OpenAPI's components; NULL: written where it is used */
    const struct http_field *field; /* NULL: any object */
    const struct http_schema *base; /* its fields come first */
    unsigned flags;                 /* HTTP_OPEN: further members are allowed in a reply */
};

enum { HTTP_OPEN = 1 };

/* One thing wrong with a request: an item of the `detail` array of api.md 1.5. */
#define HTTP_ISSUES_MAX 100

/* Fields of a schema in order, those of its bases first: for (f = first; f; f = next). */
struct http_walk {
    const struct http_schema *level[4];
    int n;
    const struct http_field *at;
};
const struct http_field *http_walk_first(struct http_walk *w, const struct http_schema *s);
const struct http_field *http_walk_next(struct http_walk *w);

/* Take a JSON object of a request apart. *ret gets a new object with every declared member that was
 * given (or has a fallback), in normal form: integers as integers, instants as milliseconds,
 * strings checked, unknown members dropped. Faults are appended to issues (an array), loc beginning
 * with where ("body"). DM_OK also when there are faults; DM_ENOMEM. */
DM_MUST_CHECK int http_take_object(const struct http_schema *s, const json_t *in, const char *where,
                                   json_t *issues, json_t **ret, struct dm_err *e);

/* The same for text values: query, form, path. pairs is an array of [name, value] strings in the
 * order they came. */
DM_MUST_CHECK int http_take_pairs(const struct http_field *fields, const json_t *pairs,
                                  const char *where, json_t *issues, json_t **ret,
                                  struct dm_err *e);

/* Whether a reply is what its schema promises. list: an array of it. DM_EINTERNAL names the first
 * member that is not, with its path. */
DM_MUST_CHECK int http_check_reply(const struct http_schema *s, bool list, const json_t *value,
                                   struct dm_err *e);

/* Unix seconds that are taken for an instant: years 6 to 5138, which the calendar and the databases
 * know. */
#define HTTP_SECONDS_ABOVE (-62e9)
#define HTTP_SECONDS_BELOW 100e9

/* Milliseconds since 1970 of an ISO 8601 text (without offset: UTC) or of Unix seconds. */
bool http_instant_parse(const char *text, int64_t *ret_ms);
/* RFC 3339 with Z, milliseconds only when there are some. */
#define HTTP_INSTANT_SIZE 32
void http_instant_text(int64_t ms, char ret[static HTTP_INSTANT_SIZE]);

/* ---- reading what was taken (every function accepts a member that is not there) ---- */

/* Given and not null. */
bool http_has(const json_t *o, const char *name);
/* Given as null. */
bool http_is_null(const json_t *o, const char *name);
int64_t http_int(const json_t *o, const char *name, int64_t otherwise);
double http_num(const json_t *o, const char *name, double otherwise);
bool http_bool(const json_t *o, const char *name, bool otherwise);
const char *http_str(const json_t *o, const char *name); /* NULL when not given; borrowed */

#endif
