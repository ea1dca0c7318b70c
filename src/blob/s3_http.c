/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests by libcurl. A connection is kept per idle handle.
 *
 * Tried again: no connection, broken transfers, 500, 502-504, 429, time-outs the server reports.
 * A clock that the server finds wrong is corrected by the difference to its Date header, once per
 * exchange, and stays corrected. */
#include "blob/s3_http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "blob/s3_xml.h"

#define SKEW_S 240 /* servers allow 5 to 15 minutes */

void s3_exchange_clear(struct s3_exchange *x)
{
    dm_buf_clear(&x->answer);
}

void s3_pause(const struct s3_blob *s3, int n)
{
    int64_t ms = DM_MIN((int64_t)100 << DM_MIN(n - 1, 10), 5000);
    ms -= randombytes_uniform((uint32_t)(ms / 2 + 1));
    if (s3->pause) {
        s3->pause((int)ms);
        return;
    }
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- handles --------------------------------------------------------------------------------- */

static CURL *handle_take(struct s3_blob *s3)
{
    (void)pthread_mutex_lock(&s3->mu);
    CURL *h = s3->n_idle ? s3->idle[--s3->n_idle] : NULL;
    (void)pthread_mutex_unlock(&s3->mu);
    return h ? h : curl_easy_init();
}

static void handle_give(struct s3_blob *s3, CURL *h)
{
    curl_easy_reset(h);
    (void)pthread_mutex_lock(&s3->mu);
    bool keep = s3->n_idle < S3_HANDLES;
    if (keep) {
        s3->idle[s3->n_idle++] = h;
    }
    (void)pthread_mutex_unlock(&s3->mu);
    if (!keep) {
        curl_easy_cleanup(h);
    }
}

/* ---- what comes back ------------------------------------------------------------------------- */

static void copy_value(const char *from, size_t n, char *ret, size_t room)
{
    while (n > 0 && (*from == ' ' || *from == '\t')) {
        from++;
        n--;
    }
    while (n > 0 && strchr("\r\n \t", from[n - 1])) {
        n--;
    }
    n = DM_MIN(n, room - 1);
    memcpy(ret, from, n);
    ret[n] = '\0';
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
    struct s3_exchange *x = ctx;
    char value[128];
    n *= size;
    const char *colon = memchr(line, ':', n);
    if (n > 5 && !memcmp(line, "HTTP/", 5)) {
        const char *blank = memchr(line, ' ', n);
        x->status = blank && blank + 3 < line + n ? strtol(blank + 1, NULL, 10) : 0;
        x->length = -1;
        return n;
    }
    if (!colon) {
        return n;
    }
    size_t name_n = (size_t)(colon - line);
    copy_value(colon + 1, n - name_n - 1, value, sizeof(value));
    if (name_n == 4 && !strncasecmp(line, "etag", 4)) {
        memcpy(x->etag, value, sizeof(value));
    } else if (name_n == 4 && !strncasecmp(line, "date", 4)) {
        x->date_s = curl_getdate(value, NULL);
    } else if (name_n == 13 && !strncasecmp(line, "last-modified", 13)) {
        copy_value(value, strlen(value), x->modified, sizeof(x->modified));
    } else if (name_n == 14 && !strncasecmp(line, "content-length", 14)) {
        x->length = strtoll(value, NULL, 10);
    }
    return n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct s3_exchange *x = ctx;
    n *= size;
    if (x->sink && x->status / 100 == 2) {
        x->sink_code = x->sink(x->ctx, bytes, n, x->e);
        x->delivered += x->sink_code < 0 ? 0 : (int64_t)n;
        return x->sink_code < 0 ? 0 : n;
    }
    dm_buf_append(&x->answer, bytes, n);
    return x->answer.failed ? 0 : n;
}

/* What is being sent. */
struct sending {
    const struct s3_exchange *x;
    size_t at;
};

static size_t on_send(char *room, size_t size, size_t n, void *ctx)
{
    struct sending *s = ctx;
    const struct s3_exchange *x = s->x;
    n = DM_MIN(size * n, x->body_n - s->at);
    if (n && x->body_fd) {
        ssize_t got = pread(*x->body_fd, room, n, (off_t)s->at);
        if (got <= 0) { /* shorter than it was: the server would wait for ever */
            return CURL_READFUNC_ABORT;
        }
        n = (size_t)got;
    } else if (n) {
        memcpy(room, (const char *)x->body + s->at, n);
    }
    s->at += n;
    return n;
}

static int on_error_element(void *ctx, const char *parent, const char *name, const char *text,
                            struct dm_err *e)
{
    struct s3_exchange *x = ctx;
    (void)e;
    if (!strcmp(parent, "Error") && !strcmp(name, "Code")) {
        copy_value(text, strlen(text), x->code, sizeof(x->code));
    } else if (!strcmp(parent, "Error") && !strcmp(name, "Message")) {
        copy_value(text, strlen(text), x->message, sizeof(x->message));
    }
    return DM_OK;
}

/* ---- one try --------------------------------------------------------------------------------- */

static int header_list(struct s3_blob *s3, const struct s3_exchange *x, struct curl_slist **ret,
                       struct dm_err *e)
{
    struct s3_call c = {
        .method = x->method, .path = x->path, .query = x->query, .headers = x->headers};
    char hash[DM_SHA256_HEX_SIZE];
    struct dm_buf line = dm_buf_init((size_t)16 << 10);
    s3_date((int64_t)time(NULL) + atomic_load(&s3->clock_offset_s), c.date);
    if (!x->body_fd) {
        dm_sha256_hex(x->body, x->body_n, hash);
    }
    c.payload = x->body_fd ? x->body_hash : hash;
    s3_pair_add(&c.headers, "host", s3->host);
    s3_pair_add(&c.headers, "x-amz-content-sha256", c.payload);
    s3_pair_add(&c.headers, "x-amz-date", c.date);
    if (s3->key.token) {
        s3_pair_add(&c.headers, "x-amz-security-token", s3->key.token);
    }
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    bool ok = list != NULL;
    dm_buf_puts(&line, "authorization: ");
    s3_authorization(&s3->key, &c, &line);
    for (size_t i = 0; ok && i <= c.headers.n; i++) {
        struct curl_slist *more = line.failed ? NULL : curl_slist_append(list, dm_buf_str(&line));
        ok = more != NULL;
        list = more ? more : list;
        dm_buf_clear(&line);
        if (i < c.headers.n) {
            dm_buf_printf(&line, "%s: %s", c.headers.v[i].name, c.headers.v[i].value);
        }
    }
    dm_buf_clear(&line);
    if (!ok) {
        curl_slist_free_all(list);
        DM_FAIL(e, DM_ENOMEM, "no memory for a request");
    }
    *ret = list;
    return DM_OK;
}

static void set_options(const struct s3_blob *s3, struct s3_exchange *x, CURL *h, const char *url,
                        struct curl_slist *headers, struct sending *sending)
{
    (void)curl_easy_setopt(h, CURLOPT_URL, url);
    (void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)s3->connect_ms);
    (void)curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)DM_MAX(s3->stall_ms / 1000, 1));
    (void)curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(h, CURLOPT_HEADERDATA, x);
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(h, CURLOPT_WRITEDATA, x);
    if (!strcmp(x->method, "HEAD")) {
        (void)curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    } else if (!strcmp(x->method, "PUT")) {
        (void)curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->body_n);
        (void)curl_easy_setopt(h, CURLOPT_READFUNCTION, on_send);
        (void)curl_easy_setopt(h, CURLOPT_READDATA, sending);
    } else if (!strcmp(x->method, "POST")) {
        (void)curl_easy_setopt(h, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_n);
        (void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, x->body_n ? x->body : "");
    } else {
        (void)curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, x->method);
    }
}

static int transfer(struct s3_blob *s3, struct s3_exchange *x, CURL *h, CURLcode *ret,
                    struct dm_err *e)
{
    struct curl_slist *headers = NULL;
    struct dm_buf url = dm_buf_init((size_t)16 << 10);
    struct sending sending = {x, 0};
    dm_buf_printf(&url, "%s://%s%s%s", s3->scheme, s3->host, x->path, x->query.n ? "?" : "");
    s3_query(&x->query, &url);
    int code = dm_buf_ok(&url, e);
    code = code < 0 ? code : header_list(s3, x, &headers, e);
    if (code >= 0) {
        set_options(s3, x, h, dm_buf_str(&url), headers, &sending);
        *ret = s3->perform ? (CURLcode)s3->perform(s3->perform_ctx, h) : curl_easy_perform(h);
    }
    curl_slist_free_all(headers);
    dm_buf_clear(&url);
    return code;
}

static bool passing(const struct s3_exchange *x)
{
    static const char *const codes[] = {"SlowDown",           "RequestTimeout",   "InternalError",
                                        "ServiceUnavailable", "OperationAborted", "Throttling"};
    for (size_t i = 0; i < DM_COUNT(codes); i++) {
        if (!strcmp(x->code, codes[i])) {
            return true;
        }
    }
    return x->status >= 500 || x->status == 429 || x->status == 408 || x->status == 0;
}

static int failure(const struct s3_exchange *x, struct dm_err *e)
{
    const char *why = x->message[0] ? x->message : x->code;
    if (passing(x)) {
        DM_FAIL(e, DM_EIO, "S3 answers %ld %s %s", x->status, x->code, why);
    }
    if (x->status == 404 && strcmp(x->code, "NoSuchBucket") != 0) {
        DM_FAIL(e, DM_ENOTFOUND, "%s: no such object", x->path);
    }
    if (x->status == 416) {
        DM_FAIL(e, DM_EBADINPUT, "%s: has no such range", x->path);
    }
    DM_FAIL(e, DM_ECONFLICT, "S3 refuses with %ld %s %s", x->status, x->code, why);
}

static int one_try(struct s3_blob *s3, struct s3_exchange *x, struct dm_err *e)
{
    CURL *h = handle_take(s3);
    CURLcode got = CURLE_OK;
    if (!h) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a connection");
    }
    dm_buf_clear(&x->answer);
    x->answer = dm_buf_init(S3_ANSWER_MAX);
    x->status = x->date_s = x->delivered = 0;
    x->sink_code = DM_OK;
    x->code[0] = x->message[0] = x->etag[0] = x->modified[0] = '\0';
    x->length = -1;
    x->e = e;
    int code = transfer(s3, x, h, &got, e);
    handle_give(s3, h);
    DM_TRY(code);
    DM_TRY(x->sink_code);
    if (got != CURLE_OK) {
        DM_FAIL(e, DM_EIO, "S3 at %s: %s", s3->host, curl_easy_strerror(got));
    }
    bool xml = x->answer.len > 0 && x->answer.data[0] == '<';
    if (xml && s3_xml_parse(x->answer.data, x->answer.len, on_error_element, x, NULL) < 0 &&
        x->status / 100 == 2) {
        DM_FAIL(e, DM_EIO, "S3 at %s: half an answer", s3->host);
    }
    /* CompleteMultipartUpload says 200 first and may fail afterwards. */
    if (x->status / 100 == 2 && x->code[0]) {
        x->status = 500;
    }
    return x->status / 100 == 2 ? DM_OK : failure(x, e);
}

/* Whether the server's clock explains a refusal; ours then follows. */
static bool clock_corrected(struct s3_blob *s3, const struct s3_exchange *x)
{
    int64_t offset = x->date_s ? x->date_s - (int64_t)time(NULL) : 0;
    int64_t used = atomic_load(&s3->clock_offset_s);
    if (x->status != 403 || !x->date_s || llabs(offset - used) < SKEW_S) {
        return false;
    }
    atomic_store(&s3->clock_offset_s, offset);
    return true;
}

int s3_exchange_run(struct s3_blob *s3, struct s3_exchange *x, struct dm_err *e)
{
    bool corrected = false;
    for (int n = 1;; n++) {
        int code = one_try(s3, x, e);
        if (code == DM_ECONFLICT && !corrected && clock_corrected(s3, x)) {
            corrected = true;
            continue;
        }
        bool again = code == DM_EIO && x->sink_code >= 0 && !x->delivered && !x->one_try;
        if (!again || n >= s3->tries) {
            return code;
        }
        s3_pause(s3, n);
    }
}
