/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of photographs: variants, signed addresses, small pictures. */
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

static const char *text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static struct test_reply get(struct api_rig *g, const char *path, const char *header)
{
    return test_call(g->client,
                     &(struct test_ask){.method = "GET", .path = path, .header = {header}});
}

static void variants(void **state)
{
    struct api_rig *g = begin(state, INV_VIEWER);
    char path[200];
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)1 << 24);
    photo_paint(1, 20, &png);
    (void)snprintf(path, sizeof(path), "/api/v1/photos/%s/file?variant=annotated", a.image_uuid);
    json_decref(test_get(g->client, 404, path)); /* nothing to draw yet */
    assert_int_equal(photo_rig_jobs(&nursery), 1);
    (void)snprintf(path, sizeof(path), "/api/v1/photos/%s/file?redirect=false", a.image_uuid);
    struct test_reply r = get(g, path, NULL);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.n, png.len);
    assert_memory_equal(r.body, png.data, r.n);
    test_reply_clear(&r);
    r = get(g, path, "Range: bytes=1-3");
    assert_int_equal(r.status, 206);
    assert_memory_equal(r.body, "PNG", 3);
    test_reply_clear(&r);
    static const char *const variant[] = {"thumbnail", "annotated"};
    for (size_t i = 0; i < DM_COUNT(variant); i++) {
        (void)snprintf(path, sizeof(path), "/api/v1/photos/%s/file?variant=%s&redirect=false",
                       a.image_uuid, variant[i]);
        r = get(g, path, NULL);
        assert_int_equal(r.status, 200);
        assert_memory_equal(r.body, "\xff\xd8\xff", 3);
        test_reply_clear(&r);
    }
    for (int size = 64; size <= 300; size += 236) {
        (void)snprintf(path, sizeof(path), "/api/v1/photos/%s/thumbnail?size=%d", a.image_uuid,
                       size);
        r = get(g, path, size == 64 ? "Range: bytes=0-9" : NULL);
        assert_int_equal(r.status, size == 64 ? 206 : 200);
        test_reply_clear(&r);
    }
    (void)snprintf(path, sizeof(path), "/api/v1/images/%s", a.image_uuid);
    json_t *o = test_get(g->client, 200, path);
    assert_string_equal(text(o, "content_type"), "image/png");
    json_decref(o);
    json_decref(test_get(g->client, 404, "/api/v1/images/" NOBODY));
    json_decref(test_get(g->client, 404, "/api/v1/photos/" NOBODY "/file"));
    json_decref(test_get(g->client, 404, "/api/v1/photos/" NOBODY "/url"));
    json_decref(test_get(g->client, 404, "/api/v1/photos/" NOBODY "/thumbnail"));
    end();
}

static void addresses(void **state)
{
    struct api_rig *g = begin(state, INV_VIEWER);
    char path[300];
    char body[300];
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    (void)snprintf(path, sizeof(path), "/api/v1/photos/%s/url?expiry_hours=2", a.image_uuid);
    json_t *o = test_get(g->client, 200, path);
    const char *url = text(o, "presigned_url");
    const char *own = strstr(url, "/files/");
    assert_non_null(own);
    api_rig_as(g, INV_ROLE_MAX_); /* no token is needed */
    struct test_reply r = get(g, own, NULL);
    assert_int_equal(r.status, 200);
    assert_memory_equal(r.body + 1, "PNG", 3);
    test_reply_clear(&r);
    r = get(g, own, "Range: bytes=1-3");
    assert_int_equal(r.status, 206);
    test_reply_clear(&r);
    /* not a day longer, not for another file, not with another signature */
    (void)snprintf(path, sizeof(path), "%s", own);
    char *exp = strstr(path, "exp=") + 4;
    *exp = *exp == '9' ? '8' : '9';
    json_decref(test_get(g->client, 403, path));
    (void)snprintf(path, sizeof(path), "%s", own);
    path[strlen(path) - 1] = path[strlen(path) - 1] == '0' ? '1' : '0';
    json_decref(test_get(g->client, 403, path));
    json_decref(test_get(g->client, 422, "/files/a/b"));
    /* the photo goes, and its address with it */
    nursery_exec(&nursery.r.n, "UPDATE images SET deleted_at = updated_at");
    json_decref(test_get(g->client, 404, own));
    nursery_exec(&nursery.r.n, "UPDATE images SET deleted_at = NULL");
    api_rig_as(g, INV_VIEWER);
    (void)snprintf(body, sizeof(body), "{\"s3_key\":\"%s\"}", text(o, "s3_key"));
    json_decref(test_send(g->client, 200, "POST", "/api/v1/images/presigned-url", body));
    json_decref(test_send(g->client, 404, "POST", "/api/v1/images/presigned-url",
                          "{\"s3_key\":\"../demeter.db\"}"));
    json_decref(o);
    (void)snprintf(path, sizeof(path), "/api/v1/photos/%s/file", a.image_uuid);
    r = get(g, path, NULL);
    assert_int_equal(r.status, 302);
    assert_non_null(strstr(test_field(&r, "Location"), "/files/"));
    test_reply_clear(&r);
    end();
}

static struct test_reply add_sample(struct api_rig *g, const char *path, const struct dm_buf *png,
                                    const char *name, const char *value)
{
    const struct test_part part[] = {{"file", "aloe.png", "image/png", png->data, png->len},
                                     {"sample_type", NULL, NULL, "growth_stage", 0},
                                     {"is_primary", NULL, NULL, "true", 0},
                                     {name, NULL, NULL, value, 0},
                                     {NULL}};
    return test_call(g->client, &(struct test_ask){.method = "POST", .path = path, .part = part});
}

static void samples(void **state)
{
    struct api_rig *g = begin(state, INV_SUPERVISOR);
    char path[100];
    DM_CLEANUP(dm_buf_clear) struct dm_buf png = dm_buf_init((size_t)1 << 24);
    DM_CLEANUP(dm_buf_clear) struct dm_buf no = dm_buf_init(100);
    photo_paint(1, 20, &png);
    dm_buf_puts(&no, "no picture");
    json_t *list = test_get(g->client, 200, "/api/v1/products?limit=1");
    const int64_t product =
        json_integer_value(json_object_get(json_array_get(list, 0), "product_id"));
    json_decref(list);
    (void)snprintf(path, sizeof(path), "/api/v1/products/by-id/%lld/samples", (long long)product);
    struct test_reply r = add_sample(g, path, &png, "notes", "in flower");
    assert_int_equal(r.status, 201);
    assert_non_null(strstr(text(r.json, "thumbnail_url"), "/thumbnail.jpg"));
    char *place = strdup(test_field(&r, "Location"));
    test_reply_clear(&r);
    r = add_sample(g, path, &no, "notes", "x");
    assert_int_equal(r.status, 400);
    test_reply_clear(&r);
    r = add_sample(g, path, &png, "product_size_id", "9999");
    assert_int_equal(r.status, 404);
    test_reply_clear(&r);
    /* it is no photo of the gallery, and the same bytes may be counted; then they are one */
    json_t *o = test_get(g->client, 200, "/api/v1/photos/gallery");
    assert_int_equal(json_array_size(json_object_get(o, "photos")), 0);
    json_decref(o);
    const struct photo_accepted a = photo_rig_photo(&nursery, 1, 20, nursery.r.claro[0]);
    r = add_sample(g, path, &png, "display_order", "7");
    assert_string_equal(text(r.json, "image_id"), a.image_uuid);
    test_reply_clear(&r);
    list = test_get(g->client, 200, path);
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_is_false(json_object_get(json_array_get(list, 0), "is_primary")));
    assert_true(json_is_true(json_object_get(json_array_get(list, 1), "is_primary")));
    json_decref(list);
    json_decref(test_send(g->client, 200, "DELETE", place, NULL));
    json_decref(test_send(g->client, 404, "DELETE", place, NULL));
    free(place);
    json_decref(test_get(g->client, 404, "/api/v1/products/by-id/99999/samples"));
    photo_rig_verify(&nursery);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {API_TEST(variants), API_TEST(addresses), API_TEST(samples)};
    return api_rig_main(tests);
}
