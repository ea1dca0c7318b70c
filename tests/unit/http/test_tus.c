/* SPDX-License-Identifier: Apache-2.0
 *
 * Resumable uploads over real connections: whole, in pieces, broken off, with right and wrong
 * checksums, by two at once, by a stranger, too late. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "http/tus.h"
#include "support/raw_http.h"
#include "support/testing.h"

/* ---- a small program ------------------------------------------------------------------------- */

static char folder[] = "/tmp/tus-XXXXXX";
static struct tus_place place = {.dir = folder, .max_bytes = 1000, .ttl_s = 3600};
static int64_t user = 1;
static struct {
    int calls, answer;
    char bytes[64], name[64];
} got;

static struct tus_place *my_place(const struct http_request *r)
{
    (void)r;
    return &place;
}

static int64_t my_owner(const struct http_request *r)
{
    (void)r;
    return user;
}

static int my_begin(struct http_request *r, const struct tus_upload *u, struct dm_err *e)
{
    (void)r;
    if (http_has(u->metadata, "unwanted")) {
        DM_FAIL(e, DM_EUNSUPPORTED, "not wanted");
    }
    return DM_OK;
}

static int my_done(struct http_request *r, struct tus_upload *u, struct dm_err *e)
{
    const char *name = http_str(u->metadata, "filename");
    ssize_t n = read(u->fd, got.bytes, sizeof(got.bytes) - 1);
    assert_true(n >= 0);
    got.bytes[n] = '\0';
    (void)snprintf(got.name, sizeof(got.name), "%s", name ? name : "");
    got.calls++;
    if (got.answer < 0) {
        DM_FAIL(e, got.answer, "refused");
    }
    u->result = json_pack("{s:i}", "photo", 7);
    return http_reply_header(r, "X-Photo", "7", e);
}

static const struct tus_hooks hooks = {my_place, my_owner, my_begin, my_done};
static const struct http_route routes[] = {
    TUS_ROUTES("/uploads", "photos", 0, &hooks, .errors = "400 412 413"), {0}};
static const struct http_route *const tables[] = {routes, NULL};
static const struct http_app app = {.tables = tables, .title = "t", .version = "1"};
static const struct http_options options = {.threads = 2, .check_replies = true};
static struct http_server *server;
static int port;

static int start(void **state)
{
    struct dm_err e = {0};
    (void)state;
    dm_log_setup(STDERR_FILENO, DM_LOG_CRITICAL, DM_LOG_TEXT);
    assert_non_null(mkdtemp(folder));
    assert_ok(http_server_start(&app, &options, &server, &e), &e);
    port = http_server_port(server);
    return 0;
}

static int files(const char *ending)
{
    DIR *d = opendir(folder);
    const struct dirent *entry;
    int n = 0;
    assert_non_null(d);
    while ((entry = readdir(d))) {
        const char *dot = strrchr(entry->d_name, '.');
        n += dot && !strcmp(dot + 1, ending);
    }
    (void)closedir(d);
    return n;
}

static int stop(void **state)
{
    (void)state;
    http_server_stop(server);
    place.ttl_s = 0;
    DIR *d = opendir(folder);
    const struct dirent *entry;
    while ((entry = readdir(d))) {
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(d);
    return rmdir(folder);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static char answer[8192];

#define TUS  "Tus-Resumable: 1.0.0\r\n"
#define TYPE "Content-Type: application/offset+octet-stream\r\n"

static int send_head(const char *method, const char *path, const char *fields, int64_t length)
{
    char head[2048];
    int fd = raw_connect(port);
    const int n =
        snprintf(head, sizeof(head),
                 "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %lld\r\n\r\n",
                 method, path, fields, (long long)length);
    raw_send(fd, head, (size_t)n);
    return fd;
}

/* The status; the answer's text is in `answer`. */
static int ask(const char *method, const char *path, const char *fields, const char *body)
{
    int closed = 0;
    int fd = send_head(method, path, fields, (int64_t)strlen(body));
    raw_send(fd, body, strlen(body));
    (void)raw_read(fd, 5000, answer, sizeof(answer), &closed);
    (void)close(fd);
    return raw_status(answer);
}

static const char *field(const char *name)
{
    static char value[120];
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
    const char *at = strstr(answer, wanted);
    (void)snprintf(value, sizeof(value), "%.*s", at ? (int)strcspn(at + strlen(wanted), "\r") : 0,
                   at ? at + strlen(wanted) : "");
    return value;
}

/* A new upload; its path in ret. */
static void create(int length, const char *more, char ret[static 128])
{
    char fields[256];
    (void)snprintf(fields, sizeof(fields), TUS "%sUpload-Length: %d\r\n", more, length);
    assert_int_equal(ask("POST", "/uploads", fields, ""), 201);
    assert_string_equal(field("Tus-Resumable"), "1.0.0");
    assert_non_null(strstr(field("Upload-Expires"), " GMT"));
    (void)snprintf(ret, 128, "%s", field("Location"));
    assert_int_equal(strlen(ret), strlen("/uploads/") + 36);
}

static int patch(const char *path, int offset, const char *more, const char *body)
{
    char fields[256];
    (void)snprintf(fields, sizeof(fields), TUS TYPE "%sUpload-Offset: %d\r\n", more, offset);
    return ask("PATCH", path, fields, body);
}

static void assert_offset(const char *path, const char *offset)
{
    assert_int_equal(ask("HEAD", path, TUS, ""), 200);
    assert_string_equal(field("Upload-Offset"), offset);
    assert_string_equal(field("Cache-Control"), "no-store");
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void test_in_pieces(void **state)
{
    (void)state;
    char path[128];
    memset(&got, 0, sizeof(got));
    create(11, "Upload-Metadata: filename Zm90by5qcGc=,flag\r\n", path);
    assert_offset(path, "0");
    assert_string_equal(field("Upload-Length"), "11");
    assert_string_equal(field("Upload-Metadata"), "filename Zm90by5qcGc=,flag");
    assert_int_equal(patch(path, 0, "", "hello "), 204);
    assert_string_equal(field("Upload-Offset"), "6");
    assert_int_equal(patch(path, 0, "", "hello "), 409);
    assert_int_equal(patch(path, 7, "", "orld"), 409);
    assert_offset(path, "6");
    assert_int_equal(got.calls, 0);
    assert_int_equal(patch(path, 6, "", "worlds"), 413);
    assert_offset(path, "6");
    assert_int_equal(patch(path, 6, "", "world"), 204);
    assert_string_equal(field("X-Photo"), "7");
    assert_int_equal(got.calls, 1);
    assert_string_equal(got.bytes, "hello world");
    assert_string_equal(got.name, "foto.jpg");
    /* Who did not see the answer asks again. */
    assert_offset(path, "11");
    assert_int_equal(patch(path, 11, "", ""), 204);
    assert_int_equal(got.calls, 1);
    assert_int_equal(files("part"), 0);
}

static void test_words(void **state)
{
    (void)state;
    char path[128];
    assert_int_equal(ask("POST", "/uploads", "Upload-Length: 5\r\n", ""), 412);
    assert_string_equal(field("Tus-Version"), "1.0.0");
    assert_int_equal(ask("POST", "/uploads", "Tus-Resumable: 0.2.2\r\nUpload-Length: 5\r\n", ""),
                     412);
    assert_int_equal(ask("POST", "/uploads", TUS, ""), 400);
    assert_int_equal(ask("POST", "/uploads", TUS "Upload-Length: -5\r\n", ""), 400);
    assert_int_equal(ask("POST", "/uploads", TUS "Upload-Length: 1001\r\n", ""), 413);
    assert_int_equal(
        ask("POST", "/uploads", TUS "Upload-Length: 5\r\nUpload-Metadata: a b c\r\n", ""), 400);
    assert_int_equal(
        ask("POST", "/uploads", TUS "Upload-Length: 5\r\nUpload-Metadata: a /w==\r\n", ""), 400);
    assert_int_equal(
        ask("POST", "/uploads", TUS "Upload-Length: 5\r\nUpload-Metadata: unwanted\r\n", ""), 415);
    assert_int_equal(files("part") + files("info"), 1); /* of the test before */
    create(5, "", path);
    assert_int_equal(
        ask("PATCH", path, TUS "Upload-Offset: 0\r\nContent-Type: text/plain\r\n", "hello"), 415);
    assert_int_equal(ask("PATCH", path, TUS TYPE, "hello"), 400);
    assert_int_equal(ask("PATCH", path, TYPE "Upload-Offset: 0\r\n", "hello"), 412);
    assert_int_equal(patch("/uploads/00000000-0000-4000-8000-000000000000", 0, "", "hello"), 404);
    assert_int_equal(patch("/uploads/..%2f..%2fetc%2fpasswd", 0, "", "hello"), 404);
    assert_int_equal(ask("HEAD", "/uploads/nothing", TUS, ""), 422);
    user = 2;
    assert_int_equal(ask("HEAD", path, TUS, ""), 404);
    assert_int_equal(ask("DELETE", path, TUS, ""), 404);
    user = 1;
    assert_int_equal(ask("DELETE", path, TUS, ""), 204);
    assert_int_equal(ask("HEAD", path, TUS, ""), 404);
    assert_int_equal(files("part"), 0);
}

static void test_checksums(void **state)
{
    (void)state;
    char path[128];
    memset(&got, 0, sizeof(got));
    create(11, "", path);
    assert_int_equal(patch(path, 0, "Upload-Checksum: md5 XUFAKrxLKna5cZ2REBfFkg==\r\n", "hello"),
                     400);
    assert_int_equal(patch(path, 0, "Upload-Checksum: sha1 AAAA\r\n", "hello"), 400);
    assert_int_equal(
        patch(path, 0, "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\r\n", "hello"), 460);
    assert_offset(path, "0");
    assert_int_equal(
        patch(path, 0, "Upload-Checksum: sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=\r\n", "hello"), 204);
    assert_offset(path, "5");
    assert_int_equal(files("doubt"), 0);
    assert_int_equal(
        patch(path, 5, "Upload-Checksum: sha256 Njo2XGoMiJrV8UM8hjrAkFqmZ4cKyLs4PdGDsoVkyVE=\r\n",
              " world"),
        460);
    assert_offset(path, "5");
    assert_int_equal(
        patch(path, 5, "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\r\n", " world"), 460);
    assert_int_equal(got.calls, 0);
    assert_int_equal(patch(path, 5, "", " world"), 204);
    assert_string_equal(got.bytes, "hello world");
}

/* At most 5 s until the upload has this offset; free: and nobody writes it. */
static void await(const char *path, const char *offset, bool free)
{
    for (int i = 0; i < 500; i++) {
        if (ask("HEAD", path, TUS, "") == 200 && !strcmp(field("Upload-Offset"), offset) &&
            (!free || patch(path, 999, "", "") == 409)) {
            return;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("the upload never was at %s", offset);
}

static void test_broken_off(void **state)
{
    (void)state;
    char path[128];
    memset(&got, 0, sizeof(got));
    create(11, "", path);
    int fd = send_head("PATCH", path, TUS TYPE "Upload-Offset: 0\r\n", 11);
    raw_send(fd, "hell", 4);
    await(path, "4", false);
    assert_int_equal(patch(path, 4, "", "o"), 423); /* the first one is still at it */
    (void)close(fd);
    await(path, "4", true);
    fd = send_head(
        "PATCH", path,
        TUS TYPE "Upload-Offset: 4\r\nUpload-Checksum: sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=\r\n", 7);
    raw_send(fd, "o wor", 5);
    (void)raw_read(fd, 100, answer, sizeof(answer), &(int){0});
    assert_offset(path, "4"); /* in doubt */
    (void)close(fd);
    await(path, "4", true);
    assert_int_equal(files("doubt"), 0);
    assert_int_equal(patch(path, 4, "", "o world"), 204);
    assert_string_equal(got.bytes, "hello world");
}

static void test_refused_at_the_end(void **state)
{
    (void)state;
    char path[128];
    memset(&got, 0, sizeof(got));
    create(5, "", path);
    got.answer = DM_EIO; /* may go well later */
    assert_int_equal(patch(path, 0, "", "hello"), 503);
    assert_int_equal(ask("HEAD", path, TUS, ""), 503); /* no word of its being done */
    got.answer = DM_OK;
    assert_int_equal(patch(path, 5, "", ""), 204);
    assert_int_equal(got.calls, 3);
    /* the process died with all bytes here: who looks makes it whole */
    create(5, "", path);
    got.answer = DM_EIO;
    assert_int_equal(patch(path, 0, "", "hello"), 503);
    got.answer = DM_OK;
    assert_offset(path, "5");
    assert_int_equal(ask("GET", path, TUS, ""), 200);
    assert_non_null(strstr(answer, "\"result\":{\"photo\":7}"));
    assert_int_equal(got.calls, 5);
    assert_int_equal(files("part"), 0);
    create(5, "", path);
    got.answer = DM_ECONFLICT; /* never */
    assert_int_equal(patch(path, 0, "", "hello"), 409);
    assert_int_equal(ask("HEAD", path, TUS, ""), 404);
    got.answer = DM_OK;
    create(0, "", path);
    assert_int_equal(patch(path, 0, "", ""), 204);
    assert_string_equal(got.bytes, "");
}

static void test_expiry_and_bound(void **state)
{
    (void)state;
    char path[128];
    place.ttl_s = 0;
    create(5, "", path);
    place.ttl_s = 3600;
    assert_int_equal(ask("HEAD", path, TUS, ""), 404);
    assert_int_equal(files("part"), 1);
    tus_store_sweep(&place);
    assert_int_equal(files("part"), 0);
    assert_int_equal(atomic_load(&place.unfinished), 0);
    atomic_store(&place.unfinished, 10000);
    assert_int_equal(ask("POST", "/uploads", TUS "Upload-Length: 5\r\n", ""), 429);
    atomic_store(&place.unfinished, 0);
    /* nor more bytes than the place has room for */
    place.max_total = 12;
    create(7, "", path);
    assert_int_equal(ask("POST", "/uploads", TUS "Upload-Length: 6\r\n", ""), 429);
    assert_int_equal(ask("DELETE", path, TUS, ""), 204);
    create(6, "", path);
    tus_store_sweep(&place);
    assert_int_equal(atomic_load(&place.promised), 6);
    assert_int_equal(ask("DELETE", path, TUS, ""), 204);
    assert_int_equal(atomic_load(&place.promised), 0);
    place.max_total = 0;
}

/* What a crash leaves that belongs to no upload goes when an upload would have gone. */
static void test_leftovers(void **state)
{
    (void)state;
    char path[128];
    char file[512];
    create(5, "", path);
    (void)snprintf(file, sizeof(file), "%s/%s.info", folder, path + strlen("/uploads/"));
    assert_int_equal(unlink(file), 0);
    tus_store_sweep(&place);
    assert_int_equal(files("part"), 1);
    place.ttl_s = -1;
    tus_store_sweep(&place);
    place.ttl_s = 3600;
    assert_int_equal(files("part"), 0);
}

/* Whoever has heard the answer finds the upload free, however fast he is. */
static void test_no_lock_is_left(void **state)
{
    (void)state;
    char path[128];
    create(200, "", path);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(patch(path, i, "", "x"), 204);
        assert_int_equal(patch(path, i, "", "x"), 409);
    }
}

static void test_options(void **state)
{
    (void)state;
    char path[128];
    assert_int_equal(ask("OPTIONS", "/uploads", "", ""), 204);
    assert_string_equal(field("Tus-Version"), "1.0.0");
    assert_string_equal(field("Tus-Extension"), "creation,checksum,expiration,termination");
    assert_string_equal(field("Tus-Checksum-Algorithm"), "sha1,sha256");
    assert_string_equal(field("Tus-Max-Size"), "1000");
    create(5, "", path);
    assert_int_equal(ask("OPTIONS", path, "", ""), 204);
    assert_string_equal(field("Tus-Resumable"), "1.0.0");
    assert_int_equal(ask("OPTIONS", "/nothing", "", ""), 204);
    assert_string_equal(field("Tus-Version"), "");
    /* clients that can only POST */
    assert_int_equal(ask("POST", path, TUS "X-HTTP-Method-Override: DELETE\r\n", ""), 204);
    assert_int_equal(ask("HEAD", path, TUS, ""), 404);
    assert_int_equal(ask("POST", path, "X-HTTP-Method-Override: DELETE\r\n", ""), 405);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_pieces),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_broken_off),
        cmocka_unit_test(test_refused_at_the_end),
        cmocka_unit_test(test_expiry_and_bound),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_no_lock_is_left),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
