/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies held against the schema that the document promises. */
#include <stdio.h>
#include <string.h>

#include "base/zone.h"
#include "http/schema_priv.h"

enum { PATH_MAX_ = 160 };

/* Where we are, as a text that grows and shrinks: "locations[3].bins". */
struct checker {
    char path[PATH_MAX_];
    struct dm_err *e;
};

static int check_value(struct checker *c, const struct http_field *f, const json_t *v);
static int check_members(struct checker *c, const struct http_schema *s, const json_t *v);

static int wrong(struct checker *c, const char *what)
{
    DM_FAIL(c->e, DM_EINTERNAL, "the reply breaks its schema at %s: %s", c->path, what);
}

static const char *wrong_text(const struct http_field *f, const char *s)
{
    char uuid[37];
    struct dm_civil day;
    int64_t ms = 0;
    size_t n = strlen(s);
    switch (f->type) {
    case HTTP_UUID:
        return http_uuid_lower(s, uuid) && strcmp(uuid, s) == 0 ? NULL : "not a UUID";
    case HTTP_DATE:
        return n == DM_DATE_SIZE - 1 && dm_date_parse(s, &day) ? NULL : "not a date";
    case HTTP_INSTANT:
        return n >= 20 && s[n - 1] == 'Z' && http_instant_parse(s, &ms) ? NULL : "not an instant";
    case HTTP_STR:
        return f->one_of == NULL || http_one_of(f->one_of, s) ? NULL : "not one of its values";
    case HTTP_ANY:
    case HTTP_INT:
    case HTTP_NUM:
    case HTTP_BOOL:
    case HTTP_OBJ:
    case HTTP_MAP:
    case HTTP_FILE:
        break;
    }
    return "not of its type";
}

static int check_scalar(struct checker *c, const struct http_field *f, const json_t *v)
{
    bool good = true;
    switch (f->type) {
    case HTTP_ANY:
        return DM_OK;
    case HTTP_INT:
        good = json_is_integer(v);
        break;
    case HTTP_NUM:
        good = json_is_number(v);
        break;
    case HTTP_BOOL:
        good = json_is_boolean(v);
        break;
    case HTTP_STR:
    case HTTP_UUID:
    case HTTP_DATE:
    case HTTP_INSTANT:
        if (json_is_string(v)) {
            const char *fault = wrong_text(f, json_string_value(v));
            return fault != NULL ? wrong(c, fault) : DM_OK;
        }
        good = false;
        break;
    case HTTP_OBJ:
    case HTTP_MAP:
    case HTTP_FILE:
        break;
    }
    return good ? DM_OK : wrong(c, "another type");
}

/* Step into a member or element, run check, step out. */
static int inside(struct checker *c, const char *name, size_t i, const struct http_field *f,
                  const json_t *v)
{
    size_t n = strlen(c->path);
    if (name != NULL) {
        (void)snprintf(c->path + n, sizeof(c->path) - n, "%s%s", n > 0 ? "." : "", name);
    } else {
        (void)snprintf(c->path + n, sizeof(c->path) - n, "[%zu]", i);
    }
    int rc = check_value(c, f, v);
    if (rc >= 0) {
        c->path[n] = '\0';
    }
    return rc;
}

static int check_list(struct checker *c, const struct http_field *f, const json_t *v)
{
    if (!json_is_array(v)) {
        return wrong(c, "not a list");
    }
    struct http_field item = *f;
    item.flags &= ~(unsigned)HTTP_LIST;
    size_t i;
    json_t *element;
    json_array_foreach((json_t *)(uintptr_t)v, i, element)
    {
        DM_TRY(inside(c, NULL, i, &item, element));
    }
    return DM_OK;
}

static int check_map(struct checker *c, const struct http_field *f, const json_t *v)
{
    if (!json_is_object(v)) {
        return wrong(c, "not an object");
    }
    struct http_field item = {"value", f->of != NULL ? HTTP_OBJ : HTTP_NUM, .of = f->of};
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
    {
        DM_TRY(inside(c, key, 0, &item, member));
    }
    return DM_OK;
}

static int check_value(struct checker *c, const struct http_field *f, const json_t *v)
{
    if (json_is_null(v)) {
        return f->flags & HTTP_NULL || f->type == HTTP_ANY ? DM_OK : wrong(c, "null");
    }
    if (f->flags & HTTP_LIST) {
        return check_list(c, f, v);
    }
    if (f->type == HTTP_MAP) {
        return check_map(c, f, v);
    }
    return f->type == HTTP_OBJ ? check_members(c, f->of, v) : check_scalar(c, f, v);
}

static bool declared(const struct http_schema *s, const char *name)
{
    struct http_walk w;
    for (const struct http_field *f = http_walk_first(&w, s); f != NULL; f = http_walk_next(&w)) {
        if (strcmp(f->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int check_members(struct checker *c, const struct http_schema *s, const json_t *v)
{
    if (!json_is_object(v)) {
        return wrong(c, "not an object");
    }
    if (s == NULL || s->field == NULL) {
        return DM_OK;
    }
    struct http_walk w;
    for (const struct http_field *f = http_walk_first(&w, s); f != NULL; f = http_walk_next(&w)) {
        const json_t *member = json_object_get(v, f->name);
        if (member != NULL) {
            DM_TRY(inside(c, f->name, 0, f, member));
        } else if (!(f->flags & (HTTP_OPT | HTTP_WRITE_ONLY))) {
            DM_FAIL(c->e, DM_EINTERNAL, "the reply breaks its schema at %s: no member %s", c->path,
                    f->name);
        }
    }
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
    {
        if (!(s->flags & HTTP_OPEN) && !declared(s, key)) {
            DM_FAIL(c->e, DM_EINTERNAL, "the reply breaks its schema at %s: unknown member %s",
                    c->path, key);
        }
    }
    return DM_OK;
}

int http_check_reply(const struct http_schema *s, bool list, const json_t *value, struct dm_err *e)
{
    struct checker c = {.e = e};
    struct http_field whole = {"reply", HTTP_OBJ, list ? HTTP_LIST : 0, .of = s};
    return check_value(&c, &whole, value);
}
