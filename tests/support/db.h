/* SPDX-License-Identifier: Apache-2.0
 *
 * A fresh database for each test, on both engines. PostgreSQL is a real server: started once per
 * test program, on a free loopback port, in a temporary folder, when the first test needs it, and
 * stopped at exit (also when the program is killed).
 *
 *   static void post_twice(void **state) { struct db *db = *state; ... db->store ... }
 *   const struct CMUnitTest tests[] = { DB_TEST(post_twice), cmocka_unit_test(pure) };
 *
 * DB_TEST gives two tests, "post_twice[sqlite]" and "post_twice[postgresql]", each with a migrated
 * database of its own; DB_TEST_EMPTY the same without a schema. */
#ifndef TESTS_SUPPORT_DB_H
#define TESTS_SUPPORT_DB_H

#include "store/store.h"
#include "support/testing.h"

struct db {
    struct store *store;
    char url[512];
    const char *engine; /* "sqlite", "postgresql" */
};

struct db_kind {
    const char *engine;
    bool empty;
};
extern const struct db_kind db_sqlite, db_postgresql, db_sqlite_empty, db_postgresql_empty;

int db_setup(void **state); /* *state is a struct db_kind before and a struct db after */
int db_teardown(void **state);

#define DB_TEST_ON_(f, kind, suffix)                                                               \
    {                                                                                              \
        .name = #f suffix, .test_func = (f), .setup_func = db_setup, .teardown_func = db_teardown, \
        .initial_state = (void *)&(kind)                                                           \
    }
#define DB_TEST(f)                                                                                 \
    DB_TEST_ON_(f, db_sqlite, "[sqlite]"), DB_TEST_ON_(f, db_postgresql, "[postgresql]")
#define DB_TEST_EMPTY(f)                                                                           \
    DB_TEST_ON_(f, db_sqlite_empty, "[sqlite]"), DB_TEST_ON_(f, db_postgresql_empty, "[postgresql]")

/* A further database, for tests of several or of loops. db_free closes and drops it. */
struct db *db_new(const struct db_kind *kind);
void db_free(struct db *db);

/* The same database through a second store, as another process would. The caller closes it. */
struct store *db_reopen(const struct db *db, const struct store_options *o);

/* Prepare and execute every query of a table, in a transaction that is undone: fails on SQL that an
 * engine does not take, on a wrong number of parameters or columns, and on columns whose type does
 * not suit their letter. */
void db_check_queries(struct store *s, const struct store_query_table *t);

/* The server of this program, for tests of crashes: kill -9 of its whole group, start again. */
void db_server_kill(void);
void db_server_start(void);

#endif
