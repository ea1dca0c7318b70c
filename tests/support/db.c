/* SPDX-License-Identifier: Apache-2.0
 *
 * Databases for tests. The schema is made once per program and engine, as a template; a test gets a
 * copy, which costs milliseconds. */
#include "support/db.h"

#include <fcntl.h>
#include <ftw.h>
#include <libpq-fe.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "store/migrate.h"
#include "support/pg_server.h"

const struct db_kind db_sqlite = {.engine = "sqlite"};
const struct db_kind db_postgresql = {.engine = "postgresql"};
const struct db_kind db_sqlite_empty = {.engine = "sqlite", .empty = true};
const struct db_kind db_postgresql_empty = {.engine = "postgresql", .empty = true};

static struct {
    char folder[64]; /* of SQLite files */
    pid_t owner;     /* a forked child must not clean up */
    int made;        /* databases so far, for their names */
    bool pg_template;
    bool sqlite_template;
} here;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_folder(void)
{
    if (here.owner == getpid()) {
        (void)nftw(here.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}

static const char *folder(void)
{
    if (!here.folder[0]) {
        (void)snprintf(here.folder, sizeof(here.folder), "/tmp/demeter-db-XXXXXX");
        assert_non_null(mkdtemp(here.folder));
        here.owner = getpid();
        assert_int_equal(atexit(remove_folder), 0);
    }
    return here.folder;
}

static bool is_sqlite(const struct db_kind *kind)
{
    return kind->engine[0] == 's';
}

static struct store *open_url(const char *url, const struct store_options *o)
{
    struct dm_err e = {0};
    struct store *s = NULL;
    assert_ok(store_open(url, o, &s, &e), &e);
    return s;
}

static void migrate(const char *url)
{
    struct dm_err e = {0};
    struct store *s = open_url(url, NULL);
    assert_ok(store_migrate(s, NULL, &e), &e);
    store_close(s);
}

/* ---- SQLite ---------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    struct dm_err e = {0};
    struct dm_buf b = dm_buf_init((size_t)64 << 20);
    assert_ok(dm_buf_read_file(&b, from, &e), &e);
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b.data, b.len), b.len);
    assert_int_equal(close(fd), 0);
    dm_buf_clear(&b);
}

static void make_sqlite(struct db *db, bool empty)
{
    char template[128];
    char path[128];
    (void)snprintf(template, sizeof(template), "%s/template.db", folder());
    (void)snprintf(path, sizeof(path), "%s/t%d.db", folder(), ++here.made);
    (void)snprintf(db->url, sizeof(db->url), "sqlite:%s", path);
    if (empty) {
        return;
    }
    if (!here.sqlite_template) {
        char url[160];
        (void)snprintf(url, sizeof(url), "sqlite:%s", template);
        migrate(url);
        here.sqlite_template = true;
    }
    copy_file(template, path);
}

static void drop_sqlite(const struct db *db)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < DM_COUNT(suffixes); i++) {
        char path[560];
        (void)snprintf(path, sizeof(path), "%s%s", db->url + strlen("sqlite:"), suffixes[i]);
        (void)unlink(path);
    }
}

/* ---- PostgreSQL ------------------------------------------------------------------------------ */

/* A statement that cannot be part of a transaction, on the maintenance database. */
static void admin(const char *sql)
{
    char url[128];
    pg_server_url("postgres", url, sizeof(url));
    PGconn *c = PQconnectdb(url);
    if (PQstatus(c) != CONNECTION_OK) {
        fail_msg("%s", PQerrorMessage(c));
    }
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(c));
    }
    PQclear(r);
    PQfinish(c);
}

static void make_postgresql(struct db *db, bool empty)
{
    char name[32];
    char sql[160];
    pg_server_start();
    if (!empty && !here.pg_template) {
        char url[128];
        admin("CREATE DATABASE demeter_template TEMPLATE template0");
        pg_server_url("demeter_template", url, sizeof(url));
        migrate(url);
        here.pg_template = true;
    }
    (void)snprintf(name, sizeof(name), "t%d_%d", (int)getpid(), ++here.made);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy", name,
                   empty ? "template0" : "demeter_template");
    admin(sql);
    pg_server_url(name, db->url, sizeof(db->url));
}

static void drop_postgresql(const struct db *db)
{
    char sql[160];
    const char *name = strrchr(db->url, '/') + 1;
    (void)snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", name);
    admin(sql);
}

void db_server_kill(void)
{
    pg_server_kill();
}

void db_server_start(void)
{
    pg_server_start();
}

/* ---- either ---------------------------------------------------------------------------------- */

struct db *db_new(const struct db_kind *kind)
{
    struct db *db = calloc(1, sizeof(*db));
    assert_non_null(db);
    db->engine = kind->engine;
    if (is_sqlite(kind)) {
        make_sqlite(db, kind->empty);
    } else {
        make_postgresql(db, kind->empty);
    }
    db->store = open_url(db->url, NULL);
    return db;
}

void db_free(struct db *db)
{
    if (!db) {
        return;
    }
    if (!store_pool_state(db->store).used) { /* a test that failed half-way leaves one open */
        store_close(db->store);
    }
    if (!strncmp(db->url, "sqlite:", 7)) {
        drop_sqlite(db);
    } else {
        drop_postgresql(db);
    }
    free(db);
}

int db_setup(void **state)
{
    *state = db_new(*state);
    return 0;
}

int db_teardown(void **state)
{
    db_free(*state);
    return 0;
}

struct store *db_reopen(const struct db *db, const struct store_options *o)
{
    return open_url(db->url, o);
}

/* ---- queries --------------------------------------------------------------------------------- */

/* A harmless value of each letter, or null on the second try. */
static struct store_value sample(char letter, bool null)
{
    if (null) {
        return store_null();
    }
    switch (letter) {
    case 'i':
        return store_i(1);
    case 'r':
        return store_r(1.5);
    case 'b':
        return store_b(true);
    case 'j':
        return store_j("[]");
    case 'T':
        return store_at(1700000000000);
    case 'D':
        return store_d("2026-11-23");
    case 'u':
        return store_u("00000000-0000-4000-8000-000000000000");
    case 'x':
        return store_x("x", 1);
    default:
        return store_t("x");
    }
}

static void check_query(struct store *s, const struct store_query *q, bool null)
{
    struct store_value v[99];
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    size_t n = strlen(q->params);
    assert_true(n <= DM_COUNT(v));
    for (size_t k = 0; k < n; k++) {
        v[k] = sample(q->params[k], null);
    }
    assert_ok(store_begin(s, STORE_WRITE, &tx, &e), &e);
    int code = store_exec(tx, q, (struct store_args){v, n}, NULL, &e);
    bool refused_by_rule = code == DM_ECONFLICT || code == DM_EBADINPUT;
    if (code < 0 && !refused_by_rule) {
        fail_msg("%s: %s: %s", store_engine(s), q->name, dm_err_text(&e));
    }
    store_rollback(tx);
}

void db_check_queries(struct store *s, const struct store_query_table *t)
{
    assert_true(t->n > 0);
    for (size_t i = 0; i < t->n; i++) {
        if (!t->q[i].sql) {
            fail_msg("query %zu of a table is empty", i);
        }
        check_query(s, &t->q[i], false);
        check_query(s, &t->q[i], true);
    }
}
