/* SPDX-License-Identifier: Apache-2.0
 *
 * Replacing an instance. Which of the two ways is taken is decided by whether the engine keeps a
 * file; both have the same five steps. */
#include "store/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/text.h"
#include "store/catalog.h"
#include "store/pool.h"

#define STAGE "demeter_restore"
enum { WAIT_MS = 1000, PAUSE_MS = 50, NAME_SIZE = 40 };

struct store_swap {
    struct dm_arena a;
    char *url;              /* of the instance */
    const char *stage_url;  /* of the place beside */
    const char *path;       /* of a file engine, else NULL */
    const char *stage_path; /* likewise */
    const char *aside;      /* file or schema of the old one; "" without */
    const char *tables;     /* of a server: ARRAY['users', ...], all that may move */
    struct store_options o;
    bool replaces, committed;
};

static int no_memory(struct dm_err *e)
{
    DM_FAIL(e, DM_ENOMEM, "no memory for a restore");
}

static int fail_errno(struct dm_err *e, const char *path)
{
    char why[64];
    DM_FAIL(e, DM_EIO, "%s: %s", path, strerror_r(errno, why, sizeof(why)));
}

/* "20261124_020000123" of now, for names. */
static void stamp(char ret[static NAME_SIZE])
{
    char time[STORE_TIME_SIZE];
    size_t n = 0;
    (void)store_time_text(store_now(), time);
    for (const char *c = time; *c && *c != 'Z'; c++) {
        if (*c != '-' && *c != ':' && *c != '.') {
            ret[n++] = (char)(*c == 'T' ? '_' : *c);
        }
    }
    ret[n] = '\0';
}

/* ---- a file ---------------------------------------------------------------------------------- */

/* With the files that SQLite keeps beside it. */
static int remove_file(const char *path, struct dm_err *e)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[4096];
    for (size_t i = 0; i < DM_COUNT(ends); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        if (unlink(name) != 0 && errno != ENOENT) {
            return fail_errno(e, name);
        }
    }
    return DM_OK;
}

static int sync_folder(const char *path, struct dm_err *e)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1,
                   slash ? path : ".");
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int failed = fd < 0 || fsync(fd) != 0;
    const int code = failed ? fail_errno(e, folder) : DM_OK;
    if (fd >= 0) {
        (void)close(fd);
    }
    return code;
}

/* Leaving WAL mode needs the file alone and takes the log into it: afterwards the one file is the
 * whole instance. */
static int take_alone(const char *path, struct dm_err *e)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool alone = false;
    bool works = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK;
    if (works) {
        (void)sqlite3_busy_timeout(db, WAIT_MS);
        works = sqlite3_prepare_v2(db, "PRAGMA journal_mode = DELETE", -1, &s, NULL) == SQLITE_OK;
        alone = works && sqlite3_step(s) == SQLITE_ROW &&
                !strcmp((const char *)sqlite3_column_text(s, 0), "delete");
    }
    (void)sqlite3_finalize(s);
    (void)sqlite3_close_v2(db);
    if (!works) {
        DM_FAIL(e, DM_EIO, "%s cannot be opened", path);
    }
    if (!alone) {
        DM_FAIL(e, DM_EBUSY, "%s is in use: stop the services first", path);
    }
    return DM_OK;
}

static int file_commit(struct store_swap *s, struct dm_err *e)
{
    DM_TRY(take_alone(s->stage_path, e));
    if (s->replaces) {
        DM_TRY(take_alone(s->path, e));
        if (link(s->path, s->aside) != 0) {
            return fail_errno(e, s->aside);
        }
    }
    if (rename(s->stage_path, s->path) != 0) {
        return fail_errno(e, s->path);
    }
    return sync_folder(s->path, e);
}

static int file_undo(struct store_swap *s, struct dm_err *e)
{
    DM_TRY(take_alone(s->path, e));
    if (!s->replaces) {
        return remove_file(s->path, e);
    }
    if (rename(s->aside, s->path) != 0) {
        return fail_errno(e, s->path);
    }
    return sync_folder(s->path, e);
}

/* ---- schemas of a server --------------------------------------------------------------------- */

/* Tables and the functions of their triggers from one schema into another, which exists: from, to
 * (expressions that give a name) and the tables. */
#define MOVE_SQL                                                                                   \
    "DO $move$ DECLARE r record; from_ text := %s; to_ text := %s; tables_ name[] := %s; BEGIN"    \
    " FOR r IN SELECT DISTINCT p.oid::regprocedure::text AS name FROM pg_trigger t"                \
    " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"                     \
    " WHERE c.relnamespace = quote_ident(from_)::regnamespace AND c.relname = ANY (tables_)"       \
    " AND p.pronamespace = c.relnamespace LOOP"                                                    \
    " EXECUTE format('ALTER FUNCTION %%s SET SCHEMA %%I', r.name, to_); END LOOP;"                 \
    " FOR r IN SELECT c.oid::regclass::text AS name FROM pg_class c"                               \
    " WHERE c.relnamespace = quote_ident(from_)::regnamespace AND c.relkind IN ('r', 'p')"         \
    " AND c.relname = ANY (tables_) LOOP"                                                          \
    " EXECUTE format('ALTER TABLE %%s SET SCHEMA %%I', r.name, to_); END LOOP;"                    \
    "END $move$;"

static int name_tables(struct store_swap *s, struct dm_err *e)
{
    struct store_catalog c;
    const char *list = "'schema_migrations'";
    DM_TRY(store_catalog_read(store_migrations, store_migration_count, &s->a, &c, e));
    for (size_t i = 0; i < c.n && list; i++) {
        list = dm_arena_printf(&s->a, "%s, '%s'", list, c.table[i].name);
    }
    s->tables = list ? dm_arena_printf(&s->a, "ARRAY[%s]::name[]", list) : NULL;
    return s->tables ? DM_OK : no_memory(e);
}

static const char *move(struct store_swap *s, const char *from, const char *to)
{
    return dm_arena_printf(&s->a, MOVE_SQL, from, to, s->tables);
}

static int command(struct store_swap *s, const char *sql, bool alone, struct dm_err *e);

static int server_commit(struct store_swap *s, struct dm_err *e)
{
    const char *aside = dm_arena_printf(&s->a, "'%s'", s->aside);
    const char *away = aside ? move(s, "current_schema()", aside) : NULL;
    const char *in = move(s, "'" STAGE "'", "current_schema()");
    const char *sql =
        !away || !in ? NULL
        : s->replaces
            ? dm_arena_printf(&s->a, "CREATE SCHEMA \"%s\"; %s %s DROP SCHEMA " STAGE " CASCADE",
                              s->aside, away, in)
            : dm_arena_printf(&s->a, "%s DROP SCHEMA " STAGE " CASCADE", in);
    return sql ? command(s, sql, true, e) : no_memory(e);
}

static int server_undo(struct store_swap *s, struct dm_err *e)
{
    const char *aside = dm_arena_printf(&s->a, "'%s'", s->aside);
    const char *out = move(s, "current_schema()", "'" STAGE "'");
    const char *back = aside ? move(s, aside, "current_schema()") : NULL;
    const char *sql =
        !out || !back ? NULL
        : s->replaces
            ? dm_arena_printf(&s->a,
                              "CREATE SCHEMA " STAGE "; %s %s DROP SCHEMA \"%s\" CASCADE;"
                              " DROP SCHEMA " STAGE " CASCADE",
                              out, back, s->aside)
            : dm_arena_printf(&s->a, "CREATE SCHEMA " STAGE "; %s DROP SCHEMA " STAGE " CASCADE",
                              out);
    return sql ? command(s, sql, true, e) : no_memory(e);
}

/* Sessions of our programs besides this one. Those that have just ended may be seen for a moment.
 */
static int wait_alone(struct store_tx *tx, struct dm_err *e)
{
    static const struct store_query others = {
        "swap.others",
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND application_name = 'demeter'",
        "", "i", true};
    int64_t n = 0;
    for (int ms = 0; ms <= WAIT_MS; ms += PAUSE_MS) {
        DM_TRY(store_tx_command(tx, "SELECT pg_stat_clear_snapshot()", e));
        DM_TRY(store_int(tx, &others, STORE_NO_ARGS, &n, e));
        if (n == 0) {
            return DM_OK;
        }
        store_pause(PAUSE_MS);
    }
    DM_FAIL(e, DM_EBUSY, "%d other sessions use the database: stop the services first", (int)n);
}

static int command(struct store_swap *s, const char *sql, bool alone, struct dm_err *e)
{
    DM_CLEANUP(store_closep) struct store *store = NULL;
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_open(s->url, &s->o, &store, e));
    DM_TRY(store_begin(store, STORE_WRITE, &tx, e));
    DM_TRY(alone ? wait_alone(tx, e) : DM_OK);
    DM_TRY(store_tx_command(tx, sql, e));
    return store_commit(&tx, e);
}

static int server_begin(struct store_swap *s, struct dm_err *e)
{
    static const struct store_query has = {
        "swap.has", "SELECT count(to_regclass('schema_migrations'))", "", "i", true};
    DM_CLEANUP(store_closep) struct store *store = NULL;
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    int64_t n = 0;
    if (strstr(s->url, "options=")) {
        DM_FAIL(e, DM_EUNSUPPORTED, "an address with options= cannot be restored into");
    }
    s->stage_url = dm_arena_printf(&s->a, "%s%coptions=-csearch_path%%3D" STAGE, s->url,
                                   strchr(s->url, '?') ? '&' : '?');
    DM_TRY(s->stage_url ? name_tables(s, e) : no_memory(e));
    DM_TRY(store_open(s->url, &s->o, &store, e));
    DM_TRY(store_begin(store, STORE_WRITE, &tx, e));
    DM_TRY(store_int(tx, &has, STORE_NO_ARGS, &n, e));
    DM_TRY(
        store_tx_command(tx, "DROP SCHEMA IF EXISTS " STAGE " CASCADE; CREATE SCHEMA " STAGE, e));
    DM_TRY(store_commit(&tx, e));
    s->replaces = n > 0;
    return DM_OK;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int file_begin(struct store_swap *s, struct dm_err *e)
{
    struct stat st;
    s->stage_path = dm_arena_printf(&s->a, "%s.restore", s->path);
    s->stage_url = s->stage_path ? dm_arena_printf(&s->a, "sqlite:%s", s->stage_path) : NULL;
    if (!s->stage_url) {
        return no_memory(e);
    }
    s->replaces = stat(s->path, &st) == 0 && st.st_size > 0;
    return remove_file(s->stage_path, e);
}

static int name_aside(struct store_swap *s, struct dm_err *e)
{
    char when[NAME_SIZE];
    stamp(when);
    s->aside = !s->replaces ? ""
               : s->path    ? dm_arena_printf(&s->a, "%s.before-%s", s->path, when)
                            : dm_arena_printf(&s->a, "demeter_before_%s", when);
    return s->aside ? DM_OK : no_memory(e);
}

/* Path of a file engine's url; NULL: it is a server. Understood by the store itself. */
static int find_path(struct store_swap *s, struct dm_err *e)
{
    const char *colon = strchr(s->url, ':');
    DM_TRY(store_url_check(s->url, e));
    if (strncmp(s->url, "sqlite", 6) != 0) {
        return DM_OK;
    }
    const char *path = colon + 1;
    path += !strncmp(path, "///", 3) ? 3 : 0;
    s->path = dm_arena_strndup(&s->a, path, strcspn(path, "?"));
    return s->path ? DM_OK : no_memory(e);
}

int store_swap_begin(const char *url, const struct store_options *o, struct store_swap **ret,
                     struct dm_err *e)
{
    DM_CLEANUP(store_swap_freep) struct store_swap *s = dm_calloc(1, sizeof(*s));
    if (!s) {
        return no_memory(e);
    }
    s->o = o ? *o : (struct store_options){0};
    s->o.pool_size = 1;
    s->o.pool_overflow = -1;
    s->url = dm_arena_strdup(&s->a, url);
    DM_TRY(s->url ? find_path(s, e) : no_memory(e));
    DM_TRY(s->path ? file_begin(s, e) : server_begin(s, e));
    DM_TRY(name_aside(s, e));
    *ret = DM_STEAL(s);
    return DM_OK;
}

const char *store_swap_url(const struct store_swap *s)
{
    return s->stage_url;
}

bool store_swap_replaces(const struct store_swap *s)
{
    return s->replaces;
}

const char *store_swap_aside(const struct store_swap *s)
{
    return s->aside;
}

int store_swap_commit(struct store_swap *s, struct dm_err *e)
{
    DM_TRY(s->path ? file_commit(s, e) : server_commit(s, e));
    s->committed = true;
    return DM_OK;
}

int store_swap_undo(struct store_swap *s, struct dm_err *e)
{
    return s->path ? file_undo(s, e) : server_undo(s, e);
}

int store_swap_forget(struct store_swap *s, struct dm_err *e)
{
    if (!s->replaces) {
        return DM_OK;
    }
    const char *sql = dm_arena_printf(&s->a, "DROP SCHEMA \"%s\" CASCADE", s->aside);
    return s->path ? remove_file(s->aside, e) : sql ? command(s, sql, false, e) : no_memory(e);
}

void store_swap_free(struct store_swap *s)
{
    if (!s) {
        return;
    }
    if (!s->committed && s->stage_path) {
        (void)remove_file(s->stage_path, NULL);
    } else if (!s->committed && s->tables) {
        (void)command(s, "DROP SCHEMA IF EXISTS " STAGE " CASCADE", false, NULL);
    }
    dm_arena_clear(&s->a);
    dm_free(s);
}
