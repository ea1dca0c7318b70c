/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread pool: every item once, worker numbers exclusive, first failure wins, many callers. */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "support/testing.h"

enum { ITEMS = 5000, THREADS = 4, CALLERS = 3, RUNS = 50 };

struct job {
    _Atomic unsigned done[ITEMS];
    _Atomic bool busy[LIMIT_THREADS];
    _Atomic unsigned clashes;
    size_t fail_from; /* items from here on fail; SIZE_MAX none */
};

static int work(void *ctx, size_t item, size_t worker, struct dm_err *e)
{
    struct job *j = ctx;
    if (atomic_exchange(&j->busy[worker], true)) {
        atomic_fetch_add(&j->clashes, 1);
    }
    atomic_fetch_add(&j->done[item], 1);
    atomic_store(&j->busy[worker], false);
    if (item >= j->fail_from) {
        DM_FAIL(e, DM_EDECODE, "item %zu", item);
    }
    return DM_OK;
}

static void assert_all_done_once(struct job *j, size_t n)
{
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(atomic_load(&j->done[i]), i < n ? 1 : 0);
    }
    assert_int_equal(atomic_load(&j->clashes), 0);
}

static void every_item_runs_once_for_any_number_of_threads(void **state)
{
    (void)state;
    static const size_t threads[] = {1, 2, THREADS, 17, 0};
    static const size_t items[] = {0, 1, 2, 3, 100, ITEMS};
    for (size_t t = 0; t < DM_COUNT(threads); t++) {
        struct dm_pool *p = NULL;
        struct dm_err e = {0};
        assert_ok(dm_pool_new(threads[t], &p, &e), &e);
        assert_int_equal(dm_pool_size(p), threads[t] ? threads[t] : dm_cpu_count());
        for (size_t i = 0; i < DM_COUNT(items); i++) {
            static struct job j;
            j = (struct job){.fail_from = SIZE_MAX};
            assert_ok(dm_pool_run(p, items[i], work, &j, &e), &e);
            assert_all_done_once(&j, items[i]);
        }
        dm_pool_free(p);
    }
}

static void without_a_pool_the_caller_works_alone(void **state)
{
    (void)state;
    static struct job j;
    struct dm_err e = {0};
    j = (struct job){.fail_from = SIZE_MAX};
    assert_int_equal(dm_pool_size(NULL), 1);
    assert_ok(dm_pool_run(NULL, 10, work, &j, &e), &e);
    assert_all_done_once(&j, 10);
    dm_pool_free(NULL);
}

static void first_failure_stops_and_the_lowest_is_reported(void **state)
{
    (void)state;
    struct dm_pool *p = NULL;
    struct dm_err e = {0};
    assert_ok(dm_pool_new(THREADS, &p, &e), &e);
    for (size_t from = 0; from < 40; from += 13) {
        static struct job j;
        j = (struct job){.fail_from = from};
        unsigned ran = 0;
        char want[32];
        assert_int_equal(dm_pool_run(p, ITEMS, work, &j, &e), DM_EDECODE);
        (void)snprintf(want, sizeof(want), "item %zu", from);
        assert_string_equal(e.text, want); /* all from there on fail: the lowest is known */
        for (size_t i = 0; i < ITEMS; i++) {
            ran += atomic_load(&j.done[i]);
        }
        assert_true(ran >= from + 1 && ran <= from + THREADS);
        assert_int_equal(dm_pool_run(p, ITEMS, work, &j, NULL), DM_EDECODE); /* e may be NULL */
        j = (struct job){.fail_from = SIZE_MAX};
        assert_ok(dm_pool_run(p, ITEMS, work, &j, &e), &e); /* usable afterwards */
        assert_all_done_once(&j, ITEMS);
    }
    dm_pool_free(p);
}

struct caller {
    struct dm_pool *pool;
    int code;
};

static void *call_often(void *arg)
{
    struct caller *c = arg;
    struct dm_err e = {0};
    struct job *j = dm_calloc(1, sizeof(*j));
    for (int i = 0; j && i < RUNS; i++) {
        *j = (struct job){.fail_from = SIZE_MAX};
        size_t n = (size_t)(i * 7 % 300);
        c->code = dm_pool_run(c->pool, n, work, j, &e);
        for (size_t k = 0; k < ITEMS; k++) {
            if (c->code == DM_OK && atomic_load(&j->done[k]) != (k < n)) {
                c->code = DM_EINTERNAL;
            }
        }
        if (c->code < 0 || atomic_load(&j->clashes) > 0) {
            c->code = DM_EINTERNAL;
            break;
        }
    }
    dm_free(j);
    return NULL;
}

static void several_callers_take_turns(void **state)
{
    (void)state;
    struct dm_pool *p = NULL;
    struct dm_err e = {0};
    pthread_t threads[CALLERS];
    struct caller callers[CALLERS];
    assert_ok(dm_pool_new(2, &p, &e), &e);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.pool = p};
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(callers[i].code, DM_OK);
    }
    dm_pool_free(p);
}

static void limits_and_lack_of_memory(void **state)
{
    (void)state;
    struct dm_pool *p = NULL;
    struct dm_err e = {0};
    assert_int_equal(dm_pool_new(LIMIT_THREADS + 1, &p, &e), DM_ELIMIT);
    (void)dm_alloc_fail_at(1);
    assert_int_equal(dm_pool_new(2, &p, &e), DM_ENOMEM);
    (void)dm_alloc_fail_at(0);
    assert_null(p);
    assert_in_range(dm_cpu_count(), 1, LIMIT_THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_runs_once_for_any_number_of_threads),
        cmocka_unit_test(without_a_pool_the_caller_works_alone),
        cmocka_unit_test(first_failure_stops_and_the_lowest_is_reported),
        cmocka_unit_test(several_callers_take_turns),
        cmocka_unit_test(limits_and_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
