/* SPDX-License-Identifier: Apache-2.0
 *
 * What no honest client sends. Each case is refused, ends its connection where the next request
 * could be misread, leaves the server serving, and costs no memory that stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/http.h"
#include "support/raw_http.h"
#include "support/testing.h"

/* The sanitizer keeps what was freed: sizes mean nothing there. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_FACTOR 20
#else
#define MEMORY_FACTOR 1
#endif

enum { QUIET_MS = 300, HEADER_MS = 700, ROOM = 1 << 16 };

/* ---- a small program ------------------------------------------------------------------------- */

static int smuggled; /* requests that arrived at /smuggled */

static int get_ok(struct http_request *r, struct dm_err *e)
{
    return http_reply_empty(r, 204, e);
}

static int get_smuggled(struct http_request *r, struct dm_err *e)
{
    smuggled++;
    return http_reply_empty(r, 204, e);
}

static const struct http_field json_fields[] = {
    {"name", HTTP_STR, HTTP_REQ, .max = 100}, {"any", HTTP_ANY}, {NULL}};
static const struct http_schema Json = {"Json", json_fields};
static const struct http_field form[] = {{"file", HTTP_FILE, HTTP_REQ}, {"note", HTTP_STR}, {NULL}};
static const struct http_field file_params[] = {{"key", HTTP_STR, .max = 100}, {NULL}};

// clang-format off
static const struct http_route routes[] = {
    {HTTP_GET, "/ok", "ok", "t", "t", .answer = {{204}}, .handle = get_ok},
    {HTTP_GET | HTTP_POST, "/smuggled", "smuggled", "t", "t", .flags = HTTP_BODY_OPTIONAL, .answer = {{204}},
     .handle = get_smuggled},
    {HTTP_POST, "/json", "json", "t", "t", .body = &Json, .answer = {{204}}, .handle = get_ok},
    {HTTP_POST, "/form", "form", "t", "t", .form = form, .answer = {{204}}, .handle = get_ok},
    {HTTP_GET, "/files/{key}", "file", "t", "t", .params = file_params, .answer = {{204}}, .handle = get_ok},
    {0},
};
// clang-format on
static const struct http_route *const tables[] = {routes, NULL};
static const struct http_app app = {.tables = tables, .title = "t", .version = "1"};
static const struct http_options options = {.threads = 2,
                                            .check_replies = true,
                                            .header_timeout_ms = HEADER_MS,
                                            .body_timeout_ms = HEADER_MS};
static struct http_server *server;
static int port;

static int start(void **state)
{
    struct dm_err e = {0};
    (void)state;
    dm_log_setup(STDERR_FILENO, DM_LOG_CRITICAL, DM_LOG_TEXT);
    assert_ok(http_server_start(&app, &options, &server, &e), &e);
    port = http_server_port(server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_server_stop(server);
    return 0;
}

/* The server still answers others. */
static void still_serves(void)
{
    static const char ask[] = "GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char text[4096];
    int closed = 0;
    int fd = raw_connect(port);
    raw_send(fd, ask, sizeof(ask) - 1);
    (void)raw_read(fd, 5000, text, sizeof(text), &closed);
    assert_int_equal(raw_status(text), 204);
    (void)close(fd);
}

static long resident_kb(void)
{
    char text[256] = "";
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    (void)fclose(f);
    return strtol(strchr(text, ' '), NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- cases ----------------------------------------------------------------------------------- */

#define POST_JSON "POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
#define INNER     "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
#define GOOD      "{\"name\":\"a\"}"

// clang-format off
static const struct {
    const char *what, *bytes;
    size_t n;     /* 0: up to the NUL */
    int low, top; /* statuses of the refusal; 0 as low: closing without a word is one, too */
    bool closes;  /* and the connection must end: where the next request begins is unclear */
} cases[] = {
    {"length and chunks", POST_JSON "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" INNER, 0, 400, 422, true},
    {"chunks and length", POST_JSON "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" INNER, 0, 400, 422, true},
    {"two lengths", POST_JSON "Content-Length: 12\r\nContent-Length: 50\r\n\r\n" GOOD INNER, 0, 0, 400, true},
    {"two lengths in one", POST_JSON "Content-Length: 12, 50\r\n\r\n" GOOD INNER, 0, 0, 400, true},
    {"length with a plus", POST_JSON "Content-Length: +12\r\n\r\n" GOOD INNER, 0, 0, 400, true},
    {"negative length", POST_JSON "Content-Length: -1\r\n\r\n" GOOD INNER, 0, 0, 400, true},
    {"hexadecimal length", POST_JSON "Content-Length: 0xc\r\n\r\n" GOOD INNER, 0, 0, 400, true},
    {"endless length", POST_JSON "Content-Length: 99999999999999999999\r\n\r\n" GOOD INNER, 0, 0, 413, true},
    {"unknown coding", POST_JSON "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" INNER, 0, 0, 501, true},
    {"two codings", POST_JSON "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" INNER, 0, 0, 501, true},
    {"chunked twice", POST_JSON "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" INNER, 0, 0, 501, true},
    {"coding after a tab", POST_JSON "Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" INNER, 0, 400, 422, true},
    {"chunk size not hex", POST_JSON "Transfer-Encoding: chunked\r\n\r\nzz\r\n" GOOD "\r\n0\r\n\r\n" INNER, 0, 0, 400, true},
    {"negative chunk", POST_JSON "Transfer-Encoding: chunked\r\n\r\n-c\r\n" GOOD "\r\n0\r\n\r\n" INNER, 0, 0, 400, true},
    {"endless chunk", POST_JSON "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" GOOD INNER, 0, 0, 413, true},
    {"chunk too short", POST_JSON "Transfer-Encoding: chunked\r\n\r\n5\r\n" GOOD "\r\n0\r\n\r\n" INNER, 0, 0, 400, true},
    {"chunk without end", POST_JSON "Transfer-Encoding: chunked\r\n\r\nc\r\n" GOOD "X\r\n0\r\n\r\n" INNER, 0, 0, 400, true},
    {"blank before the colon", POST_JSON "Content-Length : 12\r\n\r\n" GOOD INNER, 0, 0, 400, true},
    {"folded field", "GET /ok HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\nNo colon here\r\n\r\n", 0, 0, 400, true},
    {"no host", "GET /ok HTTP/1.1\r\n\r\n", 0, 400, 400, false},
    {"two hosts", "GET /ok HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 0, 400, 400, false},
    {"no version", "GET /ok\r\n\r\n", 0, 0, 505, true},
    {"a far version", "GET /ok HTTP/9.9\r\nHost: x\r\n\r\n", 0, 0, 505, true},
    {"another protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello hello hello\r\n\r\n", 34, 0, 505, true},
    {"only noise", "\xff\xfe\xfd\xfc\xfb\xfa\r\n\r\n", 0, 0, 505, true},
    {"unknown method", "BREW /ok HTTP/1.1\r\nHost: x\r\n\r\n", 0, 405, 501, false},
    {"connect", "CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", 0, 400, 501, false},
    {"trace", "TRACE /ok HTTP/1.1\r\nHost: x\r\n\r\n", 0, 405, 501, false},
    {"up and out", "GET /files/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 0, 400, 404, false},
    {"two slashes", "GET //ok HTTP/1.1\r\nHost: x\r\n\r\n", 0, 400, 404, false},
    {"bad escape", "GET /files/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 0, 400, 422, false},
    {"zero escaped", "GET /files/a%00b HTTP/1.1\r\nHost: x\r\n\r\n", 0, 400, 422, false},
    {"not UTF-8", "GET /files/%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", 0, 400, 422, false},
    {"overlong slash", "GET /files/%c0%af HTTP/1.1\r\nHost: x\r\n\r\n", 0, 400, 422, false},
    {"JSON that is not", POST_JSON "Content-Length: 4\r\n\r\n{a:1", 0, 422, 422, false},
    {"JSON with a tail", POST_JSON "Content-Length: 14\r\n\r\n" GOOD "{}", 0, 422, 422, false},
    {"JSON not UTF-8", POST_JSON "Content-Length: 13\r\n\r\n{\"name\":\"\xff\xfe\"}", 0, 422, 422, false},
    {"JSON with a zero", POST_JSON "Content-Length: 17\r\n\r\n{\"name\":\"\\u0000\"}", 0, 422, 422, false},
    {"lone surrogate", POST_JSON "Content-Length: 17\r\n\r\n{\"name\":\"\\ud800\"}", 0, 422, 422, false},
    {"one key twice", POST_JSON "Content-Length: 23\r\n\r\n{\"name\":\"a\",\"name\":\"b\"}", 0, 422, 422, false},
    {"another type", "POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>", 0, 415, 415, false},
    {"form without boundary", "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data\r\nContent-Length: 4\r\n\r\nabcd", 0, 400, 422, false},
    {"form without parts", "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 4\r\n\r\nabcd", 0, 400, 422, false},
    {"form cut short", "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 61\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nno end..", 0, 400, 422, false},
};
// clang-format on

static void test_refused(void **state)
{
    (void)state;
    char *text = malloc(ROOM);
    int bad = 0;
    assert_non_null(text);
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        int closed = 0;
        int fd = raw_connect(port);
        raw_send(fd, cases[i].bytes, cases[i].n ? cases[i].n : strlen(cases[i].bytes));
        (void)raw_read(fd, QUIET_MS, text, ROOM, &closed);
        int status = raw_status(text);
        bool refused = status
                           ? status >= (cases[i].low ? cases[i].low : 400) && status <= cases[i].top
                           : !cases[i].low && closed;
        if (!refused || (cases[i].closes && !closed) || smuggled) {
            print_error("%s: status %d, %s, %d smuggled\n", cases[i].what, status,
                        closed ? "closed" : "open", smuggled);
            bad++;
            smuggled = 0;
        }
        (void)close(fd);
    }
    free(text);
    assert_int_equal(bad, 0);
    still_serves();
}

/* A head or target that has no end: refused long before it is whole. */
static void test_floods(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *piece;
        int pieces, low, top;
    } rows[] = {
        {"GET /ok HTTP/1.1\r\nHost: x\r\n",
         "X-Aaaaaaaaaaaaaaaaaaaaaa: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n", 20000, 400, 431},
        {"GET /ok HTTP/1.1\r\nHost: x\r\nX-A: ", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 20000,
         400, 431},
        {"GET /", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 20000, 400, 431},
        {"GET /ok?", "a=b&a=b&a=b&a=b&a=b&a=b&", 400, 400, 431},
        {"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 20000, 400, 431},
        {"", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", 20000, 400, 431},
    };
    char *text = malloc(ROOM);
    assert_non_null(text);
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_buf b = dm_buf_init((size_t)4 << 20);
        int closed = 0;
        int fd = raw_connect(port);
        dm_buf_puts(&b, rows[i].begin);
        for (int n = 0; n < rows[i].pieces; n++) {
            dm_buf_puts(&b, rows[i].piece);
        }
        dm_buf_puts(&b, " HTTP/1.1\r\nHost: x\r\n\r\n");
        raw_send(fd, b.data, b.len);
        (void)raw_read(fd, 2 * HEADER_MS + 1000, text, ROOM, &closed);
        int status = raw_status(text);
        if (!(status >= rows[i].low && status <= rows[i].top) && !(status == 0 && closed)) {
            fail_msg("flood %zu: status %d, %s", i, status, closed ? "closed" : "open");
        }
        dm_buf_clear(&b);
        (void)close(fd);
    }
    free(text);
    still_serves();
}

/* A byte now and then is not silence to libmicrohttpd; all the same a head must be whole in time,
 * on a new connection and on one that had an answer before, and a body must move. */
static void test_slow(void **state)
{
    (void)state;
    static const char head[] = "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char body[] = POST_JSON "Content-Length: 1000\r\n\r\n";
    enum { NEW, AGAIN, BODY, N, STEPS = sizeof(head) - 3 };
    char text[4096];
    int fd[N];
    int closed[N] = {0};
    for (int i = 0; i < N; i++) {
        fd[i] = raw_connect(port);
    }
    raw_send(fd[AGAIN], head, sizeof(head) - 1);
    (void)raw_read(fd[AGAIN], 5000, text, sizeof(text), &closed[AGAIN]);
    assert_int_equal(raw_status(text), 204);
    raw_send(fd[BODY], body, sizeof(body) - 1);
    for (int step = 0; step < STEPS && closed[NEW] + closed[AGAIN] + closed[BODY] < N; step++) {
        for (int i = 0; i < N; i++) {
            if (!closed[i]) {
                raw_send(fd[i], i == BODY ? " " : head + step, 1);
                (void)raw_read(fd[i], 60, text, sizeof(text), &closed[i]);
            }
        }
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(closed[i], 1); /* 28 steps: before the head was whole */
        (void)close(fd[i]);
    }
    still_serves();
}

/* Who hangs up in the middle of a head holds no place until its time is over. */
static void test_left_in_the_middle(void **state)
{
    (void)state;
    enum { PLACES = 32 };
    static const char half[] = "GET /ok HTTP/1.1\r\nHost: x\r\n";
    static const struct http_options small = {.threads = 1, .connections_max = PLACES};
    struct dm_err e = {0};
    struct http_server *other = NULL;
    const int before = port;
    assert_ok(http_server_start(&app, &small, &other, &e), &e);
    port = http_server_port(other);
    for (int i = 0; i < PLACES; i++) {
        int fd = raw_connect(port);
        raw_send(fd, half, sizeof(half) - 1);
        (void)close(fd);
    }
    still_serves();
    port = before;
    http_server_stop(other);
}

/* A thousand connections with half a head each. */
static void test_memory_of_many(void **state)
{
    (void)state;
    enum { MANY = 900, MOST_KB = 64 << 10 };
    static const char half[] = "POST /json HTTP/1.1\r\nHost: x\r\nX-A: ";
    static int fds[MANY];
    char *filler = malloc(16 << 10);
    assert_non_null(filler);
    memset(filler, 'a', 16 << 10);
    const long before = resident_kb();
    for (int i = 0; i < MANY; i++) {
        fds[i] = raw_connect(port);
        raw_send(fds[i], half, sizeof(half) - 1);
        raw_send(fds[i], filler, 16 << 10);
    }
    still_serves();
    const long grown = resident_kb() - before;
    for (int i = 0; i < MANY; i++) {
        (void)close(fds[i]);
    }
    free(filler);
    print_message("%d connections with 16 KiB of a head each: %ld KiB\n", MANY, grown);
    if (grown > MOST_KB * MEMORY_FACTOR) {
        fail_msg("%ld KiB for %d connections", grown, MANY);
    }
}

/* Bodies above every bound, one after the other: refused, and nothing of them stays. */
static void test_memory_of_bodies(void **state)
{
    (void)state;
    enum { ROUNDS = 20, BYTES = 4 << 20, MOST_KB = 16 << 10 };
    static const char *const heads[] = {
        POST_JSON "Content-Length: 4194304\r\n\r\n",
        POST_JSON "Transfer-Encoding: chunked\r\n\r\n400000\r\n",
        "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        "Content-Length: 4194304\r\n\r\n--b\r\nContent-Disposition: form-data; "
        "name=\"note\"\r\n\r\n",
    };
    char text[8192];
    char *body = malloc(BYTES);
    assert_non_null(body);
    memset(body, '[', BYTES);
    long before = 0;
    for (int i = 0; i < ROUNDS * (int)DM_COUNT(heads); i++) {
        const char *head = heads[i % (int)DM_COUNT(heads)];
        int closed = 0;
        int fd = raw_connect(port);
        raw_send(fd, head, strlen(head));
        raw_send(fd, body, BYTES);
        (void)raw_read(fd, 2000, text, sizeof(text), &closed);
        int status = raw_status(text);
        if (status != 400 && status != 413 && status != 422 && !(status == 0 && closed)) {
            fail_msg("body %d: status %d, %s", i, status, closed ? "closed" : "open");
        }
        (void)close(fd);
        before = i == 2 ? resident_kb() : before;
    }
    free(body);
    print_message("%d bodies of 4 MiB: %ld KiB\n", ROUNDS * (int)DM_COUNT(heads),
                  resident_kb() - before);
    assert_true(resident_kb() - before < MOST_KB * MEMORY_FACTOR);
    still_serves();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_left_in_the_middle),
        cmocka_unit_test(test_memory_of_bodies),
        cmocka_unit_test(test_memory_of_many),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
