/* SPDX-License-Identifier: Apache-2.0
 *
 * Every query of src/inventory, prepared and run on both engines. */
#include "support/db.h"

#define X(name) extern const struct store_query_table name;
#include "inventory/queries.def"
#undef X

static const struct {
    const char *name;
    const struct store_query_table *table;
} tables[] = {
#define X(name) {#name, &(name)},
#include "inventory/queries.def"
#undef X
};

static void every_query_runs(void **state)
{
    struct db *db = *state;
    for (size_t i = 0; i < DM_COUNT(tables); i++) {
        assert_true(tables[i].table->n > 0);
        db_check_queries(db->store, tables[i].table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {DB_TEST(every_query_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
