/* SPDX-License-Identifier: Apache-2.0
 *
 * Field tables as JSON Schema 2020-12, the dialect of OpenAPI 3.1. A schema with a name is written
 * once, under components; one that comes in and goes out has two forms, since what is required
 * differs. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "http/openapi.h"
#include "http/schema_priv.h"

void http_put(struct http_writer *w, json_t *object, const char *name, json_t *value)
{
    w->failed |= json_object_set_new(object, name, value) < 0;
}

void http_put_text(struct http_writer *w, json_t *object, const char *name, const char *text)
{
    if (text) {
        http_put(w, object, name, json_string(text));
    }
}

void http_append(struct http_writer *w, json_t *array, json_t *value)
{
    w->failed |= json_array_append_new(array, value) < 0;
}

/* JSON text of a table; a broken one is a bug that the first request for the document would show.
 */
static json_t *literal(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    DM_BUG_UNLESS(value != NULL);
    return value;
}

/* A whole number without a point. */
static json_t *number(double v)
{
    return v == (double)(int64_t)v ? json_integer((json_int_t)v) : json_real(v);
}

static void put_bounds(struct http_writer *w, json_t *o, const struct http_field *f)
{
    bool above = f->flags & HTTP_ABOVE;
    if (f->min == 0 && f->max == 0 && !above) {
        return;
    }
    http_put(w, o, above ? "exclusiveMinimum" : "minimum", number(f->min));
    if (f->max > f->min) {
        http_put(w, o, "maximum", number(f->max));
    }
}

/* "^(?:...)$". With HTTP_UPPER small letters are taken as well. */
static json_t *pattern(const struct http_field *f)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init(1024);
    dm_buf_puts(&b, "^(?:");
    for (const char *p = f->pattern; *p; p++) {
        dm_buf_putc(&b, *p);
        if (f->flags & HTTP_UPPER && *p == 'Z' && p[-1] == '-') {
            dm_buf_puts(&b, "a-z");
        }
    }
    dm_buf_puts(&b, ")$");
    return b.failed ? NULL : json_string(dm_buf_str(&b));
}

static json_t *choices(struct http_writer *w, const char *list, bool null)
{
    json_t *all = json_array();
    for (const char *p = list; p; p = strchr(p, '|'), p = p ? p + 1 : NULL) {
        http_append(w, all, json_stringn(p, strcspn(p, "|")));
    }
    if (null) {
        http_append(w, all, json_null());
    }
    return all;
}

static void put_string(struct http_writer *w, json_t *o, const struct http_field *f,
                       enum http_way way, bool null)
{
    if (way != HTTP_OUT && f->min > 0) {
        http_put(w, o, "minLength", number(f->min));
    }
    if (way != HTTP_OUT && f->max > 0) {
        http_put(w, o, "maxLength", number(f->max));
    }
    if (way != HTTP_OUT && f->pattern) {
        http_put(w, o, "pattern", pattern(f));
    }
    if (f->one_of) {
        http_put(w, o, "enum", choices(w, f->one_of, null));
    }
}

static json_t *type_of(const char *name, bool null)
{
    return null ? json_pack("{s:[s,s]}", "type", name, "null") : json_pack("{s:s}", "type", name);
}

static json_t *map_json(struct http_writer *w, const struct http_field *f, enum http_way way,
                        bool null)
{
    json_t *o = type_of("object", null);
    http_put(w, o, "additionalProperties",
             f->of ? http_schema_json(w, f->of, way)
                   : json_pack("{s:s}", "type", way == HTTP_OUT ? "number" : "integer"));
    return o;
}

static json_t *object_json(struct http_writer *w, const struct http_field *f, enum http_way way,
                           bool null)
{
    if (!f->of) {
        return type_of("object", null);
    }
    json_t *o = http_schema_json(w, f->of, way);
    return null ? json_pack("{s:[o, {s:s}]}", "anyOf", o, "type", "null") : o;
}

/* What a format says holds for texts only, so that null stands beside it; a request may also give
 * the seconds since 1970 for an instant. */
static json_t *with_format(const struct http_field *f, const char *format, enum http_way way,
                           bool null)
{
    json_t *o = json_pack("{s:s, s:s}", "type", "string", "format", format);
    const bool seconds = way != HTTP_OUT && f->type == HTTP_INSTANT;
    if (!null && !seconds) {
        return o;
    }
    json_t *any = json_pack("[o]", o);
    if (any && seconds) {
        (void)json_array_append_new(any, json_pack("{s:s, s:f, s:f}", "type", "number",
                                                   "exclusiveMinimum", HTTP_SECONDS_ABOVE,
                                                   "exclusiveMaximum", HTTP_SECONDS_BELOW));
    }
    if (any && null) {
        (void)json_array_append_new(any, type_of("null", false));
    }
    return json_pack("{s:o}", "anyOf", any);
}

/* Whether null may stand there. */
static bool takes_null(const struct http_field *f, enum http_way way)
{
    return way != HTTP_TEXT && (f->flags & HTTP_NULL || (way == HTTP_IN && !(f->flags & HTTP_REQ)));
}

/* One value, not a list of it. */
static json_t *value_json(struct http_writer *w, const struct http_field *f, enum http_way way)
{
    static const struct {
        const char *type, *format;
    } row[] = {
        [HTTP_STR] = {"string"},          [HTTP_INT] = {"integer"},
        [HTTP_NUM] = {"number"},          [HTTP_BOOL] = {"boolean"},
        [HTTP_UUID] = {"string", "uuid"}, [HTTP_DATE] = {"string", "date"},
        [HTTP_FILE] = {"string"},         [HTTP_INSTANT] = {"string", "date-time"},
    };
    const bool null = takes_null(f, way) && !(f->flags & HTTP_LIST);
    if (f->type == HTTP_ANY) {
        return json_object();
    }
    if (f->type == HTTP_OBJ) {
        return object_json(w, f, way, null);
    }
    if (f->type == HTTP_MAP) {
        return map_json(w, f, way, null);
    }
    if (row[f->type].format) {
        return with_format(f, row[f->type].format, way, null);
    }
    json_t *o = type_of(row[f->type].type, null);
    if (f->type == HTTP_FILE) {
        http_put(w, o, "contentMediaType", json_string("application/octet-stream"));
    } else if (f->type == HTTP_STR) {
        put_string(w, o, f, way, null);
    } else if (f->type == HTTP_INT || f->type == HTTP_NUM) {
        put_bounds(w, o, f);
    }
    return o;
}

static json_t *list_json(struct http_writer *w, const struct http_field *f, enum http_way way)
{
    json_t *o = type_of("array", takes_null(f, way));
    http_put(w, o, "items", value_json(w, f, way));
    if (f->items_min) {
        http_put(w, o, "minItems", json_integer(f->items_min));
    }
    if (f->items_max) {
        http_put(w, o, "maxItems", json_integer(f->items_max));
    }
    return o;
}

json_t *http_field_json(struct http_writer *w, const struct http_field *f, enum http_way way)
{
    json_t *o = f->flags & HTTP_LIST ? list_json(w, f, way) : value_json(w, f, way);
    http_put_text(w, o, "description", f->about);
    if (way != HTTP_OUT && f->fallback) {
        http_put(w, o, "default", literal(f->fallback));
    }
    if (f->example) {
        json_t *examples = json_array();
        http_append(w, examples, literal(f->example));
        http_put(w, o, "examples", examples);
    }
    if (f->flags & HTTP_WRITE_ONLY) {
        http_put(w, o, "writeOnly", json_true());
    }
    return o;
}

static void put_member(struct http_writer *w, json_t *properties, json_t *required,
                       const struct http_field *f, enum http_way way)
{
    http_put(w, properties, f->name, http_field_json(w, f, way));
    const bool must =
        way == HTTP_OUT ? !(f->flags & (HTTP_OPT | HTTP_WRITE_ONLY)) : f->flags & HTTP_REQ;
    if (must) {
        http_append(w, required, json_string(f->name));
    }
}

static json_t *finished(struct http_writer *w, json_t *properties, json_t *required)
{
    json_t *o = type_of("object", false);
    http_put(w, o, "properties", properties);
    if (json_array_size(required) > 0) {
        http_put(w, o, "required", json_incref(required));
    }
    json_decref(required);
    return o;
}

static json_t *members(struct http_writer *w, const struct http_schema *s, enum http_way way)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    struct http_walk walk;
    for (const struct http_field *f = http_walk_first(&walk, s); f; f = http_walk_next(&walk)) {
        put_member(w, properties, required, f, way);
    }
    return finished(w, properties, required);
}

json_t *http_fields_json(struct http_writer *w, const struct http_field *f, enum http_way way)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    for (; f && f->name; f++) {
        put_member(w, properties, required, f, way);
    }
    return finished(w, properties, required);
}

/* The name a schema has in the document. Two that are called the same and say the same share it;
 * where they differ the second gets a number, which a test of the program's tables refuses. */
static void component(struct http_writer *w, const struct http_schema *s, const char *wanted,
                      enum http_way way, char *ret, size_t size)
{
    const json_int_t address = (json_int_t)(uintptr_t)s;
    (void)snprintf(ret, size, "%s", wanted);
    for (int n = 2;; n++) {
        const json_t *owner = json_object_get(w->given, ret);
        if (owner && json_integer_value(owner) == address) {
            return;
        }
        if (!owner) {
            http_put(w, w->given, ret, json_integer(address));
            http_put(w, w->schemas, ret, json_object()); /* one that contains itself ends here */
            http_put(w, w->schemas, ret, members(w, s, way));
            return;
        }
        json_t *mine = members(w, s, way);
        const bool same = json_equal(mine, json_object_get(w->schemas, ret));
        json_decref(mine);
        if (same) {
            return;
        }
        (void)snprintf(ret, size, "%s%d", wanted, n);
    }
}

json_t *http_schema_json(struct http_writer *w, const struct http_schema *s, enum http_way way)
{
    if (!s || !s->field) {
        return type_of("object", false);
    }
    if (!s->name) {
        return members(w, s, way);
    }
    char wanted[96];
    char name[112];
    const bool goes_out = json_object_get(w->out, s->name) != NULL;
    (void)snprintf(wanted, sizeof(wanted), "%s%s", s->name, way == HTTP_IN && goes_out ? "In" : "");
    component(w, s, wanted, way, name, sizeof(name));
    if (way == HTTP_OUT) {
        http_put(w, w->out, s->name, json_true());
    }
    return json_pack("{s:s+}", "$ref", "#/components/schemas/", name);
}
