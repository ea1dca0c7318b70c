/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/photos/sessions: what was counted, its review, its files. */
#include <string.h>

#include "support/api_rig.h"
#include "support/photo_rig.h"

#define NOBODY "00000000-0000-4000-8000-000000000000"

static struct photo_rig nursery;

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
    nursery.runner.place.local = NULL;
    photo_rig_clear(&nursery);
}

static const char *at(const struct photo_accepted *a, const char *rest)
{
    static char path[4][160];
    static int turn;
    turn = (turn + 1) % 4;
    (void)snprintf(path[turn], sizeof(path[turn]), "/api/v1/photos/sessions/%s%s",
                   a ? a->session_uuid : NOBODY, rest);
    return path[turn];
}

static const char *text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static int64_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static size_t items(struct api_rig *g, const char *path)
{
    json_t *o = test_get(g->client, 200, path);
    const size_t n =
        json_is_array(o) ? json_array_size(o) : json_array_size(json_object_get(o, "items"));
    json_decref(o);
    return n;
}

static void looked_at(void **state)
{
    struct api_rig *g = begin(state, INV_VIEWER);
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    json_t *o = test_get(g->client, 202, at(&a, "/progress"));
    assert_string_equal(text(o, "status"), "pending");
    json_decref(o);
    json_decref(test_get(g->client, 409, at(&a, "/summary")));
    json_decref(test_get(g->client, 409, at(&a, "/report.pdf")));
    assert_int_equal(photo_rig_jobs(&nursery), 1);
    o = test_get(g->client, 200, at(&a, "/progress"));
    assert_string_equal(text(json_object_get(o, "quality"), "quality_band"), "FAIR");
    json_decref(o);
    json_decref(test_get(g->client, 200, at(&a, "/summary")));
    o = test_get(g->client, 200, at(&a, ""));
    assert_int_equal(number(o, "detections_count"), 20);
    assert_int_equal(json_array_size(json_object_get(o, "batch_ids")), 1);
    assert_non_null(strstr(text(json_object_get(o, "image_urls"), "thumbnail"), "/thumbnail.jpg?"));
    json_decref(o);
    assert_int_equal(items(g, "/api/v1/photos/sessions?posting_status=posted"), 1);
    assert_int_equal(items(g, "/api/v1/photos/sessions?validated=true"), 0);
    assert_int_equal(items(g, at(&a, "/detections?per_page=7&page=3")), 6);
    assert_int_equal(items(g, at(&a, "/detections?min_confidence=1")), 0);
    assert_int_equal(items(g, at(&a, "/estimations")), 0);
    assert_int_equal(items(g, at(&a, "/bins")), 1);
    assert_int_equal(items(g, at(&a, "/adjustments")), 0);
    o = test_get(g->client, 200, at(&a, "/statistics"));
    assert_int_equal(number(json_object_get(o, "detections"), "live_count"), 20);
    json_decref(o);
    static const char *const rest[] = {"",
                                       "/progress",
                                       "/summary",
                                       "/report.pdf",
                                       "/export.csv",
                                       "/detections.geojson",
                                       "/detections",
                                       "/estimations",
                                       "/statistics",
                                       "/bins",
                                       "/adjustments"};
    for (size_t i = 0; i < DM_COUNT(rest); i++) {
        json_decref(test_get(g->client, 404, at(NULL, rest[i])));
    }
    end();
}

static void files(void **state)
{
    struct api_rig *g = begin(state, INV_VIEWER);
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    assert_int_equal(photo_rig_jobs(&nursery), 1);
    struct test_ask ask = {.method = "GET", .path = at(&a, "/report.pdf")};
    struct test_reply r = test_call(g->client, &ask);
    assert_int_equal(r.status, 200);
    assert_memory_equal(r.body, "%PDF-", 5);
    test_reply_clear(&r);
    ask.path = at(&a, "/export.csv");
    r = test_call(g->client, &ask);
    assert_non_null(strstr(r.body, "session_id,total_detected,total_estimated,avg_confidence"));
    assert_non_null(strstr(r.body, ",20,0,0."));
    test_reply_clear(&r);
    ask.path = at(&a, "/export.csv?detail=detections");
    r = test_call(g->client, &ask);
    size_t lines = 0;
    for (const char *p = r.body; (p = strchr(p, '\n')); p++) {
        lines++;
    }
    assert_int_equal(lines, 21);
    test_reply_clear(&r);
    json_t *o = test_get(g->client, 200, at(&a, "/detections.geojson"));
    const json_t *features = json_object_get(o, "features");
    assert_int_equal(json_array_size(features), 21);
    assert_string_equal(text(json_object_get(json_array_get(features, 0), "geometry"), "type"),
                        "Polygon");
    json_decref(o);
    end();
}

static void reviewed(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    json_decref(test_send(g->client, 403, "POST", at(&a, "/validate"), NULL));
    api_rig_as(g, INV_SUPERVISOR);
    json_decref(test_send(g->client, 409, "POST", at(&a, "/validate"), NULL)); /* not yet counted */
    assert_int_equal(photo_rig_jobs(&nursery), 1);
    json_t *o = test_send(g->client, 200, "POST", at(&a, "/validate"), "{\"notes\":\"good\"}");
    assert_true(json_is_true(json_object_get(o, "validated")));
    json_decref(o);
    json_t *bins = test_get(g->client, 200, at(&a, "/bins"));
    char body[300];
    (void)snprintf(body, sizeof(body),
                   "{\"adjustments\":[{\"kind\":\"add_plants\",\"bin_id\":%lld,\"quantity\":3,"
                   "\"reason\":\"behind the pot\"}]}",
                   (long long)number(json_array_get(bins, 0), "bin_id"));
    json_decref(bins);
    o = test_send(g->client, 201, "POST", at(&a, "/adjustments"), body);
    assert_int_equal(number(json_object_get(o, "manual_adjustments"), "quantity_delta"), 3);
    json_decref(o);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), 23);
    assert_int_equal(items(g, at(&a, "/adjustments")), 1);
    json_decref(test_send(g->client, 200, "POST", at(&a, "/post"), NULL)); /* it is: as before */
    o = test_send(g->client, 200, "POST", at(&a, "/undo"), "{\"reason\":\"wrong claro\"}");
    assert_string_equal(text(o, "posting_status"), "void");
    json_decref(o);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), 0);
    json_decref(test_send(g->client, 409, "POST", at(&a, "/undo"), "{\"reason\":\"once more\"}"));
    json_decref(test_send(g->client, 409, "POST", at(&a, "/post"), NULL));
    json_decref(test_send(g->client, 409, "POST", at(&a, "/adjustments"), body));
    json_decref(test_send(g->client, 404, "POST", at(NULL, "/validate"), NULL));
    json_decref(test_send(g->client, 404, "POST", at(NULL, "/post"), NULL));
    json_decref(test_send(g->client, 404, "POST", at(NULL, "/undo"), "{\"reason\":\"nothing\"}"));
    json_decref(test_send(g->client, 404, "POST", at(NULL, "/adjustments"), body));
    end();
}

/* A photo without a place waits; the claro is chosen, nothing is counted again. */
static void placed(void **state)
{
    struct api_rig *g = begin(state, INV_SUPERVISOR);
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, 0);
    assert_int_equal(photo_rig_jobs(&nursery), 1);
    assert_int_equal(items(g, "/api/v1/photos/sessions?warning=needs_location"), 1);
    char body[120];
    (void)snprintf(body, sizeof(body), "{\"storage_location_id\":%lld,\"notes\":\"by hand\"}",
                   (long long)nursery.r.claro[2]);
    json_t *o = test_send(g->client, 200, "PATCH", at(&a, ""), body);
    assert_string_equal(text(o, "posting_status"), "posted");
    json_decref(o);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[2]), 20);
    json_decref(test_send(g->client, 404, "PATCH", at(NULL, ""), body));
    /* a claro's count that is undone is void, and stays where it is */
    json_decref(
        test_send(g->client, 200, "POST", at(&a, "/undo"), "{\"reason\":\"it was another\"}"));
    json_decref(test_send(g->client, 409, "PATCH", at(&a, ""), body));
    /* one that is held is released */
    nursery_exec(&nursery.r.n,
                 "INSERT INTO app_settings (key, value) VALUES ('auto_post_counts', 'false')");
    struct inv_settings set = *nursery.r.n.worker.settings;
    set.auto_post_counts = false;
    nursery.r.n.worker.settings = &set;
    const struct photo_accepted b = photo_rig_photo(&nursery, 2, 6, nursery.r.claro[3]);
    assert_int_equal(photo_rig_jobs(&nursery), 1);
    assert_int_equal(items(g, "/api/v1/photos/sessions?posting_status=held"), 1);
    o = test_send(g->client, 200, "POST", at(&b, "/post"), "{\"note\":\"looks right\"}");
    assert_string_equal(text(o, "posting_status"), "posted");
    json_decref(o);
    end();
}

/* The addresses that old links have. */
static void old_addresses(void **state)
{
    struct api_rig *g = begin(state, INV_SUPERVISOR);
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    char path[160];
    static const struct {
        const char *rest;
        int before, after;
    } rows[] = {{"progress", 202, 200},
                {"summary", 409, 200},
                {"report.pdf", 409, 200},
                {"export.csv", 200, 200},
                {"detections.geojson", 200, 200}};
    for (int counted = 0; counted < 2; counted++) {
        for (size_t i = 0; i < DM_COUNT(rows); i++) {
            (void)snprintf(path, sizeof(path), "/api/v1/sessions/%s/%s", a.session_uuid,
                           rows[i].rest);
            json_decref(test_get(g->client, counted ? rows[i].after : rows[i].before, path));
            (void)snprintf(path, sizeof(path), "/api/v1/sessions/" NOBODY "/%s", rows[i].rest);
            json_decref(test_get(g->client, 404, path));
        }
        (void)snprintf(path, sizeof(path), "/api/v1/sessions/%s/validate", a.session_uuid);
        json_decref(test_send(g->client, counted ? 200 : 409, "POST", path, NULL));
        (void)photo_rig_jobs(&nursery);
    }
    json_decref(test_send(g->client, 404, "POST", "/api/v1/sessions/" NOBODY "/validate", NULL));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {API_TEST(looked_at), API_TEST(files), API_TEST(reviewed),
                                       API_TEST(placed), API_TEST(old_addresses)};
    return api_rig_main(tests);
}
