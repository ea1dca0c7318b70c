/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes by their segments. The rows of one number of segments lie together, those with literals
 * first, so that /products/categories is met before /products/{sku}. */
#include "http/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

struct segment {
    const char *text; /* in the template; not terminated */
    size_t n;
    bool param;
    char *name; /* of a parameter */
};

struct row {
    const struct http_route *route;
    size_t n;
    struct segment segment[HTTP_SEGMENTS_MAX];
};

struct http_router {
    const struct http_alias *alias; /* borrowed; NULL: none */
    struct row *row;                /* [n] sorted */
    size_t n;
    size_t first[HTTP_SEGMENTS_MAX + 2]; /* of each number of segments */
};

const struct http_route *http_each_route(const struct http_app *app, size_t *i)
{
    size_t at = (*i)++;
    for (size_t t = 0; app->tables[t] != NULL; t++) {
        for (const struct http_route *r = app->tables[t]; r->path != NULL; r++) {
            if (at-- == 0) {
                return r;
            }
        }
    }
    return NULL;
}

static int split_template(struct row *row, struct dm_err *e)
{
    const char *p = row->route->path;
    if (*p != '/') {
        DM_FAIL(e, DM_EUSAGE, "route %s does not begin with a slash", p);
    }
    size_t params = 0;
    while (*p == '/' && p[1] != '\0') {
        p++;
        if (row->n == HTTP_SEGMENTS_MAX) {
            DM_FAIL(e, DM_EUSAGE, "route %s has too many segments", row->route->path);
        }
        struct segment *s = &row->segment[row->n++];
        *s = (struct segment){.text = p, .n = strcspn(p, "/"), .param = *p == '{'};
        if (s->param) {
            if (s->text[s->n - 1] != '}' || ++params > HTTP_PARAMS_MAX) {
                DM_FAIL(e, DM_EUSAGE, "route %s: a parameter is not written {name}",
                        row->route->path);
            }
            s->name = dm_alloc(s->n);
            if (s->name == NULL) {
                DM_FAIL(e, DM_ENOMEM, "not enough memory for the routes");
            }
            memcpy(s->name, s->text + 1, s->n - 2);
            s->name[s->n - 2] = '\0';
        }
        p += s->n;
    }
    return DM_OK;
}

/* By number of segments; then the first difference decides: a literal before a parameter. */
static int compare(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }
    for (size_t i = 0; i < a->n; i++) {
        const struct segment *s = &a->segment[i], *t = &b->segment[i];
        if (s->param != t->param) {
            return s->param ? 1 : -1;
        }
        int d = s->param ? 0 : strncmp(s->text, t->text, DM_MAX(s->n, t->n));
        if (d == 0 && !s->param && s->n != t->n) {
            d = s->n < t->n ? -1 : 1;
        }
        if (d != 0) {
            return d;
        }
    }
    return 0;
}

static int check_rows(const struct http_router *r, struct dm_err *e)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct http_route *a = r->row[i].route;
        if (a->handle == NULL || a->name == NULL || a->methods == 0) {
            DM_FAIL(e, DM_EUSAGE, "route %s has no handler, name or method", a->path);
        }
        for (size_t j = i + 1; j < r->n && compare(&r->row[i], &r->row[j]) == 0; j++) {
            if (a->methods & r->row[j].route->methods) {
                DM_FAIL(e, DM_EUSAGE, "two routes for %s", a->path);
            }
        }
    }
    return DM_OK;
}

int http_router_new(const struct http_app *app, struct http_router **ret, struct dm_err *e)
{
    struct http_router *r = dm_calloc(1, sizeof(*r));
    size_t n = 0;
    while (http_each_route(app, &n) != NULL) {
    }
    n--;
    if (r != NULL) {
        r->row = dm_calloc(n + 1, sizeof(*r->row));
    }
    if (r == NULL || r->row == NULL) {
        dm_free(r);
        DM_FAIL(e, DM_ENOMEM, "not enough memory for the routes");
    }
    *ret = r;
    r->alias = app->alias;
    for (size_t i = 0; i < n;) {
        r->row[r->n].route = http_each_route(app, &i);
        r->n++;
        DM_TRY(split_template(&r->row[r->n - 1], e));
    }
    qsort(r->row, r->n, sizeof(*r->row), compare);
    for (size_t i = 0, k = 0; k < DM_COUNT(r->first); k++) {
        while (i < r->n && r->row[i].n < k) {
            i++;
        }
        r->first[k] = i;
    }
    return check_rows(r, e);
}

void http_router_free(struct http_router *r)
{
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; k < r->row[i].n; k++) {
            dm_free(r->row[i].segment[k].name);
        }
    }
    dm_free(r->row);
    dm_free(r);
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

char *http_unescape(const char *s, size_t n, bool plus, struct dm_arena *a)
{
    char *out = dm_arena_alloc(a, n + 1);
    size_t m = 0;
    for (size_t i = 0; out != NULL && i < n; i++) {
        char c = s[i];
        if (c == '%') {
            int high = i + 1 < n ? hex(s[i + 1]) : -1;
            int low = i + 2 < n ? hex(s[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[m++] = c;
    }
    if (out == NULL) {
        return NULL;
    }
    out[m] = '\0';
    return dm_text_valid(out, m) ? out : NULL;
}

/* Segments of a request's path; -1: more than any route has. */
static int split_path(const char *path, const char *text[], size_t len[])
{
    int n = 0;
    size_t all = strlen(path);
    if (all > 1 && path[all - 1] == '/') {
        all--;
    }
    const char *end = path + all, *p = path;
    while (p < end && *p == '/' && p + 1 < end) {
        p++;
        if (n == HTTP_SEGMENTS_MAX) {
            return -1;
        }
        text[n] = p;
        while (p < end && *p != '/') {
            p++;
        }
        len[n] = (size_t)(p - text[n]);
        n++;
    }
    return n;
}

static bool fits(const struct row *row, const char *const text[], const size_t len[])
{
    for (size_t i = 0; i < row->n; i++) {
        const struct segment *s = &row->segment[i];
        if (s->param ? len[i] == 0 : s->n != len[i] || memcmp(s->text, text[i], s->n) != 0) {
            return false;
        }
    }
    return true;
}

/* Whether the same segments of both are literals. */
static bool same_shape(const struct row *a, const struct row *b)
{
    size_t i = 0;
    while (i < a->n && a->segment[i].param == b->segment[i].param) {
        i++;
    }
    return i == a->n;
}

/* Rows are in order, literals first: the first that fits says which path it is, and those of its
 * shape have its other methods. */
static void find(const struct http_router *r, const char *path, enum http_method method,
                 struct dm_arena *a, struct http_match *ret)
{
    *ret = (struct http_match){0};
    const char *text[HTTP_SEGMENTS_MAX];
    size_t len[HTTP_SEGMENTS_MAX];
    int n = split_path(path, text, len);
    if (n < 0) {
        return;
    }
    const struct row *found = NULL;
    const struct row *first = NULL;
    for (size_t i = r->first[n]; i < r->first[n + 1]; i++) {
        const struct row *row = &r->row[i];
        if (!fits(row, text, len) || (first != NULL && !same_shape(first, row))) {
            continue;
        }
        first = first != NULL ? first : row;
        ret->allowed |= row->route->methods;
        if (found == NULL && (row->route->methods & (unsigned)method)) {
            found = row;
        }
    }
    if (found == NULL) {
        return;
    }
    for (size_t i = 0; i < found->n; i++) {
        const struct segment *s = &found->segment[i];
        if (s->param) {
            ret->name[ret->n] = s->name;
            ret->value[ret->n] = http_unescape(text[i], len[i], false, a);
            if (ret->value[ret->n++] == NULL) {
                *ret = (struct http_match){0};
                return;
            }
        }
    }
    ret->route = found->route;
}

/* The path under its own name; NULL: it has no other. */
static const char *rename_path(const struct http_router *r, const char *path, struct dm_arena *a)
{
    for (const struct http_alias *x = r->alias; x != NULL && x->from != NULL; x++) {
        const size_t n = strlen(x->from);
        const bool folder = x->from[n - 1] == '/';
        if (strncmp(path, x->from, n) == 0 &&
            (folder ? path[n] != '\0' : path[n] == '\0' || path[n] == '/')) {
            return dm_arena_printf(a, "%s%s", x->to, path + n);
        }
    }
    return NULL;
}

void http_router_find(const struct http_router *r, const char *path, enum http_method method,
                      struct dm_arena *a, struct http_match *ret)
{
    enum { RENAMES = 2 }; /* an alias may lead to one more */
    struct http_match other;
    find(r, path, method, a, ret);
    for (int i = 0; i < RENAMES && path != NULL && ret->route == NULL; i++) {
        path = rename_path(r, path, a);
        if (path == NULL) {
            return;
        }
        find(r, path, method, a, &other);
        if (other.route != NULL || ret->allowed == 0) {
            *ret = other;
        }
    }
}
