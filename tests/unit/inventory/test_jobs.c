/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs as people see them: whose, how far, why not, once more. */
#include "inventory/jobs.h"

#include <string.h>

#include "inventory/json.h"
#include "queue/queue.h"
#include "support/books.h"

#define UUID(n) "00000000-0000-4000-8000-0000000000" n

struct rig {
    struct inv_settings settings;
    struct inv_ctx c, other;
    struct dm_err e;
};

/* One job in each state, of the admin; 71 pending, 72 running, 73 done, 74 failed, 75 cancelled. */
static const char *const rows[] = {
    "INSERT INTO users (id, email, first_name, last_name, role, password_hash) VALUES"
    " (11, 'worker@vivero.test', 'Eva', 'Paz', 'worker', 'x')",
    "INSERT INTO jobs (uuid, kind, status, payload, user_id, run_after, lease_until, attempts,"
    " started_at, finished_at, error_code, error_message, phase) VALUES"
    " ('00000000-0000-4000-8000-000000000071', 'export', 'pending', '{}', 10, {now}, NULL, 1, "
    "NULL, NULL, NULL,"
    " NULL, NULL), ('00000000-0000-4000-8000-000000000072', 'export', 'processing', '{}', 10, "
    "{now}, {now}, 1,"
    " {now}, NULL, NULL, NULL, 'detecting'), ('00000000-0000-4000-8000-000000000073', 'calibrate',"
    " 'completed_with_warning', '{}', 10, {now}, NULL, 1, {now}, {now}, NULL, NULL, NULL),"
    " ('00000000-0000-4000-8000-000000000074', 'export', 'failed', '{}', 10, {now}, NULL, 3, "
    "{now}, {now}, 'io',"
    " 'the disk is full', NULL), ('00000000-0000-4000-8000-000000000075', 'export', 'cancelled', "
    "'{}', 10, {now},"
    " NULL, 2, {now}, {now}, NULL, NULL, NULL)",
};

static void rig_begin(struct rig *g, struct db *db)
{
    struct store_tx *tx = NULL;
    *g = (struct rig){0};
    books_tiny(db->store);
    assert_ok(store_begin(db->store, STORE_WRITE, &tx, &g->e), &g->e);
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        books_sql(tx, rows[i]);
    }
    assert_ok(store_commit(&tx, &g->e), &g->e);
    g->c = books_ctx(db->store, &g->settings);
    g->other = g->c;
    g->other.role = INV_WORKER;
    g->other.user_id = 11;
}

static void states_and_errors(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    static const struct {
        const char *uuid, *status, *task, *error;
    } expect[] = {{UUID("71"), "pending", "RETRY", NULL},
                  {UUID("72"), "processing", "STARTED", NULL},
                  {UUID("73"), "completed", "SUCCESS", NULL},
                  {UUID("74"), "failed", "FAILURE", "io"},
                  {UUID("75"), "cancelled", "REVOKED", NULL}};
    for (size_t i = 0; i < DM_COUNT(expect); i++) {
        DM_CLEANUP(inv_json_freep) json_t *job = NULL;
        DM_CLEANUP(inv_json_freep) json_t *task = NULL;
        assert_ok(jobs_one(&g.c, expect[i].uuid, &job, &g.e), &g.e);
        assert_string_equal(inv_json_str(job, "status"), expect[i].status);
        const json_t *error = json_object_get(job, "error");
        assert_int_equal(json_is_object(error), expect[i].error != NULL);
        if (expect[i].error) {
            assert_string_equal(inv_json_str(error, "code"), expect[i].error);
            assert_true(json_is_true(json_object_get(error, "retryable")));
        }
        assert_ok(jobs_task(&g.other, expect[i].uuid, &task, &g.e), &g.e);
        assert_string_equal(inv_json_str(task, "status"), expect[i].task);
    }
    json_t *none = NULL;
    assert_int_equal(jobs_one(&g.other, UUID("71"), &none, NULL), INV_FORBIDDEN);
    assert_int_equal(jobs_one(&g.c, UUID("79"), &none, NULL), INV_NOT_FOUND);
    assert_int_equal(jobs_task(&g.c, UUID("79"), &none, NULL), INV_NOT_FOUND);
}

static void lists_and_figures(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    DM_CLEANUP(inv_json_freep) json_t *all = NULL;
    DM_CLEANUP(inv_json_freep) json_t *own = NULL;
    DM_CLEANUP(inv_json_freep) json_t *figures = NULL;
    int64_t total;
    const struct list_value v = {"kind", store_t("export")};
    const struct list_ask ask = {.value = &v, .n_value = 1};
    assert_ok(jobs_rows(&g.c, &ask, &all, &total, &g.e), &g.e);
    assert_int_equal(total, 5); /* and the one of the tiny nursery */
    assert_string_equal(inv_json_str(json_array_get(all, 0), "queue"), "io_queue");
    assert_ok(jobs_rows(&g.other, &ask, &own, &total, &g.e), &g.e);
    assert_int_equal(total, 0);
    assert_ok(jobs_stats(&g.c, &figures, &g.e), &g.e);
    assert_int_equal(inv_json_int(figures, "pending"), 1);
    assert_int_equal(inv_json_int(figures, "failed_24h"), 1);
    assert_int_equal(inv_json_int(json_object_get(figures, "queues"), "io_queue"), 1);
    json_t *none = NULL;
    assert_int_equal(jobs_stats(&g.other, &none, NULL), INV_FORBIDDEN);
}

static void once_more_or_no_more(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    bool running;
    assert_int_equal(jobs_retry(&g.other, UUID("74"), NULL), INV_FORBIDDEN);
    assert_int_equal(jobs_retry(&g.c, UUID("73"), NULL), INV_INVALID_TRANSITION);
    assert_ok(jobs_retry(&g.c, UUID("75"), &g.e), &g.e);
    assert_int_equal(jobs_retry(&g.c, UUID("75"), NULL), INV_INVALID_TRANSITION);
    assert_ok(jobs_cancel(&g.c, UUID("71"), &running, &g.e), &g.e);
    assert_false(running);
    assert_ok(jobs_cancel(&g.c, UUID("72"), &running, &g.e), &g.e);
    assert_true(running);
    assert_int_equal(jobs_cancel(&g.c, UUID("72"), &running, NULL), INV_INVALID_TRANSITION);
    assert_int_equal(jobs_cancel(&g.c, UUID("79"), &running, NULL), INV_NOT_FOUND);
    DM_CLEANUP(inv_json_freep) json_t *again = NULL;
    const struct list_value v = {"kind", store_t("export")};
    assert_ok(jobs_retry_failed(&g.c, &(struct list_ask){.value = &v, .n_value = 1}, &again, &g.e),
              &g.e);
    assert_int_equal(json_array_size(again), 1);
    assert_string_equal(json_string_value(json_array_get(again, 0)), UUID("74"));
}

static const json_t *paused(const json_t *queues, const char *name)
{
    for (size_t i = 0; i < json_array_size(queues); i++) {
        const json_t *row = json_array_get(queues, i);
        if (strcmp(inv_json_str(row, "queue"), name) == 0) {
            return json_object_get(row, "paused");
        }
    }
    return NULL;
}

static void queues_stop_and_go_on(void **state)
{
    struct rig g;
    rig_begin(&g, *state);
    for (int stop = 1; stop >= 0; stop--) {
        DM_CLEANUP(inv_json_freep) json_t *queues = NULL;
        assert_ok(jobs_pause(&g.c, "io_queue", stop, &g.e), &g.e);
        assert_ok(jobs_queues(&g.c, NULL, &queues, &g.e), &g.e);
        assert_int_equal(json_is_true(paused(queues, "io_queue")), stop);
        assert_true(json_is_false(paused(queues, "gpu_queue")));
    }
    assert_int_equal(jobs_pause(&g.c, "post", true, NULL), INV_NOT_FOUND);
    assert_int_equal(jobs_pause(&g.other, "io_queue", true, NULL), INV_FORBIDDEN);
}

int main(void)
{
    inv_setup();
    const struct CMUnitTest tests[] = {
        DB_TEST(states_and_errors),
        DB_TEST(lists_and_figures),
        DB_TEST(once_more_or_no_more),
        DB_TEST(queues_stop_and_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
