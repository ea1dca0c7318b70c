/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/photos/sessions: what was counted, its review, its files. */
#include <stdio.h>
#include <stdlib.h>
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
    ask.path = at(&a, "/export.xlsx");
    r = test_call(g->client, &ask);
    assert_int_equal(r.status, 200);
    assert_memory_equal(r.body, "PK\3\4", 4);
    assert_non_null(strstr(test_field(&r, "Content-Disposition"), a.session_uuid));
    test_reply_clear(&r);
    json_decref(test_get(g->client, 404, at(NULL, "/export.xlsx")));
    json_t *o = test_get(g->client, 200, at(&a, "/detections.geojson"));
    const json_t *features = json_object_get(o, "features");
    assert_int_equal(json_array_size(features), 21);
    assert_string_equal(text(json_object_get(json_array_get(features, 0), "geometry"), "type"),
                        "Polygon");
    json_decref(o);
    end();
}

/* Python's own reader finds nothing wrong with it, and what is in it. */
static void raw_archive(void **state)
{
    struct api_rig *g = begin(state, INV_SUPERVISOR);
    char path[100];
    char command[400];
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    json_decref(test_get(g->client, 409, at(&a, "/raw.zip"))); /* not counted yet */
    json_decref(test_get(g->client, 404, at(NULL, "/raw.zip")));
    assert_int_equal(photo_rig_jobs(&nursery), 1);
    struct test_ask ask = {.method = "GET", .path = at(&a, "/raw.zip")};
    struct test_reply r = test_call(g->client, &ask);
    assert_int_equal(r.status, 200);
    (void)snprintf(path, sizeof(path), "%s/raw.zip", g->folder);
    FILE *f = fopen(path, "wbe");
    assert_true(f && fwrite(r.body, 1, r.n, f) == r.n && fclose(f) == 0);
    test_reply_clear(&r);
    (void)snprintf(command, sizeof(command),
                   "python3 -c \"import json, sys, zipfile; z = zipfile.ZipFile(sys.argv[1]);"
                   "assert z.testzip() is None;"
                   "assert z.namelist() == ['original.png', 'annotated.jpg', 'session.json'];"
                   "assert len(json.loads(z.read('session.json'))['detections']) == 20\" %s",
                   path);
    assert_int_equal(system(command), 0);
    ask.path = at(&a, "/raw.zip");
    ask.header[0] = "Range: bytes=0-3";
    r = test_call(g->client, &ask);
    assert_int_equal(r.status, 206);
    assert_memory_equal(r.body, "PK\3\4", 4);
    test_reply_clear(&r);
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

/* ---- the box editor ---------------------------------------------------------------------------
 */

static int64_t column(const json_t *boxes, const char *name, size_t i)
{
    const json_t *list = json_object_get(json_object_get(boxes, "columns"), name);
    return (int64_t)json_number_value(json_array_get(list, i));
}

static const char *kind(const json_t *boxes, size_t i)
{
    const json_t *list = json_object_get(json_object_get(boxes, "columns"), "kind");
    return json_string_value(json_array_get(list, i));
}

static size_t of_kind(const json_t *boxes, const char *wanted)
{
    size_t n = 0;
    for (size_t i = 0; i < (size_t)number(boxes, "count"); i++) {
        n += !strcmp(kind(boxes, i), wanted);
    }
    return n;
}

static void correct(struct api_rig *g, int status, const struct photo_accepted *a, int64_t plants,
                    const char *edits)
{
    char body[1200];
    (void)snprintf(body, sizeof(body), "{\"adjustments\":[%s]}", edits);
    json_decref(test_send(g->client, status, "POST", at(a, "/adjustments"), body));
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), plants);
    photo_rig_verify(&nursery);
}

/* The newest correction of a session. */
static int64_t newest(struct api_rig *g, const struct photo_accepted *a)
{
    json_t *list = test_get(g->client, 200, at(a, "/adjustments"));
    const int64_t id = number(json_array_get(list, json_array_size(list) - 1), "id");
    json_decref(list);
    return id;
}

static void revert(struct api_rig *g, int status, const struct photo_accepted *a, int64_t id,
                   int64_t plants)
{
    char rest[80];
    (void)snprintf(rest, sizeof(rest), "/adjustments/%lld/revert", (long long)id);
    json_decref(test_send(g->client, status, "POST", at(a, rest), "{\"reason\":\"by mistake\"}"));
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), plants);
    photo_rig_verify(&nursery);
}

static void boxes_are_edited(void **state)
{
    struct api_rig *g = begin(state, INV_SUPERVISOR);
    char edits[900];
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    assert_int_equal(photo_rig_jobs(&nursery), 1);
    json_t *o = test_get(g->client, 200, at(&a, "/detections.json"));
    assert_int_equal(number(o, "count"), 20);
    assert_int_equal(of_kind(o, "plant"), 20);
    const int64_t first = column(o, "id", 0);
    const int64_t second = column(o, "id", 1);
    const int64_t third = column(o, "id", 2);
    const double x =
        json_number_value(json_array_get(json_object_get(json_object_get(o, "columns"), "x"), 0));
    const double y =
        json_number_value(json_array_get(json_object_get(json_object_get(o, "columns"), "y"), 0));
    json_decref(o);
    json_decref(test_get(g->client, 404, at(NULL, "/detections.json")));
    /* a lasso, a plant that was missed, one that stands elsewhere: one request */
    (void)snprintf(
        edits, sizeof(edits),
        "{\"kind\":\"remove_plants\",\"detection_ids\":[%lld,%lld],\"reason\":\"weeds\"},"
        "{\"kind\":\"add_boxes\",\"boxes\":[{\"x\":%.1f,\"y\":%.1f,\"w\":20,\"h\":30}],"
        "\"reason\":\"missed\"},"
        "{\"kind\":\"move_box\",\"detection_id\":%lld,"
        "\"box\":{\"x\":50,\"y\":60,\"w\":7,\"h\":8},\"reason\":\"too large\"}",
        (long long)first, (long long)second, x, y, (long long)third);
    correct(g, 201, &a, 19, edits);
    o = test_get(g->client, 200, at(&a, "/detections.json"));
    assert_int_equal(of_kind(o, "removed"), 2);
    assert_int_equal(column(o, "w", 2), 7);
    assert_int_equal(json_array_size(json_object_get(o, "drawn")), 1);
    json_decref(o);
    json_t *list = test_get(g->client, 200, at(&a, "/adjustments"));
    assert_int_equal(json_array_size(list), 4);
    const int64_t removed = number(json_array_get(list, 0), "id");
    const int64_t drawn = number(json_array_get(list, 2), "id");
    json_decref(list);
    /* what cannot be: twice, outside every container, in no place, too many */
    (void)snprintf(edits, sizeof(edits),
                   "{\"kind\":\"move_box\",\"detection_id\":%lld,"
                   "\"box\":{\"x\":50,\"y\":60,\"w\":7,\"h\":8},\"reason\":\"removed before\"}",
                   (long long)first);
    correct(g, 409, &a, 19, edits);
    correct(g, 422, &a, 19,
            "{\"kind\":\"add_boxes\",\"boxes\":[{\"x\":-90,\"y\":-90,\"w\":2,\"h\":3}],"
            "\"reason\":\"outside\"}");
    correct(g, 422, &a, 19, "{\"kind\":\"threshold\",\"reason\":\"no value\"}");
    /* back again, each once, and not what later ones stand on */
    revert(g, 201, &a, drawn, 18);
    revert(g, 409, &a, drawn, 18);
    revert(g, 409, &a, newest(g, &a), 18);
    (void)snprintf(edits, sizeof(edits),
                   "{\"kind\":\"unmark\",\"detection_id\":%lld,\"reason\":\"a plant\"}",
                   (long long)first);
    correct(g, 201, &a, 19, edits);
    revert(g, 409, &a, removed, 19);
    revert(g, 404, &a, 999999, 19);
    revert(g, 404, NULL, removed, 19);
    /* the slider: what goes below leaves, and comes back, but for what a person removed */
    correct(g, 201, &a, 0, "{\"kind\":\"threshold\",\"threshold\":0.95,\"reason\":\"strict\"}");
    o = test_get(g->client, 200, at(&a, "/detections.json"));
    assert_int_equal(of_kind(o, "removed"), 20);
    json_decref(o);
    correct(g, 201, &a, 19, "{\"kind\":\"threshold\",\"threshold\":0,\"reason\":\"lenient\"}");
    o = test_get(g->client, 200, at(&a, "/detections.json"));
    assert_int_equal(of_kind(o, "plant"), 19);
    json_decref(o);
    /* who did not see the last correction does not overwrite it */
    struct test_reply r =
        test_call(g->client, &(struct test_ask){.method = "GET", .path = at(&a, "/adjustments")});
    char tag[80];
    (void)snprintf(tag, sizeof(tag), "If-Match: %s", test_field(&r, "ETag"));
    test_reply_clear(&r);
    for (int again = 0; again < 2; again++) {
        r = test_call(g->client,
                      &(struct test_ask){.method = "POST",
                                         .path = at(&a, "/adjustments"),
                                         .json = "{\"adjustments\":[{\"kind\":\"claro_empty\","
                                                 "\"reason\":\"all gone\"}]}",
                                         .header = {tag}});
        assert_int_equal(r.status, again ? 412 : 201);
        test_reply_clear(&r);
    }
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), 0);
    revert(g, 201, &a, newest(g, &a), 19);
    end();
}

static void two_visits(void **state)
{
    struct api_rig *g = begin(state, INV_VIEWER);
    char rest[80];
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    assert_int_equal(photo_rig_jobs(&nursery), 1);
    rig_now(&nursery.r, store_now() + INT64_C(10) * 86400000);
    const struct photo_accepted b = photo_rig_photo(&nursery, 2, 15, nursery.r.claro[0]);
    const struct photo_accepted c = photo_rig_photo(&nursery, 3, 15, nursery.r.claro[1]);
    (void)snprintf(rest, sizeof(rest), "/compare?with=%s", b.session_uuid);
    json_decref(test_get(g->client, 409, at(&a, rest))); /* not counted yet */
    assert_int_equal(photo_rig_jobs(&nursery), 2);
    json_t *o = test_get(g->client, 200, at(&a, rest));
    const json_t *d = json_object_get(o, "difference");
    assert_int_equal(number(json_object_get(o, "a"), "plants"), 20);
    assert_int_equal(number(d, "plants"), -5);
    assert_true(json_number_value(json_object_get(d, "days")) > 9.9);
    assert_true(json_number_value(json_object_get(d, "growth_pct")) == -25);
    d = json_array_get(json_object_get(o, "containers"), 0);
    assert_int_equal(number(d, "difference"), -5);
    json_decref(o);
    (void)snprintf(rest, sizeof(rest), "/compare?with=%s", c.session_uuid);
    json_decref(test_get(g->client, 409, at(&a, rest))); /* of another claro */
    json_decref(test_get(g->client, 404, at(&a, "/compare?with=" NOBODY)));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(looked_at),  API_TEST(files),       API_TEST(reviewed), API_TEST(boxes_are_edited),
        API_TEST(two_visits), API_TEST(raw_archive), API_TEST(placed),   API_TEST(old_addresses)};
    return api_rig_main(tests);
}
