/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of metrics, counting from several processes that also die, and the text. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/testing.h"
#include "telemetry/telemetry.h"

static struct telemetry *new_registry(void)
{
    struct dm_err e = {0};
    struct telemetry *t = NULL;
    assert_ok(telemetry_new("1.2.3", "abc\"def", &t, &e), &e);
    return t;
}

static char *text_of(struct telemetry *t, struct dm_buf *out)
{
    struct dm_err e = {0};
    *out = dm_buf_init(LIMIT_TELEMETRY_TEXT_BYTES);
    assert_ok(telemetry_text(t, out, &e), &e);
    return out->data;
}

/* The value of the line that begins with series, which must be there once. */
static double value_of(const char *text, const char *series)
{
    char wanted[256];
    (void)snprintf(wanted, sizeof(wanted), "\n%s ", series);
    const char *at = strstr(text, wanted);
    if (!at) {
        fail_msg("no line %s", series);
        return 0;
    }
    assert_null(strstr(at + 1, wanted));
    return strtod(at + strlen(wanted), NULL);
}

static void test_the_table_is_sound(void **state)
{
    (void)state;
    for (unsigned m = 0; m < TELEMETRY_METRIC_MAX_; m++) {
        const struct telemetry_info *info = telemetry_info(m);
        size_t labels = *info->labels != '\0';
        for (const char *c = info->labels; *c; c++) {
            labels += *c == ',';
        }
        assert_true(labels <= LIMIT_TELEMETRY_LABELS);
        assert_true(info->n_bounds <= LIMIT_TELEMETRY_BOUNDS);
        assert_int_equal(info->type == TELEMETRY_HISTOGRAM, info->n_bounds > 1);
        for (size_t i = 1; i < info->n_bounds; i++) {
            assert_true(info->bounds[i] > info->bounds[i - 1]);
        }
        if (info->way == TELEMETRY_SCRAPED) {
            size_t end = strlen(info->name) - strlen("_total");
            assert_int_equal(info->type == TELEMETRY_COUNTER, !strcmp(info->name + end, "_total"));
        }
        for (unsigned other = 0; other < m; other++) {
            assert_string_not_equal(info->name, telemetry_info(other)->name);
        }
    }
}

static void test_counting(void **state)
{
    (void)state;
    struct telemetry *t = new_registry();
    struct dm_buf out;
    telemetry_add(NULL, TELEMETRY_LOGINS, TELEMETRY_LABELS("success"), 1); /* nobody listens */
    telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS("success"), 1);
    telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS("success"), 2);
    telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS("a\\b\"c\nd"), 1);
    telemetry_set(t, TELEMETRY_SCHEMA_VERSION, NULL, 9);
    telemetry_add(t, TELEMETRY_HTTP_IN_FLIGHT, NULL, 3);
    telemetry_add(t, TELEMETRY_HTTP_IN_FLIGHT, NULL, -2);
    telemetry_add(t, TELEMETRY_OTEL_PHOTOS, TELEMETRY_LABELS("p", "l"), 1);
    const char *text = text_of(t, &out);
    assert_true(value_of(text, "demeter_logins_total{outcome=\"success\"}") == 3);
    assert_true(value_of(text, "demeter_logins_total{outcome=\"a\\\\b\\\"c\\nd\"}") == 1);
    assert_true(value_of(text, "demeter_schema_version") == 9);
    assert_true(value_of(text, "demeter_http_requests_in_flight") == 1);
    assert_true(value_of(text, "demeter_metrics_dropped_total") == 0);
    assert_true(value_of(text, "demeter_build_info{version=\"1.2.3\",revision=\"abc\\\"def\"}") ==
                1);
    assert_null(strstr(text, "photos.processed"));
    assert_non_null(strstr(text, "\n# TYPE demeter_jobs_dead gauge\n# HELP"));
    dm_buf_clear(&out);
    telemetry_free(t);
}

static void test_histogram(void **state)
{
    (void)state;
    static const double values[] = {0.05, 0.1, 0.100001, 7, 60.5};
    struct telemetry *t = new_registry();
    struct dm_buf out;
    for (size_t i = 0; i < DM_COUNT(values); i++) {
        telemetry_observe(t, TELEMETRY_S3_DURATION, TELEMETRY_LABELS("upload", "photos"),
                          values[i]);
    }
    const char *text = text_of(t, &out);
#define S3 "demeter_s3_operation_duration_seconds"
#define AT "{operation=\"upload\",bucket=\"photos\""
    assert_true(value_of(text, S3 "_bucket" AT ",le=\"0.1\"}") == 2); /* the bound belongs to it */
    assert_true(value_of(text, S3 "_bucket" AT ",le=\"0.5\"}") == 3);
    assert_true(value_of(text, S3 "_bucket" AT ",le=\"5\"}") == 3);
    assert_true(value_of(text, S3 "_bucket" AT ",le=\"10\"}") == 4);
    assert_true(value_of(text, S3 "_bucket" AT ",le=\"60\"}") == 4);
    assert_true(value_of(text, S3 "_bucket" AT ",le=\"+Inf\"}") == 5);
    assert_true(value_of(text, S3 "_count" AT "}") == 5);
    assert_true(value_of(text, S3 "_sum" AT "}") == 0.05 + 0.1 + 0.100001 + 7 + 60.5);
    dm_buf_clear(&out);
    telemetry_free(t);
}

static void test_processes_share_and_die(void **state)
{
    (void)state;
    enum { CHILDREN = 4, ROUNDS = 2000 };
    struct telemetry *t = new_registry();
    struct dm_buf out;
    pid_t child[CHILDREN];
    for (int c = 0; c < CHILDREN; c++) {
        child[c] = fork();
        if (child[c] == 0) {
            for (int i = 0; i < ROUNDS; i++) {
                char name[32];
                (void)snprintf(name, sizeof(name), "claro %d", i % 500);
                telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS(name), 1);
                telemetry_observe(t, TELEMETRY_TASK_DURATION, TELEMETRY_LABELS("t", "q"), 3);
            }
            (void)raise(SIGKILL);
        }
        assert_true(child[c] > 0);
    }
    for (int c = 0; c < CHILDREN; c++) {
        int status = 0;
        assert_int_equal(waitpid(child[c], &status, 0), child[c]);
        assert_true(WIFSIGNALED(status));
    }
    const char *text = text_of(t, &out);
    assert_true(value_of(text, "demeter_logins_total{outcome=\"claro 0\"}") == CHILDREN * 4);
    assert_true(value_of(text, "demeter_logins_total{outcome=\"claro 499\"}") == CHILDREN * 4);
    assert_true(value_of(text, "demeter_celery_task_duration_seconds_count{task_name=\"t\",queue="
                               "\"q\"}") == CHILDREN * ROUNDS);
    assert_true(value_of(text, "demeter_celery_task_duration_seconds_sum{task_name=\"t\",queue="
                               "\"q\"}") == CHILDREN * ROUNDS * 3.0);
    dm_buf_clear(&out);
    telemetry_free(t);
}

static void test_a_stranger_cannot_grow_it(void **state)
{
    (void)state;
    enum { MORE = 50 };
    struct telemetry *t = new_registry();
    struct dm_buf out;
    char name[LIMIT_TELEMETRY_LABEL_BYTES + 1];
    for (int i = 0; i < LIMIT_TELEMETRY_SERIES + MORE; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS(name), 1);
    }
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS(name), 1);
    telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS("\xff"), 1);
    telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS("0"), 1); /* known ones go on */
    size_t samples = 0;
    const char *text = text_of(t, &out);
    for (const char *at = text; (at = strstr(at, "\ndemeter_logins_total{")); at++) {
        samples++;
    }
    assert_int_equal(samples, LIMIT_TELEMETRY_SERIES - 1); /* one is demeter_build_info */
    assert_true(value_of(text, "demeter_logins_total{outcome=\"0\"}") == 2);
    dm_buf_clear(&out);
    telemetry_free(t);
}

static void fill(void *ctx, struct telemetry *t)
{
    telemetry_set(t, TELEMETRY_QUEUE_DEPTH, TELEMETRY_LABELS("gpu_queue"), ++*(int *)ctx);
}

static void test_gauges_are_filled(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct telemetry *t = new_registry();
    struct dm_buf out;
    int n = 0;
    for (int i = 0; i < LIMIT_TELEMETRY_SCRAPES; i++) {
        assert_ok(telemetry_on_scrape(t, fill, &n, &e), &e);
    }
    assert_int_equal(telemetry_on_scrape(t, fill, &n, &e), DM_ELIMIT);
    const char *text = text_of(t, &out);
    assert_true(value_of(text, "demeter_jobs_queue_depth{queue=\"gpu_queue\"}") == n);
    assert_int_equal(n, LIMIT_TELEMETRY_SCRAPES);
    double resident = value_of(text, "process_resident_memory_bytes");
    assert_true(resident > 500e3 && resident < value_of(text, "demeter_memory_limit_bytes"));
    assert_true(value_of(text, "process_virtual_memory_bytes") > resident);
    double fds = value_of(text, "process_open_fds");
    assert_true(fds >= 3 && fds < value_of(text, "process_max_fds"));
    double start = value_of(text, "process_start_time_seconds");
    assert_true(start > (double)time(NULL) - 600 && start <= (double)time(NULL) + 2);
    dm_buf_clear(&out);
    telemetry_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_sound),
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_processes_share_and_die),
        cmocka_unit_test(test_a_stranger_cannot_grow_it),
        cmocka_unit_test(test_gauges_are_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
