/* SPDX-License-Identifier: Apache-2.0
 *
 * S3 when things go wrong: the real server killed and started again, wrong secrets; and, for
 * answers that a healthy server does not give, a listener that plays scripted ones. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "blob/s3_http.h"
#include "support/blob_place.h"
#include "support/s3_server.h"

/* ---- the real server ------------------------------------------------------------------------- */

static void wrong_secrets_are_refused_at_once(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob *other = NULL;
    struct blob_options o = blob_place_options(p);
    o.secret_key = "guessed";
    assert_ok(blob_open(p->url, &o, &other, &e), &e);
    assert_int_equal(blob_put(other, "k", "text/plain", "x", 1, NULL, &e), DM_ECONFLICT);
    assert_non_null(strstr(e.text, "SignatureDoesNotMatch"));
    assert_null(strstr(e.text, "guessed"));
    blob_close(other);
    assert_int_equal(blob_open("s3:bucket", NULL, &other, &e), DM_EBADINPUT);
}

static void killed_during_an_upload(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct blob_put *put = NULL;
    struct blob_info info;
    const size_t n = (size_t)6 << 20;
    char *bytes = dm_calloc(1, n);
    assert_non_null(bytes);
    assert_ok(blob_put_begin(p->blob, "k", "image/jpeg", &put, &e), &e);
    assert_ok(blob_put_write(put, bytes, n, &e), &e); /* one part is sent */
    s3_server_kill();
    assert_int_equal(blob_put_commit(&put, NULL, &e), DM_EIO);
    s3_server_start();
    assert_int_equal(blob_stat(p->blob, "k", &info, &e), DM_ENOTFOUND); /* all or nothing */
    assert_ok(blob_put(p->blob, "k", "image/jpeg", bytes, n, NULL, &e), &e);
    assert_ok(blob_stat(p->blob, "k", &info, &e), &e);
    assert_int_equal(info.size_bytes, n);
    dm_free(bytes);
}

static void a_wrong_clock_is_corrected(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct s3_blob *s3 = DM_CONTAINER_OF(p->blob, struct s3_blob, base);
    for (int64_t skew = -86400; skew <= 86400; skew += 172800) {
        atomic_store(&s3->clock_offset_s, skew);
        assert_ok(blob_put(p->blob, "k", "text/plain", "x", 1, NULL, &e), &e);
        assert_true(llabs(atomic_load(&s3->clock_offset_s)) < 5);
    }
}

static size_t append(char *bytes, size_t size, size_t n, void *ctx)
{
    dm_buf_append(ctx, bytes, size * n);
    return size * n;
}

static long fetch(const char *url, struct dm_buf *body)
{
    long status = 0;
    CURL *h = curl_easy_init();
    assert_non_null(h);
    (void)curl_easy_setopt(h, CURLOPT_URL, url);
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, append);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, body);
    assert_int_equal(curl_easy_perform(h), CURLE_OK);
    (void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(h);
    return status;
}

static void signed_addresses_open(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct dm_buf url = dm_buf_init(4096);
    struct dm_buf body = dm_buf_init(4096);
    assert_ok(blob_put(p->blob, "a/k", "text/plain", "shown", 5, NULL, &e), &e);
    assert_ok(blob_presign(p->blob, BLOB_GET, "a/k", 60, &url, &e), &e);
    assert_int_equal(fetch(dm_buf_str(&url), &body), 200);
    assert_string_equal(dm_buf_str(&body), "shown");
    url.data[url.len - 1] ^= 1; /* one digit of the signature */
    dm_buf_clear(&body);
    assert_int_equal(fetch(dm_buf_str(&url), &body), 403);
    assert_int_equal(blob_presign(p->blob, BLOB_GET, "a/k", 0, &url, &e), DM_EBADINPUT);
    dm_buf_clear(&url);
    dm_buf_clear(&body);
}

static size_t five_bytes(char *room, size_t size, size_t n, void *ctx)
{
    int *sent = ctx;
    if (*sent || size * n < 5) {
        return 0;
    }
    memcpy(room, "photo", 5);
    *sent = 1;
    return 5;
}

/* Whoever holds a signed address for it, and only for that key, may upload. */
static void signed_addresses_take_uploads(void **state)
{
    struct blob_place *p = *state;
    struct dm_err e = {0};
    struct dm_buf url = dm_buf_init(4096);
    struct dm_buf body = dm_buf_init(4096);
    assert_ok(blob_presign(p->blob, BLOB_PUT, "a/up", 60, &url, &e), &e);
    for (int i = 0; i < 2; i++) {
        long status = 0;
        int sent = 0;
        CURL *h = curl_easy_init();
        assert_non_null(h);
        if (i == 1) { /* another key under the same signature */
            char *up = strstr(dm_buf_str(&url), "/a/up");
            assert_non_null(up);
            up[4] = 'q';
        }
        (void)curl_easy_setopt(h, CURLOPT_URL, dm_buf_str(&url));
        (void)curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(h, CURLOPT_INFILESIZE, 5L);
        (void)curl_easy_setopt(h, CURLOPT_READFUNCTION, five_bytes);
        (void)curl_easy_setopt(h, CURLOPT_READDATA, &sent);
        (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, append);
        (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, &body);
        assert_int_equal(curl_easy_perform(h), CURLE_OK);
        (void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_cleanup(h);
        assert_int_equal(status, i == 0 ? 200 : 403);
    }
    dm_buf_clear(&body);
    body = dm_buf_init(16);
    assert_ok(blob_get_buf(p->blob, "a/up", (struct blob_range){0}, NULL, &body, &e), &e);
    assert_string_equal(dm_buf_str(&body), "photo");
    dm_buf_clear(&body);
    dm_buf_clear(&url);
}

/* ---- scripted answers ------------------------------------------------------------------------ */

struct script {
    const char *const *answers; /* one per connection, NULL at the end */
    int listener, port;
    _Atomic int served;
    pthread_t thread;
};

static void *play(void *arg)
{
    struct script *s = arg;
    for (int i = 0; s->answers[i]; i++) {
        char request[8192];
        size_t n = 0;
        int fd = accept(s->listener, NULL, NULL);
        while (fd >= 0 && n < sizeof(request) - 1) {
            ssize_t got = read(fd, request + n, sizeof(request) - 1 - n);
            n += got > 0 ? (size_t)got : 0;
            request[n] = '\0';
            if (got <= 0 || strstr(request, "\r\n\r\n")) {
                break;
            }
        }
        (void)send(fd, s->answers[i], strlen(s->answers[i]), MSG_NOSIGNAL);
        (void)shutdown(fd, SHUT_WR);
        while (read(fd, request, sizeof(request)) > 0) {
        }
        (void)close(fd);
        atomic_fetch_add(&s->served, 1);
    }
    return NULL;
}

static struct blob *script_start(struct script *s, const char *const *answers)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    struct dm_err e = {0};
    struct blob *b = NULL;
    char endpoint[64];
    *s = (struct script){.answers = answers};
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &n), 0);
    (void)snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", ntohs(a.sin_port));
    assert_ok(blob_open("s3:bucket",
                        &(struct blob_options){.access_key = "a",
                                               .secret_key = "b",
                                               .endpoint = endpoint,
                                               .path_style = true,
                                               .tries = 3},
                        &b, &e),
              &e);
    assert_int_equal(pthread_create(&s->thread, NULL, play, s), 0);
    return b;
}

static void script_end(struct script *s, struct blob *b, int served)
{
    blob_close(b);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    assert_int_equal(s->served, served);
}

#define OK_EMPTY "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

static void passing_errors_are_tried_again(void **state)
{
    (void)state;
    static const char *const heal[] = {
        "HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Slow Down\r\nConnection: close\r\n\r\n"
        "<Error><Code>SlowDown</Code><Message>wait</Message></Error>",
        OK_EMPTY, NULL};
    static const char *const stay[] = {"", "HTTP/1.1 502 X\r\nConnection: close\r\n\r\n",
                                       "HTTP/1.1 503 X\r\nConnection: close\r\n\r\n", NULL};
    static const char *const deny[] = {"HTTP/1.1 403 X\r\nConnection: close\r\n\r\n"
                                       "<Error><Code>AccessDenied</Code></Error>",
                                       NULL};
    static const struct {
        const char *const *answers;
        int code, tries;
    } rows[] = {{heal, DM_OK, 3}, {stay, DM_EIO, 3}, {deny, DM_ECONFLICT, 1}};
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct script s;
        struct dm_err e = {0};
        struct blob *b = script_start(&s, rows[i].answers);
        assert_int_equal(blob_put(b, "k", "text/plain", "x", 1, NULL, &e), rows[i].code);
        script_end(&s, b, rows[i].tries);
    }
}

static void a_truncated_body_goes_on_where_it_stopped(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123",
        "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nConnection: close\r\nContent-Length: 6\r\n\r\n45",
        "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nConnection: close\r\nContent-Length: "
        "4\r\n\r\n6789",
        NULL};
    static const char *const changed[] = {
        "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123",
        "HTTP/1.1 412 Changed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", NULL};
    struct script s;
    struct dm_err e = {0};
    struct dm_buf buf = dm_buf_init(100);
    struct blob_range whole = {0};
    struct blob *b = script_start(&s, answers);
    assert_ok(blob_get_buf(b, "k", whole, NULL, &buf, &e), &e);
    assert_string_equal(dm_buf_str(&buf), "0123456789");
    script_end(&s, b, 3);
    dm_buf_clear(&buf);
    b = script_start(&s, changed);
    assert_int_equal(blob_get_buf(b, "k", whole, NULL, &buf, &e), DM_ECONFLICT);
    script_end(&s, b, 2);
    dm_buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BLOB_TEST_S3(wrong_secrets_are_refused_at_once),
        BLOB_TEST_S3(killed_during_an_upload),
        BLOB_TEST_S3(a_wrong_clock_is_corrected),
        BLOB_TEST_S3(signed_addresses_open),
        BLOB_TEST_S3(signed_addresses_take_uploads),
        cmocka_unit_test(passing_errors_are_tried_again),
        cmocka_unit_test(a_truncated_body_goes_on_where_it_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
