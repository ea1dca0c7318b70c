/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings in the database: a row for each that somebody changed, checked by its row of the table
 * in both directions. */
#include <stdio.h>
#include <string.h>

#include "base/zone.h"
#include "inventory/inventory.h"
#include "inventory/json.h"
#include "store/store.h"

enum { ALL, PUT };

static const struct store_query queries[] = {
    [ALL] = {"settings.all", "SELECT key, value FROM app_settings ORDER BY key", "", "tj"},
    [PUT] = {"settings.put",
             "INSERT INTO app_settings (key, value, updated_by_user_id, created_at, updated_at)"
             " VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (key) DO UPDATE SET value = excluded.value,"
             " updated_by_user_id = excluded.updated_by_user_id, updated_at = excluded.updated_at",
             "tjiT", ""},
};
STORE_QUERIES(settings_queries, queries);

/* The value in the notation of the table, NULL when its JSON type does not suit. */
static const char *notation(const struct dm_opt *o, const json_t *value, struct dm_arena *a)
{
    if (o->type == DM_OPT_BOOL) {
        return json_is_boolean(value) ? (json_is_true(value) ? "true" : "false") : NULL;
    }
    if (o->type == DM_OPT_STR) {
        return json_string_value(value);
    }
    if (json_is_integer(value)) {
        return dm_arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    }
    return json_is_real(value) && o->type == DM_OPT_F64
               ? dm_arena_printf(a, "%.17g", json_real_value(value))
               : NULL;
}

/* What bounds alone cannot say. */
static bool sensible(const struct dm_opt *o, const char *text)
{
    if (!strcmp(o->name, "timezone")) {
        DM_CLEANUP(dm_zone_freep) struct dm_zone *zone = NULL;
        return dm_zone_load(text, &zone, NULL) >= 0;
    }
    if (!strcmp(o->name, "currency")) {
        return strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
    }
    return true;
}

static const struct dm_opt *find(const char *name, size_t *ret_index)
{
    for (size_t i = 0; i < inv_setting_count; i++) {
        if (!strcmp(inv_setting_table[i].name, name)) {
            *ret_index = i;
            return &inv_setting_table[i];
        }
    }
    return NULL;
}

/* Put a value into set; INV_VALIDATION names what is wrong. */
static int apply(struct dm_opt_set *set, const char *name, const json_t *value, struct dm_arena *a,
                 struct dm_err *e)
{
    struct dm_err why = {0};
    char range[DM_OPT_NAME_MAX];
    size_t index;
    const struct dm_opt *o = find(name, &index);
    if (!o) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", name)), "there is no setting '%.60s'",
                  name);
    }
    const char *text = notation(o, value, a);
    const struct dm_opt_source source = {DM_ORIGIN_FILE, 0, "app_settings"};
    const int code = text ? dm_opt_set_value(set, index, text, source, a, &why) : DM_EBADINPUT;
    if (code == DM_ENOMEM) {
        DM_FAIL(e, DM_ENOMEM, "no memory for setting %s", name);
    }
    if (code < 0 || !sensible(o, text)) {
        DM_REFUSE(e, INV_VALIDATION,
                  DM_FIELDS(DM_S("field", o->name), DM_S("range", dm_opt_range(o, range))),
                  "setting %s: this value is not possible (%s)", o->name, o->help);
    }
    return DM_OK;
}

int inv_settings_load(struct store_tx *tx, struct dm_arena *a, struct inv_settings *ret,
                      struct dm_err *e)
{
    struct inv_settings s = inv_settings_default();
    struct dm_opt_source *sources = dm_arena_calloc(a, inv_setting_count, sizeof(*sources));
    struct dm_opt_set set = {inv_setting_table, inv_setting_count, &s, sources};
    struct store_table rows;
    if (!sources) {
        DM_FAIL(e, DM_ENOMEM, "no memory for settings");
    }
    DM_TRY(store_all(tx, &queries[ALL], STORE_NO_ARGS, a, &rows, e));
    for (size_t i = 0; i < rows.n; i++) {
        const struct store_value *row = store_row(&rows, i);
        DM_CLEANUP(inv_json_freep) json_t *value = inv_json_of_value(&row[1]);
        if (!value) {
            DM_FAIL(e, DM_ENOMEM, "no memory for settings");
        }
        const int code = apply(&set, row[0].t, value, a, NULL);
        if (code < 0 && code != INV_VALIDATION) {
            return code;
        }
    }
    *ret = s;
    return DM_OK;
}

/* The settings whose names values has, as they are in s. */
static int current(const struct inv_settings *s, const json_t *values, json_t *ret,
                   struct dm_err *e)
{
    const char *name;
    json_t *unused;
    json_object_foreach((json_t *)values, name, unused)
    {
        size_t index;
        const struct dm_opt *o = find(name, &index);
        const char *at = (const char *)s + o->offset;
        json_t *value = NULL;
        if (o->type == DM_OPT_BOOL) {
            value = json_boolean(*(const bool *)(const void *)at);
        } else if (o->type == DM_OPT_I32) {
            value = json_integer(*(const int32_t *)(const void *)at);
        } else if (o->type == DM_OPT_F64) {
            value = json_real(*(const double *)(const void *)at);
        } else {
            value = json_string(*(const char *const *)(const void *)at);
        }
        DM_TRY(inv_json_set(ret, name, value, e));
    }
    return DM_OK;
}

struct change {
    const struct inv_ctx *c;
    const json_t *values;
};

static int change_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct change *change = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *before = json_object();
    DM_CLEANUP(inv_json_freep) json_t *after = json_object();
    struct inv_settings s;
    DM_TRY(inv_settings_load(tx, &a, &s, e));
    struct dm_opt_source *sources = dm_arena_calloc(&a, inv_setting_count, sizeof(*sources));
    struct dm_opt_set set = {inv_setting_table, inv_setting_count, &s, sources};
    const struct inv_settings old = s;
    const char *name;
    json_t *value;
    if (!sources || !before || !after) {
        DM_FAIL(e, DM_ENOMEM, "no memory for settings");
    }
    json_object_foreach((json_t *)change->values, name, value)
    {
        const char *text;
        DM_TRY(apply(&set, name, value, &a, e));
        DM_TRY(inv_json_text(value, &a, &text, e));
        DM_TRY(store_exec(tx, &queries[PUT],
                          STORE_ARGS(store_t(name), store_j(text), store_i(change->c->user_id),
                                     store_at(change->c->now_ms)),
                          NULL, e));
    }
    DM_TRY(current(&old, change->values, before, e));
    DM_TRY(current(&s, change->values, after, e));
    return audit_write_named(tx, change->c, "update", "app_settings", NULL, before, after, e);
}

int inv_settings_change(const struct inv_ctx *c, const json_t *values, struct dm_err *e)
{
    struct change change = {c, values};
    DM_TRY(inv_permit(c, INV_DO_SETTINGS, e));
    if (!json_is_object(values)) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "")), "settings are an object");
    }
    return store_run(c->store, STORE_WRITE, change_in, &change, e);
}
