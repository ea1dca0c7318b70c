/* SPDX-License-Identifier: Apache-2.0
 *
 * The server as a client meets it: routes, faults, bodies, files, ranges, tags, streams. */
#include "http/http.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "http/problem.h"
#include "support/http_client.h"
#include "support/testing.h"

/* ---- a small program ---- */

static const struct http_field thing_fields[] = {
    {"id", HTTP_INT}, {"name", HTTP_STR}, {"note", HTTP_STR, HTTP_NULL}, {"at", HTTP_INSTANT}, {0},
};
static const struct http_schema Thing = {"Thing", thing_fields, NULL, 0};

static const struct http_field new_fields[] = {
    {"name", HTTP_STR, HTTP_REQ | HTTP_TRIM, .min = 1, .max = 10},
    {"size", HTTP_INT, 0, .min = 1, .max = 9, .fallback = "3"},
    {"kind", HTTP_STR, 0, .one_of = "pot|tray", .fallback = "\"pot\""},
    {"tags", HTTP_STR, HTTP_LIST, .max = 5, .items_max = 3},
    {"at", HTTP_INSTANT},
    {"note", HTTP_STR, HTTP_NULL},
    {0},
};
static const struct http_schema NewThing = {"NewThing", new_fields, NULL, 0};

static json_t *thing(int64_t id, const char *name)
{
    return json_pack("{s:I, s:s, s:n, s:s}", "id", (json_int_t)id, "name", name, "note", "at",
                     "2026-11-23T10:00:00Z");
}

static char thing_name[32] = "one";

static int get_thing(struct http_request *r, struct dm_err *e)
{
    int64_t id = http_int(r->path, "thing_id", 0);
    if (id == 404) {
        DM_REFUSE(e, DM_ENOTFOUND, DM_FIELDS(DM_I("identifier", id)), "there is no thing %d", 404);
    }
    if (id == 500) {
        DM_FAIL(e, DM_EINTERNAL, "the secret of the house");
    }
    return http_reply_json(r, 200, thing(id, thing_name), e);
}

static int broken_thing(struct http_request *r, struct dm_err *e)
{
    return http_reply_json(r, 200, json_pack("{s:s}", "id", "x"), e);
}

static int list_things(struct http_request *r, struct dm_err *e)
{
    json_t *rows = json_array();
    struct http_slice s = http_slice(r);
    for (int64_t i = s.skip; i < s.skip + s.limit && i < 12; i++) {
        json_array_append_new(rows, thing(i, "row"));
    }
    return http_reply_list(r, rows, 12, e);
}

static int add_thing(struct http_request *r, struct dm_err *e)
{
    (void)snprintf(thing_name, sizeof(thing_name), "%s", http_str(r->body, "name"));
    DM_TRY(http_reply_header(r, "Location", "/things/7", e));
    json_t *echo = json_deep_copy(r->body);
    return http_reply_json(r, 201, echo, e);
}

static int rename_thing(struct http_request *r, struct dm_err *e)
{
    (void)snprintf(thing_name, sizeof(thing_name), "%s", http_str(r->body, "name"));
    return http_reply_json(r, 200, thing(1, thing_name), e);
}

static int upload(struct http_request *r, struct dm_err *e)
{
    char first[4] = "";
    for (size_t i = 0; i < r->n_file; i++) {
        DM_TRY(r->file[i].refused.code);
    }
    if (r->n_file > 0 && read(r->file[0].fd, first, 3) < 0) {
        DM_FAIL(e, DM_EIO, "cannot read back");
    }
    return http_reply_json(r, 200,
                           json_pack("{s:s?, s:I, s:I, s:s, s:s}", "note",
                                     http_str(r->form, "note"), "n", (json_int_t)r->n_file, "bytes",
                                     (json_int_t)(r->n_file > 0 ? r->file[0].bytes : 0), "sha256",
                                     r->n_file > 0 ? r->file[0].sha256 : "", "first", first),
                           e);
}

static int download(struct http_request *r, struct dm_err *e)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, "0123456789", 10) == 10);
    return http_reply_file(r, 200, "text/plain", "zähler.txt", fd, e);
}

struct clock_stream {
    int n;
};

static int next_event(void *ctx, struct dm_buf *out)
{
    struct clock_stream *c = ctx;
    dm_buf_printf(out, "id: %d\ndata: {}\n\n", ++c->n);
    return c->n < 3;
}

static int freed_streams;

static void free_events(void *ctx)
{
    free(ctx);
    freed_streams++;
}

static int events(struct http_request *r, struct dm_err *e)
{
    struct clock_stream *c = calloc(1, sizeof(*c));
    int rc =
        http_reply_stream(r, "text/event-stream; charset=utf-8", next_event, c, free_events, e);
    if (rc < 0) {
        free(c);
    }
    return rc;
}

/* A pull that waits as for a database: until somebody lets it go on. */
static sem_t pulled, released;

static int slow_event(void *ctx, struct dm_buf *out)
{
    (void)ctx;
    (void)sem_post(&pulled);
    (void)sem_wait(&released);
    dm_buf_puts(out, "data: {}\n\n");
    return 0;
}

static int slow_events(struct http_request *r, struct dm_err *e)
{
    return http_reply_stream(r, "text/event-stream", slow_event, NULL, NULL, e);
}

static const struct http_field list_query[] = {{"kind", HTTP_STR, 0, .one_of = "pot|tray"},
                                               {"ids", HTTP_INT, HTTP_LIST, .min = 1},
                                               {"open", HTTP_BOOL},
                                               {0}};
static const struct http_field upload_form[] = {
    {"file", HTTP_FILE, HTTP_REQ, .items_max = 2}, {"note", HTTP_STR, 0, .max = 8}, {0}};
static int asked; /* how often the answer was made */
static char asker[16], known[16];

static int kept(struct http_request *r, struct dm_err *e)
{
    asked++;
    if (http_int(r->path, "thing_id", 0) == 404) {
        DM_FAIL(e, DM_ENOTFOUND, "there is none");
    }
    DM_TRY(http_reply_header(r, "X-Total-Count", "7", e));
    return http_reply_json(r, 200, json_pack("{s:i, s:s}", "asked", asked, "known", known), e);
}

static void state_of(struct http_request *r, char ret[static HTTP_STATE_SIZE])
{
    (void)r;
    ret[0] = '\0';
    if (known[0]) {
        (void)snprintf(ret, HTTP_STATE_SIZE, "%s %s", asker, known);
    }
}

static const struct http_field word_param[] = {{"word", HTTP_STR, 0, .min = 2, .max = 8}, {0}};

static const struct http_route routes[] = {
    {HTTP_GET, "/things/{thing_id}", "get_thing", "t", "one", .flags = HTTP_ETAG,
     .answer = {{200, &Thing}}, .errors = "404", .handle = get_thing},
    {HTTP_GET, "/things/broken", "broken_thing", "t", "bad", .answer = {{200, &Thing}},
     .handle = broken_thing},
    {HTTP_GET, "/things", "list_things", "t", "all", .flags = HTTP_OFFSET, .query = list_query,
     .answer = {{200, &Thing, true}}, .handle = list_things},
    {HTTP_POST, "/things", "add_thing", "t", "add", .flags = HTTP_IDEMPOTENT, .body = &NewThing,
     .answer = {{201, NULL}}, .handle = add_thing},
    {HTTP_PATCH, "/things/{thing_id}", "rename_thing", "t", "rename", .flags = HTTP_IF_MATCH,
     .body = &NewThing, .answer = {{200, &Thing}}, .errors = "412", .handle = rename_thing},
    {HTTP_POST, "/upload", "upload", "t", "upload", .form = upload_form, .body_max = 4 << 20,
     .answer = {{200, NULL}}, .handle = upload},
    {HTTP_GET, "/download", "download", "t", "download", .flags = HTTP_OPEN_REPLY,
     .answer = {{200, NULL, false, "text/plain"}, {206, NULL, false, "text/plain"}},
     .handle = download},
    {HTTP_GET, "/events", "events", "t", "events", .flags = HTTP_OPEN_REPLY,
     .answer = {{200, NULL, false, "text/event-stream"}}, .handle = events},
    {HTTP_GET, "/slow-events", "slow_events", "t", "events", .flags = HTTP_OPEN_REPLY,
     .answer = {{200, NULL, false, "text/event-stream"}}, .handle = slow_events},
    {HTTP_GET, "/kept/{thing_id}", "kept", "t", "kept", .flags = HTTP_KEPT | HTTP_ETAG,
     .answer = {{200, NULL}}, .errors = "404", .handle = kept},
    {HTTP_GET, "/words/{word}", "word", "t", "word", .params = word_param, .answer = {{200, NULL}},
     .handle = list_things},
    {0},
};

static int guard(struct http_request *r, struct dm_err *e)
{
    const char *who = http_header(r, "X-Who");
    if (who != NULL && strcmp(who, "nobody") == 0) {
        DM_FAIL(e, HTTP_E_RATE, "not you");
    }
    return DM_OK;
}

static int kept_status;
static char kept_key[40], kept_body[512], kept_fields[512];

static int replay(struct http_request *r, const char *key, struct http_kept *ret, struct dm_err *e)
{
    (void)r;
    (void)e;
    *ret = (struct http_kept){kept_status, kept_body, kept_fields};
    return strcmp(key, kept_key) == 0;
}

static int keep(struct http_request *r, const char *key, const struct http_kept *reply,
                struct dm_err *e)
{
    (void)r;
    (void)e;
    if (reply != NULL) {
        kept_status = reply->status;
        (void)snprintf(kept_key, sizeof(kept_key), "%s", key);
        (void)snprintf(kept_body, sizeof(kept_body), "%s", reply->body);
        (void)snprintf(kept_fields, sizeof(kept_fields), "%s", reply->fields);
    }
    return DM_OK;
}

static const struct http_route *const tables[] = {routes, NULL};
static const struct http_app app = {
    .tables = tables, .guard = guard, .state = state_of, .replay = replay, .keep = keep};
static const char *const origins[] = {"https://nursery.example", NULL};
static const char *const proxies[] = {"127.0.0.0/8", NULL};
static struct http_options options = {
    .check_replies = true, .cors_origins = origins, .trusted_proxies = proxies};
static struct http_server *server;
static struct test_client *client;

static int start(void **state)
{
    (void)state;
    struct dm_err e = {0};
    assert_ok(http_server_start(&app, &options, &server, &e), &e);
    char base[64];
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%d", http_server_port(server));
    client = test_client_new(base);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    test_client_free(client);
    http_server_stop(server);
    return 0;
}

static void expect(const json_t *o, const char *member, const char *text)
{
    assert_string_equal(json_string_value(json_object_get(o, member)), text);
}

/* ---- what is asked of it ---- */

static void finds_routes(void **state)
{
    (void)state;
    json_decref(test_get(client, 200, "/things/5"));
    json_decref(test_get(client, 200, "/things/5/"));
    json_t *gone = test_get(client, 404, "/nowhere");
    expect(gone, "code", "RouteNotFound");
    expect(gone, "detail", "Not Found");
    json_decref(gone);
    struct test_reply r = test_call(client, &(struct test_ask){"DELETE", "/things/5"});
    assert_int_equal(r.status, 405);
    assert_string_equal(test_field(&r, "Allow"), "GET, HEAD, PATCH, OPTIONS");
    test_reply_clear(&r);
    r = test_call(client, &(struct test_ask){"HEAD", "/things/5"});
    assert_int_equal(r.status, 200);
    assert_int_equal(r.n, 0);
    test_reply_clear(&r);
    json_decref(test_get(client, 404, "/words/%00"));
    json_decref(test_get(client, 404, "/words/%ff"));
    json_decref(test_get(client, 200, "/words/%C3%B1and%C3%BA"));
    json_decref(test_get(client, 422, "/words/x"));
}

static void names_every_fault(void **state)
{
    (void)state;
    json_t *o = test_send(client, 422, "POST", "/things",
                          "{\"size\": 12, \"kind\": \"box\", \"tags\": [\"a\", \"toolong\", 3], "
                          "\"at\": \"yesterday\"}");
    expect(o, "code", "RequestValidationError");
    json_t *detail = json_object_get(o, "detail");
    static const char *const types[] = {"missing",         "less_than_equal", "enum",
                                        "string_too_long", "string_type",     "datetime_parsing"};
    assert_int_equal(json_array_size(detail), DM_COUNT(types));
    for (size_t i = 0; i < DM_COUNT(types); i++) {
        expect(json_array_get(detail, i), "type", types[i]);
    }
    json_t *loc = json_object_get(json_array_get(detail, 3), "loc");
    assert_string_equal(json_string_value(json_array_get(loc, 0)), "body");
    assert_string_equal(json_string_value(json_array_get(loc, 1)), "tags");
    assert_int_equal(json_integer_value(json_array_get(loc, 2)), 1);
    json_decref(o);
    json_decref(test_send(client, 422, "POST", "/things", "{\"name\": \"a\", \"name\": \"b\"}"));
    json_decref(test_send(client, 422, "POST", "/things", "{\"name\": "));
    json_decref(test_send(client, 422, "POST", "/things", "[]"));
    json_decref(test_get(client, 422, "/things/0"));
    json_decref(test_get(client, 422, "/things/x"));
    json_decref(test_get(client, 422, "/things?limit="));
    json_decref(test_get(client, 422, "/things?limit=1001"));
    json_decref(test_get(client, 422, "/things?ids=1,2,x"));
    json_decref(test_get(client, 422, "/things?open=perhaps"));
    json_decref(test_get(client, 200, "/things?open=YES&ids=1,2&ids=3&unknown=1&limit=5&limit=7"));
}

static void brings_values_into_form(void **state)
{
    (void)state;
    json_t *o =
        test_send(client, 201, "POST", "/things",
                  "{\"name\": \" ab \", \"size\": \"4\", \"at\": \"2026-11-23T12:00+02:00\", "
                  "\"note\": null, \"other\": 1}");
    expect(o, "name", "ab");
    expect(o, "kind", "pot");
    assert_int_equal(json_integer_value(json_object_get(o, "size")), 4);
    assert_int_equal(json_integer_value(json_object_get(o, "at")), 1795428000000);
    assert_true(json_is_null(json_object_get(o, "note")));
    assert_null(json_object_get(o, "other"));
    json_decref(o);
}

static void answers_errors(void **state)
{
    (void)state;
    json_t *o = test_get(client, 404, "/things/404");
    expect(o, "code", "NotFoundException");
    expect(o, "detail", "there is no thing 404");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(o, "details"), "identifier")), 404);
    json_decref(o);
    struct test_reply r = test_call(client, &(struct test_ask){"GET", "/things/500"});
    assert_int_equal(r.status, 500);
    assert_null(strstr(r.body, "secret"));
    assert_non_null(test_field(&r, "X-Correlation-ID"));
    test_reply_clear(&r);
    /* A reply that breaks its promise is a fault of ours, and seen. */
    json_decref(test_get(client, 500, "/things/broken"));
    r = test_call(client,
                  &(struct test_ask){"GET", "/things/5",
                                     .header = {"X-Correlation-ID: abc-1", "X-Who: nobody"}});
    assert_int_equal(r.status, 429);
    assert_string_equal(test_field(&r, "X-Correlation-ID"), "abc-1");
    assert_non_null(test_field(&r, "Retry-After"));
    test_reply_clear(&r);
}

static void pages(void **state)
{
    (void)state;
    struct test_reply r = test_call(client, &(struct test_ask){"GET", "/things?skip=10&limit=5"});
    assert_int_equal(json_array_size(r.json), 2);
    assert_string_equal(test_field(&r, "X-Total-Count"), "12");
    test_reply_clear(&r);
}

static void knows_versions(void **state)
{
    (void)state;
    struct test_reply r = test_call(client, &(struct test_ask){"GET", "/things/1"});
    char tag[64], match[96], none[96];
    (void)snprintf(tag, sizeof(tag), "%s", test_field(&r, "ETag"));
    (void)snprintf(match, sizeof(match), "If-Match: %s", tag);
    (void)snprintf(none, sizeof(none), "If-None-Match: %s", tag);
    test_reply_clear(&r);
    r = test_call(client, &(struct test_ask){"GET", "/things/1", .header = {none}});
    assert_int_equal(r.status, 304);
    test_reply_clear(&r);
    struct test_ask change = {"PATCH", "/things/1", .json = "{\"name\": \"new\"}",
                              .header = {match}};
    r = test_call(client, &change);
    assert_int_equal(r.status, 200);
    test_reply_clear(&r);
    r = test_call(client, &change);
    assert_int_equal(r.status, 412);
    test_reply_clear(&r);
}

static void repeats_an_answer(void **state)
{
    (void)state;
    struct test_ask ask = {"POST", "/things", .json = "{\"name\": \"first\"}",
                           .header = {"Idempotency-Key: 0191b2f4-0000-7000-8000-000000000001"}};
    struct test_reply a = test_call(client, &ask), b = {0};
    ask.json = "{\"name\": \"other\"}";
    b = test_call(client, &ask);
    assert_int_equal(b.status, 201);
    assert_string_equal(a.body, b.body);
    assert_string_equal(test_field(&b, "Idempotency-Replayed"), "true");
    assert_string_equal(test_field(&b, "Location"), "/things/7");
    test_reply_clear(&a);
    test_reply_clear(&b);
}

static void takes_files(void **state)
{
    (void)state;
    size_t n = 3 << 20;
    char *bytes = malloc(n);
    assert_non_null(bytes);
    memset(bytes, 'x', n);
    struct test_part part[] = {
        {"note", NULL, NULL, "hola", 0}, {"file", "a b.bin", "image/jpeg", bytes, n}, {0}};
    struct test_reply r = test_call(client, &(struct test_ask){"POST", "/upload", .part = part});
    assert_int_equal(r.status, 200);
    expect(r.json, "note", "hola");
    expect(r.json, "first", "xxx");
    assert_int_equal(json_integer_value(json_object_get(r.json, "bytes")), n);
    test_reply_clear(&r);
    free(bytes);
    struct test_part missing[] = {{"note", NULL, NULL, "a long text", 0}, {0}};
    r = test_call(client, &(struct test_ask){"POST", "/upload", .part = missing});
    assert_int_equal(r.status, 422);
    assert_int_equal(json_array_size(json_object_get(r.json, "detail")), 2);
    test_reply_clear(&r);
    json_decref(test_send(client, 415, "POST", "/upload", "{}"));
}

static void sends_parts_of_files(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        int status;
        const char *body, *field;
    } row[] = {
        {"X-None: 1", 200, "0123456789", NULL},
        {"Range: bytes=2-4", 206, "234", "bytes 2-4/10"},
        {"Range: bytes=7-", 206, "789", "bytes 7-9/10"},
        {"Range: bytes=-2", 206, "89", "bytes 8-9/10"},
        {"Range: bytes=5-100", 206, "56789", "bytes 5-9/10"},
        {"Range: bytes=10-", 416, "", "bytes */10"},
        {"Range: bytes=0-1,4-5", 200, "0123456789", NULL},
    };
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        struct test_reply r =
            test_call(client, &(struct test_ask){"GET", "/download", .header = {row[i].range}});
        assert_int_equal(r.status, row[i].status);
        assert_string_equal(r.body, row[i].body);
        if (row[i].field != NULL) {
            assert_string_equal(test_field(&r, "Content-Range"), row[i].field);
        }
        test_reply_clear(&r);
    }
    struct test_reply r = test_call(client, &(struct test_ask){"GET", "/download"});
    assert_string_equal(test_field(&r, "Content-Disposition"),
                        "attachment; filename=\"z__hler.txt\"; filename*=UTF-8''z%C3%A4hler.txt");
    test_reply_clear(&r);
}

static void streams_events(void **state)
{
    (void)state;
    struct test_reply r = test_call(client, &(struct test_ask){"GET", "/events"});
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body, "id: 1\ndata: {}\n\nid: 2\ndata: {}\n\nid: 3\ndata: {}\n\n");
    test_reply_clear(&r);
}

static void *listen_slowly(void *base)
{
    struct test_client *c = test_client_new(base);
    struct test_reply r = test_call(c, &(struct test_ask){"GET", "/slow-events"});
    const bool good = r.status == 200 && r.body && !strcmp(r.body, "data: {}\n\n");
    test_reply_clear(&r);
    test_client_free(c);
    return good ? base : NULL;
}

/* A stream that has to wait for its next event holds up no request. */
static void answers_while_a_stream_waits(void **state)
{
    pthread_t thread;
    void *good = NULL;
    char base[64];
    (void)state;
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%d", http_server_port(server));
    assert_int_equal(sem_init(&pulled, 0, 0) | sem_init(&released, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, listen_slowly, base), 0);
    assert_int_equal(sem_wait(&pulled), 0);
    json_decref(test_get(client, 200, "/things/1"));
    struct http_load load;
    http_server_load(server, &load);
    assert_int_equal(load.streams, 1);
    assert_string_equal(load.in_flight[0].method, "GET");
    assert_true(load.in_flight[0].n >= 1); /* the stream; perhaps the last byte of another */
    assert_int_equal(load.in_flight[1].n, 0);
    assert_int_equal(sem_post(&released), 0);
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_non_null(good);
    (void)sem_destroy(&pulled);
    (void)sem_destroy(&released);
}

static void lets_origins_in(void **state)
{
    (void)state;
    struct test_reply r =
        test_call(client, &(struct test_ask){"OPTIONS", "/things",
                                             .header = {"Origin: https://nursery.example"}});
    assert_int_equal(r.status, 204);
    assert_string_equal(test_field(&r, "Access-Control-Allow-Origin"), "https://nursery.example");
    test_reply_clear(&r);
    r = test_call(client,
                  &(struct test_ask){"GET", "/things/1", .header = {"Origin: https://evil"}});
    assert_null(test_field(&r, "Access-Control-Allow-Origin"));
    assert_string_equal(test_field(&r, "X-Content-Type-Options"), "nosniff");
    test_reply_clear(&r);
}

static void refuses_large_bodies(void **state)
{
    (void)state;
    size_t n = (1 << 20) + 100;
    char *json = malloc(n + 1);
    assert_non_null(json);
    memset(json, ' ', n);
    json[n] = '\0';
    struct test_reply r = test_call(client, &(struct test_ask){"POST", "/things", .json = json});
    assert_int_equal(r.status, 413);
    test_reply_clear(&r);
    r = test_call(client, &(struct test_ask){"POST", "/things", .json = json,
                                             .header = {"Transfer-Encoding: chunked"}});
    assert_int_equal(r.status, 413);
    test_reply_clear(&r);
    memset(json, '[', 4096);
    json[4096] = '\0';
    r = test_call(client, &(struct test_ask){"POST", "/things", .json = json});
    assert_int_equal(r.status, 422);
    test_reply_clear(&r);
    free(json);
}

/* Two servers that share a port would each get half of the requests. */
static void has_its_port_alone(void **state)
{
    (void)state;
    struct http_options o = options;
    struct http_server *second = NULL;
    o.port = http_server_port(server);
    assert_int_equal(http_server_start(&app, &o, &second, NULL), DM_EIO);
    assert_null(second);
}

/* The number of the answer that comes for path. */
static int64_t answer(const char *path)
{
    struct test_reply r = test_call(client, &(struct test_ask){"GET", path});
    assert_int_equal(r.status, 200);
    assert_string_equal(test_field(&r, "X-Total-Count"), "7");
    assert_string_equal(test_field(&r, "Content-Type"), "application/json");
    assert_non_null(test_field(&r, "X-Correlation-ID"));
    const int64_t n = json_integer_value(json_object_get(r.json, "asked"));
    test_reply_clear(&r);
    return n;
}

/* Within HTTP_KEPT_MS, which a slow machine may miss: then it is made once more. */
static void gives_answers_again(void **state)
{
    (void)state;
    static const struct {
        const char *path, *who, *known;
        bool again; /* as the row before */
    } row[] = {
        {"/kept/1", "viewer", "a", false},     {"/kept/1", "viewer", "a", true},
        {"/kept/1?x=1", "viewer", "a", false}, {"/kept/1", "admin", "a", false},
        {"/kept/1", "admin", "b", false},      {"/kept/1", "admin", "b", true},
        {"/kept/1", "admin", "", false},       {"/kept/1", "admin", "", false},
    };
    bool repeated = false;
    int64_t before = 0;
    for (int try = 0; try < 20 && !repeated; try++) {
        int n_again = 0;
        for (size_t i = 0; i < DM_COUNT(row); i++) {
            (void)snprintf(asker, sizeof(asker), "%s%d", row[i].who, try);
            (void)snprintf(known, sizeof(known), "%s", row[i].known);
            const int64_t n = answer(row[i].path);
            assert_true(row[i].again || n > before);
            n_again += n == before;
            before = n;
        }
        repeated = n_again == 2;
    }
    assert_true(repeated);
    /* Refusals are made each time; a tag is compared with what was kept. */
    (void)snprintf(known, sizeof(known), "c");
    const int made = asked;
    json_decref(test_get(client, 404, "/kept/404"));
    json_decref(test_get(client, 404, "/kept/404"));
    assert_int_equal(asked, made + 2);
    struct test_reply r = test_call(client, &(struct test_ask){"GET", "/kept/2"});
    char tag[80];
    (void)snprintf(tag, sizeof(tag), "If-None-Match: %s", test_field(&r, "ETag"));
    test_reply_clear(&r);
    r = test_call(client, &(struct test_ask){"GET", "/kept/2", .header = {tag}});
    assert_true(r.status == 304 || asked > made + 3);
    test_reply_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_routes),        cmocka_unit_test(has_its_port_alone),
        cmocka_unit_test(names_every_fault),   cmocka_unit_test(brings_values_into_form),
        cmocka_unit_test(answers_errors),      cmocka_unit_test(pages),
        cmocka_unit_test(knows_versions),      cmocka_unit_test(repeats_an_answer),
        cmocka_unit_test(takes_files),         cmocka_unit_test(sends_parts_of_files),
        cmocka_unit_test(streams_events),      cmocka_unit_test(answers_while_a_stream_waits),
        cmocka_unit_test(lets_origins_in),     cmocka_unit_test(refuses_large_bodies),
        cmocka_unit_test(gives_answers_again),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
