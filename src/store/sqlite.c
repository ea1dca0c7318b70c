/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite 3: one file in WAL mode, one connection that writes and several that read. A write
 * transaction takes the write lock at its beginning, so it can never find out halfway that another
 * was faster. synchronous NORMAL survives the death of the process at any moment; ?synchronous=full
 * in the URL also survives losing power right after a commit (docs/decisions). */
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/driver.h"

enum { PROGRESS_STEPS = 10000 }; /* of the virtual machine, about a millisecond */

struct conn {
    struct store_conn base;
    sqlite3 *db;
    bool reader;
    dm_usec deadline; /* of the running statement; 0 for none */
};

struct stmt {
    struct store_stmt base;
    sqlite3_stmt *s;
};

struct cursor {
    struct store_cursor base;
    struct dm_arena a; /* JSON of the row at hand */
};

static struct conn *conn_of(struct store_conn *c)
{
    DM_BUG_UNLESS(c->driver == &store_driver_sqlite);
    return DM_CONTAINER_OF(c, struct conn, base);
}

static struct stmt *stmt_of(struct store_stmt *s)
{
    return DM_CONTAINER_OF(s, struct stmt, base);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static const struct {
    int sqlite; /* extended code, or primary when it is below 256 */
    int code;
    enum store_fault_kind fault;
} codes[] = {
    {SQLITE_CONSTRAINT_UNIQUE, DM_ECONFLICT, STORE_FAULT_UNIQUE},
    {SQLITE_CONSTRAINT_PRIMARYKEY, DM_ECONFLICT, STORE_FAULT_UNIQUE},
    {SQLITE_CONSTRAINT_ROWID, DM_ECONFLICT, STORE_FAULT_UNIQUE},
    {SQLITE_CONSTRAINT_FOREIGNKEY, DM_ECONFLICT, STORE_FAULT_FOREIGN_KEY},
    {SQLITE_CONSTRAINT_TRIGGER, DM_ECONFLICT, STORE_FAULT_APPEND_ONLY},
    {SQLITE_CONSTRAINT_CHECK, DM_EBADINPUT, STORE_FAULT_CHECK},
    {SQLITE_CONSTRAINT_NOTNULL, DM_EBADINPUT, STORE_FAULT_NOT_NULL},
    {SQLITE_MISMATCH, DM_EBADINPUT, STORE_FAULT_NONE},
    {SQLITE_TOOBIG, DM_ELIMIT, STORE_FAULT_NONE},
    {SQLITE_BUSY, DM_EBUSY, STORE_FAULT_NONE},
    {SQLITE_LOCKED, DM_EBUSY, STORE_FAULT_NONE},
    {SQLITE_INTERRUPT, DM_EBUSY, STORE_FAULT_NONE},
    {SQLITE_NOMEM, DM_ENOMEM, STORE_FAULT_NONE},
    {SQLITE_CANTOPEN, DM_ENOTFOUND, STORE_FAULT_NONE},
    {SQLITE_FULL, DM_EIO, STORE_FAULT_NONE},
    {SQLITE_IOERR, DM_EIO, STORE_FAULT_NONE},
    {SQLITE_CORRUPT, DM_EIO, STORE_FAULT_NONE},
    {SQLITE_NOTADB, DM_EIO, STORE_FAULT_NONE},
    {SQLITE_PROTOCOL, DM_EIO, STORE_FAULT_NONE},
};

/* The message behind "failed: " names "table.column, table.column", "index 'name'" or a check. Made
 * into the names that PostgreSQL gives: table_column_column_key. */
static void fault_name(const char *message, int extended, struct store_fault *f)
{
    const char *s = strstr(message, ": ");
    s = s ? s + 2 : "";
    bool primary = extended == SQLITE_CONSTRAINT_PRIMARYKEY || extended == SQLITE_CONSTRAINT_ROWID;
    const char *suffix = primary ? "_pkey" : f->kind == STORE_FAULT_UNIQUE ? "_key" : "";
    if (!strncmp(s, "index '", 7)) {
        s += 7;
        suffix = "";
    }
    size_t n = 0;
    const size_t room = sizeof(f->name) - 1 - strlen(suffix);
    bool in_table = false; /* the table's name is repeated before each column */
    for (const char *at = s; *at && *at != '\'' && n < room; at++) {
        if (*at == ',') {
            in_table = true;
        } else if (*at == '.') {
            f->name[n] = '_';
            n += !primary;
            in_table = false;
            if (primary) {
                break;
            }
        } else if (!in_table && *at != ' ') {
            f->name[n++] = *at;
        }
    }
    (void)snprintf(f->name + n, sizeof(f->name) - n, "%s", suffix);
}

/* Fill e from the connection's last failure. */
static int failure(struct conn *c, struct dm_err *e)
{
    const int extended = sqlite3_extended_errcode(c->db);
    const char *message = sqlite3_errmsg(c->db);
    int code = DM_EINTERNAL;
    for (size_t i = 0; i < DM_COUNT(codes); i++) {
        if (codes[i].sqlite == extended || codes[i].sqlite == (extended & 0xff)) {
            code = codes[i].code;
            c->base.fault.kind = codes[i].fault;
            break;
        }
    }
    if ((extended & 0xff) == SQLITE_READONLY && !c->reader) {
        code = DM_EIO; /* the file, not a reader's transaction */
    }
    if (c->base.fault.kind != STORE_FAULT_NONE) {
        fault_name(message, extended, &c->base.fault);
    }
    c->base.lost = sqlite3_get_autocommit(c->db);
    DM_FAIL(e, code, "SQLite: %s", message);
}

/* ---- connecting ------------------------------------------------------------------------------ */

static int understand(struct store_target *t, struct dm_err *e)
{
    const char *path = t->url;
    if (!strncmp(path, "///", 3)) {
        path += 3; /* sqlite:///relative, sqlite:////absolute */
    } else if (!strncmp(path, "//", 2)) {
        DM_FAIL(e, DM_EBADINPUT, "sqlite: takes a path: sqlite:demeter.db, sqlite:////absolute");
    }
    const char *query = strchr(path, '?');
    size_t n = query ? (size_t)(query - path) : strlen(path);
    if (!n || path[0] == ':') {
        DM_FAIL(e, DM_EBADINPUT, "sqlite: needs the path of a file");
    }
    if (query && strcmp(query, "?synchronous=full") && strcmp(query, "?synchronous=normal")) {
        DM_FAIL(e, DM_EBADINPUT, "sqlite: knows only the parameter synchronous=full|normal");
    }
    t->full_sync = query && !strcmp(query, "?synchronous=full");
    t->path = dm_strdup(path);
    if (!t->path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    t->path[n] = '\0';
    return DM_OK;
}

static int out_of_time(void *ctx)
{
    const struct conn *c = ctx;
    return c->deadline && dm_now() > c->deadline;
}

/* The file holds password hashes: only its owner may read it. SQLite gives the same rights to the
 * files beside it. */
static void create_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(fd);
    }
}

static int set_up(struct conn *c, const struct store_target *t, struct dm_err *e)
{
    char sql[512];
    (void)sqlite3_busy_timeout(c->db, t->o.wait_ms);
    sqlite3_progress_handler(c->db, PROGRESS_STEPS, out_of_time, c);
    (void)snprintf(sql, sizeof(sql),
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = %s; PRAGMA foreign_keys = ON;"
                   "PRAGMA recursive_triggers = ON; PRAGMA temp_store = MEMORY;"
                   "PRAGMA cache_size = -16000; PRAGMA mmap_size = 1073741824;"
                   "PRAGMA journal_size_limit = 67108864;"
                   "PRAGMA analysis_limit = 400;%s",
                   t->full_sync ? "FULL" : "NORMAL", c->reader ? "PRAGMA query_only = ON;" : "");
    if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return failure(c, e);
    }
    return DM_OK;
}

static void disconnect(struct store_conn *base)
{
    struct conn *c = conn_of(base);
    if (!c->reader) {
        (void)sqlite3_exec(c->db, "PRAGMA optimize", NULL, NULL, NULL);
    }
    (void)sqlite3_close_v2(c->db);
    dm_free(c);
}

static int connect_file(const struct store_target *t, enum store_mode mode, struct store_conn **ret,
                        struct dm_err *e)
{
    struct conn *c = dm_calloc(1, sizeof(*c));
    if (!c) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a connection");
    }
    c->base.driver = &store_driver_sqlite;
    c->base.statement_ms = t->o.statement_ms;
    c->reader = mode == STORE_READ;
    if (!c->reader && !t->o.must_exist) {
        create_private(t->path);
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = DM_OK;
    if (sqlite3_open_v2(t->path, &c->db, flags, NULL) != SQLITE_OK) {
        code = c->db ? failure(c, e) : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory");
        (void)dm_err_context(e, "%s", t->path);
    } else {
        code = set_up(c, t, e);
    }
    if (code < 0) {
        disconnect(&c->base);
        return code;
    }
    *ret = &c->base;
    return DM_OK;
}

static bool alive(struct store_conn *c)
{
    (void)c;
    return true;
}

static int command(struct store_conn *base, const char *sql, struct dm_err *e)
{
    struct conn *c = conn_of(base);
    c->deadline = 0;
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? DM_OK : failure(c, e);
}

/* ---- statements ------------------------------------------------------------------------------ */

static int prepare(struct store_conn *base, const struct store_query *q, const char *sql,
                   struct store_stmt **ret, struct dm_err *e)
{
    struct conn *c = conn_of(base);
    struct stmt *s = dm_calloc(1, sizeof(*s));
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a statement");
    }
    store_stmt_init(&s->base, q);
    const char *rest = NULL;
    int code = DM_OK;
    if (sqlite3_prepare_v3(c->db, sql, -1, q->built ? 0 : SQLITE_PREPARE_PERSISTENT, &s->s,
                           &rest) != SQLITE_OK) {
        code = failure(c, e);
    } else if (rest[strspn(rest, " \n\t;")]) {
        code = dm_err_set(e, DM_EINTERNAL, __FILE__, __LINE__, "more than one statement");
    } else if ((size_t)sqlite3_bind_parameter_count(s->s) != s->base.n_params ||
               (size_t)sqlite3_column_count(s->s) != s->base.n_cols) {
        code = dm_err_set(e, DM_EINTERNAL, __FILE__, __LINE__,
                          "%d parameters and %d columns instead of '%s' and '%s'",
                          sqlite3_bind_parameter_count(s->s), sqlite3_column_count(s->s),
                          s->base.params, s->base.cols);
    }
    if (code < 0) {
        (void)sqlite3_finalize(s->s);
        dm_free(s);
        return code;
    }
    *ret = &s->base;
    return DM_OK;
}

static void unprepare(struct store_conn *c, struct store_stmt *base)
{
    (void)c;
    struct stmt *s = stmt_of(base);
    (void)sqlite3_finalize(s->s);
    dm_free(s);
}

static int bind(sqlite3_stmt *s, int at, const struct store_value *v)
{
    char time[STORE_TIME_SIZE];
    if (v->null) {
        return sqlite3_bind_null(s, at);
    }
    switch (v->type) {
    case 'i':
        return sqlite3_bind_int64(s, at, v->i);
    case 'b':
        return sqlite3_bind_int64(s, at, v->b);
    case 'r':
        return sqlite3_bind_double(s, at, v->r);
    case 'T':
        return sqlite3_bind_text(s, at, store_time_text(v->i, time), -1, SQLITE_TRANSIENT);
    case 'x':
        return sqlite3_bind_blob64(s, at, v->x, v->n, SQLITE_TRANSIENT);
    default:
        return sqlite3_bind_text64(s, at, v->t, v->n, SQLITE_TRANSIENT, SQLITE_UTF8);
    }
}

static int bind_all(struct conn *c, sqlite3_stmt *s, const struct store_value *v, size_t n,
                    struct dm_err *e)
{
    for (size_t k = 0; k < n; k++) {
        if (bind(s, (int)k + 1, &v[k]) != SQLITE_OK) {
            return failure(c, e);
        }
    }
    return DM_OK;
}

static int run(struct store_conn *base, struct store_stmt *bs, struct store_args args,
               struct store_cursor **ret, struct dm_err *e)
{
    struct conn *c = conn_of(base);
    DM_TRY(bind_all(c, stmt_of(bs)->s, args.v, args.n, e));
    struct cursor *cur = dm_calloc(1, sizeof(*cur));
    if (!cur) {
        DM_FAIL(e, DM_ENOMEM, "no memory for rows");
    }
    c->deadline = base->statement_ms > 0 ? dm_now() + base->statement_ms * INT64_C(1000) : 0;
    cur->base.stmt = bs;
    *ret = &cur->base;
    return DM_OK;
}

/* Whether a value of that storage class may stand for the letter. */
static bool suits(char letter, int class)
{
    switch (letter) {
    case 'i':
    case 'b':
        return class == SQLITE_INTEGER;
    case 'r':
        return class == SQLITE_INTEGER || class == SQLITE_FLOAT;
    case 'x':
        return class == SQLITE_BLOB;
    default:
        return class == SQLITE_TEXT;
    }
}

static int column(struct cursor *cur, int k, struct store_value *v, struct dm_err *e)
{
    const struct store_stmt *bs = cur->base.stmt;
    sqlite3_stmt *s = stmt_of(cur->base.stmt)->s;
    const char letter = bs->cols[k];
    const int class = sqlite3_column_type(s, k);
    if (class == SQLITE_NULL) {
        *v = store_null();
        return DM_OK;
    }
    *v = (struct store_value){.type = letter};
    if (!suits(letter, class)) {
        DM_FAIL(e, DM_EINTERNAL, "%s: column %d is not of the type %c", bs->name, k + 1, letter);
    }
    switch (letter) {
    case 'i':
        v->i = sqlite3_column_int64(s, k);
        return DM_OK;
    case 'b':
        v->b = sqlite3_column_int64(s, k) != 0;
        return DM_OK;
    case 'r':
        v->r = sqlite3_column_double(s, k);
        return DM_OK;
    case 'T':
        return store_time_parse((const char *)sqlite3_column_text(s, k), &v->i, e);
    case 'x':
        v->x = sqlite3_column_blob(s, k);
        v->x = v->x ? v->x : "";
        break;
    default:
        v->t = (const char *)sqlite3_column_text(s, k);
        if (!v->t) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a text");
        }
    }
    v->n = (size_t)sqlite3_column_bytes(s, k);
    /* Text that SQL wrote, not our arguments, may be in any form. */
    return letter == 'j' ? store_json_canonical(v->t, v->n, &cur->a, &v->t, &v->n, e) : DM_OK;
}

static int step(struct store_conn *base, struct store_cursor *bc, struct store_value *row,
                struct dm_err *e)
{
    struct conn *c = conn_of(base);
    struct cursor *cur = DM_CONTAINER_OF(bc, struct cursor, base);
    sqlite3_stmt *s = stmt_of(bc->stmt)->s;
    dm_arena_clear(&cur->a);
    switch (sqlite3_step(s)) {
    case SQLITE_ROW:
        for (size_t k = 0; k < bc->stmt->n_cols; k++) {
            DM_TRY(column(cur, (int)k, &row[k], e));
        }
        return 1;
    case SQLITE_DONE:
        bc->changed = sqlite3_stmt_readonly(s) ? 0 : sqlite3_changes64(c->db);
        return 0;
    default:
        return failure(c, e);
    }
}

static void finish(struct store_conn *c, struct store_cursor *bc)
{
    (void)c;
    struct cursor *cur = DM_CONTAINER_OF(bc, struct cursor, base);
    (void)sqlite3_reset(stmt_of(bc->stmt)->s);
    (void)sqlite3_clear_bindings(stmt_of(bc->stmt)->s);
    dm_arena_clear(&cur->a);
    dm_free(cur);
}

/* ---- many rows ------------------------------------------------------------------------------- */

static int insert_rows(struct conn *c, sqlite3_stmt *s, const struct store_value *rows, size_t n,
                       size_t cols, struct dm_err *e)
{
    for (size_t i = 0; i < n; i++) {
        DM_TRY(bind_all(c, s, rows + i * cols, cols, e));
        if (sqlite3_step(s) != SQLITE_DONE) {
            return failure(c, e);
        }
        (void)sqlite3_reset(s);
    }
    return DM_OK;
}

static int bulk(struct store_conn *base, const struct store_bulk *b, const struct store_value *rows,
                size_t n, struct dm_err *e)
{
    struct conn *c = conn_of(base);
    const size_t cols = strlen(b->types);
    struct dm_buf sql = dm_buf_init(1 << 14);
    dm_buf_printf(&sql, "INSERT INTO %s (%s) VALUES (", b->table, b->columns);
    for (size_t k = 0; k < cols; k++) {
        dm_buf_puts(&sql, k ? ", ?" : "?");
    }
    dm_buf_putc(&sql, ')');
    int code = dm_buf_ok(&sql, e);
    sqlite3_stmt *s = NULL;
    c->deadline = 0;
    if (code >= 0) {
        code = sqlite3_prepare_v2(c->db, dm_buf_str(&sql), -1, &s, NULL) == SQLITE_OK
                   ? insert_rows(c, s, rows, n, cols, e)
                   : failure(c, e);
    }
    (void)sqlite3_finalize(s);
    dm_buf_clear(&sql);
    return code;
}

/* ---- the engine ------------------------------------------------------------------------------ */

#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

// clang-format off
static const struct store_token tokens[] = {
    {"now", NOW},
    {"for_update", ""},
    {"skip_locked", ""},
    {"same", "IS"},
    {"lower", "lower(%1)"},
    {"ids", "(SELECT value FROM json_each(%1))"},
    {"texts", "(SELECT value FROM json_each(%1))"},
    {"day", "strftime('%Y-%m-%d', %1, (%2) || ' minutes')"},
    {"month", "strftime('%Y-%m', %1, (%2) || ' minutes')"},
    {"ms", "(CAST(strftime('%s', %1) AS INTEGER) * 1000 + CAST(substr(%1, 21, 3) AS INTEGER))"},
    {"int", "INTEGER"},
    {"real", "REAL"},
    {"greatest", "max"},
    {"least", "min"},
    {"true", "1"},
    {"false", "0"},
    /* columns */
    {"id", "id INTEGER PRIMARY KEY AUTOINCREMENT"},
    {"fk", "%1 INTEGER REFERENCES %2 (id) %3"},
    {"fk_later", "%1 INTEGER REFERENCES %2 (id) %3"},
    {"fk_now", ""},
    {"int:", "%1 INTEGER"},
    {"int64", "%1 INTEGER"},
    {"real:", "%1 REAL"},
    {"bool", "%1 INTEGER CONSTRAINT %t_%1_check CHECK (%1 IN (0, 1))"},
    {"text", "%1 TEXT CONSTRAINT %t_%1_check CHECK (length(%1) <= %2)"},
    {"long", "%1 TEXT"},
    {"json", "%1 TEXT CONSTRAINT %t_%1_check CHECK (%1 IS NULL OR json_valid(%1))"},
    {"ts", "%1 TEXT CONSTRAINT %t_%1_check CHECK (length(%1) = 24)"},
    {"date", "%1 TEXT CONSTRAINT %t_%1_check CHECK (length(%1) = 10)"},
    {"uuid", "%1 TEXT CONSTRAINT %t_%1_check CHECK (length(%1) = 36)"},
    {"blob", "%1 BLOB"},
    {"enum", "%1 TEXT CONSTRAINT %t_%1_check CHECK (%1 IN (%2))"},
    {"check", "CONSTRAINT %t_%1_check CHECK (%2)"},
    {"chars", "CONSTRAINT %t_%1_chars_check CHECK (%1 NOT GLOB '*[^%2]*' AND length(%1) >= %3)"},
    {"index", "CREATE INDEX %1_%2_idx ON %1 (%2)"},
    {"created", "created_at TEXT NOT NULL DEFAULT (" NOW ")"},
    {"times", "created_at TEXT NOT NULL DEFAULT (" NOW "), "
              "updated_at TEXT NOT NULL DEFAULT (" NOW ")"},
    {"generated", "%1 INTEGER GENERATED ALWAYS AS (%2) STORED"},
    {"no_update", "CREATE TRIGGER %1_no_update BEFORE UPDATE ON %1 WHEN NOT (%2) "
                  "BEGIN SELECT RAISE(ABORT, 'append-only: %1'); END"},
    {"no_delete", "CREATE TRIGGER %1_no_delete BEFORE DELETE ON %1 WHEN NOT (%2) "
                  "BEGIN SELECT RAISE(ABORT, 'append-only: %1'); END"},
    {NULL, NULL},
};
// clang-format on

static const char *const self_checks[] = {
    "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "SELECT \"table\" || ': row ' || coalesce(rowid, '?') || ' refers to a row of ' || parent || "
    "' that does not exist' FROM pragma_foreign_key_check",
    NULL,
};

const struct store_driver store_driver_sqlite = {
    .name = "sqlite",
    .tokens = tokens,
    .begin = {[STORE_READ] = "BEGIN DEFERRED", [STORE_WRITE] = "BEGIN IMMEDIATE"},
    .placeholder = '?',
    .own_writer = true,
    .understand = understand,
    .connect = connect_file,
    .disconnect = disconnect,
    .alive = alive,
    .command = command,
    .prepare = prepare,
    .unprepare = unprepare,
    .run = run,
    .step = step,
    .finish = finish,
    .bulk = bulk,
    .migration_lock = "", /* the write transaction is the lock */
    .defer_foreign_keys = "PRAGMA defer_foreign_keys = ON",
    .fix_numbers = "", /* AUTOINCREMENT follows the largest id by itself */
    .self_checks = self_checks,
};
