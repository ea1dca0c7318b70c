/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/database.h"

#include <string.h>

#include "base/text.h"
#include "store/migrate.h"

/* Everything but letters, digits and "-._~" as %XX: passwords may hold anything. */
static const char *percent(struct dm_arena *a, const char *s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    char *out = dm_arena_alloc(a, strlen(s) * 3 + 1);
    char *to = out;
    for (; out && *s; s++) {
        if (strchr(plain, *s)) {
            *to++ = *s;
        } else {
            to += snprintf(to, 4, "%%%02X", (unsigned)(unsigned char)*s);
        }
    }
    if (out) {
        *to = '\0';
    }
    return out;
}

/* Whether someone set one of the parts of the address. */
static bool parts_are_set(struct cmd_run *r)
{
    static const char *const parts[] = {"database.host", "database.name", "database.password",
                                        "database.user"};
    for (size_t i = 0; i < DM_COUNT(parts); i++) {
        size_t set;
        size_t index;
        if (settings_find(&r->settings, parts[i], &set, &index, NULL) >= 0 &&
            r->settings.set[set].sources[index].origin != DM_ORIGIN_DEFAULT) {
            return true;
        }
    }
    return false;
}

const char *database_url(struct cmd_run *r, enum database_use use)
{
    const struct settings_values *v = &r->settings.v;
    if (use != DATABASE_BOOKS && v->database_url_sync[0]) {
        return v->database_url_sync;
    }
    if (v->database_url[0]) {
        return v->database_url;
    }
    if (!parts_are_set(r)) {
        const char *path = dm_path_join(v->data_dir, "demeter.db", &r->arena);
        return path ? dm_arena_printf(&r->arena, "sqlite:%s", path) : NULL;
    }
    const char *user = percent(&r->arena, v->database_user);
    const char *password = percent(&r->arena, v->database_password);
    const char *name = percent(&r->arena, v->database_name);
    const char *sslmode = percent(&r->arena, v->database_sslmode);
    if (!user || !password || !name || !sslmode) {
        return NULL;
    }
    return dm_arena_printf(&r->arena, "postgresql://%s%s%s@%s:%d/%s?sslmode=%s", user,
                           password[0] ? ":" : "", password, v->database_host, v->database_port,
                           name, sslmode);
}

static int check_schema(struct store *s, struct dm_err *e)
{
    struct store_schema_state state;
    DM_TRY(store_schema_state(s, &state, e));
    if (state.applied != state.known) {
        DM_FAIL(e, DM_ECONFLICT, "the database has schema %d of %d: run demeter migrate",
                state.applied, state.known);
    }
    return DM_OK;
}

int database_open(struct cmd_run *r, const char *url, enum database_use use, struct store **ret,
                  struct dm_err *e)
{
    const struct settings_values *v = &r->settings.v;
    const struct store_options o = {
        .pool_size = v->database_pool_size,
        .pool_overflow = v->database_max_overflow ? v->database_max_overflow : -1,
        .connect_ms = v->database_connect_s * 1000,
        .statement_ms = use == DATABASE_BOOKS ? v->database_statement_s * 1000 : -1,
        .must_exist = use != DATABASE_MAKE,
        .echo = v->database_echo_sql,
    };
    url = url ? url : database_url(r, use);
    if (!url) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the address of the database");
    }
    struct store *s = NULL;
    if (v->debug_clock_file[0]) {
        DM_TRY(store_clock_debug(v->debug_clock_file, e));
    }
    DM_TRY(store_open(url, &o, &s, e));
    int code = use == DATABASE_BOOKS ? check_schema(s, e) : DM_OK;
    if (code < 0) {
        store_close(s);
        return code;
    }
    *ret = s;
    return DM_OK;
}
