/* SPDX-License-Identifier: Apache-2.0
 *
 * Applying migrations. Each step is one transaction that first takes the migration lock, then looks
 * again at what is applied: of several programs that start at once one does each step, the others
 * wait for it and go on. */
#include "store/migrate.h"

#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "store/driver.h"

static const char ledger_sql[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations ({int:version} NOT NULL PRIMARY KEY, "
    "{text:name|100} NOT NULL, {text:checksum|64} NOT NULL, {created})";

enum { HAS_TABLE_SQLITE, HAS_TABLE_POSTGRESQL, APPLIED, RECORD };
static const struct store_query q[] = {
    [HAS_TABLE_SQLITE] = {"schema.exists_sqlite",
                          "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'", "",
                          "i"},
    [HAS_TABLE_POSTGRESQL] = {"schema.exists_postgresql",
                              "SELECT count(to_regclass('schema_migrations'))", "", "i"},
    [APPLIED] = {"schema.applied",
                 "SELECT version, name, checksum FROM schema_migrations ORDER BY version", "",
                 "itt"},
    [RECORD] = {"schema.record",
                "INSERT INTO schema_migrations (version, name, checksum) VALUES (?1, ?2, ?3)",
                "itt", ""},
};

static int command(struct store_tx *tx, const char *sql, struct dm_err *e)
{
    const struct store_driver *d = store_driver_of(store_of(tx));
    struct dm_buf out = dm_buf_init(LIMIT_STORE_SQL_BYTES);
    int code = store_expand(d->tokens, d->name, d->placeholder, sql, &out, e);
    if (code >= 0) {
        code = store_tx_command(tx, dm_buf_str(&out), e);
    }
    dm_buf_clear(&out);
    return code;
}

/* Compare what is recorded with the steps we know. Returns the highest version applied. */
static int check_applied(struct store_tx *tx, const struct store_migration *steps, size_t n,
                         struct dm_err *e)
{
    const bool sqlite = !strcmp(store_engine(store_of(tx)), "sqlite");
    int64_t exists = 0;
    DM_TRY(store_int(tx, &q[sqlite ? HAS_TABLE_SQLITE : HAS_TABLE_POSTGRESQL], STORE_NO_ARGS,
                     &exists, e));
    if (!exists) {
        return 0;
    }
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *row;
    DM_TRY(store_select(tx, &q[APPLIED], STORE_NO_ARGS, &rows, e));
    int applied = 0;
    int more;
    while ((more = store_next(rows, &row, e)) > 0) {
        applied = (int)row[0].i;
        if (applied < 1 || (size_t)applied > n) {
            DM_FAIL(e, DM_ECONFLICT,
                    "the database was made by a newer version of demeter (schema %d, this one "
                    "knows %zu)",
                    applied, n);
        }
        char checksum[DM_SHA256_HEX_SIZE];
        const struct store_migration *m = &steps[applied - 1];
        dm_sha256_hex(m->sql, strlen(m->sql), checksum);
        if (strcmp(row[2].t, checksum)) {
            DM_FAIL(e, DM_ECONFLICT, "schema step %d '%s' was applied in another form", applied,
                    row[1].t);
        }
    }
    return more < 0 ? more : applied;
}

struct step_ctx {
    const struct store_migration *steps;
    size_t n;
    int applied; /* version now in the database */
    bool worked; /* here */
};

/* One step, or none when nothing is left. */
static int apply_next(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct step_ctx *c = ctx;
    c->worked = false;
    DM_TRY(store_tx_command(tx, store_driver_of(store_of(tx))->migration_lock, e));
    int applied = check_applied(tx, c->steps, c->n, e);
    DM_TRY(applied);
    c->applied = applied;
    if ((size_t)applied == c->n) {
        return DM_OK;
    }
    const struct store_migration *m = &c->steps[applied];
    char checksum[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(m->sql, strlen(m->sql), checksum);
    DM_TRY(command(tx, ledger_sql, e));
    int code = command(tx, m->sql, e);
    if (code < 0) {
        (void)dm_err_context(e, "schema step %d '%s'", m->version, m->name);
        return code;
    }
    DM_TRY(store_exec(tx, &q[RECORD],
                      STORE_ARGS(store_i(m->version), store_t(m->name), store_t(checksum)), NULL,
                      e));
    c->worked = true;
    c->applied = m->version;
    return DM_OK;
}

int store_migrate_with(struct store *s, const struct store_migration *steps, size_t n,
                       int *ret_steps, struct dm_err *e)
{
    struct step_ctx c = {.steps = steps, .n = n};
    int done = 0;
    do {
        DM_TRY(store_run(s, STORE_WRITE, apply_next, &c, e));
        done += c.worked;
    } while (c.worked);
    if (ret_steps) {
        *ret_steps = done;
    }
    return DM_OK;
}

int store_migrate(struct store *s, int *ret_steps, struct dm_err *e)
{
    return store_migrate_with(s, store_migrations, store_migration_count, ret_steps, e);
}

int store_migrate_print(struct store *s, struct dm_buf *out, struct dm_err *e)
{
    const struct store_driver *d = store_driver_of(s);
    struct store_schema_state state;
    DM_TRY(store_schema_state(s, &state, e));
    for (size_t i = (size_t)state.applied; i < store_migration_count; i++) {
        const struct store_migration *m = &store_migrations[i];
        dm_buf_printf(out, "-- step %d: %s\n", m->version, m->name);
        DM_TRY(store_expand(d->tokens, d->name, d->placeholder, m->sql, out, e));
    }
    return dm_buf_ok(out, e);
}

int store_schema_state(struct store *s, struct store_schema_state *ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_begin(s, STORE_READ, &tx, e));
    int applied = check_applied(tx, store_migrations, store_migration_count, e);
    DM_TRY(applied);
    *ret = (struct store_schema_state){.applied = applied, .known = (int)store_migration_count};
    return DM_OK;
}
