/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects and lists of a request taken apart by their tables, and replies held against theirs. */
#include "http/schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/zone.h"
#include "http/schema_priv.h"

const struct http_field *http_walk_first(struct http_walk *w, const struct http_schema *s)
{
    *w = (struct http_walk){0};
    for (; s != NULL && w->n < (int)DM_COUNT(w->level); s = s->base) {
        w->level[w->n++] = s;
    }
    DM_BUG_UNLESS(s == NULL);
    return http_walk_next(w);
}

const struct http_field *http_walk_next(struct http_walk *w)
{
    if (w->at != NULL) {
        w->at++;
    }
    while (w->at == NULL || w->at->name == NULL) {
        if (w->n == 0) {
            return NULL;
        }
        w->at = w->level[--w->n]->field;
    }
    return w->at;
}

/* ---- requests ---- */

static int take_value(struct http_taker *t, const struct http_field *f, const json_t *in,
                      json_t **ret, struct dm_err *e);
static int take_members(struct http_taker *t, const struct http_schema *s, const json_t *in,
                        json_t **ret, struct dm_err *e);

static int push(struct http_taker *t, json_t *step)
{
    return json_array_append_new(t->loc, step) < 0 ? DM_ENOMEM : DM_OK;
}

static void pop(struct http_taker *t)
{
    (void)json_array_remove(t->loc, json_array_size(t->loc) - 1);
}

static int take_list(struct http_taker *t, const struct http_field *f, const json_t *in,
                     json_t **ret, struct dm_err *e)
{
    if (!json_is_array(in)) {
        DM_TRY(http_issue(t, f, "list_type", in, NULL, "Input should be a valid list"));
        return 0;
    }
    size_t n = json_array_size(in);
    if (n < f->items_min || (f->items_max > 0 && n > f->items_max)) {
        bool shorter = n < f->items_min;
        unsigned bound = shorter ? f->items_min : f->items_max;
        DM_TRY(http_issue(t, f, shorter ? "too_short" : "too_long", NULL,
                          json_pack("{s:i, s:i}", shorter ? "min_length" : "max_length", (int)bound,
                                    "actual_length", (int)n),
                          "List should have at %s %u items", shorter ? "least" : "most", bound));
        return 0;
    }
    DM_CLEANUP(http_json_freep) json_t *out = json_array();
    struct http_field item = *f;
    item.flags &= ~(unsigned)(HTTP_LIST | HTTP_NULL);
    bool good = out != NULL;
    for (size_t i = 0; out != NULL && i < n; i++) {
        DM_TRY(push(t, json_integer((json_int_t)i)));
        json_t *value = NULL;
        int ok = take_value(t, &item, json_array_get(in, i), &value, e);
        pop(t);
        DM_TRY(ok);
        good = good && ok > 0;
        if (ok > 0 && json_array_append_new(out, value) < 0) {
            return DM_ENOMEM;
        }
    }
    if (out == NULL) {
        return DM_ENOMEM;
    }
    if (good) {
        *ret = DM_STEAL(out);
    }
    return good;
}

static int take_map(struct http_taker *t, const struct http_field *f, const json_t *in,
                    json_t **ret, struct dm_err *e)
{
    if (!json_is_object(in)) {
        DM_TRY(http_issue(t, f, "dict_type", in, NULL, "Input should be a valid object"));
        return 0;
    }
    DM_CLEANUP(http_json_freep) json_t *out = json_object();
    struct http_field item = {"value", f->of != NULL ? HTTP_OBJ : HTTP_INT, .of = f->of};
    bool good = out != NULL;
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)in, key, member)
    {
        DM_TRY(push(t, json_string(key)));
        json_t *value = NULL;
        int ok = take_value(t, &item, member, &value, e);
        pop(t);
        DM_TRY(ok);
        good = good && ok > 0;
        if (ok > 0 && json_object_set_new(out, key, value) < 0) {
            return DM_ENOMEM;
        }
    }
    if (out == NULL) {
        return DM_ENOMEM;
    }
    if (good) {
        *ret = DM_STEAL(out);
    }
    return good;
}

static int take_value(struct http_taker *t, const struct http_field *f, const json_t *in,
                      json_t **ret, struct dm_err *e)
{
    if (f->flags & HTTP_LIST) {
        return take_list(t, f, in, ret, e);
    }
    switch (f->type) {
    case HTTP_ANY:
        *ret = json_deep_copy(in);
        return *ret == NULL ? DM_ENOMEM : 1;
    case HTTP_OBJ:
        return take_members(t, f->of, in, ret, e);
    case HTTP_MAP:
        return take_map(t, f, in, ret, e);
    case HTTP_STR:
    case HTTP_INT:
    case HTTP_NUM:
    case HTTP_BOOL:
    case HTTP_UUID:
    case HTTP_DATE:
    case HTTP_INSTANT:
        return http_take_scalar(t, f, in, ret, e);
    case HTTP_FILE:
        break;
    }
    return 0;
}

/* One member of an object: its fallback, null, or value. */
static int take_member(struct http_taker *t, const struct http_field *f, const json_t *in,
                       json_t *out, struct dm_err *e)
{
    const json_t *given = json_object_get(in, f->name);
    if (given == NULL && f->alias != NULL) {
        given = json_object_get(in, f->alias);
    }
    DM_CLEANUP(http_json_freep) json_t *fallback = NULL;
    if (f->fallback != NULL &&
        (given == NULL || (json_is_null(given) && !(f->flags & HTTP_NULL)))) {
        fallback = json_loads(f->fallback, JSON_DECODE_ANY, NULL);
        DM_BUG_UNLESS(fallback != NULL);
        given = fallback;
    }
    if (given == NULL || (json_is_null(given) && !(f->flags & HTTP_NULL))) {
        if (f->flags & HTTP_REQ) {
            DM_TRY(push(t, json_string(f->name)));
            int done = http_issue(t, f, "missing", NULL, NULL, "Field required");
            pop(t);
            DM_TRY(done);
        }
        return DM_OK;
    }
    if (json_is_null(given)) {
        return json_object_set_new(out, f->name, json_null()) < 0 ? DM_ENOMEM : DM_OK;
    }
    DM_TRY(push(t, json_string(f->name)));
    json_t *value = NULL;
    int ok = take_value(t, f, given, &value, e);
    pop(t);
    DM_TRY(ok);
    return ok > 0 && json_object_set_new(out, f->name, value) < 0 ? DM_ENOMEM : DM_OK;
}

static int take_members(struct http_taker *t, const struct http_schema *s, const json_t *in,
                        json_t **ret, struct dm_err *e)
{
    if (!json_is_object(in)) {
        DM_TRY(http_issue(t, NULL, "dict_type", in, NULL, "Input should be a valid object"));
        return 0;
    }
    if (s == NULL || s->field == NULL) {
        *ret = json_deep_copy(in);
        return *ret == NULL ? DM_ENOMEM : 1;
    }
    size_t before = json_array_size(t->issues);
    DM_CLEANUP(http_json_freep) json_t *out = json_object();
    if (out == NULL) {
        return DM_ENOMEM;
    }
    struct http_walk w;
    for (const struct http_field *f = http_walk_first(&w, s); f != NULL; f = http_walk_next(&w)) {
        DM_TRY(take_member(t, f, in, out, e));
    }
    if (json_array_size(t->issues) > before) {
        return 0;
    }
    *ret = DM_STEAL(out);
    return 1;
}

/* An empty object stands in where faults left nothing, so that callers need not ask. */
static int settled(int rc, json_t **ret, struct dm_err *e)
{
    if (rc == 0) {
        *ret = json_object();
    }
    if (rc < 0 || *ret == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for the request");
    }
    return DM_OK;
}

int http_take_object(const struct http_schema *s, const json_t *in, const char *where,
                     json_t *issues, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(http_json_freep) json_t *loc = json_pack("[s]", where);
    struct http_taker t = {.issues = issues, .loc = loc};
    return settled(loc == NULL ? DM_ENOMEM : take_members(&t, s, in, ret, e), ret, e);
}

/* "a,b,c" and repeated keys as one list of texts; numbers are read from them later. */
static int append_parts(json_t *list, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, ",");
        if (n > 0 && json_array_append_new(list, json_stringn(text, n)) < 0) {
            return DM_ENOMEM;
        }
        text += n + (text[n] == ',');
    }
    return DM_OK;
}

static int gather(const struct http_field *f, const json_t *pairs, json_t *object)
{
    DM_CLEANUP(http_json_freep) json_t *list = NULL;
    json_t *value = NULL;
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        json_t *pair = json_array_get(pairs, i);
        const char *name = json_string_value(json_array_get(pair, 0));
        if (strcmp(name, f->name) != 0 && (f->alias == NULL || strcmp(name, f->alias) != 0)) {
            continue;
        }
        value = json_array_get(pair, 1);
        if (f->flags & HTTP_LIST) {
            list = list != NULL ? list : json_array();
            if (list == NULL) {
                return DM_ENOMEM;
            }
            DM_TRY(append_parts(list, json_string_value(value)));
        }
    }
    if (value == NULL) {
        return DM_OK;
    }
    if (f->type == HTTP_OBJ || f->type == HTTP_ANY || f->type == HTTP_MAP) {
        /* JSON inside a form field; what cannot be read stays a text and is refused as such. */
        json_t *parsed = json_loads(json_string_value(value), JSON_DECODE_ANY, NULL);
        return json_object_set_new(object, f->name, parsed != NULL ? parsed : json_incref(value)) <
                       0
                   ? DM_ENOMEM
                   : DM_OK;
    }
    /* An empty text for something that is not a text is the same as none, but for numbers, where
     * api.md 1.3 wants a refusal. */
    return json_object_set(object, f->name, list != NULL ? list : value) < 0 ? DM_ENOMEM : DM_OK;
}

int http_take_pairs(const struct http_field *fields, const json_t *pairs, const char *where,
                    json_t *issues, json_t **ret, struct dm_err *e)
{
    DM_CLEANUP(http_json_freep) json_t *loc = json_pack("[s]", where);
    DM_CLEANUP(http_json_freep) json_t *object = json_object();
    DM_CLEANUP(http_json_freep) json_t *out = json_object();
    if (loc == NULL || object == NULL || out == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for the request");
    }
    struct http_taker t = {.issues = issues, .loc = loc, .text = true};
    for (const struct http_field *f = fields; f != NULL && f->name != NULL; f++) {
        if (f->type == HTTP_FILE) {
            continue;
        }
        if (gather(f, pairs, object) < 0 || take_member(&t, f, object, out, e) < 0) {
            DM_FAIL(e, DM_ENOMEM, "not enough memory for the request");
        }
    }
    *ret = DM_STEAL(out);
    return DM_OK;
}

/* ---- reading ---- */

bool http_has(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return v != NULL && !json_is_null(v);
}

bool http_is_null(const json_t *o, const char *name)
{
    return json_is_null(json_object_get(o, name));
}

int64_t http_int(const json_t *o, const char *name, int64_t otherwise)
{
    const json_t *v = json_object_get(o, name);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

double http_num(const json_t *o, const char *name, double otherwise)
{
    const json_t *v = json_object_get(o, name);
    return json_is_number(v) ? json_number_value(v) : otherwise;
}

bool http_bool(const json_t *o, const char *name, bool otherwise)
{
    const json_t *v = json_object_get(o, name);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

const char *http_str(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}
