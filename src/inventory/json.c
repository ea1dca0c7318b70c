/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON between the rows of the store and the callers of inventory/. */
#include "inventory/json.h"

#include <stdlib.h>
#include <string.h>

/* jansson's memory is its own: the text is copied where the caller wants it. */
int inv_json_text(const json_t *value, struct dm_arena *a, const char **ret, struct dm_err *e)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    const char *copy = text ? dm_arena_strdup(a, text) : NULL;
    free(text);
    if (!copy) {
        DM_FAIL(e, DM_ENOMEM, "no memory for JSON");
    }
    *ret = copy;
    return DM_OK;
}

json_t *inv_json_of_value(const struct store_value *v)
{
    char time[STORE_TIME_SIZE];
    if (v->null) {
        return json_null();
    }
    switch (v->type) {
    case 'i':
        return json_integer(v->i);
    case 'r':
        return json_real(v->r);
    case 'b':
        return json_boolean(v->b);
    case 'T':
        return json_string(store_time_text(v->i, time));
    case 'j':
        return json_loadb(v->t, v->n, JSON_DECODE_ANY, NULL);
    default:
        return json_stringn(v->t, v->n);
    }
}

int inv_json_set(json_t *object, const char *name, json_t *value, struct dm_err *e)
{
    if (json_object_set_new(object, name, value)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %s", name);
    }
    return DM_OK;
}

int inv_json_put(json_t *row, const char *name, json_t *value, struct dm_err *e)
{
    char head[64];
    const char *dot = strchr(name, '.');
    if (!dot) {
        return inv_json_set(row, name, value, e);
    }
    (void)snprintf(head, sizeof(head), "%.*s", (int)(dot - name), name);
    json_t *object = json_object_get(row, head);
    if (!object) {
        object = json_object();
        const int code = inv_json_set(row, head, object, e);
        if (code) {
            json_decref(value);
            return code;
        }
    }
    return inv_json_set(object, dot + 1, value, e);
}

int64_t inv_json_int(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

const char *inv_json_str(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}
