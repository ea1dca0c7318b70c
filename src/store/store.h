/* SPDX-License-Identifier: Apache-2.0
 *
 * The database: one interface, two engines (SQLite 3 in a file, PostgreSQL 15 and newer), chosen by
 * the URL. Queries are data and live beside the code that owns them; what differs between the
 * engines is written with the few tokens below, so that a query exists once.
 *
 *   static const struct store_query q[] = {
 *       [BY_CODE] = {"batch.by_code", "SELECT id, name FROM stock_batches WHERE batch_code = ?1",
 *                    "t", "it"},
 *   };
 *   STORE_QUERIES(inventory_batch_queries, q);          ... a test runs each of them on both
 * engines
 *
 *   DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
 *   DM_TRY(store_begin(s, STORE_WRITE, &tx, e));
 *   DM_TRY(store_one(tx, &q[BY_CODE], STORE_ARGS(store_t(code)), arena, &row, e));
 *   ... row[0].i, row[1].t ...
 *   return store_commit(&tx, e);
 *
 * Letters of values, in params and cols:
 *
 *   letter  C                                 SQLite                    PostgreSQL
 *   i       int64_t i                         INTEGER                   INTEGER, BIGINT
 *   r       double r                          REAL                      DOUBLE PRECISION
 *   b       bool b                            INTEGER 0, 1              BOOLEAN
 *   t       text t, n bytes, UTF-8            TEXT                      VARCHAR, TEXT
 *   j       JSON text t, canonical            TEXT                      JSONB
 *   T       int64_t i, ms since 1970 UTC      YYYY-MM-DDTHH:MM:SS.mmmZ  TIMESTAMPTZ(3)
 *   D       text t, YYYY-MM-DD                TEXT                      DATE
 *   u       text t, 36 lower-case characters  TEXT                      UUID
 *   x       bytes x, n                        BLOB                      BYTEA
 *
 * Any value may be null. JSON comes out in one form whatever the engine (keys sorted, no blanks:
 * store_json_canonical); sums and averages come out as the letter says.
 *
 * Tokens in SQL ({name} or {name:a|b}; everything else is the common ground of both engines):
 *
 *   ?1 .. ?99         parameters, typed by their letter
 *   {now}             the present, as a T. Constant within a statement
 *   {for_update}      locks the rows of a SELECT; nothing on SQLite, whose writer is alone
 *   {skip_locked}     after it: leave out rows that others hold
 *   {same}            null-safe equality: a {same} b
 *   {lower:x}         lower case of A-Z only, the same on both engines
 *   {ids:?1}          (SELECT of the integers in a JSON array): id IN {ids:?1}, letter j
 *   {texts:?1}        the same with texts
 *   {day:x|?2}        calendar day of timestamp x, as text YYYY-MM-DD, in a zone ?2 minutes (letter
 *                     i) east of Greenwich; {month:x|?2} is YYYY-MM
 *   {ms:x}            timestamp x as an integer, ms since 1970
 *   {int} {real}      types for CAST
 *   {greatest} {least}   functions of several values, none of them null
 *
 * What differs although the words are the same: give NULLS FIRST or NULLS LAST where an order key
 * may be null; || of null is null; round() only in C; LIKE ignores the case of A-Z on SQLite only,
 * so compare {lower:x} with lower-case text; text columns sort by bytes on both; ->> of JSON is
 * text on PostgreSQL and a value on SQLite.
 *
 * Threads: a store serves many; a transaction, its rows and its errors belong to one at a time.
 * A child process opens its own store. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct store;
struct store_tx;
struct store_rows;

/* ---- values --------------------------------------------------------------------------------- */

struct store_value {
    char type; /* letter; 0 for a null of any type */
    bool null;
    size_t n; /* bytes of t or x, without the NUL that ends t */
    union {
        int64_t i;
        double r;
        bool b;
        const char *t; /* NULL when null */
        const void *x;
    };
};

/* Arguments. The pointers are borrowed until the call returns; a NULL text is a null. */
static inline struct store_value store_null(void)
{
    return (struct store_value){.null = true};
}
static inline struct store_value store_i(int64_t v)
{
    return (struct store_value){.type = 'i', .i = v};
}
static inline struct store_value store_r(double v)
{
    return (struct store_value){.type = 'r', .r = v};
}
static inline struct store_value store_b(bool v)
{
    return (struct store_value){.type = 'b', .b = v};
}
static inline struct store_value store_at(int64_t ms)
{
    return (struct store_value){.type = 'T', .i = ms};
}
struct store_value store_t(const char *v);
struct store_value store_j(const char *v);
struct store_value store_d(const char *v);
struct store_value store_u(const char *v);
struct store_value store_x(const void *v, size_t n);

/* A foreign key that may be absent: 0 is null. */
static inline struct store_value store_ref(int64_t id)
{
    return id ? store_i(id) : store_null();
}

struct store_args {
    const struct store_value *v;
    size_t n;
};
#define STORE_ARGS(...)                                                                            \
    ((struct store_args){(const struct store_value[]){__VA_ARGS__},                                \
                         sizeof((const struct store_value[]){__VA_ARGS__}) /                       \
                             sizeof(struct store_value)})
#define STORE_NO_ARGS ((struct store_args){NULL, 0})

/* ---- queries -------------------------------------------------------------------------------- */

struct store_query {
    const char *name;   /* "folder.noun_verb": in metrics and errors */
    const char *sql;    /* one statement with tokens */
    const char *params; /* a letter for each of ?1.. */
    const char *cols;   /* a letter for each column that comes back, "" for none */
    bool built;         /* made at run time: all of it but the name may go away */
};

/* All queries of one file, found by tests through an X(name) line in the .def list of the folder.
 */
struct store_query_table {
    const struct store_query *q;
    size_t n;
};
#define STORE_QUERIES(name, array)                                                                 \
    extern const struct store_query_table name;                                                    \
    const struct store_query_table name = {(array), sizeof(array) / sizeof((array)[0])}

/* ---- opening -------------------------------------------------------------------------------- */

/* Zero means the default that the comment gives. */
struct store_options {
    int pool_size;     /* connections kept, 30; readers on SQLite */
    int pool_overflow; /* more of them for a rush, closed afterwards, 20; negative: none */
    int connect_ms;    /* time-out of connecting, 60000 */
    int wait_ms;       /* for a free connection, or for locks of others, 5000 */
    int statement_ms;  /* longest statement, 30000; negative: no limit */
    bool must_exist;   /* a SQLite file that is missing is DM_ENOTFOUND, not created */
    bool echo;         /* log each statement, never its values */
};

/* URL: sqlite:PATH, sqlite:///PATH (SQLAlchemy: three slashes relative, four absolute),
 * sqlite::memory: is not possible; postgresql://user:password@host:port/database?sslmode=...,
 * postgres://; any +driver after the scheme is accepted. The schema is not touched
 * (store/migrate.h). DM_EBADINPUT: not such a URL; DM_ENOTFOUND: no such file or database; DM_EIO:
 * not reachable, retry. Messages never hold a password. o may be NULL. */
DM_MUST_CHECK int store_open(const char *url, const struct store_options *o, struct store **ret,
                             struct dm_err *e);

/* All transactions have ended before. Accepts NULL. */
void store_close(struct store *s);
DM_DEFINE_CLEANUP(store_closep, struct store *, store_close)

/* Whether store_open would understand the URL. DM_EBADINPUT. */
DM_MUST_CHECK int store_url_check(const char *url, struct dm_err *e);

/* The URL without its password, for people. In a; NULL when out of memory. */
const char *store_url_redact(const char *url, struct dm_arena *a);

/* "sqlite" or "postgresql". */
const char *store_engine(const struct store *s);

/* Connections, for metrics: in use now, kept open, most that may be open. */
struct store_pool_state {
    int used, open, max;
};
struct store_pool_state store_pool_state(struct store *s);

/* How often a transaction has met a server that was gone, or none came back when it was called:
 * whoever compares two answers knows whether what failed between them may be put down to that. A
 * connection that died idle and was replaced unseen is none. Any thread. */
uint64_t store_losses(struct store *s);

/* What the database holds, as a text: as long as it is the same, every query gives the same rows
 * (whoever writes, from wherever). "" where the engine cannot tell, when it cannot be reached, and
 * when very many write at once. Seen after the call began; callers at the same time share one round
 * trip. Measured: 40 us. */
#define STORE_STATE_SIZE 256
void store_state(struct store *s, char ret[static STORE_STATE_SIZE]);

/* ---- transactions --------------------------------------------------------------------------- */

enum store_mode {
    STORE_READ,  /* sees one snapshot; writing fails with DM_EINTERNAL */
    STORE_WRITE, /* SQLite: the only writer, from the start. PostgreSQL: read committed */
};

/* DM_EBUSY: no connection or no write lock within wait_ms; DM_EIO: database lost. Both may be
 * retried. A connection that has died in the pool is replaced unseen. */
DM_MUST_CHECK int store_begin(struct store *s, enum store_mode mode, struct store_tx **ret,
                              struct dm_err *e);

/* End the transaction, *tx is NULL afterwards in any case. After DM_OK everything is stored.
 * DM_EBUSY: nothing is stored, retry; DM_EIO: the database was lost and may or may not have stored
 * it. A transaction in which a statement failed cannot be committed: it fails with the same code
 * again. */
DM_MUST_CHECK int store_commit(struct store_tx **tx, struct dm_err *e);

/* Undo everything. Accepts NULL. */
void store_rollback(struct store_tx *tx);
DM_DEFINE_CLEANUP(store_rollbackp, struct store_tx *, store_rollback)

/* begin, fn, commit; once more, with a pause, when it failed with a code that may be retried (at
 * most 5 times). fn must not have lasting effects besides the transaction. A server that is lost
 * during the commit may have stored it: DM_EIO then, not a second time; whoever asked repeats with
 * its idempotency key. */
typedef int (*store_fn)(struct store_tx *tx, void *ctx, struct dm_err *e);
DM_MUST_CHECK int store_run(struct store *s, enum store_mode mode, store_fn fn, void *ctx,
                            struct dm_err *e);

/* A step that may fail alone. After a failed statement store_restore makes the transaction usable
 * again, as it was at store_save. They nest; each save is ended by one restore or release. */
DM_MUST_CHECK int store_save(struct store_tx *tx, struct dm_err *e);
DM_MUST_CHECK int store_restore(struct store_tx *tx, struct dm_err *e);
DM_MUST_CHECK int store_release(struct store_tx *tx, struct dm_err *e);

struct store *store_of(struct store_tx *tx);

/* ---- statements ----------------------------------------------------------------------------- */

/* Codes of every statement:
 *   DM_ECONFLICT  a unique rule or a foreign key refuses it    store_fault tells which
 *   DM_EBADINPUT  a check, a NOT NULL or a column's length refuses it    likewise
 *   DM_EBUSY      lock not got, deadlock, serialization, statement time-out    retry
 *   DM_EIO        connection lost, disk    retry
 *   DM_EINTERNAL  the query itself is wrong; writing in a STORE_READ
 * A wrong number or letter of arguments is a bug of the caller and stops the process.
 * After a failure only store_restore and store_rollback are possible. */

enum store_fault_kind {
    STORE_FAULT_NONE,
    STORE_FAULT_UNIQUE,      /* name: TABLE_COLUMN_COLUMN_key, the same on both engines */
    STORE_FAULT_FOREIGN_KEY, /* name: "" on SQLite */
    STORE_FAULT_CHECK,       /* name of the constraint, TABLE_COLUMN_check when it has none */
    STORE_FAULT_NOT_NULL,    /* name: TABLE_COLUMN */
    STORE_FAULT_APPEND_ONLY, /* name: TABLE */
};
struct store_fault {
    enum store_fault_kind kind;
    char name[64];
};
/* Of the last failed statement. Borrowed from tx. */
const struct store_fault *store_fault(const struct store_tx *tx);

/* Run; *ret_changed (NULL allowed) is the number of rows written. */
DM_MUST_CHECK int store_exec(struct store_tx *tx, const struct store_query *q,
                             struct store_args args, int64_t *ret_changed, struct dm_err *e);

/* Exactly one row, its values in a. DM_ENOTFOUND: none; DM_EINTERNAL: several. */
DM_MUST_CHECK int store_one(struct store_tx *tx, const struct store_query *q,
                            struct store_args args, struct dm_arena *a,
                            const struct store_value **ret_row, struct dm_err *e);

/* At most one row: 1, or 0 and *ret_row untouched. */
DM_MUST_CHECK int store_maybe(struct store_tx *tx, const struct store_query *q,
                              struct store_args args, struct dm_arena *a,
                              const struct store_value **ret_row, struct dm_err *e);

/* First column, an i, of exactly one row: INSERT ... RETURNING id, SELECT count(*); null is 0.
 * DM_ENOTFOUND. */
DM_MUST_CHECK int store_int(struct store_tx *tx, const struct store_query *q,
                            struct store_args args, int64_t *ret, struct dm_err *e);

/* The same statement for n rows of arguments, [n][letters of params], in order; one round trip on
 * PostgreSQL. ret, [n], gets of each what store_int would; NULL for a statement without columns.
 * Codes as a statement, of the first row that failed; nothing of the others counts then. */
DM_MUST_CHECK int store_each(struct store_tx *tx, const struct store_query *q,
                             const struct store_value *rows, size_t n, int64_t *ret,
                             struct dm_err *e);

/* All rows, in a. */
struct store_table {
    const struct store_value *v; /* [n][cols] */
    size_t n, cols;
};
static inline const struct store_value *store_row(const struct store_table *t, size_t i)
{
    return t->v + i * t->cols;
}
DM_MUST_CHECK int store_all(struct store_tx *tx, const struct store_query *q,
                            struct store_args args, struct dm_arena *a, struct store_table *ret,
                            struct dm_err *e);

/* Row by row. Other queries may run meanwhile, but must not write what this one reads. Close before
 * the transaction ends. store_next: 1 and a row, borrowed until the next call, or 0 at the end. */
DM_MUST_CHECK int store_select(struct store_tx *tx, const struct store_query *q,
                               struct store_args args, struct store_rows **ret, struct dm_err *e);
DM_MUST_CHECK int store_next(struct store_rows *rows, const struct store_value **ret_row,
                             struct dm_err *e);
void store_rows_close(struct store_rows *rows); /* accepts NULL */
DM_DEFINE_CLEANUP(store_rows_closep, struct store_rows *, store_rows_close)

/* Many rows into one table: COPY, or one prepared INSERT. rows is [n][letters of types]; JSON must
 * be canonical or parse. Codes as a statement. */
struct store_bulk {
    const char *name;    /* as of a query */
    const char *table;   /* "detections" */
    const char *columns; /* "session_id, center_x_px" */
    const char *types;   /* "ir" */
};
DM_MUST_CHECK int store_insert(struct store_tx *tx, const struct store_bulk *bulk,
                               const struct store_value *rows, size_t n, struct dm_err *e);

/* After many rows were written at once (an import, a copy): let the planner look at the tables.
 * Answers do not change, only how fast they come. */
DM_MUST_CHECK int store_analyze(struct store *s, struct dm_err *e);

/* ---- helpers of values ---------------------------------------------------------------------- */

#define STORE_TIME_SIZE 25 /* "2026-11-23T15:04:05.123Z" and the NUL */

/* Milliseconds since 1970 UTC, now. */
int64_t store_now(void);
/* For tests of wrong clocks: from now on store_now of this process and of its children adds what
 * the file holds at that moment, an int64_t of milliseconds. DM_EIO. */
DM_MUST_CHECK int store_clock_debug(const char *file, struct dm_err *e);

/* Years 0001 to 9999; returns ret. Source: proleptic Gregorian calendar, Howard Hinnant's
 * days_from_civil. */
const char *store_time_text(int64_t ms, char ret[static STORE_TIME_SIZE]);

/* RFC 3339 with any fraction and zone, "T" or a blank between. Rounds to milliseconds.
 * DM_EBADINPUT. */
DM_MUST_CHECK int store_time_parse(const char *text, int64_t *ret_ms, struct dm_err *e);

/* Whether text is a day of the calendar as YYYY-MM-DD. */
bool store_date_valid(const char *text);

#define STORE_UUID_SIZE 37
/* A new random UUID (version 4, RFC 9562). */
void store_uuid_new(char ret[static STORE_UUID_SIZE]);
/* 36 characters, hexadecimal and dashes in place; either case. */
bool store_uuid_valid(const char *text);

/* The form in which JSON is stored and comes back: keys sorted by bytes (the last of equal ones
 * stays), no blanks, shortest escapes, integers as written, other numbers as the shortest decimal
 * of their double. In a. DM_EBADINPUT: not JSON, not UTF-8, a zero character, deeper than 64. */
DM_MUST_CHECK int store_json_canonical(const char *text, size_t n, struct dm_arena *a,
                                       const char **ret, size_t *ret_n, struct dm_err *e);

#endif
