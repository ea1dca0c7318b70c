/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/uploads: a photo that arrives in pieces is the photo that a form would have made, once,
 * whatever breaks in between; and photos whose bytes come to a signed address. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#include "base/hash.h"
#include "support/api_rig.h"
#include "support/photo_rig.h"

#define NOBODY "00000000-0000-4000-8000-000000000000"
#define TUS    "Tus-Resumable: 1.0.0"
#define TYPE   "Content-Type: application/offset+octet-stream"

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
    photo_rig_verify(&nursery);
    nursery.runner.place.local = NULL;
    photo_rig_clear(&nursery);
}

static int count(void)
{
    rig_now(&nursery.r, store_now() + 1000);
    return photo_rig_jobs(&nursery);
}

static const char *text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

/* ---- a photo and what is said about it ------------------------------------------------------- */

struct photo {
    struct dm_buf png;
    char sha256[DM_SHA256_HEX_SIZE];
};

static struct photo paint(unsigned seed, int plants)
{
    struct photo p = {.png = dm_buf_init((size_t)1 << 24)};
    photo_paint(seed, plants, &p.png);
    dm_sha256_hex(p.png.data, p.png.len, p.sha256);
    return p;
}

/* "name value;name value" as Upload-Metadata. */
static const char *metadata(const char *said)
{
    static char line[2048];
    int n = snprintf(line, sizeof(line), "Upload-Metadata: filename Y2xhcm8ucG5n");
    while (*said) {
        char value[300];
        const size_t name = strcspn(said, " ");
        const size_t length = strcspn(said + name + 1, ";");
        (void)sodium_bin2base64(value, sizeof(value), (const unsigned char *)said + name + 1,
                                length, sodium_base64_VARIANT_ORIGINAL);
        n += snprintf(line + n, sizeof(line) - (size_t)n, ",%.*s %s", (int)name, said, value);
        said += name + 1 + length;
        said += *said == ';';
    }
    return line;
}

static struct test_reply create(struct api_rig *g, int64_t length, const char *said)
{
    char size[64];
    (void)snprintf(size, sizeof(size), "Upload-Length: %lld", (long long)length);
    return test_call(g->client, &(struct test_ask){.method = "POST",
                                                   .path = "/api/v1/uploads",
                                                   .header = {TUS, size, metadata(said)}});
}

static void assert_create(struct api_rig *g, int status, int64_t length, const char *said)
{
    struct test_reply r = create(g, length, said);
    if (r.status != status) {
        fail_msg("%s: %d instead of %d: %s", said, r.status, status, r.body);
    }
    test_reply_clear(&r);
}

/* The path of a new upload. */
static void begin_upload(struct api_rig *g, const struct photo *p, const char *said,
                         char ret[static 128])
{
    struct test_reply r = create(g, (int64_t)p->png.len, said);
    if (r.status != 201) {
        fail_msg("%s: %d: %s", said, r.status, r.body);
    }
    (void)snprintf(ret, 128, "%s", test_field(&r, "Location"));
    test_reply_clear(&r);
}

static struct test_reply patch(struct api_rig *g, const char *path, size_t at, const void *bytes,
                               size_t n, const char *more)
{
    char offset[64];
    (void)snprintf(offset, sizeof(offset), "Upload-Offset: %zu", at);
    return test_call(g->client, &(struct test_ask){.method = "PATCH",
                                                   .path = path,
                                                   .bytes = n ? bytes : "",
                                                   .n_bytes = n,
                                                   .header = {TUS, TYPE, offset, more}});
}

static void assert_patch(struct api_rig *g, int status, const char *path, const struct photo *p,
                         size_t from, size_t to)
{
    struct test_reply r = patch(g, path, from, p->png.data + from, to - from, NULL);
    if (r.status != status) {
        fail_msg("%zu..%zu: %d instead of %d: %s", from, to, r.status, status, r.body);
    }
    test_reply_clear(&r);
}

static int status_of(struct api_rig *g, const char *method, const char *path)
{
    struct test_reply r =
        test_call(g->client, &(struct test_ask){.method = method, .path = path, .header = {TUS}});
    const int status = r.status;
    test_reply_clear(&r);
    return status;
}

static const char *claro(size_t i)
{
    static char said[64];
    (void)snprintf(said, sizeof(said), "storage_location_id %lld", (long long)nursery.r.claro[i]);
    return said;
}

/* ---- in pieces ------------------------------------------------------------------------------- */

static void in_pieces(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    struct photo p = paint(1, 12);
    const size_t half = p.png.len / 2;
    char path[128];
    char known[160];
    char said[300];
    (void)snprintf(known, sizeof(known), "/api/v1/uploads/sha256/%s", p.sha256);
    json_decref(test_get(g->client, 404, known));
    (void)snprintf(said, sizeof(said), "%s;sha256 %s;captured_at 2026-01-02T03:04:05Z;pending 3",
                   claro(0), p.sha256);
    begin_upload(g, &p, said, path);
    assert_patch(g, 204, path, &p, 0, half);
    api_rig_restart(g); /* the server goes, what it had answered stays */
    api_rig_as(g, INV_WORKER);
    struct test_reply r =
        test_call(g->client, &(struct test_ask){.method = "HEAD", .path = path, .header = {TUS}});
    assert_int_equal(r.status, 200);
    assert_int_equal(strtol(test_field(&r, "Upload-Offset"), NULL, 10), (long)half);
    test_reply_clear(&r);
    r = patch(g, path, half, p.png.data + half, p.png.len - half, NULL);
    assert_int_equal(r.status, 204);
    assert_string_equal(test_field(&r, "X-Content-SHA256"), p.sha256);
    test_reply_clear(&r);
    /* what came is what a form would have answered */
    json_t *o = test_get(g->client, 200, path);
    const json_t *up = json_object_get(o, "result");
    const json_t *job = json_array_get(json_object_get(up, "jobs"), 0);
    assert_string_equal(text(job, "sha256"), p.sha256);
    assert_string_equal(text(job, "filename"), "claro.png");
    json_t *status = test_get(g->client, 200, text(up, "poll_url"));
    json_decref(status);
    assert_int_equal(count(), 1);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), 12);
    json_t *k = test_get(g->client, 200, known);
    assert_string_equal(text(k, "image_id"), text(job, "image_id"));
    assert_int_equal(json_integer_value(json_object_get(k, "storage_location_id")),
                     nursery.r.claro[0]);
    json_decref(k);
    char image[128];
    (void)snprintf(image, sizeof(image), "/api/v1/photos/sessions/%s", text(up, "session_uuid"));
    k = test_get(g->client, 200, image);
    assert_string_equal(text(k, "captured_at"), "2026-01-02T03:04:05.000Z");
    json_decref(k);
    json_decref(o);
    /* who did not hear it asks again, in any way, and nothing is counted twice */
    r = patch(g, path, p.png.len, "", 0, NULL);
    assert_int_equal(r.status, 204);
    test_reply_clear(&r);
    (void)snprintf(said, sizeof(said), "%s;sha256 %s", claro(0), p.sha256);
    r = create(g, (int64_t)p.png.len, said); /* before a byte travels */
    assert_int_equal(r.status, 409);
    assert_string_equal(text(r.json, "rule"), "DUPLICATE_PHOTO");
    test_reply_clear(&r);
    begin_upload(g, &p, claro(0), path); /* the hash was not said: found at the end */
    assert_patch(g, 409, path, &p, 0, p.png.len);
    assert_int_equal(status_of(g, "HEAD", path), 404);
    assert_int_equal(count(), 0);
    dm_buf_clear(&p.png);
    end();
}

/* Same number, same bytes: the same photo, also when the first answer was lost with the upload. */
static void the_same_again(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    struct photo p = paint(1, 9);
    struct photo other = paint(2, 9);
    char path[128];
    char said[200];
    json_t *first = NULL;
    (void)snprintf(said, sizeof(said), "%s;client_uuid 33333333-0000-4000-8000-000000000001",
                   claro(0));
    for (int again = 0; again < 2; again++) {
        begin_upload(g, &p, said, path);
        assert_patch(g, 204, path, &p, 0, p.png.len);
        json_t *o = test_get(g->client, 200, path);
        json_t *up = json_object_get(o, "result");
        assert_string_equal(text(up, "upload_session_id"), "33333333-0000-4000-8000-000000000001");
        if (again) {
            assert_string_equal(text(up, "session_uuid"), text(first, "session_uuid"));
        } else {
            first = json_incref(up);
        }
        json_decref(o);
    }
    json_decref(first);
    begin_upload(g, &other, said, path); /* the number is taken */
    assert_patch(g, 409, path, &other, 0, other.png.len);
    assert_int_equal(count(), 1);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), 9);
    dm_buf_clear(&p.png);
    dm_buf_clear(&other.png);
    end();
}

/* The phone's own position, for a picture that lost its. */
static void position_of_the_phone(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    struct photo p = paint(1, 5);
    char path[128];
    begin_upload(g, &p, "gps_lon -68.5;gps_lat -32.9;gps_error_m 4", path);
    assert_patch(g, 204, path, &p, 0, p.png.len);
    json_t *o = test_get(g->client, 200, path);
    char image[128];
    (void)snprintf(
        image, sizeof(image), "/api/v1/photos/%s",
        text(json_array_get(json_object_get(json_object_get(o, "result"), "jobs"), 0), "image_id"));
    json_decref(o);
    o = test_get(g->client, 200, image);
    assert_true(json_number_value(json_object_get(json_object_get(o, "gps"), "longitude")) ==
                -68.5);
    json_decref(o);
    assert_int_equal(count(), 1);
    dm_buf_clear(&p.png);
    end();
}

static void refusals(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    struct photo p = paint(1, 5);
    char path[128];
    char part[300];
    assert_create(g, 400, 0, "");
    assert_create(g, 413, INT64_C(400) << 20, "");
    assert_create(g, 413, INT64_C(60) << 20, "");
    assert_create(g, 422, 10, "storage_location_id nave");
    assert_create(g, 422, 10, "sha256 beef");
    assert_int_equal(status_of(g, "POST", "/api/v1/uploads"), 400);
    struct test_reply r =
        test_call(g->client, &(struct test_ask){.method = "POST", .path = "/api/v1/uploads"});
    assert_int_equal(r.status, 412);
    test_reply_clear(&r);
    /* the words of PATCH */
    begin_upload(g, &p, claro(0), path);
    struct test_ask ask = {.method = "PATCH", .path = path, .bytes = p.png.data, .n_bytes = 10};
    static const struct {
        const char *header[4];
        int status;
    } words[] = {
        {{TYPE, "Upload-Offset: 0"}, 412},
        {{TUS, "Content-Type: text/plain", "Upload-Offset: 0"}, 415},
        {{TUS, TYPE}, 400},
        {{TUS, TYPE, "Upload-Offset: 1"}, 409},
        {{TUS, TYPE, "Upload-Offset: 0", "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="},
         460}};
    for (size_t i = 0; i < DM_COUNT(words); i++) {
        memcpy(ask.header, words[i].header, sizeof(words[i].header));
        r = test_call(g->client, &ask);
        assert_int_equal(r.status, words[i].status);
        test_reply_clear(&r);
    }
    r = patch(g, "/api/v1/uploads/" NOBODY, 0, "x", 1, NULL);
    assert_int_equal(r.status, 404);
    test_reply_clear(&r);
    DM_CLEANUP(dm_buf_clear) struct dm_buf more = dm_buf_init((size_t)1 << 24);
    dm_buf_append(&more, p.png.data, p.png.len);
    dm_buf_puts(&more, "x");
    r = patch(g, path, 0, more.data, more.len, NULL);
    assert_int_equal(r.status, 413);
    test_reply_clear(&r);
    /* one at a time */
    (void)snprintf(part, sizeof(part), "%s/resumed/%s.part", g->incoming, strrchr(path, '/') + 1);
    const int fd = open(part, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_patch(g, 423, path, &p, 0, 10);
    assert_int_equal(status_of(g, "DELETE", path), 423);
    (void)close(fd);
    /* another one's is not there */
    api_rig_as(g, INV_ADMIN);
    assert_int_equal(status_of(g, "HEAD", path), 404);
    assert_int_equal(status_of(g, "DELETE", path), 404);
    json_decref(test_get(g->client, 404, path));
    api_rig_as(g, INV_WORKER);
    r = test_call(g->client, &(struct test_ask){.method = "DELETE", .path = path});
    assert_int_equal(r.status, 412);
    test_reply_clear(&r);
    assert_int_equal(status_of(g, "DELETE", path), 204);
    assert_int_equal(status_of(g, "HEAD", path), 404);
    /* what turns out to be no picture, or another one than was announced */
    char said[120];
    (void)snprintf(said, sizeof(said), "sha256 %064d", 0);
    begin_upload(g, &p, said, path);
    assert_patch(g, 422, path, &p, 0, p.png.len);
    assert_int_equal(status_of(g, "HEAD", path), 404);
    memset(p.png.data, 'x', p.png.len);
    begin_upload(g, &p, claro(0), path);
    assert_patch(g, 400, path, &p, 0, p.png.len);
    assert_int_equal(status_of(g, "HEAD", path), 404);
    assert_int_equal(count(), 0);
    dm_buf_clear(&p.png);
    end();
}

/* ---- to a signed address --------------------------------------------------------------------- */

static json_t *announce(struct api_rig *g, int status, const char *type, size_t bytes)
{
    char body[200];
    (void)snprintf(body, sizeof(body),
                   "{\"filename\":\"ñandú.png\",\"content_type\":\"%s\",\"size_bytes\":%zu}", type,
                   bytes);
    return test_send(g->client, status, "POST", "/api/v1/images/presigned-upload", body);
}

static int put(struct api_rig *g, const char *path, const void *bytes, size_t n)
{
    struct test_reply r =
        test_call(g->client, &(struct test_ask){.method = "PUT",
                                                .path = path,
                                                .bytes = bytes,
                                                .n_bytes = n,
                                                .header = {"Content-Type: image/png"}});
    const int status = r.status;
    test_reply_clear(&r);
    return status;
}

static void signed_address(void **state)
{
    struct api_rig *g = begin(state, INV_WORKER);
    struct photo p = paint(1, 7);
    char where[64];
    char path[300];
    char part[300];
    (void)snprintf(where, sizeof(where), "{\"storage_location_id\":%lld}",
                   (long long)nursery.r.claro[0]);
    json_decref(announce(g, 400, "text/html", 10));
    json_decref(announce(g, 413, "image/png", (size_t)60 << 20));
    json_t *up = announce(g, 200, "image/png", p.png.len);
    const char *url = strstr(text(up, "upload_url"), "/files/");
    const char *commit = text(up, "commit_url");
    json_decref(test_send(g->client, 404, "POST", commit, where)); /* nothing came yet */
    api_rig_as(g, INV_ROLE_MAX_);                                  /* needs no token */
    (void)snprintf(path, sizeof(path), "%s0", url);
    assert_int_equal(put(g, path, p.png.data, p.png.len), 403);
    (void)snprintf(path, sizeof(path), "/files/uploads/" NOBODY "%s", strchr(url, '?'));
    assert_int_equal(put(g, path, p.png.data, p.png.len), 404);
    assert_int_equal(put(g, url, p.png.data, p.png.len - 1), 400);
    DM_CLEANUP(dm_buf_clear) struct dm_buf more = dm_buf_init((size_t)1 << 24);
    dm_buf_append(&more, p.png.data, p.png.len);
    dm_buf_puts(&more, "x");
    assert_int_equal(put(g, url, more.data, more.len), 413);
    (void)snprintf(part, sizeof(part), "%s/announced/%s.part", g->incoming, text(up, "image_id"));
    const int fd = open(part, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(put(g, url, p.png.data, p.png.len), 423);
    (void)close(fd);
    assert_int_equal(put(g, url, more.data + 1, p.png.len), 204);
    assert_int_equal(put(g, url, p.png.data, p.png.len), 204); /* the last one counts */
    api_rig_as(g, INV_SUPERVISOR);
    json_decref(test_send(g->client, 404, "POST", commit, where)); /* another one's */
    api_rig_as(g, INV_WORKER);
    json_decref(test_send(g->client, 400, "POST", commit, NULL)); /* no place */
    for (int again = 0; again < 2; again++) {
        json_t *o = test_send(g->client, 202, "POST", commit, where);
        const json_t *job = json_array_get(json_object_get(o, "jobs"), 0);
        assert_string_equal(text(job, "image_id"), text(up, "image_id"));
        assert_string_equal(text(job, "filename"), "ñandú.png");
        json_decref(o);
    }
    assert_int_equal(put(g, url, p.png.data, p.png.len), 409);
    json_decref(up);
    up = announce(g, 200, "image/png", p.png.len);
    assert_int_equal(put(g, strstr(text(up, "upload_url"), "/files/"), p.png.data, p.png.len), 204);
    json_decref(test_send(g->client, 409, "POST", text(up, "commit_url"), where)); /* known */
    json_decref(up);
    assert_int_equal(count(), 1);
    assert_int_equal(rig_total(&nursery.r, nursery.r.claro[0]), 7);
    dm_buf_clear(&p.png);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(in_pieces), API_TEST(the_same_again), API_TEST(position_of_the_phone),
        API_TEST(refusals),  API_TEST(signed_address),
    };
    return api_rig_main(tests);
}
