/* SPDX-License-Identifier: Apache-2.0
 *
 * What an engine must do for store/, and what the parts of store/ share. Nobody else includes this.
 *
 * A connection belongs to one thread at a time: whoever took it from the pool. A new engine is one
 * `const struct store_driver`, a row of schemes[] in store.c and one in tests/support/db.c: every
 * test of the house then runs on it. */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "base/buf.h"
#include "store/dialect.h"
#include "store/store.h"

#define STORE_CACHE_SLOTS 1024 /* statements prepared by one connection; the house has some 500 */
/* Statements made at run time (lists, reports) that a connection keeps, one of each hash. */
#define STORE_BUILT_SLOTS 32

/* Engine-specific half of a prepared statement; the engine puts it first into its own struct. */
struct store_stmt {
    const struct store_query *query; /* key of the cache; NULL when not cached */
    bool busy;                       /* its rows are being read */
    bool cached;
    size_t n_params, n_cols;
    char params[STORE_PARAMS_MAX + 1], cols[STORE_COLS_MAX + 1];
    const char *name; /* of the query, borrowed from it */
    char *sql;        /* of a built one that is kept: its key, with params and cols; else NULL */
};

/* An open connection, first member of the engine's struct. */
struct store_conn {
    const struct store_driver *driver;
    struct store_conn *next;   /* in the pool's list of idle ones */
    struct store_stmt **cache; /* [STORE_CACHE_SLOTS], open addressing by address of the query */
    struct store_stmt *built[STORE_BUILT_SLOTS];
    struct store_fault fault; /* of the last failure */
    bool lost;                /* the transaction or the connection is gone */
    int statement_ms;         /* 0: no limit */
};

/* The rows of a running statement, first member of the engine's struct. */
struct store_cursor {
    struct store_stmt *stmt;
    int64_t changed; /* rows written; known after the last step */
};

/* Where to connect; strings live as long as the store. */
struct store_target {
    char *url;  /* with secrets */
    char *path; /* of a file engine */
    struct store_options o;
    bool full_sync; /* ?synchronous=full */
};

struct store_driver {
    const char *name;
    const struct store_token *tokens; /* ended by name NULL */
    const char *begin[2];             /* by enum store_mode */
    char placeholder;                 /* before the number of a parameter */
    bool own_writer;                  /* one connection writes, the others only read */

    /* Fill target from its url. DM_EBADINPUT without the url's text in the message. */
    int (*understand)(struct store_target *t, struct dm_err *e);
    /* Codes as store_open. */
    int (*connect)(const struct store_target *t, enum store_mode mode, struct store_conn **ret,
                   struct dm_err *e);
    void (*disconnect)(struct store_conn *c);
    /* After a begin that failed or before a commit: is it still worth a try? No round trip. */
    bool (*alive)(struct store_conn *c);
    /* Statements without parameters and rows, several in one text. */
    int (*command)(struct store_conn *c, const char *sql, struct dm_err *e);
    /* SQL is expanded. *ret starts with struct store_stmt, filled by store_stmt_init. */
    int (*prepare)(struct store_conn *c, const struct store_query *q, const char *sql,
                   struct store_stmt **ret, struct dm_err *e);
    void (*unprepare)(struct store_conn *c, struct store_stmt *s);
    /* Arguments are checked and in their stored form. They may go when this returns. */
    int (*run)(struct store_conn *c, struct store_stmt *s, struct store_args args,
               struct store_cursor **ret, struct dm_err *e);
    /* 1 and row [n_cols], valid until the next step; 0 at the end. */
    int (*step)(struct store_conn *c, struct store_cursor *cur, struct store_value *row,
                struct dm_err *e);
    void (*finish)(struct store_conn *c, struct store_cursor *cur);
    /* run for each of n rows of checked arguments, [n][n_params], all sent before the first answer
     * is read; ret as store_each. NULL: there is nothing to gain, they run one after another. */
    int (*each)(struct store_conn *c, struct store_stmt *s, const struct store_value *rows,
                size_t n, int64_t *ret, struct dm_err *e);
    /* Values are checked and in their stored form. */
    int (*bulk)(struct store_conn *c, const struct store_bulk *b, const struct store_value *rows,
                size_t n, struct dm_err *e);
    /* SQL, "" where there is nothing to do. Within the transaction: hold the migration lock; check
     * foreign keys at the commit only, without a time limit. fix_numbers: after rows with given ids
     * went into table %1. */
    const char *migration_lock, *defer_foreign_keys, *fix_numbers;
    /* One text that changes with every commit: store_state; NULL where there is none. */
    const struct store_query *state;
    const char *const *self_checks; /* queries that give a text for each fault; NULL-ended */
};

extern const struct store_driver store_driver_sqlite, store_driver_postgresql;

/* Common part of a prepared statement. */
void store_stmt_init(struct store_stmt *s, const struct store_query *q);

/* Arguments in their stored form: JSON canonical, UUIDs in lower case, texts valid UTF-8, days and
 * times of the calendar, numbers finite. Copies only what changes, into a. Letters must match:
 * a wrong one stops the process. DM_EBADINPUT. */
DM_MUST_CHECK int store_args_check(const char *name, const char *letters, size_t n_letters,
                                   const struct store_value *v, struct store_value *ret,
                                   struct dm_arena *a, struct dm_err *e);

/* DM_OK when a statement with columns gave n = 1 rows. DM_ENOTFOUND: none; DM_EINTERNAL: several.
 */
DM_MUST_CHECK int store_one_row(const struct store_stmt *s, int64_t n, struct dm_err *e);

/* Whether s[n] is UTF-8 without a zero (RFC 3629). */
bool store_utf8_valid(const char *s, size_t n);

/* ---- the store itself ------------------------------------------------------------------------ */

/* Run plain SQL (tokens expanded by the caller) inside a transaction; for migrations. */
DM_MUST_CHECK int store_tx_command(struct store_tx *tx, const char *sql, struct dm_err *e);
const struct store_driver *store_driver_of(const struct store *s);
const struct store_target *store_target_of(const struct store *s);

#endif
