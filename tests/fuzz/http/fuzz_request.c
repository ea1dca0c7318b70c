/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request says, taken apart by tables: the first line is path and query, the rest a JSON
 * body. Any bytes give either faults, each of them complete, or values that keep every promise of
 * their fields; and values that were taken are taken again as they are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/schema_priv.h"
#include "http/server_priv.h"

enum { INPUT_MAX = 1 << 16 };

static const struct http_field inner_fields[] = {
    {"code", HTTP_STR, HTTP_REQ | HTTP_UPPER | HTTP_TRIM, .min = 1, .max = 5,
     .pattern = "[A-Z0-9]+"},
    {"share", HTTP_NUM, HTTP_ABOVE, .min = 0, .max = 1},
    {NULL},
};
static const struct http_schema Inner = {"Inner", inner_fields};
static const struct http_field body_fields[] = {
    {"name", HTTP_STR, HTTP_REQ, .min = 2, .max = 8},
    {"n", HTTP_INT, HTTP_NULL, .min = -5, .max = 1000},
    {"x", HTTP_NUM},
    {"on", HTTP_BOOL, .fallback = "true"},
    {"id", HTTP_UUID, HTTP_NULL},
    {"day", HTTP_DATE},
    {"kind", HTTP_STR, .one_of = "pot|tray", .fallback = "\"pot\""},
    {"inner", HTTP_OBJ, .of = &Inner},
    {"list", HTTP_OBJ, HTTP_LIST, .of = &Inner, .items_min = 1, .items_max = 3},
    {"counts", HTTP_MAP},
    {"any", HTTP_ANY},
    {NULL},
};
static const struct http_schema Body = {"Body", body_fields};
static const struct http_field query[] = {
    {"ids", HTTP_INT, HTTP_LIST, .min = 1, .max = 9, .items_max = 4},
    {"at", HTTP_INSTANT, .alias = "when"},
    {"on", HTTP_BOOL},
    {"q", HTTP_STR, HTTP_SECRET, .min = 1, .max = 4},
    {NULL},
};
static const struct http_field path[] = {{"key", HTTP_STR, .max = 6}, {NULL}};

static int nothing(struct http_request *r, struct dm_err *e)
{
    (void)r;
    (void)e;
    return DM_OK;
}

// clang-format off
static const struct http_route routes[] = {
    {HTTP_POST, "/things/{thing_id}/{key}", "thing", "t", "t", .flags = HTTP_PAGED, .params = path, .query = query,
     .body = &Body, .handle = nothing},
    {HTTP_POST, "/things/all", "all", "t", "t", .body = &Inner, .body_list = true, .handle = nothing},
    {0},
};
// clang-format on
static const struct http_route *const tables[] = {routes, NULL};
static const struct http_app app = {.tables = tables};
static const struct http_options options = {0};

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_text(const json_t *o, const char *name, size_t low, size_t high)
{
    const json_t *v = json_object_get(o, name);
    if (json_is_string(v)) {
        size_t width = dm_text_width(json_string_value(v));
        must(dm_text_valid(json_string_value(v), json_string_length(v)));
        must(width >= low && width <= high);
    }
}

static void check_inner(const json_t *o)
{
    const char *code = http_str(o, "code");
    must(code && strlen(code) <= 5 && code[0]);
    must(code[strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] == '\0');
    if (http_has(o, "share")) {
        double v = http_num(o, "share", -1);
        must(v > 0 && v <= 1);
    }
}

static void check_thing(const struct http_request *r)
{
    const json_t *b = r->body;
    size_t i;
    json_t *item;
    must(http_int(r->path, "thing_id", 0) >= 1);
    check_text(r->path, "key", 0, 6);
    check_text(b, "name", 2, 8);
    must(http_str(b, "name") && http_str(b, "kind"));
    must(!http_has(b, "n") || (http_int(b, "n", -6) >= -5 && http_int(b, "n", 1001) <= 1000));
    must(!http_has(b, "x") || isfinite(http_num(b, "x", INFINITY)));
    if (http_has(b, "inner")) {
        check_inner(json_object_get(b, "inner"));
    }
    if (http_has(b, "list")) {
        size_t n = json_array_size(json_object_get(b, "list"));
        must(n >= 1 && n <= 3);
    }
    json_array_foreach(json_object_get(b, "list"), i, item)
    {
        check_inner(item);
    }
    json_array_foreach(json_object_get(r->query, "ids"), i, item)
    {
        must(json_is_integer(item) && json_integer_value(item) >= 1 &&
             json_integer_value(item) <= 9);
    }
    check_text(r->query, "q", 1, 4);
    struct http_slice s = http_slice(r);
    must(s.page >= 1 && s.per_page >= 1 && s.per_page <= 200);
}

/* What was taken has its final form. */
static void check_again(const json_t *body)
{
    struct dm_err e = {0};
    json_t *issues = json_array();
    json_t *again = NULL;
    must(http_take_object(&Body, body, "body", issues, &again, &e) == DM_OK);
    must(json_array_size(issues) == 0 && json_equal(again, body));
    json_decref(issues);
    json_decref(again);
}

static void check_issues(const json_t *issues)
{
    size_t i;
    json_t *item;
    must(json_array_size(issues) > 0 && json_array_size(issues) <= HTTP_ISSUES_MAX);
    json_array_foreach((json_t *)(uintptr_t)issues, i, item)
    {
        const json_t *loc = json_object_get(item, "loc");
        must(http_str(item, "type") && http_str(item, "msg") && json_array_size(loc) > 0);
        const char *name = json_string_value(json_array_get(loc, 1));
        must(!name || strcmp(name, "q") != 0 || !json_object_get(item, "input")); /* secret */
    }
    char *text = json_dumps(issues, JSON_COMPACT);
    must(text != NULL); /* all of it is valid text */
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct http_server server = {.app = &app, .options = &options};
    struct dm_err e = {0};
    json_t *issues = NULL;
    if (n > INPUT_MAX || (!server.router && http_router_new(&app, &server.router, &e) < 0)) {
        return 0;
    }
    const uint8_t *line_end = memchr(bytes, '\n', n);
    const size_t line = line_end ? (size_t)(line_end - bytes) : n;
    char *uri = calloc(1, line + 2);
    must(uri != NULL);
    uri[0] = '/';
    memcpy(uri + 1, bytes, line);
    struct http_state *st = http_state_new(&server, uri);
    must(st != NULL);
    st->r.method = HTTP_POST;
    st->r.target = dm_arena_strndup(&st->arena, uri, strcspn(uri, "?"));
    http_router_find(server.router, st->r.target, HTTP_POST, &st->arena, &st->match);
    st->r.route = st->match.route;
    st->body = dm_buf_init(INPUT_MAX);
    if (line_end) {
        dm_buf_append(&st->body, line_end + 1, n - line - 1);
    }
    if (st->r.route) {
        int code = http_request_take(st, &issues, &e);
        if (code < 0) {
            must(code == HTTP_E_INVALID || code == HTTP_E_BAD_REQUEST || code == HTTP_E_TOO_LARGE);
            must(dm_text_valid(e.text, strlen(e.text)));
            if (code == HTTP_E_INVALID) {
                check_issues(issues);
            }
        } else if (st->r.route == &routes[0]) {
            check_thing(&st->r);
            check_again(st->r.body);
        }
    }
    json_decref(issues);
    http_state_free(st);
    free(uri);
    return 0;
}
