/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects in an S3 bucket.
 *
 * A put holds at most one part in memory: what fits into one is sent as a single PUT at commit,
 * more as a multipart upload, so that nobody sees it before commit either way. A get that breaks
 * off goes on where it stopped, as long as the object is the same (If-Match). */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "blob/s3_http.h"
#include "blob/s3_xml.h"

#define PART_MIN      ((int64_t)5 << 20) /* S3's own, of all parts but the last */
#define LIST_PAGE_MAX 1000               /* S3's own */
#define PARTS_MAX     10000              /* S3's own */
#define UPLOAD_ID_MAX 1024

static struct s3_blob *s3_of(struct blob *b)
{
    DM_BUG_UNLESS(b->driver == &blob_driver_s3);
    return DM_CONTAINER_OF(b, struct s3_blob, base);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void s3_close(struct blob *b)
{
    if (b) {
        struct s3_blob *s3 = s3_of(b);
        for (size_t i = 0; i < s3->n_idle; i++) {
            curl_easy_cleanup(s3->idle[i]);
        }
        (void)pthread_mutex_destroy(&s3->mu);
        dm_arena_clear(&s3->a);
        dm_free(s3);
    }
}
DM_DEFINE_CLEANUP(s3_closep, struct blob *, s3_close)

static void curl_once(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* A host name, host:port, without path. */
static bool host_valid(const char *host)
{
    return *host && strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "-._:[]") == strlen(host);
}

static int place_of(struct s3_blob *s3, const char *rest, const struct blob_options *o,
                    struct dm_err *e)
{
    const char *endpoint =
        o->endpoint && *o->endpoint
            ? o->endpoint
            : dm_arena_printf(&s3->a, "https://s3.%s.amazonaws.com", s3->key.region);
    const char *slash = strchr(rest, '/');
    const char *bucket =
        dm_arena_strndup(&s3->a, rest, slash ? (size_t)(slash - rest) : strlen(rest));
    const char *prefix = slash && slash[1] ? slash + 1 : "";
    if (!endpoint || !bucket) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a photo store");
    }
    bool https = !strncmp(endpoint, "https://", 8);
    if (!https && strncmp(endpoint, "http://", 7) != 0) {
        DM_FAIL(e, DM_EBADINPUT, "an S3 endpoint begins with https:// or http://");
    }
    char *host = dm_arena_strdup(&s3->a, endpoint + (https ? 8 : 7));
    if (host && *host && host[strlen(host) - 1] == '/') {
        host[strlen(host) - 1] = '\0';
    }
    if (!host || !host_valid(host) || !blob_key_valid(bucket) || strlen(bucket) < 3 ||
        (*prefix && !blob_key_valid(prefix))) {
        DM_FAIL(e, DM_EBADINPUT, "s3: needs a bucket, and an endpoint that is a host");
    }
    s3->scheme = https ? "https" : "http";
    s3->host = o->path_style ? host : dm_arena_printf(&s3->a, "%s.%s", bucket, host);
    s3->prefix = *prefix ? dm_arena_printf(&s3->a, "%s/", prefix) : "";
    s3->bucket_path = o->path_style ? dm_arena_printf(&s3->a, "/%s", bucket) : "/";
    s3->root =
        dm_arena_printf(&s3->a, "/%s%s", o->path_style ? bucket : "", o->path_style ? "/" : "");
    if (!s3->host || !s3->prefix || !s3->bucket_path || !s3->root) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a photo store");
    }
    return DM_OK;
}

static int s3_open(const char *rest, const struct blob_options *o, struct blob **ret,
                   struct dm_err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, curl_once);
    if (!o->access_key || !o->secret_key || !*o->access_key || !*o->secret_key) {
        DM_FAIL(e, DM_EBADINPUT, "s3: needs an access key and its secret");
    }
    struct s3_blob *s3 = dm_calloc(1, sizeof(*s3));
    if (!s3) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a photo store");
    }
    s3->base.driver = &blob_driver_s3;
    (void)pthread_mutex_init(&s3->mu, NULL);
    DM_CLEANUP(s3_closep) struct blob *b = &s3->base;
    bool token = o->session_token && *o->session_token;
    bool sse = o->sse && *o->sse;
    s3->key.access = dm_arena_strdup(&s3->a, o->access_key);
    s3->key.secret = dm_arena_strdup(&s3->a, o->secret_key);
    s3->key.token = token ? dm_arena_strdup(&s3->a, o->session_token) : NULL;
    s3->key.region = dm_arena_strdup(&s3->a, o->region && *o->region ? o->region : "us-east-1");
    s3->sse = sse ? dm_arena_strdup(&s3->a, o->sse) : NULL;
    if (!s3->key.access || !s3->key.secret || !s3->key.region || (token && !s3->key.token) ||
        (sse && !s3->sse)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a photo store");
    }
    s3->connect_ms = o->connect_ms ? o->connect_ms : 5000;
    s3->stall_ms = o->stall_ms ? o->stall_ms : 20000;
    s3->tries = o->tries ? o->tries : 4;
    (void)snprintf(s3->list_page, sizeof(s3->list_page), "%d",
                   o->list_page > 0 ? DM_MIN(o->list_page, LIST_PAGE_MAX) : LIST_PAGE_MAX);
    s3->perform = o->perform;
    s3->perform_ctx = o->perform_ctx;
    s3->pause = o->pause;
    s3->part_bytes = DM_MAX(o->part_bytes, PART_MIN);
    DM_TRY(place_of(s3, rest, o, e));
    *ret = DM_STEAL(b);
    return DM_OK;
}

#define S3_PATH_SIZE (2 * BLOB_KEY_MAX + 300)

/* Keys and prefixes need no encoding: all their characters are unreserved. */
static int path_of(const struct s3_blob *s3, const char *key, char ret[static S3_PATH_SIZE],
                   struct dm_err *e)
{
    int n = snprintf(ret, S3_PATH_SIZE, "%s%s%s", s3->root, s3->prefix, key);
    if (n < 0 || n >= S3_PATH_SIZE) {
        DM_FAIL(e, DM_EBADINPUT, "%.80s: key too long", key);
    }
    return DM_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

struct s3_put {
    struct blob_put base;
    char path[S3_PATH_SIZE];
    struct dm_buf part;
    char upload[UPLOAD_ID_MAX + 1]; /* "" as long as one part is enough */
    struct dm_buf parts;            /* XML of those sent */
    int n_parts;
};

static struct s3_put *put_of(struct blob_put *p)
{
    return DM_CONTAINER_OF(p, struct s3_put, base);
}

static int s3_put_begin(struct blob *b, const char *key, const char *type, struct blob_put **ret,
                        struct dm_err *e)
{
    (void)type;
    DM_CLEANUP(dm_freep) struct s3_put *p = dm_calloc(1, sizeof(*p));
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an upload");
    }
    p->part = dm_buf_init((size_t)s3_of(b)->part_bytes);
    p->parts = dm_buf_init((size_t)2 << 20);
    DM_TRY(path_of(s3_of(b), key, p->path, e));
    *ret = &DM_STEAL(p)->base;
    return DM_OK;
}

static int on_upload_id(void *ctx, const char *parent, const char *name, const char *text,
                        struct dm_err *e)
{
    struct s3_put *p = ctx;
    if (!strcmp(parent, "InitiateMultipartUploadResult") && !strcmp(name, "UploadId")) {
        if (strlen(text) > UPLOAD_ID_MAX) {
            DM_FAIL(e, DM_EIO, "the server's upload id is too long");
        }
        memcpy(p->upload, text, strlen(text) + 1);
    }
    return DM_OK;
}

static void add_object_headers(const struct s3_put *p, struct s3_exchange *x)
{
    const struct s3_blob *s3 = s3_of(p->base.blob);
    s3_pair_add(&x->headers, "content-type", p->base.type);
    if (s3->sse) {
        s3_pair_add(&x->headers, "x-amz-server-side-encryption", s3->sse);
    }
}

static int multipart_begin(struct s3_put *p, struct dm_err *e)
{
    DM_CLEANUP(s3_exchange_clear) struct s3_exchange x = {.method = "POST", .path = p->path};
    s3_pair_add(&x.query, "uploads", "");
    add_object_headers(p, &x);
    DM_TRY(s3_exchange_run(s3_of(p->base.blob), &x, e));
    DM_TRY(s3_xml_parse(dm_buf_str(&x.answer), x.answer.len, on_upload_id, p, e));
    if (!p->upload[0]) {
        DM_FAIL(e, DM_EIO, "the server began no upload");
    }
    return DM_OK;
}

/* Send what is in part; parts may repeat, the last one counts. */
static int send_part(struct s3_put *p, struct dm_err *e)
{
    char number[12];
    if (!p->upload[0]) {
        DM_TRY(multipart_begin(p, e));
    }
    if (p->n_parts == PARTS_MAX) {
        DM_FAIL(e, DM_ELIMIT, "more than %d parts", PARTS_MAX);
    }
    (void)snprintf(number, sizeof(number), "%d", p->n_parts + 1);
    DM_CLEANUP(s3_exchange_clear)
    struct s3_exchange x = {
        .method = "PUT", .path = p->path, .body = dm_buf_str(&p->part), .body_n = p->part.len};
    s3_pair_add(&x.query, "partNumber", number);
    s3_pair_add(&x.query, "uploadId", p->upload);
    DM_TRY(s3_exchange_run(s3_of(p->base.blob), &x, e));
    if (!x.etag[0] || strpbrk(x.etag, "<&")) {
        DM_FAIL(e, DM_EIO, "the server named no ETag of a part");
    }
    p->n_parts++;
    dm_buf_printf(&p->parts, "<Part><PartNumber>%s</PartNumber><ETag>%s</ETag></Part>", number,
                  x.etag);
    dm_buf_clear(&p->part);
    return dm_buf_ok(&p->parts, e);
}

static int s3_put_write(struct blob_put *base, const void *bytes, size_t n, struct dm_err *e)
{
    struct s3_put *p = put_of(base);
    const char *from = bytes;
    while (n > 0) {
        if (p->part.len == p->part.max) {
            DM_TRY(send_part(p, e));
        }
        size_t take = DM_MIN(n, p->part.max - p->part.len);
        dm_buf_append(&p->part, from, take);
        DM_TRY(dm_buf_ok(&p->part, e));
        from += take;
        n -= take;
    }
    return DM_OK;
}

/* Best effort: the bucket's rule removes what stays (deployment.md 6: 7 days). */
static void s3_put_abort(struct blob_put *base)
{
    struct s3_put *p = put_of(base);
    if (p->upload[0]) {
        struct s3_exchange x = {.method = "DELETE", .path = p->path, .one_try = true};
        s3_pair_add(&x.query, "uploadId", p->upload);
        if (s3_exchange_run(s3_of(base->blob), &x, NULL) < 0) {
            p->upload[0] = '\0';
        }
        s3_exchange_clear(&x);
    }
    dm_buf_clear(&p->part);
    dm_buf_clear(&p->parts);
    dm_free(p);
}
DM_DEFINE_CLEANUP(s3_put_abortp, struct blob_put *, s3_put_abort)

static int put_single(struct s3_put *p, struct dm_err *e)
{
    DM_CLEANUP(s3_exchange_clear)
    struct s3_exchange x = {
        .method = "PUT", .path = p->path, .body = dm_buf_str(&p->part), .body_n = p->part.len};
    add_object_headers(p, &x);
    return s3_exchange_run(s3_of(p->base.blob), &x, e);
}

/* One request whatever its size (S3 takes 5 GiB), read from the file as it is sent. */
static int s3_put_file(struct blob *b, const char *key, const char *type, int fd,
                       struct blob_info *info, struct dm_err *e)
{
    struct s3_blob *s3 = s3_of(b);
    char path[S3_PATH_SIZE];
    DM_TRY(path_of(s3, key, path, e));
    DM_CLEANUP(s3_exchange_clear)
    struct s3_exchange x = {.method = "PUT",
                            .path = path,
                            .body_fd = &fd,
                            .body_n = (size_t)info->size_bytes,
                            .body_hash = info->sha256};
    s3_pair_add(&x.headers, "content-type", type);
    if (s3->sse) {
        s3_pair_add(&x.headers, "x-amz-server-side-encryption", s3->sse);
    }
    return s3_exchange_run(s3, &x, e);
}

static int stored_size(struct s3_blob *s3, const char *path, int64_t *ret, struct dm_err *e)
{
    DM_CLEANUP(s3_exchange_clear) struct s3_exchange x = {.method = "HEAD", .path = path};
    DM_TRY(s3_exchange_run(s3, &x, e));
    *ret = x.length;
    return DM_OK;
}

static int multipart_complete(struct s3_put *p, struct dm_err *e)
{
    struct s3_blob *s3 = s3_of(p->base.blob);
    int64_t size = -1;
    DM_CLEANUP(dm_buf_clear) struct dm_buf body = dm_buf_init((size_t)3 << 20);
    dm_buf_printf(&body, "<CompleteMultipartUpload>%s</CompleteMultipartUpload>",
                  dm_buf_str(&p->parts));
    DM_TRY(dm_buf_ok(&body, e));
    DM_CLEANUP(s3_exchange_clear)
    struct s3_exchange x = {
        .method = "POST", .path = p->path, .body = body.data, .body_n = body.len};
    s3_pair_add(&x.query, "uploadId", p->upload);
    int code = s3_exchange_run(s3, &x, e);
    /* A first try whose answer was lost may have done it: the upload is then unknown. */
    if (code == DM_ENOTFOUND && stored_size(s3, p->path, &size, NULL) == DM_OK &&
        size == p->base.size_bytes) {
        return DM_OK;
    }
    return code;
}

static int s3_put_commit(struct blob_put *base, struct blob_info *info, struct dm_err *e)
{
    DM_CLEANUP(s3_put_abortp) struct blob_put *owned = base;
    struct s3_put *p = put_of(owned);
    (void)info;
    if (!p->upload[0]) {
        return put_single(p, e);
    }
    DM_TRY(send_part(p, e));
    DM_TRY(multipart_complete(p, e));
    p->upload[0] = '\0'; /* nothing to abort */
    return DM_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int get_piece(struct s3_blob *s3, struct s3_exchange *x, struct blob_range r,
                     const char *etag, struct dm_err *e)
{
    char range[64];
    if (r.offset || r.n) {
        if (r.n) {
            (void)snprintf(range, sizeof(range), "bytes=%jd-%jd", (intmax_t)r.offset,
                           (intmax_t)(r.offset + r.n - 1));
        } else {
            (void)snprintf(range, sizeof(range), "bytes=%jd-", (intmax_t)r.offset);
        }
        s3_pair_add(&x->headers, "range", range);
    }
    if (etag[0]) {
        s3_pair_add(&x->headers, "if-match", etag);
    }
    DM_TRY(s3_exchange_run(s3, x, e));
    if ((r.offset || r.n) && x->status != 206 && x->delivered) {
        DM_FAIL(e, DM_ECONFLICT, "the server ignores ranges");
    }
    return DM_OK;
}

static int s3_get(struct blob *b, const char *key, struct blob_range r, blob_sink sink, void *ctx,
                  struct dm_err *e)
{
    struct s3_blob *s3 = s3_of(b);
    char path[S3_PATH_SIZE];
    char etag[128] = "";
    DM_TRY(path_of(s3, key, path, e));
    for (int n = 1;; n++) {
        DM_CLEANUP(s3_exchange_clear)
        struct s3_exchange x = {
            .method = "GET", .path = path, .sink = sink, .ctx = ctx, .one_try = true};
        int code = get_piece(s3, &x, r, etag, e);
        if (code != DM_EIO || x.sink_code < 0 || n >= s3->tries) {
            return code;
        }
        if (x.delivered) {
            memcpy(etag, x.etag, sizeof(etag));
            r.offset += x.delivered;
            r.n -= r.n ? x.delivered : 0;
        }
        if (x.delivered && !etag[0]) {
            return code; /* it might go on with another object */
        }
        s3_pause(s3, n);
    }
}

static int s3_stat(struct blob *b, const char *key, struct blob_info *ret, struct dm_err *e)
{
    char path[S3_PATH_SIZE];
    DM_TRY(path_of(s3_of(b), key, path, e));
    DM_CLEANUP(s3_exchange_clear) struct s3_exchange x = {.method = "HEAD", .path = path};
    DM_TRY(s3_exchange_run(s3_of(b), &x, e));
    if (x.length < 0) {
        DM_FAIL(e, DM_EIO, "%s: the server names no length", key);
    }
    *ret = (struct blob_info){
        .size_bytes = x.length,
        .modified_ms = (int64_t)curl_getdate(x.modified, NULL) * 1000,
    };
    return DM_OK;
}

static int s3_remove(struct blob *b, const char *key, struct dm_err *e)
{
    char path[S3_PATH_SIZE];
    DM_TRY(path_of(s3_of(b), key, path, e));
    DM_CLEANUP(s3_exchange_clear) struct s3_exchange x = {.method = "DELETE", .path = path};
    int code = s3_exchange_run(s3_of(b), &x, e);
    return code == DM_ENOTFOUND ? DM_OK : code;
}

/* ---- listing --------------------------------------------------------------------------------- */

struct page {
    const struct s3_blob *s3;
    blob_list_fn fn;
    void *ctx;
    char key[S3_XML_TEXT_MAX + 1], next[S3_XML_TEXT_MAX + 1];
    struct blob_info info;
    bool more;
};

static int on_list_element(void *ctx, const char *parent, const char *name, const char *text,
                           struct dm_err *e)
{
    struct page *p = ctx;
    bool object = !strcmp(parent, "Contents");
    size_t skip = strlen(p->s3->prefix);
    if (object && !strcmp(name, "Key")) {
        memcpy(p->key, text, strlen(text) + 1);
    } else if (object && !strcmp(name, "Size")) {
        p->info.size_bytes = strtoll(text, NULL, 10);
    } else if (!strcmp(name, "IsTruncated")) {
        p->more = !strcmp(text, "true");
    } else if (!strcmp(name, "NextContinuationToken")) {
        memcpy(p->next, text, strlen(text) + 1);
    } else if (!strcmp(name, "Contents")) {
        bool ours = !strncmp(p->key, p->s3->prefix, skip) && blob_key_valid(p->key + skip);
        struct blob_info info = p->info;
        p->info = (struct blob_info){0};
        return ours ? p->fn(p->ctx, p->key + skip, &info, e) : DM_OK;
    }
    return DM_OK;
}

static int s3_list(struct blob *b, const char *prefix, blob_list_fn fn, void *ctx, struct dm_err *e)
{
    struct s3_blob *s3 = s3_of(b);
    char whole[S3_PATH_SIZE];
    char token[S3_XML_TEXT_MAX + 1] = "";
    DM_CLEANUP(dm_freep) struct page *p = dm_calloc(1, sizeof(*p));
    int n = snprintf(whole, sizeof(whole), "%s%s", s3->prefix, prefix);
    if (!p || n < 0 || n >= S3_PATH_SIZE) {
        DM_FAIL(e, p ? DM_EBADINPUT : DM_ENOMEM, "the prefix cannot be listed");
    }
    do {
        DM_CLEANUP(s3_exchange_clear)
        struct s3_exchange x = {.method = "GET", .path = s3->bucket_path};
        s3_pair_add(&x.query, "list-type", "2");
        s3_pair_add(&x.query, "max-keys", s3->list_page);
        s3_pair_add(&x.query, "prefix", whole);
        if (token[0]) {
            s3_pair_add(&x.query, "continuation-token", token);
        }
        DM_TRY(s3_exchange_run(s3, &x, e));
        *p = (struct page){.s3 = s3, .fn = fn, .ctx = ctx};
        DM_TRY(s3_xml_parse(dm_buf_str(&x.answer), x.answer.len, on_list_element, p, e));
        if (p->more && (!p->next[0] || !strcmp(p->next, token))) {
            DM_FAIL(e, DM_EIO, "the server's list has no continuation");
        }
        memcpy(token, p->next, sizeof(token));
    } while (p->more);
    return DM_OK;
}

/* ---- signed addresses ------------------------------------------------------------------------ */

static int s3_presign(struct blob *b, enum blob_method m, const char *key, int seconds,
                      struct dm_buf *ret, struct dm_err *e)
{
    struct s3_blob *s3 = s3_of(b);
    char path[S3_PATH_SIZE];
    DM_TRY(path_of(s3, key, path, e));
    struct s3_call c = {
        .method = m == BLOB_PUT ? "PUT" : "GET", .path = path, .payload = S3_UNSIGNED};
    s3_pair_add(&c.headers, "host", s3->host);
    s3_date((int64_t)time(NULL) + atomic_load(&s3->clock_offset_s), c.date);
    dm_buf_printf(ret, "%s://%s%s?", s3->scheme, s3->host, path);
    s3_presigned_query(&s3->key, &c, seconds, ret);
    return dm_buf_ok(ret, e);
}

const struct blob_driver blob_driver_s3 = {
    .scheme = "s3",
    .open = s3_open,
    .close = s3_close,
    .put_begin = s3_put_begin,
    .put_write = s3_put_write,
    .put_commit = s3_put_commit,
    .put_abort = s3_put_abort,
    .put_file = s3_put_file,
    .get = s3_get,
    .stat = s3_stat,
    .remove = s3_remove,
    .list = s3_list,
    .presign = s3_presign,
};
