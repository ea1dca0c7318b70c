/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions and statements: what both engines have in common. An engine only sees arguments that
 * have been checked, and statements that it has prepared. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/pool.h"
#include "telemetry/span.h"

enum { TRIES = 6, SAVES_MAX = 16 };

struct store_tx {
    struct store *store;
    struct store_conn *conn;
    enum store_mode mode;
    int failed; /* code of the failed statement that stops us, DM_OK otherwise */
    int saves;  /* savepoints open */
    int open_rows;
    struct dm_arena scratch; /* arguments in their stored form, cleared after each statement */
};

struct store_rows {
    struct store_tx *tx;
    struct store_cursor *cursor;
    bool done;
    struct store_value v[STORE_COLS_MAX];
};

void store_pause(int ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&t, &t) < 0 && errno == EINTR) {
    }
}

struct store *store_of(struct store_tx *tx)
{
    return tx->store;
}

const struct store_fault *store_fault(const struct store_tx *tx)
{
    return &tx->conn->fault;
}

/* ---- begin and end --------------------------------------------------------------------------- */

static int begin(struct store *s, enum store_mode mode, struct store_conn **c, struct dm_err *e)
{
    const struct store_driver *d = (*c)->driver;
    (*c)->lost = false;
    int code = d->command(*c, d->begin[mode], e);
    if (code >= 0 || d->alive(*c)) {
        return code;
    }
    DM_TRY(store_pool_renew(s, mode, c, e));
    return d->command(*c, d->begin[mode], e);
}

int store_begin(struct store *s, enum store_mode mode, struct store_tx **ret, struct dm_err *e)
{
    struct store_tx *tx = dm_calloc(1, sizeof(*tx));
    if (!tx) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a transaction");
    }
    *tx = (struct store_tx){.store = s, .mode = mode};
    int code = store_pool_take(s, mode, &tx->conn, e);
    if (code >= 0) {
        code = begin(s, mode, &tx->conn, e);
        if (code < 0 && tx->conn) {
            store_pool_give(s, mode, tx->conn, tx->conn->driver->alive(tx->conn));
        }
    }
    if (code < 0) {
        dm_free(tx);
        return code;
    }
    *ret = tx;
    return DM_OK;
}

/* Give the connection back and forget the transaction. */
static void end(struct store_tx *tx, bool usable)
{
    DM_BUG_UNLESS(tx->open_rows == 0);
    if (!tx->conn->driver->alive(tx->conn)) {
        store_note_loss(tx->store);
    }
    store_pool_give(tx->store, tx->mode, tx->conn, usable);
    dm_arena_clear(&tx->scratch);
    dm_free(tx);
}

void store_rollback(struct store_tx *tx)
{
    if (!tx) {
        return;
    }
    struct store_conn *c = tx->conn;
    end(tx, c->driver->alive(c) && (c->lost || c->driver->command(c, "ROLLBACK", NULL) >= 0));
}

int store_commit(struct store_tx **ptx, struct dm_err *e)
{
    struct store_tx *tx = DM_STEAL(*ptx);
    struct store_conn *c = tx->conn;
    if (tx->failed) {
        int code = tx->failed;
        store_rollback(tx);
        DM_FAIL(e, code, "a statement of this transaction has failed");
    }
    DM_BUG_UNLESS(tx->saves == 0);
    int code = c->driver->command(c, "COMMIT", e);
    if (code < 0) {
        store_rollback(tx);
        return code;
    }
    end(tx, true);
    return DM_OK;
}

/* One try. *ret_unsure: the database may have stored it although it failed. */
static int run_once(struct store *s, enum store_mode mode, store_fn fn, void *ctx, bool *ret_unsure,
                    struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_begin(s, mode, &tx, e));
    int code = fn(tx, ctx, e);
    DM_TRY(code);
    int committed = store_commit(&tx, e);
    *ret_unsure = committed == DM_EIO && mode == STORE_WRITE;
    return committed < 0 ? committed : code;
}

int store_run(struct store *s, enum store_mode mode, store_fn fn, void *ctx, struct dm_err *e)
{
    int code = DM_OK;
    bool unsure = false;
    for (int try = 0; try < TRIES; try++) {
        if (try) {
            store_pause((1 << try) * 5 + (int)randombytes_uniform(10U << try));
        }
        code = run_once(s, mode, fn, ctx, &unsure, e);
        if (code >= 0 || unsure || !dm_code_info(code)->retry || code == DM_ENOMEM) {
            return code;
        }
    }
    return code;
}

/* ---- savepoints ------------------------------------------------------------------------------ */

static int save_command(struct store_tx *tx, const char *format, struct dm_err *e)
{
    char sql[80];
    (void)snprintf(sql, sizeof(sql), "%s s%d", format, tx->saves);
    int code = tx->conn->driver->command(tx->conn, sql, e);
    tx->failed = code < 0 ? code : tx->failed;
    return code;
}

static int refuse_failed(const struct store_tx *tx, struct dm_err *e)
{
    if (tx->failed) {
        DM_FAIL(e, tx->failed, "a statement of this transaction has failed");
    }
    return DM_OK;
}

int store_save(struct store_tx *tx, struct dm_err *e)
{
    DM_TRY(refuse_failed(tx, e));
    DM_BUG_UNLESS(tx->saves < SAVES_MAX);
    tx->saves++;
    return save_command(tx, "SAVEPOINT", e);
}

int store_release(struct store_tx *tx, struct dm_err *e)
{
    DM_TRY(refuse_failed(tx, e));
    DM_BUG_UNLESS(tx->saves > 0);
    int code = save_command(tx, "RELEASE SAVEPOINT", e);
    tx->saves--;
    return code;
}

int store_restore(struct store_tx *tx, struct dm_err *e)
{
    DM_BUG_UNLESS(tx->saves > 0);
    if (tx->conn->lost) {
        tx->saves--;
        DM_FAIL(e, DM_EIO, "the transaction was lost");
    }
    int code = save_command(tx, "ROLLBACK TO SAVEPOINT", e);
    if (code >= 0) {
        tx->failed = DM_OK;
        code = save_command(tx, "RELEASE SAVEPOINT", e);
    }
    tx->saves--;
    return code;
}

int store_tx_command(struct store_tx *tx, const char *sql, struct dm_err *e)
{
    DM_TRY(refuse_failed(tx, e));
    int code = tx->conn->driver->command(tx->conn, sql, e);
    tx->failed = code < 0 ? code : DM_OK;
    return code;
}

static int analyze(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    (void)ctx;
    return store_tx_command(tx, "ANALYZE", e);
}

int store_analyze(struct store *s, struct dm_err *e)
{
    return store_run(s, STORE_WRITE, analyze, NULL, e);
}

/* ---- prepared statements --------------------------------------------------------------------- */

void store_stmt_init(struct store_stmt *s, const struct store_query *q)
{
    *s = (struct store_stmt){.name = q->name};
    s->n_params = strlen(q->params);
    s->n_cols = strlen(q->cols);
    DM_BUG_UNLESS(s->n_params <= STORE_PARAMS_MAX && s->n_cols <= STORE_COLS_MAX);
    memcpy(s->params, q->params, s->n_params + 1);
    memcpy(s->cols, q->cols, s->n_cols + 1);
}

/* Slot of the query, or the empty one where it belongs; NULL when the cache is full. */
static struct store_stmt **cache_slot(struct store_conn *c, const struct store_query *q)
{
    size_t at = ((uintptr_t)q / sizeof(*q) * 0x9E3779B1U) % STORE_CACHE_SLOTS;
    for (size_t i = 0; i < STORE_CACHE_SLOTS; i++) {
        struct store_stmt **slot = &c->cache[(at + i) % STORE_CACHE_SLOTS];
        if (!*slot || (*slot)->query == q) {
            return slot;
        }
    }
    return NULL;
}

static int prepare(struct store_conn *c, const struct store_query *q, struct store_stmt **ret,
                   struct dm_err *e)
{
    struct dm_buf sql = dm_buf_init(LIMIT_STORE_SQL_BYTES);
    const struct store_driver *d = c->driver;
    int code = store_expand(d->tokens, d->name, d->placeholder, q->sql, &sql, e);
    if (code >= 0) {
        code = d->prepare(c, q, dm_buf_str(&sql), ret, e);
    }
    dm_buf_clear(&sql);
    if (code < 0) {
        (void)dm_err_context(e, "%s", q->name);
    }
    return code;
}

static void stmt_free(struct store_conn *c, struct store_stmt *s)
{
    char *sql = s->sql;
    c->driver->unprepare(c, s);
    dm_free(sql);
}

/* FNV-1a over the text of a built query. */
static size_t built_slot(const struct store_query *q)
{
    uint32_t h = 2166136261U;
    for (const char *p = q->sql; *p; p++) {
        h = (h ^ (unsigned char)*p) * 16777619U;
    }
    return (h ^ h >> 16) % STORE_BUILT_SLOTS;
}

static bool is_built(const struct store_stmt *s, const struct store_query *q)
{
    return s && !strcmp(s->sql, q->sql) && !strcmp(s->params, q->params) &&
           !strcmp(s->cols, q->cols);
}

/* A query made at run time is known by its text: lists ask the same again and again, and preparing
 * costs more than running. */
static int built_statement(struct store_conn *c, const struct store_query *q,
                           struct store_stmt **ret, struct dm_err *e)
{
    struct store_stmt **slot = &c->built[built_slot(q)];
    const bool free = !*slot || !(*slot)->busy;
    if (free && is_built(*slot, q)) {
        *ret = *slot;
        return DM_OK;
    }
    DM_TRY(prepare(c, q, ret, e));
    char *sql = free ? dm_strdup(q->sql) : NULL;
    if (sql) {
        struct store_stmt *before = DM_STEAL(*slot);
        if (before) {
            before->cached = false;
            stmt_free(c, before);
        }
        (*ret)->sql = sql;
        (*ret)->cached = true;
        *slot = *ret;
    }
    return DM_OK;
}

/* The prepared statement of a query: from the cache, unless its rows are being read just now. */
static int statement(struct store_conn *c, const struct store_query *q, struct store_stmt **ret,
                     struct dm_err *e)
{
    if (q->built) {
        return built_statement(c, q, ret, e);
    }
    if (!c->cache) {
        c->cache = dm_calloc(STORE_CACHE_SLOTS, sizeof(struct store_stmt *));
        if (!c->cache) {
            DM_FAIL(e, DM_ENOMEM, "no memory for statements");
        }
    }
    struct store_stmt **slot = cache_slot(c, q);
    if (slot && *slot && !(*slot)->busy) {
        *ret = *slot;
        return DM_OK;
    }
    struct store_stmt *s = NULL;
    DM_TRY(prepare(c, q, &s, e));
    if (slot && !*slot) {
        s->query = q;
        s->cached = true;
        *slot = s;
    }
    *ret = s;
    return DM_OK;
}

static void put_away(struct store_conn *c, struct store_stmt *s)
{
    s->busy = false;
    if (!s->cached) {
        stmt_free(c, s);
    }
}

/* ---- running --------------------------------------------------------------------------------- */

/* "SELECT demeter": the verb and the database, as the conventions of OpenTelemetry name a span. */
struct statement_span {
    struct telemetry_span span;
    char database[64], name[80];
};

static void span_begin(struct statement_span *s, struct store *store, const struct store_query *q)
{
    telemetry_span_inside(&s->span, TELEMETRY_CLIENT, s->name);
    if (!s->span.on) {
        return;
    }
    const struct store_target *t = store_target_of(store);
    const char *from = t->path ? t->path : t->url;
    const size_t n = strcspn(from, "?");
    const char *slash = memrchr(from, '/', n);
    const char *name = slash ? slash + 1 : from;
    (void)snprintf(s->database, sizeof(s->database), "%.*s", (int)(n - (size_t)(name - from)),
                   name);
    (void)snprintf(s->name, sizeof(s->name), "%.*s %s", (int)strcspn(q->sql, " \n"), q->sql,
                   s->database);
    telemetry_span_str(&s->span, "db.system", store_engine(store));
    telemetry_span_str(&s->span, "db.name", s->database);
    telemetry_span_str(&s->span, "db.statement", q->sql);
    telemetry_span_str(&s->span, "demeter.query", q->name);
}

static int run(struct store_tx *tx, const struct store_query *q, struct store_args args,
               struct store_cursor **ret, struct dm_err *e)
{
    struct store_conn *c = tx->conn;
    struct store_stmt *s = NULL;
    struct store_value v[STORE_PARAMS_MAX];
    c->fault = (struct store_fault){0};
    DM_TRY(statement(c, q, &s, e));
    DM_BUG_UNLESS(args.n == s->n_params);
    int code = store_args_check(q->name, s->params, s->n_params, args.v, v, &tx->scratch, e);
    if (code >= 0) {
        struct statement_span span;
        span_begin(&span, tx->store, q);
        s->busy = true;
        code = c->driver->run(c, s, (struct store_args){v, args.n}, ret, e);
        if (code < 0) {
            telemetry_span_fail(&span.span, dm_code_info(code)->slug);
        }
        telemetry_span_end(&span.span);
    }
    dm_arena_clear(&tx->scratch);
    if (store_target_of(tx->store)->o.echo) {
        dm_log(DM_LOG_INFO, "statement", DM_S("query", q->name), DM_S("sql", q->sql),
               DM_I("code", code));
    }
    if (code < 0) {
        put_away(c, s);
    }
    return code;
}

int store_select(struct store_tx *tx, const struct store_query *q, struct store_args args,
                 struct store_rows **ret, struct dm_err *e)
{
    DM_TRY(refuse_failed(tx, e));
    struct store_rows *rows = dm_alloc(sizeof(*rows));
    if (!rows) {
        DM_FAIL(e, DM_ENOMEM, "no memory for rows");
    }
    rows->tx = tx;
    rows->done = false;
    int code = run(tx, q, args, &rows->cursor, e);
    if (code < 0) {
        tx->failed = code;
        dm_free(rows);
        return code;
    }
    tx->open_rows++;
    *ret = rows;
    return DM_OK;
}

int store_next(struct store_rows *rows, const struct store_value **ret_row, struct dm_err *e)
{
    struct store_conn *c = rows->tx->conn;
    if (rows->done) {
        return 0;
    }
    int code = c->driver->step(c, rows->cursor, rows->v, e);
    rows->done = code <= 0;
    if (code < 0) {
        rows->tx->failed = code;
    } else if (code) {
        *ret_row = rows->v;
    }
    return code;
}

void store_rows_close(struct store_rows *rows)
{
    if (!rows) {
        return;
    }
    struct store_conn *c = rows->tx->conn;
    struct store_stmt *s = rows->cursor->stmt;
    rows->tx->open_rows--;
    c->driver->finish(c, rows->cursor);
    put_away(c, s);
    dm_free(rows);
}

int store_exec(struct store_tx *tx, const struct store_query *q, struct store_args args,
               int64_t *ret_changed, struct dm_err *e)
{
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *row;
    DM_TRY(store_select(tx, q, args, &rows, e));
    int code;
    while ((code = store_next(rows, &row, e)) > 0) {
    }
    if (code >= 0 && ret_changed) {
        *ret_changed = rows->cursor->changed;
    }
    return code;
}

int store_conn_text(struct store_conn *c, const struct store_query *q, char *ret, size_t size,
                    struct dm_err *e)
{
    struct store_stmt *s = NULL;
    struct store_cursor *rows = NULL;
    struct store_value v[STORE_COLS_MAX];
    DM_TRY(statement(c, q, &s, e));
    s->busy = true;
    int code = c->driver->run(c, s, STORE_NO_ARGS, &rows, e);
    if (code >= 0) {
        code = c->driver->step(c, rows, v, e);
        if (code > 0 && v[0].n >= size) {
            code = dm_err_set(e, DM_ELIMIT, __FILE__, __LINE__, "%s: too long", q->name);
        } else if (code > 0) {
            memcpy(ret, v[0].t, v[0].n + 1);
        }
        c->driver->finish(c, rows);
    }
    put_away(c, s);
    return code < 0 ? code : DM_OK;
}

/* ---- rows into an arena ---------------------------------------------------------------------- */

static int keep_row(const struct store_value *row, size_t n, struct store_value *ret,
                    struct dm_arena *a, struct dm_err *e)
{
    for (size_t k = 0; k < n; k++) {
        ret[k] = row[k];
        if (row[k].null || !strchr("tjDux", row[k].type)) {
            continue;
        }
        char *copy = dm_arena_alloc(a, row[k].n + 1);
        if (!copy) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the rows of a query");
        }
        memcpy(copy, row[k].t, row[k].n);
        copy[row[k].n] = '\0';
        ret[k].t = copy;
    }
    return DM_OK;
}

int store_maybe(struct store_tx *tx, const struct store_query *q, struct store_args args,
                struct dm_arena *a, const struct store_value **ret_row, struct dm_err *e)
{
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *row;
    DM_TRY(store_select(tx, q, args, &rows, e));
    int found = store_next(rows, &row, e);
    if (found <= 0) {
        return found;
    }
    size_t n = rows->cursor->stmt->n_cols;
    struct store_value *kept = dm_arena_calloc(a, n, sizeof(*kept));
    if (!kept) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a row");
    }
    DM_TRY(keep_row(row, n, kept, a, e));
    int more = store_next(rows, &row, e);
    if (more > 0) {
        DM_FAIL(e, DM_EINTERNAL, "%s: more than one row", q->name);
    }
    DM_TRY(more);
    *ret_row = kept;
    return 1;
}

int store_one(struct store_tx *tx, const struct store_query *q, struct store_args args,
              struct dm_arena *a, const struct store_value **ret_row, struct dm_err *e)
{
    int found = store_maybe(tx, q, args, a, ret_row, e);
    if (!found) {
        DM_FAIL(e, DM_ENOTFOUND, "%s: no such row", q->name);
    }
    return found < 0 ? found : DM_OK;
}

/* ---- one number ------------------------------------------------------------------------------ */

/* The number that a statement gives; nothing when it has no columns. Ends it. */
static int take_int(struct store_conn *c, struct store_cursor *cur, int64_t *ret, struct dm_err *e)
{
    struct store_value row[STORE_COLS_MAX];
    const struct store_stmt *s = cur->stmt;
    int64_t n = 0;
    int more;
    DM_BUG_UNLESS(!s->n_cols || s->cols[0] == 'i');
    while ((more = c->driver->step(c, cur, row, e)) > 0) {
        if (n++ == 0) {
            *ret = row[0].null ? 0 : row[0].i;
        }
    }
    c->driver->finish(c, cur);
    DM_TRY(more);
    return store_one_row(s, n, e);
}

int store_one_row(const struct store_stmt *s, int64_t n, struct dm_err *e)
{
    if (s->n_cols && n != 1) {
        DM_FAIL(e, n ? DM_EINTERNAL : DM_ENOTFOUND, "%s: %s", s->name,
                n ? "more than one row" : "no such row");
    }
    return DM_OK;
}

/* A row that is missing is an answer, after which the transaction goes on. */
static int answered(struct store_tx *tx, int code)
{
    tx->failed = code < 0 && code != DM_ENOTFOUND ? code : DM_OK;
    return code;
}

int store_int(struct store_tx *tx, const struct store_query *q, struct store_args args,
              int64_t *ret, struct dm_err *e)
{
    DM_TRY(refuse_failed(tx, e));
    struct store_cursor *cur = NULL;
    int64_t first = 0;
    int code = run(tx, q, args, &cur, e);
    if (code >= 0) {
        struct store_stmt *s = cur->stmt;
        code = take_int(tx->conn, cur, &first, e);
        put_away(tx->conn, s);
    }
    if (code >= 0) {
        *ret = first;
    }
    return answered(tx, code);
}

static int one_after_another(struct store_conn *c, struct store_stmt *s,
                             const struct store_value *rows, size_t n, int64_t *ret,
                             struct dm_err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct store_cursor *cur = NULL;
        int64_t first = 0;
        const struct store_args args = {rows + i * s->n_params, s->n_params};
        DM_TRY(c->driver->run(c, s, args, &cur, e));
        DM_TRY(take_int(c, cur, &first, e));
        if (ret) {
            ret[i] = first;
        }
    }
    return DM_OK;
}

/* Check the arguments of all rows and run them. */
static int each(struct store_tx *tx, struct store_stmt *s, const struct store_value *rows, size_t n,
                int64_t *ret, struct dm_err *e)
{
    struct store_conn *c = tx->conn;
    struct store_value *v = dm_arena_calloc(&tx->scratch, n * s->n_params, sizeof(*v));
    if (!v) {
        DM_FAIL(e, DM_ENOMEM, "no memory for rows");
    }
    for (size_t i = 0; i < n; i++) {
        const size_t at = i * s->n_params;
        DM_TRY(
            store_args_check(s->name, s->params, s->n_params, rows + at, v + at, &tx->scratch, e));
    }
    return c->driver->each ? c->driver->each(c, s, v, n, ret, e)
                           : one_after_another(c, s, v, n, ret, e);
}

int store_each(struct store_tx *tx, const struct store_query *q, const struct store_value *rows,
               size_t n, int64_t *ret, struct dm_err *e)
{
    DM_TRY(refuse_failed(tx, e));
    if (n == 0) {
        return DM_OK;
    }
    struct store_conn *c = tx->conn;
    struct store_stmt *s = NULL;
    c->fault = (struct store_fault){0};
    int code = statement(c, q, &s, e);
    if (code >= 0) {
        DM_BUG_UNLESS(!ret == !s->n_cols);
        s->busy = true;
        code = each(tx, s, rows, n, ret, e);
        dm_arena_clear(&tx->scratch);
        put_away(c, s);
    }
    return answered(tx, code);
}

int store_all(struct store_tx *tx, const struct store_query *q, struct store_args args,
              struct dm_arena *a, struct store_table *ret, struct dm_err *e)
{
    DM_CLEANUP(store_rows_closep) struct store_rows *rows = NULL;
    const struct store_value *row;
    DM_TRY(store_select(tx, q, args, &rows, e));
    const size_t cols = rows->cursor->stmt->n_cols;
    struct store_value *all = NULL;
    size_t n = 0;
    size_t cap = 0;
    int code;
    while ((code = store_next(rows, &row, e)) > 0) {
        if (n == cap) {
            /* Doubling inside an arena leaves at most as much behind as it keeps. */
            size_t grown_cap = cap ? cap * 2 : 16;
            struct store_value *grown = dm_arena_calloc(a, grown_cap * cols, sizeof(*grown));
            if (!grown) {
                DM_FAIL(e, DM_ENOMEM, "no memory for the rows of a query");
            }
            if (n) {
                memcpy(grown, all, n * cols * sizeof(*all));
            }
            all = grown;
            cap = grown_cap;
        }
        DM_TRY(keep_row(row, cols, all + n * cols, a, e));
        n++;
    }
    DM_TRY(code);
    *ret = (struct store_table){.v = all, .n = n, .cols = cols};
    return DM_OK;
}

/* ---- many rows ------------------------------------------------------------------------------- */

enum { BULK_ROWS = 2048 }; /* checked and handed over together */

int store_insert(struct store_tx *tx, const struct store_bulk *bulk, const struct store_value *rows,
                 size_t n, struct dm_err *e)
{
    DM_TRY(refuse_failed(tx, e));
    const size_t cols = strlen(bulk->types);
    int code = DM_OK;
    tx->conn->fault = (struct store_fault){0};
    for (size_t at = 0; at < n && code >= 0; at += BULK_ROWS) {
        size_t m = DM_MIN(n - at, (size_t)BULK_ROWS);
        struct store_value *checked = dm_arena_calloc(&tx->scratch, m * cols, sizeof(*checked));
        if (!checked) {
            code = dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for rows");
        }
        for (size_t i = 0; i < m && code >= 0; i++) {
            code = store_args_check(bulk->name, bulk->types, cols, rows + (at + i) * cols,
                                    checked + i * cols, &tx->scratch, e);
        }
        if (code >= 0) {
            code = tx->conn->driver->bulk(tx->conn, bulk, checked, m, e);
        }
        dm_arena_clear(&tx->scratch);
    }
    tx->failed = code < 0 ? code : DM_OK;
    return code;
}
