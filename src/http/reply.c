/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies: what handlers say, and the header fields that every response has. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "http/limits.h"
#include "http/schema_priv.h"
#include "http/server_priv.h"

enum { GZIP_FROM = 1024 }; /* smaller bodies grow or hardly shrink */

static const char type_json[] = "application/json";

int http_reply_header(struct http_request *r, const char *name, const char *value, struct dm_err *e)
{
    struct http_state *st = r->state;
    if (st->n_header == HTTP_HEADERS_MAX) {
        DM_FAIL(e, DM_ELIMIT, "too many header fields of a reply");
    }
    st->header[st->n_header].name = name;
    st->header[st->n_header].value = dm_arena_strdup(&st->arena, value);
    if (st->header[st->n_header].value == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a reply");
    }
    st->n_header++;
    return DM_OK;
}

void http_reply_drop(struct http_state *st)
{
    if (st->response != NULL) {
        MHD_destroy_response(st->response);
        st->response = NULL;
    }
    json_decref(st->json);
    st->json = NULL;
}

/* ---- what handlers call ---- */

int http_reply_json(struct http_request *r, int status, json_t *json, struct dm_err *e)
{
    if (json == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a reply");
    }
    http_reply_drop(r->state);
    r->state->status = status;
    r->state->json = json;
    return DM_OK;
}

int http_reply_list(struct http_request *r, json_t *rows, int64_t total, struct dm_err *e)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)total);
    int rc = http_reply_header(r, "X-Total-Count", text, e);
    if (rc < 0) {
        json_decref(rows);
        return rc;
    }
    return http_reply_json(r, 200, rows, e);
}

int http_reply_page(struct http_request *r, const char *member, json_t *rows, int64_t total,
                    struct dm_err *e)
{
    struct http_slice s = http_slice(r);
    int64_t pages = s.per_page > 0 ? (total + s.per_page - 1) / s.per_page : 0;
    return http_reply_json(r, 200,
                           json_pack("{s:o, s:{s:I, s:I, s:I, s:I}}", member, rows, "pagination",
                                     "page", (json_int_t)s.page, "per_page", (json_int_t)s.per_page,
                                     "total_items", (json_int_t)total, "total_pages",
                                     (json_int_t)pages),
                           e);
}

static int add(struct http_state *st, const char *name, const char *value, struct dm_err *e)
{
    if (MHD_add_response_header(st->response, name, value) != MHD_YES) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a reply");
    }
    return DM_OK;
}

static bool ascii(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s < 0x20 || *s > 0x7e || *s == '"' || *s == '\\') {
            return false;
        }
    }
    return true;
}

/* RFC 6266: a plain name, and the true one percent-encoded when it differs. */
static int add_disposition(struct http_state *st, const char *filename, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(4096);
    dm_buf_puts(&text, "attachment; filename=\"");
    for (const char *p = filename; *p != '\0'; p++) {
        bool plain = *p >= 0x20 && *p <= 0x7e && *p != '"' && *p != '\\';
        dm_buf_putc(&text, (char)(plain ? *p : '_'));
    }
    dm_buf_puts(&text, "\"");
    if (!ascii(filename)) {
        dm_buf_puts(&text, "; filename*=UTF-8''");
        for (const char *p = filename; *p != '\0'; p++) {
            bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                         (*p >= '0' && *p <= '9') || strchr("-._~", *p) != NULL;
            dm_buf_printf(&text, plain ? "%c" : "%%%02X", (unsigned char)*p);
        }
    }
    DM_TRY(dm_buf_ok(&text, e));
    return add(st, "Content-Disposition", dm_buf_str(&text), e);
}

/* After st->response was set: what it is and how it is called. */
static int describe(struct http_state *st, int status, const char *type, const char *filename,
                    struct dm_err *e)
{
    if (st->response == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a reply");
    }
    st->status = status;
    if (type != NULL) {
        DM_TRY(add(st, "Content-Type", type, e));
    }
    return filename != NULL ? add_disposition(st, filename, e) : DM_OK;
}

bool http_takes_gzip(const struct http_request *r)
{
    const char *accepted = http_header(r, "Accept-Encoding");
    const char *gzip = accepted != NULL ? strstr(accepted, "gzip") : NULL;
    return gzip != NULL && strncmp(gzip + 4, ";q=0", 4) != 0;
}

static bool compressible(const char *type)
{
    return type != NULL && (strncmp(type, "text/", 5) == 0 || strstr(type, "json") != NULL ||
                            strstr(type, "xml") != NULL || strstr(type, "javascript") != NULL);
}

/* bytes as gzip into a new block; false: it would not shrink, or no memory. */
static bool compress_bytes(const void *bytes, size_t n, char **ret, size_t *ret_n)
{
    z_stream z = {0};
    if (n > UINT32_MAX || deflateInit2(&z, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    char *out = malloc(n);
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)n;
    bool whole = out != NULL && deflate(&z, Z_FINISH) == Z_STREAM_END;
    *ret_n = z.total_out;
    (void)deflateEnd(&z);
    if (!whole) {
        free(out);
        return false;
    }
    *ret = out;
    return true;
}

/* A response of bytes; owned: malloc'd, taken. */
static int set_bytes(struct http_state *st, const char *type, void *bytes, size_t n, bool owned,
                     struct dm_err *e)
{
    char *packed = NULL;
    size_t packed_n = 0;
    bool small = n >= GZIP_FROM && compressible(type) && http_takes_gzip(&st->r) &&
                 compress_bytes(bytes, n, &packed, &packed_n);
    if (small && owned) {
        free(bytes);
    }
    http_kept_put(st, small ? packed : bytes, small ? packed_n : n, small);
    st->response = MHD_create_response_from_buffer(small ? packed_n : n, small ? packed : bytes,
                                                   small || owned ? MHD_RESPMEM_MUST_FREE
                                                                  : MHD_RESPMEM_MUST_COPY);
    if (st->response == NULL) {
        free(packed);
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a reply");
    }
    if (compressible(type)) {
        DM_TRY(add(st, "Vary", "Accept-Encoding, Origin", e));
    }
    return small ? add(st, "Content-Encoding", "gzip", e) : DM_OK;
}

int http_reply_bytes(struct http_request *r, int status, const char *type, const char *filename,
                     const void *bytes, size_t n, struct dm_err *e)
{
    http_reply_drop(r->state);
    DM_TRY(set_bytes(r->state, type, (void *)(uintptr_t)(n > 0 ? bytes : ""), n, false, e));
    return describe(r->state, status, type, filename, e);
}

int http_reply_empty(struct http_request *r, int status, struct dm_err *e)
{
    http_reply_drop(r->state);
    r->state->response =
        MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    return describe(r->state, status, NULL, NULL, e);
}

int http_reply_redirect(struct http_request *r, int status, const char *location, struct dm_err *e)
{
    DM_TRY(http_reply_empty(r, status, e));
    return add(r->state, "Location", location, e);
}

/* "bytes=a-b", "bytes=a-", "bytes=-n" of a file of size bytes. 1: a part; 0: the whole; -1: none
 * fits. Several ranges at once are answered with the whole. */
static int parse_range(const char *text, int64_t size, int64_t *first, int64_t *last)
{
    *first = 0;
    *last = size - 1;
    if (text == NULL || strncmp(text, "bytes=", 6) != 0 || strchr(text, ',') != NULL) {
        return 0;
    }
    const char *p = text + 6, *dash = strchr(p, '-');
    if (dash == NULL || p[strspn(p, "0123456789-")] != '\0') {
        return 0;
    }
    if (dash == p) {
        int64_t n = strtoll(p + 1, NULL, 10);
        *first = n >= size ? 0 : size - n;
        return n > 0 && size > 0 ? 1 : -1;
    }
    *first = strtoll(p, NULL, 10);
    if (dash[1] != '\0') {
        *last = DM_MIN(strtoll(dash + 1, NULL, 10), size - 1);
    }
    return *first <= *last ? 1 : -1;
}

int http_reply_file(struct http_request *r, int status, const char *type, const char *filename,
                    int fd, struct dm_err *e)
{
    struct http_state *st = r->state;
    http_reply_drop(st);
    struct stat info;
    if (fstat(fd, &info) != 0) {
        (void)close(fd);
        DM_FAIL(e, DM_EIO, "a file of a reply cannot be looked at");
    }
    int64_t size = info.st_size, first = 0, last = size - 1;
    int part = parse_range(http_header(r, "Range"), size, &first, &last);
    char text[80];
    if (part < 0) {
        (void)close(fd);
        DM_TRY(http_reply_empty(r, 416, e));
        (void)snprintf(text, sizeof(text), "bytes */%lld", (long long)size);
        return add(st, "Content-Range", text, e);
    }
    st->response =
        MHD_create_response_from_fd_at_offset64((uint64_t)(last - first + 1), fd, (uint64_t)first);
    if (st->response == NULL) {
        (void)close(fd);
    }
    DM_TRY(describe(st, part > 0 ? 206 : status, type, filename, e));
    if (part > 0) {
        (void)snprintf(text, sizeof(text), "bytes %lld-%lld/%lld", (long long)first,
                       (long long)last, (long long)size);
        DM_TRY(add(st, "Content-Range", text, e));
    }
    return add(st, "Accept-Ranges", "bytes", e);
}

/* ---- after the handler ---- */

void http_reply_problem(struct http_state *st, const struct dm_err *err, const json_t *issues)
{
    http_reply_drop(st);
    const char *rule = NULL;
    http_class_of(st->server->app, err->code, &st->error_class, &rule);
    st->status = http_status_of(err->code);
    if (st->status >= 500) {
        dm_log(DM_LOG_ERROR, "request failed", DM_S("error", dm_err_text(err)),
               DM_S("path", st->r.target != NULL ? st->r.target : ""),
               DM_S("correlation_id", st->correlation));
    }
    for (size_t i = 0; i < err->n_fields; i++) {
        if (!strcmp(err->field[i].name, "retry_after_s")) {
            char seconds[24];
            (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)err->field[i].i);
            (void)http_reply_header(&st->r, "Retry-After", seconds, NULL);
        }
    }
    st->json = http_problem(st->server->app, &st->r, err, issues, st->server->options->debug);
    char *text = st->json != NULL ? json_dumps(st->json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text == NULL) {
        static const char last[] =
            "{\"code\":\"InternalServerError\",\"detail\":\"out of memory\"}";
        st->response = MHD_create_response_from_buffer(sizeof(last) - 1, (void *)(uintptr_t)last,
                                                       MHD_RESPMEM_PERSISTENT);
    } else {
        st->response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    }
    if (st->response != NULL) {
        (void)add(st, "Content-Type", type_json, NULL);
    }
}

/* {member: rows, "pagination": {...}}: the rows. */
static int check_page(const struct http_answer *a, json_t *page, struct dm_err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach(page, name, value)
    {
        if (json_is_array(value)) {
            return http_check_reply(a->schema, true, value, e);
        }
    }
    DM_FAIL(e, DM_EINTERNAL, "the reply is not a page");
}

/* A reply of JSON against the schema of its status. */
static int check_reply(const struct http_state *st, struct dm_err *e)
{
    const struct http_route *route = st->r.route;
    for (const struct http_answer *a = route->answer; a < route->answer + DM_COUNT(route->answer);
         a++) {
        if (a->status != st->status) {
            continue;
        }
        if (a->schema == NULL || st->json == NULL) {
            return DM_OK;
        }
        return route->flags & HTTP_PAGED ? check_page(a, st->json, e)
                                         : http_check_reply(a->schema, a->list, st->json, e);
    }
    DM_FAIL(e, DM_EINTERNAL, "status %d is not declared by %s", st->status, route->name);
}

static void weak_etag(const char *body, size_t n, char ret[static 40])
{
    char hash[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(body, n, hash);
    (void)snprintf(ret, 40, "W/\"%.24s\"", hash);
}

bool http_tag_listed(const char *list, const char *tag)
{
    return list != NULL && (strcmp(list, "*") == 0 || strstr(list, tag + 2) != NULL);
}

int http_etag_of(const json_t *json, char ret[static 40], struct dm_err *e)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a reply");
    }
    weak_etag(text, strlen(text), ret);
    free(text);
    return DM_OK;
}

bool http_if_match(const struct http_request *r, const char *tag)
{
    return http_tag_listed(http_header(r, "If-Match"), tag);
}

/* The answer and the header fields of its handler, for whoever asks the same again. */
static int keep_reply(struct http_state *st, const char *body, struct dm_err *e)
{
    if (st->idempotency_key == NULL || st->server->app->keep == NULL) {
        return DM_OK;
    }
    json_t *fields = json_object();
    for (size_t i = 0; i < st->n_header; i++) {
        (void)json_object_set_new(fields, st->header[i].name, json_string(st->header[i].value));
    }
    char *text = json_dumps(fields, JSON_COMPACT);
    const struct http_kept kept = {st->status, body, text};
    int rc = st->server->app->keep(&st->r, st->idempotency_key, &kept, e);
    free(text);
    json_decref(fields);
    return rc;
}

static int finish_json(struct http_state *st, struct dm_err *e)
{
    char *text = json_dumps(st->json, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t n = text != NULL ? strlen(text) : 0;
    if (text == NULL || n > LIMIT_HTTP_REPLY_BYTES) {
        free(text);
        DM_FAIL(e, text == NULL ? DM_ENOMEM : HTTP_E_TOO_LARGE, "the reply is too large");
    }
    int kept = keep_reply(st, text, e);
    if (kept < 0) {
        free(text);
        return kept;
    }
    char tag[40];
    if ((st->r.route->flags & HTTP_ETAG) && st->status == 200 && st->r.method == HTTP_GET) {
        weak_etag(text, n, tag);
        int rc = http_reply_header(&st->r, "ETag", tag, e);
        if (rc < 0 || http_tag_listed(http_header(&st->r, "If-None-Match"), tag)) {
            free(text);
            DM_TRY(rc);
            return http_reply_empty(&st->r, 304, e);
        }
    }
    DM_TRY(set_bytes(st, type_json, text, n, true, e));
    return describe(st, st->status, type_json, NULL, e);
}

void http_reply_finish(struct http_state *st)
{
    struct dm_err err = {0};
    int rc = DM_OK;
    if (st->json == NULL && st->response == NULL) {
        rc = dm_err_set(&err, DM_EINTERNAL, __FILE__, __LINE__, "%s gave no reply",
                        st->r.route->name);
    }
    if (rc >= 0 && st->server->options->check_replies && st->status < 300) {
        rc = check_reply(st, &err);
    }
    if (rc >= 0 && st->json != NULL && st->response == NULL) {
        rc = finish_json(st, &err);
    }
    if (rc < 0) {
        http_reply_problem(st, &err, NULL);
    }
}

/* ---- fields of every response ---- */

static const char *const fixed[][2] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Frame-Options", "DENY"},
};

static void add_cors(struct http_state *st)
{
    const char *origin = http_header(&st->r, "Origin");
    const char *const *known = st->server->options->cors_origins;
    for (; known != NULL && origin != NULL && *known != NULL; known++) {
        if (strcmp(*known, origin) == 0 || strcmp(*known, "*") == 0) {
            (void)add(st, "Access-Control-Allow-Origin", *known, NULL);
            (void)add(st, "Access-Control-Expose-Headers",
                      "X-Correlation-ID, X-Total-Count, Location, ETag, Retry-After, "
                      "Content-Disposition, Tus-Resumable, Upload-Offset, Upload-Length, "
                      "Upload-Expires, X-Content-SHA256",
                      NULL);
            return;
        }
    }
}

void http_reply_allow(struct http_state *st)
{
    static const struct {
        unsigned method;
        const char *name;
    } row[] = {{HTTP_GET, "GET, HEAD, "},
               {HTTP_POST, "POST, "},
               {HTTP_PUT, "PUT, "},
               {HTTP_PATCH, "PATCH, "},
               {HTTP_DELETE, "DELETE, "}};
    DM_CLEANUP(dm_buf_clear) struct dm_buf allow = dm_buf_init(128);
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        if (st->match.allowed & row[i].method) {
            dm_buf_puts(&allow, row[i].name);
        }
    }
    dm_buf_puts(&allow, "OPTIONS");
    (void)add(st, "Allow", dm_buf_str(&allow), NULL);
}

static void add_by_status(struct http_state *st)
{
    if (st->status == 401 && !MHD_get_response_header(st->response, "WWW-Authenticate")) {
        (void)add(st, "WWW-Authenticate", "Bearer", NULL);
    }
    if (st->status == 405) {
        http_reply_allow(st);
    }
    if ((st->status == 429 || st->status == 503) &&
        MHD_get_response_header(st->response, "Retry-After") == NULL) {
        (void)add(st, "Retry-After", st->status == 429 ? "60" : "5", NULL);
    }
}

enum MHD_Result http_reply_queue(struct http_state *st)
{
    if (st->response == NULL) {
        return MHD_NO;
    }
    for (size_t i = 0; i < DM_COUNT(fixed); i++) {
        (void)add(st, fixed[i][0], fixed[i][1], NULL);
    }
    (void)add(st, "X-Correlation-ID", st->correlation, NULL);
    for (size_t i = 0; i < st->n_header; i++) {
        (void)add(st, st->header[i].name, st->header[i].value, NULL);
    }
    if (MHD_get_response_header(st->response, "Cache-Control") == NULL) {
        bool no_store = st->r.route != NULL && (st->r.route->flags & HTTP_NO_STORE);
        (void)add(st, "Cache-Control", no_store ? "no-store" : "private, no-cache", NULL);
    }
    add_by_status(st);
    add_cors(st);
    if (st->close) {
        (void)add(st, "Connection", "close", NULL);
    }
    return MHD_queue_response(st->connection, (unsigned)st->status, st->response);
}
