/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying an instance. Rows travel in batches as the values of a query, so an engine only has to
 * know how to read and to write its own types. Foreign keys are checked at the commit: tables refer
 * to each other in circles. */
#include "store/copy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "store/pool.h"

enum { BATCH_ROWS = 1000, BATCH_BYTES = 32 << 20 };

/* Everything about the table at hand. */
struct reader {
    struct store_tx *tx;
    const struct store_catalog_table *t;
    struct dm_arena a; /* names and SQL */
    struct store_query q;
    const char *columns;
    size_t cols;
    int64_t last_id;
    struct store_rows *rows; /* of a table without id: read in one go */
    crypto_hash_sha256_state hash;
    int64_t n;
};

static int no_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory to copy a table");
}

static void reader_clear(struct reader *r)
{
    store_rows_close(r->rows);
    dm_arena_clear(&r->a);
}

static int reader_init(struct reader *r, struct store_tx *tx, const struct store_catalog_table *t,
                       struct dm_err *e)
{
    *r = (struct reader){.tx = tx, .t = t};
    r->columns = store_catalog_columns(t, &r->a);
    const char *letters = store_catalog_letters(t, &r->a);
    const char *sql = NULL;
    if (r->columns && t->has_id) {
        sql = dm_arena_printf(&r->a, "SELECT %s FROM %s WHERE id > ?1 ORDER BY id LIMIT ?2",
                              r->columns, t->name);
    } else if (r->columns) {
        sql = dm_arena_printf(&r->a, "SELECT %s FROM %s ORDER BY 1%s%s", r->columns, t->name,
                              t->n > 1 ? ", 2" : "", t->n > 2 ? ", 3" : "");
    }
    if (!letters || !sql) {
        return no_memory(e);
    }
    r->cols = strlen(letters);
    r->q = (struct store_query){t->name, sql, t->has_id ? "ii" : "", letters, true};
    (void)crypto_hash_sha256_init(&r->hash);
    return t->has_id ? DM_OK : store_select(tx, &r->q, STORE_NO_ARGS, &r->rows, e);
}

/* A value into the digest: its letter, its length and its bytes, or '-' for null. */
static void hash_value(crypto_hash_sha256_state *h, const struct store_value *v)
{
    char room[64];
    const void *p = v->t;
    size_t n = v->n;
    if (v->null) {
        (void)crypto_hash_sha256_update(h, (const unsigned char *)"-", 1);
        return;
    }
    if (v->type == 'i' || v->type == 'T' || v->type == 'b') {
        p = room;
        n = (size_t)snprintf(room, sizeof(room), "%" PRId64, v->type == 'b' ? v->b : v->i);
    } else if (v->type == 'r') {
        p = room;
        n = (size_t)snprintf(room, sizeof(room), "%.17g", v->r);
    }
    char head[40];
    int head_n = snprintf(head, sizeof(head), "%c%zu:", v->type, n);
    (void)crypto_hash_sha256_update(h, (const unsigned char *)head, (unsigned)head_n);
    (void)crypto_hash_sha256_update(h, p, n);
}

/* Rows of one batch, in a. A batch ends early when its texts and pictures become many. */
struct batch {
    struct store_value *v; /* [BATCH_ROWS][cols] */
    size_t n;
    struct dm_arena a;
    bool last;
};

static int keep(struct batch *b, const struct store_value *row, size_t cols, struct dm_err *e)
{
    struct store_value *to = b->v + b->n++ * cols;
    for (size_t k = 0; k < cols; k++) {
        to[k] = row[k];
        if (row[k].null || !strchr("tjDux", row[k].type)) {
            continue;
        }
        char *copy = dm_arena_alloc(&b->a, row[k].n + 1);
        if (!copy) {
            return no_memory(e);
        }
        memcpy(copy, row[k].t, row[k].n);
        copy[row[k].n] = '\0';
        to[k].t = copy;
    }
    return DM_OK;
}

static int fill(struct reader *r, struct batch *b, struct store_rows *rows, struct dm_err *e)
{
    const struct store_value *row;
    int more = 1;
    while (b->n < BATCH_ROWS && b->a.used_bytes < BATCH_BYTES &&
           (more = store_next(rows, &row, e)) > 0) {
        for (size_t k = 0; k < r->cols; k++) {
            hash_value(&r->hash, &row[k]);
        }
        r->last_id = r->t->has_id ? row[0].i : 0;
        DM_TRY(keep(b, row, r->cols, e));
    }
    r->n += (int64_t)b->n;
    b->last = more == 0;
    return more < 0 ? more : DM_OK;
}

static int next_batch(struct reader *r, struct batch *b, struct dm_err *e)
{
    dm_arena_clear(&b->a);
    b->n = 0;
    b->v = dm_arena_calloc(&b->a, (size_t)BATCH_ROWS * r->cols, sizeof(*b->v));
    if (!b->v) {
        return no_memory(e);
    }
    if (r->rows) {
        return fill(r, b, r->rows, e);
    }
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    DM_TRY(
        store_select(r->tx, &r->q, STORE_ARGS(store_i(r->last_id), store_i(BATCH_ROWS)), &rows, e));
    DM_TRY(fill(r, b, rows, e));
    b->last = b->n == 0;
    return DM_OK;
}

/* Read the table to its end; write to `to` unless it is NULL. */
static int read_table(struct reader *r, struct store_tx *to, struct store_digest *ret,
                      struct dm_err *e)
{
    struct batch b = {0};
    int code = DM_OK;
    const struct store_bulk bulk = {r->t->name, r->t->name, r->columns, r->q.cols};
    while (code >= 0 && !b.last) {
        code = next_batch(r, &b, e);
        if (code >= 0 && to) {
            code = store_insert(to, &bulk, b.v, b.n, e);
        }
    }
    dm_arena_clear(&b.a);
    if (code >= 0) {
        unsigned char raw[crypto_hash_sha256_BYTES];
        (void)crypto_hash_sha256_final(&r->hash, raw);
        (void)sodium_bin2hex(ret->hex, sizeof(ret->hex), raw, sizeof(raw));
        ret->rows = r->n;
    }
    return code;
}

static int pass(struct store_tx *from, struct store_tx *to, const struct store_catalog_table *t,
                struct store_digest *ret, struct dm_err *e)
{
    struct reader r;
    int code = reader_init(&r, from, t, e);
    if (code >= 0) {
        code = read_table(&r, to, ret, e);
    }
    reader_clear(&r);
    return code;
}

int store_table_digest(struct store_tx *tx, const struct store_catalog_table *t,
                       struct store_digest *ret, struct dm_err *e)
{
    return pass(tx, NULL, t, ret, e);
}

/* ---- the target ------------------------------------------------------------------------------ */

/* Tables that the migrations fill; everything else is empty in a fresh database. */
static const char *const seeded[] = {
    "users",
    "storage_bin_types",
    "product_states",
    "product_sizes",
    "product_categories",
    "packaging_types",
    "packaging_materials",
    "packaging_colors",
};

static bool is_seeded(const char *table)
{
    for (size_t i = 0; i < DM_COUNT(seeded); i++) {
        if (!strcmp(seeded[i], table)) {
            return true;
        }
    }
    return false;
}

static int count_rows(struct store_tx *tx, const char *table, int64_t *ret, struct dm_err *e)
{
    char sql[200];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    return store_int(tx, &(struct store_query){"copy.count", sql, "", "i", true}, STORE_NO_ARGS,
                     ret, e);
}

static int check_unused(struct store_tx *tx, const struct store_catalog *c, struct dm_err *e)
{
    for (size_t i = 0; i < c->n; i++) {
        const char *name = c->table[i].name;
        int64_t n = 0;
        DM_TRY(count_rows(tx, name, &n, e));
        int64_t allowed = !strcmp(name, "users") ? 1 : is_seeded(name) ? INT64_MAX : 0;
        if (n > allowed) {
            DM_FAIL(e, DM_ECONFLICT, "the target is in use: there are rows in %s", name);
        }
    }
    return DM_OK;
}

static int remove_seeds(struct store_tx *tx, const struct store_catalog *c, struct dm_err *e)
{
    for (size_t i = c->n; i-- > 0;) {
        char sql[200];
        (void)snprintf(sql, sizeof(sql), "DELETE FROM %s", c->table[i].name);
        if (is_seeded(c->table[i].name)) {
            DM_TRY(store_tx_command(tx, sql, e));
        }
    }
    return DM_OK;
}

/* The next row made by hand gets a number of its own. */
static int fix_numbers(struct store_tx *tx, const struct store_catalog *c, struct dm_err *e)
{
    const char *format = store_driver_of(store_of(tx))->fix_numbers;
    for (size_t i = 0; format[0] && i < c->n; i++) {
        if (!c->table[i].has_id) {
            continue;
        }
        struct dm_arena a = {0};
        const struct store_token token[] = {{"fix", format}, {NULL, NULL}};
        struct dm_buf sql = dm_buf_init(1 << 12);
        const char *use = dm_arena_printf(&a, "{fix:%s}", c->table[i].name);
        int code = use ? store_expand(token, "", '?', use, &sql, e) : no_memory(e);
        code = code < 0 ? code : store_tx_command(tx, dm_buf_str(&sql), e);
        dm_buf_clear(&sql);
        dm_arena_clear(&a);
        DM_TRY(code);
    }
    return DM_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int check_schema(struct store *s, const char *which, struct dm_err *e)
{
    struct store_schema_state state;
    DM_TRY(store_schema_state(s, &state, e));
    if (state.applied != state.known) {
        DM_FAIL(e, DM_ECONFLICT, "the %s has schema %d, this program has %d: migrate it first",
                which, state.applied, state.known);
    }
    return DM_OK;
}

static int copy_tables(struct store_tx *from, struct store_tx *to, const struct store_catalog *c,
                       store_copy_progress progress, void *ctx, struct dm_err *e)
{
    for (size_t i = 0; i < c->n; i++) {
        struct store_digest read = {0};
        struct store_digest written = {0};
        DM_TRY(pass(from, to, &c->table[i], &read, e));
        DM_TRY(pass(to, NULL, &c->table[i], &written, e));
        if (read.rows != written.rows || strcmp(read.hex, written.hex)) {
            DM_FAIL(e, DM_EINTERNAL, "%s came back differently after it was copied",
                    c->table[i].name);
        }
        if (progress) {
            progress(ctx, c->table[i].name, read.rows);
        }
    }
    return DM_OK;
}

static int copy_all(struct store *from, struct store *to, const struct store_catalog *c,
                    store_copy_progress progress, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *source = NULL;
    DM_CLEANUP(store_rollbackp) struct store_tx *target = NULL;
    DM_TRY(store_begin(from, STORE_READ, &source, e));
    DM_TRY(store_begin(to, STORE_WRITE, &target, e));
    DM_TRY(store_tx_command(target, store_driver_of(to)->defer_foreign_keys, e));
    DM_TRY(check_unused(target, c, e));
    DM_TRY(remove_seeds(target, c, e));
    DM_TRY(copy_tables(source, target, c, progress, ctx, e));
    DM_TRY(fix_numbers(target, c, e));
    return store_commit(&target, e);
}

/* Both have the schema of the first n steps from here on. */
static int copy_steps(struct store *from, struct store *to, size_t n, store_copy_progress progress,
                      void *ctx, struct dm_err *e)
{
    struct dm_arena a = {0};
    struct store_catalog c;
    int code = store_catalog_read(store_migrations, n, &a, &c, e);
    code = code < 0 ? code : copy_all(from, to, &c, progress, ctx, e);
    dm_arena_clear(&a);
    return code < 0 ? code : store_analyze(to, e);
}

int store_copy(struct store *from, struct store *to, store_copy_progress progress, void *ctx,
               struct dm_err *e)
{
    struct store_schema_state state;
    DM_TRY(check_schema(from, "source", e));
    DM_TRY(store_schema_state(to, &state, e));
    DM_TRY(state.applied == 0 ? store_migrate(to, NULL, e) : check_schema(to, "target", e));
    return copy_steps(from, to, store_migration_count, progress, ctx, e);
}

int store_copy_as_is(struct store *from, struct store *to, store_copy_progress progress, void *ctx,
                     struct dm_err *e)
{
    struct store_schema_state source;
    struct store_schema_state target;
    DM_TRY(store_schema_state(from, &source, e));
    DM_TRY(store_schema_state(to, &target, e));
    if (source.applied == 0 || target.applied != 0) {
        DM_FAIL(e, DM_ECONFLICT,
                source.applied == 0 ? "the source has no schema"
                                    : "the target has a schema already");
    }
    DM_TRY(store_migrate_with(to, store_migrations, (size_t)source.applied, NULL, e));
    return copy_steps(from, to, (size_t)source.applied, progress, ctx, e);
}

int store_snapshot_beside(struct store *s, int version, struct dm_arena *a, const char **ret_path,
                          struct dm_err *e)
{
    char time[STORE_TIME_SIZE];
    const char *from = store_target_of(s)->path;
    if (!from) {
        DM_FAIL(e, DM_EUNSUPPORTED, "only a SQLite file can be copied beside itself");
    }
    (void)store_time_text(store_now(), time);
    for (char *c = time; *c; c++) {
        *c = *c == ':' ? '-' : *c;
    }
    const char *path = dm_arena_printf(a, "%s.schema-%d-%s", from, version, time);
    if (!path) {
        return no_memory(e);
    }
    int fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* it holds password hashes */
    if (fd < 0) {
        DM_FAIL(e, DM_EIO, "%s cannot be written", path);
    }
    (void)close(fd);
    struct store_conn *c = NULL;
    DM_TRY(store_pool_take(s, STORE_WRITE, &c, e));
    static const struct store_query into = {"store.snapshot", "VACUUM INTO ?1", "t", "", true};
    struct store_stmt *stmt = NULL;
    struct store_cursor *cursor = NULL;
    const struct store_value v = store_t(path);
    int code = c->driver->prepare(c, &into, into.sql, &stmt, e);
    code = code < 0 ? code : c->driver->run(c, stmt, (struct store_args){&v, 1}, &cursor, e);
    code = code < 0 ? code : c->driver->step(c, cursor, NULL, e);
    if (cursor) {
        c->driver->finish(c, cursor);
    }
    if (stmt) {
        c->driver->unprepare(c, stmt);
    }
    store_pool_give(s, STORE_WRITE, c, true);
    DM_TRY(code);
    *ret_path = path;
    return DM_OK;
}

int store_self_check(struct store *s, void (*found)(void *ctx, const char *what), void *ctx,
                     struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    int faults = 0;
    DM_TRY(store_begin(s, STORE_READ, &tx, e));
    for (const char *const *sql = store_driver_of(s)->self_checks; *sql; sql++) {
        const struct store_query q = {"store.self_check", *sql, "", "t", true};
        DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
        const struct store_value *row;
        int more;
        DM_TRY(store_select(tx, &q, STORE_NO_ARGS, &rows, e));
        while ((more = store_next(rows, &row, e)) > 0) {
            found(ctx, row[0].t);
            faults++;
        }
        DM_TRY(more);
    }
    return faults;
}
