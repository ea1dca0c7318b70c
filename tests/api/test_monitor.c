/* SPDX-License-Identifier: Apache-2.0
 *
 * The job monitor: nobody without its own name and password, no foreign page, and real jobs of two
 * queues paused, resumed, retried, cancelled. */
#include <string.h>

#include <sodium.h>

#include "queue/queue.h"
#include "support/api_rig.h"

#define PASSWORD "los trabajos:2026"
#define OWN_PAGE "X-Demeter-Monitor: 1"
static const char *const queues[] = {"gpu_queue", "io_queue"};

/* "Authorization: Basic ..." in a buffer that the next call overwrites. */
static const char *basic(const char *user_and_password)
{
    static char line[256];
    char text[200];
    (void)sodium_bin2base64(text, sizeof(text), (const unsigned char *)user_and_password,
                            strlen(user_and_password), sodium_base64_VARIANT_ORIGINAL);
    (void)snprintf(line, sizeof(line), "Authorization: Basic %s", text);
    return line;
}

static void with_password(struct api_rig *g)
{
    g->api_options.monitor_user = "admin";
    g->api_options.monitor_password = PASSWORD;
    api_rig_restart(g);
}

/* As somebody with these credentials (NULL: none) and further fields; the status. */
static int call(struct api_rig *g, const char *method, const char *path, const char *who,
                const char *field1, const char *field2)
{
    struct test_ask ask = {method, path, .header = {who ? basic(who) : field1, field1, field2}};
    struct test_reply r = test_call(g->client, &ask);
    const int status = r.status;
    if (status == 401) {
        assert_non_null(strstr(test_field(&r, "WWW-Authenticate"), "Basic realm="));
    }
    test_reply_clear(&r);
    return status;
}

static int post(struct api_rig *g, const char *path)
{
    return call(g, "POST", path, "admin:" PASSWORD, OWN_PAGE, NULL);
}

static const char *const all[][2] = {
    {"GET", "/flower"},
    {"GET", "/flower/"},
    {"GET", "/flower/monitor.js"},
    {"GET", "/flower/monitor.css"},
    {"GET", "/flower/api/state"},
    {"POST", "/flower/api/queues/gpu_queue/pause"},
    {"POST", "/flower/api/queues/gpu_queue/resume"},
    {"POST", "/flower/api/jobs/00000000-0000-4000-8000-000000000001/retry"},
    {"POST", "/flower/api/jobs/00000000-0000-4000-8000-000000000001/cancel"},
};

static void without_a_password_it_is_off(void **state)
{
    struct api_rig *g = *state;
    for (size_t i = 0; i < DM_COUNT(all); i++) {
        assert_int_equal(call(g, all[i][0], all[i][1], "admin:", OWN_PAGE, NULL), 404);
        assert_int_equal(call(g, all[i][0], all[i][1], NULL, OWN_PAGE, NULL), 404);
    }
}

static void only_its_name_and_password_open_it(void **state)
{
    struct api_rig *g = *state;
    static const char *const wrong[] = {
        NULL,
        "admin:",
        "admin",
        ":" PASSWORD,
        "otro:" PASSWORD,
        "admin:" PASSWORD " ",
        "admin:los trabajos",
        "admin:" PASSWORD ":",
    };
    with_password(g);
    api_rig_as(g, INV_ADMIN); /* a person's token is no key to it */
    for (size_t i = 0; i < DM_COUNT(all); i++) {
        assert_int_equal(call(g, all[i][0], all[i][1], NULL, OWN_PAGE, NULL), 401);
    }
    api_rig_as(g, INV_ROLE_MAX_);
    for (size_t i = 0; i < DM_COUNT(all); i++) {
        for (size_t k = 0; k < DM_COUNT(wrong); k++) {
            assert_int_equal(call(g, all[i][0], all[i][1], wrong[k], OWN_PAGE, NULL), 401);
        }
    }
    static const char *const fields[] = {"Authorization: Basic",
                                         "Authorization: Basic ====", "Authorization: Bearer x"};
    for (size_t i = 0; i < DM_COUNT(fields); i++) {
        assert_int_equal(call(g, "GET", "/flower/", NULL, fields[i], NULL), 401);
    }
    assert_int_equal(call(g, "GET", "/flower", "admin:" PASSWORD, NULL, NULL), 307);
    struct test_reply r = test_call(
        g->client, &(struct test_ask){"GET", "/flower/", .header = {basic("admin:" PASSWORD)}});
    assert_int_equal(r.status, 200);
    assert_null(strstr(test_field(&r, "Content-Security-Policy"), "unsafe"));
    assert_null(strstr(r.body, "//")); /* nothing from elsewhere */
    assert_non_null(strstr(r.body, "lang=\"es\""));
    test_reply_clear(&r);
    assert_int_equal(call(g, "GET", "/flower/monitor.js", "admin:" PASSWORD, NULL, NULL), 200);
    assert_int_equal(call(g, "GET", "/flower/monitor.css", "admin:" PASSWORD, NULL, NULL), 200);
}

static void guessing_is_stopped(void **state)
{
    struct api_rig *g = *state;
    g->api_options.logins_per_minute = 3;
    with_password(g);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(call(g, "GET", "/flower/", "admin:x", NULL, NULL), 401);
        /* who knows it is not counted */
        assert_int_equal(call(g, "GET", "/flower/", i < 2 ? "admin:" PASSWORD : NULL, NULL, NULL),
                         i < 2 ? 200 : 401);
    }
    assert_int_equal(call(g, "GET", "/flower/", "admin:x", NULL, NULL), 429);
    assert_int_equal(call(g, "GET", "/flower/", "admin:" PASSWORD, NULL, NULL), 429);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static int add(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct queue_new *n = ctx;
    return queue_push(tx, store_now(), n, NULL, e);
}

static void add_job(struct api_rig *g, enum queue_kind kind, char ret_uuid[static STORE_UUID_SIZE])
{
    struct dm_err e = {0};
    store_uuid_new(ret_uuid);
    struct queue_new n = {.kind = kind, .uuid = ret_uuid, .user_id = g->person[INV_WORKER].id};
    assert_ok(store_run(g->db->store, STORE_WRITE, add, &n, &e), &e);
}

static bool take(struct api_rig *g, const char *queue, struct queue_job *ret)
{
    struct dm_err e = {0};
    const int got = queue_take_of(g->db->store, store_now(), queue_kinds_of(&queue, 1),
                                  "el-trabajador/0/1", QUEUE_LEASE_MS, &g->a, ret, &e);
    assert_ok(got, &e);
    return got > 0;
}

static json_t *look(struct api_rig *g, const char *status)
{
    char path[80];
    (void)snprintf(path, sizeof(path), "/flower/api/state?status=%s", status);
    struct test_reply r =
        test_call(g->client, &(struct test_ask){"GET", path, .header = {basic("admin:" PASSWORD)}});
    assert_int_equal(r.status, 200);
    json_t *out = json_incref(r.json);
    test_reply_clear(&r);
    return out;
}

/* The job of that uuid in a list of that state, borrowed from *ret_state; NULL: not there. */
static const json_t *listed(struct api_rig *g, const char *status, const char *uuid,
                            json_t **ret_state)
{
    *ret_state = look(g, status);
    const json_t *jobs = json_object_get(*ret_state, "jobs");
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        const json_t *j = json_array_get(jobs, i);
        if (!strcmp(json_string_value(json_object_get(j, "job_id")), uuid)) {
            return j;
        }
    }
    return NULL;
}

static bool is_listed(struct api_rig *g, const char *status, const char *uuid)
{
    json_t *s = NULL;
    const bool found = listed(g, status, uuid, &s) != NULL;
    json_decref(s);
    return found;
}

static void steer(struct api_rig *g, const char *queue, enum queue_kind kind)
{
    char uuid[STORE_UUID_SIZE];
    char path[120];
    struct queue_job job;
    struct dm_err e = {0};
    json_t *s = NULL;

    /* paused: nothing begins; resumed: it does */
    (void)snprintf(path, sizeof(path), "/flower/api/queues/%s/pause", queue);
    assert_int_equal(post(g, path), 204);
    add_job(g, kind, uuid);
    assert_false(take(g, queue, &job));
    assert_true(is_listed(g, "pending", uuid));
    (void)snprintf(path, sizeof(path), "/flower/api/queues/%s/resume", queue);
    assert_int_equal(post(g, path), 204);
    assert_true(take(g, queue, &job));
    assert_string_equal(job.uuid, uuid);

    /* at work, by whom */
    assert_non_null(listed(g, "processing", uuid, &s));
    const json_t *worker = json_array_get(json_object_get(s, "workers"), 0);
    assert_string_equal(json_string_value(json_object_get(worker, "worker")), "el-trabajador/0/1");
    assert_int_equal(json_integer_value(json_object_get(worker, "jobs")), 1);
    json_decref(s);

    /* those without work are seen, too; one that is gone is not, one at work is once */
    assert_ok(queue_worker_present(g->db->store, store_now(), "ocioso_%", 60000, &e), &e);
    assert_ok(queue_worker_present(g->db->store, store_now(), "el-trabajador/0", 60000, &e), &e);
    assert_ok(queue_worker_present(g->db->store, store_now() - 70000, "ido", 60000, &e), &e);
    s = look(g, "processing");
    assert_int_equal(json_array_size(json_object_get(s, "workers")), 2);
    json_decref(s);

    /* failed, with its reason; once more */
    assert_ok(
        queue_fail(g->db->store, store_now(), &job, false, "sin_luz", "se cortó la luz", NULL, &e),
        &e);
    const json_t *failed = listed(g, "failed", uuid, &s);
    assert_non_null(failed);
    assert_string_equal(json_string_value(json_object_get(failed, "message")), "se cortó la luz");
    json_decref(s);
    (void)snprintf(path, sizeof(path), "/flower/api/jobs/%s/retry", uuid);
    assert_int_equal(post(g, path), 204);
    assert_int_equal(post(g, path), 409); /* it waits now */
    assert_true(take(g, queue, &job));

    /* cancelled while at work: who has it learns it */
    (void)snprintf(path, sizeof(path), "/flower/api/jobs/%s/cancel", uuid);
    assert_int_equal(post(g, path), 204);
    assert_int_equal(queue_release(g->db->store, store_now(), &job, 0, "worker_drain", &e),
                     DM_ECANCELLED);
    assert_true(is_listed(g, "cancelled", uuid));
    assert_int_equal(post(g, path), 409);
}

static void jobs_of_both_queues_are_steered(void **state)
{
    struct api_rig *g = *state;
    with_password(g);
    steer(g, queues[0], QUEUE_PROCESS_PHOTO);
    steer(g, queues[1], QUEUE_WEBHOOK);
    assert_int_equal(post(g, "/flower/api/jobs/00000000-0000-4000-8000-000000000001/cancel"), 404);
    assert_int_equal(post(g, "/flower/api/jobs/00000000-0000-4000-8000-000000000001/retry"), 404);
    assert_int_equal(post(g, "/flower/api/queues/other/pause"), 422);
}

static void no_foreign_page_may_act(void **state)
{
    struct api_rig *g = *state;
    static const char *const fields[][2] = {
        {NULL, NULL},
        {"Sec-Fetch-Site: cross-site", OWN_PAGE},
        {"Sec-Fetch-Site: same-site", OWN_PAGE},
        {"Sec-Fetch-Site: none", OWN_PAGE},
        {"Content-Type: text/plain", NULL},
    };
    char uuid[STORE_UUID_SIZE];
    char retry[120];
    char cancel[120];
    with_password(g);
    add_job(g, QUEUE_WEBHOOK, uuid);
    (void)snprintf(retry, sizeof(retry), "/flower/api/jobs/%s/retry", uuid);
    (void)snprintf(cancel, sizeof(cancel), "/flower/api/jobs/%s/cancel", uuid);
    const char *const paths[] = {retry, cancel, "/flower/api/queues/io_queue/pause",
                                 "/flower/api/queues/io_queue/resume"};
    for (size_t p = 0; p < DM_COUNT(paths); p++) {
        for (size_t i = 0; i < DM_COUNT(fields); i++) {
            assert_int_equal(
                call(g, "POST", paths[p], "admin:" PASSWORD, fields[i][0], fields[i][1]), 403);
        }
        assert_int_equal(call(g, "GET", paths[p], "admin:" PASSWORD, OWN_PAGE, NULL), 405);
    }
    assert_true(is_listed(g, "pending", uuid));
    assert_int_equal(
        call(g, "POST", cancel, "admin:" PASSWORD, OWN_PAGE, "Sec-Fetch-Site: same-origin"), 204);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST_SQLITE(without_a_password_it_is_off),
        API_TEST_SQLITE(only_its_name_and_password_open_it),
        API_TEST_SQLITE(guessing_is_stopped),
        API_TEST(jobs_of_both_queues_are_steered),
        API_TEST_SQLITE(no_foreign_page_may_act),
    };
    return api_rig_main(tests);
}
