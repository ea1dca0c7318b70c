/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/photos: uploads, how they stand, gallery, counting again, deleting. */
#include <string.h>

#include "support/api_rig.h"
#include "support/photo_rig.h"

#define NOBODY "00000000-0000-4000-8000-000000000000"

static struct photo_rig nursery;

/* A nursery with claros in the books of the server, whose photos lie where the server's do. */
static struct api_rig *begin(void **state, enum inv_role role)
{
    struct api_rig *g = *state;
    photo_rig_init(&nursery, g->db);
    blob_close(nursery.runner.place.local);
    nursery.runner.place = g->photos;
    api_rig_as(g, role);
    return g;
}

static void end(void)
{
    nursery.runner.place.local = NULL; /* the server's */
    photo_rig_clear(&nursery);
}

/* Run what waits, as a worker elsewhere. */
static int count(void)
{
    rig_now(&nursery.r, store_now() + 1000);
    return photo_rig_jobs(&nursery);
}

static const char *text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static json_t *send_photo(struct api_rig *g, int status, unsigned seed, const char *claro)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)1 << 24);
    photo_paint(seed, 12, &png);
    const struct test_part part[] = {
        {"file", "claro.png", "image/png", png.data, png.len},
        {claro ? "storage_location_id" : "force", NULL, NULL, claro ? claro : "false", 0},
        {NULL}};
    struct test_reply r = test_call(
        g->client,
        &(struct test_ask){.method = "POST", .path = "/api/v1/stock/photo", .part = part});
    if (r.status != status) {
        fail_msg("%d: %s", r.status, r.body);
    }
    json_t *o = json_incref(r.json);
    test_reply_clear(&r);
    return o;
}

static const char *claro(size_t i)
{
    static char id[24];
    (void)snprintf(id, sizeof(id), "%lld", (long long)nursery.r.claro[i]);
    return id;
}

static void one_photo(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    char path[200];
    json_t *up = send_photo(g, 202, 1, claro(0));
    (void)snprintf(path, sizeof(path), "/api/v1/photos/jobs/status?upload_session_id=%s",
                   text(up, "upload_session_id"));
    assert_string_equal(text(up, "poll_url"), path);
    json_t *o = test_get(g->client, 200, path);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "summary"), "pending")),
                     1);
    json_decref(o);
    assert_int_equal(count(), 1);
    o = test_get(g->client, 200, path);
    const json_t *job = json_array_get(json_object_get(o, "jobs"), 0);
    assert_string_equal(text(job, "status"), "completed");
    assert_string_equal(text(json_object_get(job, "result"), "posting_status"), "posted");
    json_decref(o);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), 12);
    /* the events of a finished upload end by themselves */
    (void)snprintf(path, sizeof(path), "/api/v1/photos/jobs/stream?upload_session_id=%s",
                   text(up, "upload_session_id"));
    struct test_reply r = test_call(g->client, &(struct test_ask){.method = "GET", .path = path});
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.body, "event: snapshot"));
    assert_non_null(strstr(r.body, "event: done"));
    test_reply_clear(&r);
    json_decref(up);
    json_decref(test_get(g->client, 404, "/api/v1/photos/jobs/status?upload_session_id=" NOBODY));
    json_decref(test_get(g->client, 404, "/api/v1/photos/jobs/stream?upload_session_id=" NOBODY));
    end();
}

static void refused_photos(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    json_decref(send_photo(g, 202, 1, claro(0)));
    json_t *o = send_photo(g, 409, 1, claro(0)); /* known bytes */
    assert_string_equal(text(o, "rule"), "DUPLICATE_PHOTO");
    json_decref(o);
    json_decref(send_photo(g, 404, 2, "999999"));
    json_decref(send_photo(g, 400, 3, NULL)); /* no place */
    const struct test_part gif[] = {{"file", "a.gif", "image/gif", "GIF89a...", 9}, {NULL}};
    struct test_ask ask = {.method = "POST", .path = "/api/v1/stock/photo", .part = gif};
    struct test_reply r = test_call(g->client, &ask);
    assert_int_equal(r.status, 400);
    assert_string_equal(text(r.json, "code"), "InvalidFileTypeException");
    test_reply_clear(&r);
    nursery_exec(&nursery.r.n,
                 "INSERT INTO app_settings (key, value) VALUES ('upload_file_mib', '1')");
    api_rig_restart(g);
    api_rig_as(g, INV_WORKER);
    char *large = calloc(1, 3 << 20);
    const struct test_part part[] = {{"file", "a.png", "image/png", large, 3 << 20}, {NULL}};
    ask.part = part;
    r = test_call(g->client, &ask);
    assert_int_equal(r.status, 413);
    test_reply_clear(&r);
    free(large);
    api_rig_as(g, INV_VIEWER);
    json_decref(send_photo(g, 403, 5, claro(0)));
    end();
}

static void several(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    DM_CLEANUP(dm_buf_clear) struct dm_buf a = dm_buf_init((size_t)1 << 24);
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init((size_t)1 << 24);
    photo_paint(1, 7, &a);
    photo_paint(2, 9, &b);
    char second[24];
    (void)snprintf(second, sizeof(second), "%s", claro(1));
    struct test_part part[] = {{"files", "a.png", "image/png", a.data, a.len},
                               {"files", "b.png", "image/png", b.data, b.len},
                               {"storage_location_id", NULL, NULL, claro(0), 0},
                               {"storage_location_id", NULL, NULL, second, 0},
                               {NULL},
                               {NULL}};
    struct test_ask ask = {.method = "POST",
                           .path = "/api/v1/photos/upload",
                           .part = part,
                           .header = {"Idempotency-Key: 33333333-0000-4000-8000-000000000001"}};
    for (int again = 0; again < 2; again++) { /* the same upload again is the same one */
        struct test_reply r = test_call(g->client, &ask);
        if (r.status != 202) {
            fail_msg("%d: %s", r.status, r.body);
        }
        assert_string_equal(text(r.json, "upload_session_id"),
                            "33333333-0000-4000-8000-000000000001");
        assert_int_equal(json_array_size(json_object_get(r.json, "jobs")), 2);
        test_reply_clear(&r);
    }
    assert_int_equal(count(), 2);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), 7);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[1]), 9);
    /* one of three is no picture; then none is one */
    ask.header[0] = NULL;
    DM_CLEANUP(dm_buf_clear) struct dm_buf c = dm_buf_init((size_t)1 << 24);
    photo_paint(3, 4, &c);
    part[0] = (struct test_part){"files", "c.png", "image/png", c.data, c.len};
    part[1] = (struct test_part){"files", "x.txt", "text/plain", "no picture", 10};
    struct test_reply r = test_call(g->client, &ask);
    assert_int_equal(r.status, 207);
    const json_t *no = json_array_get(json_object_get(r.json, "rejected"), 0);
    assert_string_equal(text(no, "filename"), "x.txt");
    assert_string_equal(text(no, "rule"), "UNSUPPORTED_MEDIA");
    test_reply_clear(&r);
    part[0] = part[1];
    part[1] = (struct test_part){"notes", NULL, NULL, "nothing", 0};
    r = test_call(g->client, &ask);
    assert_int_equal(r.status, 400);
    test_reply_clear(&r);
    /* all together they are too much */
    nursery_exec(&nursery.r.n,
                 "INSERT INTO app_settings (key, value) VALUES ('upload_request_mib', '1')");
    api_rig_restart(g);
    api_rig_as(g, INV_WORKER);
    ask.header[0] = NULL;
    char *half = calloc(1, 700000);
    part[0] = (struct test_part){"files", "a.png", "image/png", half, 700000};
    part[1] = (struct test_part){"files", "b.png", "image/png", half, 700000};
    r = test_call(g->client, &ask);
    assert_int_equal(r.status, 413);
    test_reply_clear(&r);
    free(half);
    end();
}

static void gallery(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    char path[200];
    json_t *up = send_photo(g, 202, 1, claro(0));
    const char *image = text(json_array_get(json_object_get(up, "jobs"), 0), "image_id");
    assert_int_equal(count(), 1);
    api_rig_as(g, INV_VIEWER);
    static const struct {
        const char *query;
        size_t n;
    } asked[] = {{"", 1},
                 {"?status=success", 1},
                 {"?status=errors", 0},
                 {"?status=warnings", 0},
                 {"?status=needs_location", 0},
                 {"?status=ready&search=CLARO", 1},
                 {"?warehouse_ids=1,2", 1},
                 {"?date_to=2020-01-01", 0}};
    for (size_t i = 0; i < DM_COUNT(asked); i++) {
        (void)snprintf(path, sizeof(path), "/api/v1/photos/gallery%s", asked[i].query);
        json_t *o = test_get(g->client, 200, path);
        if (json_array_size(json_object_get(o, "photos")) != asked[i].n) {
            fail_msg("%s: %zu", path, json_array_size(json_object_get(o, "photos")));
        }
        json_decref(o);
    }
    json_decref(test_get(g->client, 422, "/api/v1/photos/gallery?status=nice"));
    (void)snprintf(path, sizeof(path), "/api/v1/photos/%s", image);
    json_t *o = test_get(g->client, 200, path);
    assert_int_equal(json_array_size(json_object_get(o, "storage_location_history")), 1);
    assert_non_null(strstr(text(o, "original_url"), "/files/"));
    json_decref(o);
    json_decref(test_get(g->client, 404, "/api/v1/photos/" NOBODY));
    json_decref(up);
    end();
}

static void again_and_away(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    char path[200];
    char body[200];
    json_t *up = send_photo(g, 202, 1, claro(0));
    const char *image = text(json_array_get(json_object_get(up, "jobs"), 0), "image_id");
    assert_int_equal(count(), 1);
    (void)snprintf(path, sizeof(path), "/api/v1/photos/%s/reprocess", image);
    json_t *o = test_send(g->client, 200, "POST", path, NULL);
    json_decref(o);
    assert_int_equal(count(), 1);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), 12);
    json_decref(test_send(g->client, 404, "POST", "/api/v1/photos/" NOBODY "/reprocess", NULL));
    (void)snprintf(body, sizeof(body), "{\"image_ids\":[\"%s\"],\"reason\":\"blurred\"}", image);
    json_decref(test_send(g->client, 403, "POST", "/api/v1/photos/reprocess", body));
    api_rig_as(g, INV_SUPERVISOR);
    json_decref(test_send(g->client, 200, "POST", "/api/v1/photos/reprocess", body));
    json_decref(test_send(g->client, 207, "POST", "/api/v1/photos/reprocess",
                          "{\"image_ids\":[\"" NOBODY "\"]}"));
    assert_int_equal(count(), 1);
    (void)snprintf(path, sizeof(path), "/api/v1/photos/%s", image);
    json_decref(test_send(g->client, 409, "DELETE", path, NULL)); /* its count is posted */
    o = test_send(g->client, 200, "POST", "/api/v1/photos/batch-delete", body);
    assert_int_equal(json_array_size(json_object_get(o, "refused")), 1);
    json_decref(o);
    json_decref(up);
    nursery_exec(&nursery.r.n, "UPDATE photo_processing_sessions SET posting_status = 'void'");
    json_decref(test_send(g->client, 200, "DELETE", path, NULL));
    json_decref(test_send(g->client, 404, "DELETE", path, NULL));
    o = test_send(g->client, 200, "POST", "/api/v1/photos/batch-delete",
                  "{\"image_ids\":[\"" NOBODY "\"]}");
    assert_int_equal(json_array_size(json_object_get(o, "not_found")), 1);
    json_decref(o);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {API_TEST(one_photo), API_TEST(refused_photos),
                                       API_TEST(several), API_TEST(gallery),
                                       API_TEST(again_and_away)};
    return api_rig_main(tests);
}
