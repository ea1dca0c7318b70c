/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenAPI 3.1 document of the tables. Made once for each process that is asked for it; also the
 * source of the documentation page and of the contract tests. */
#include "http/openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/problem.h"
#include "http/schema_priv.h"
#include "http/server_priv.h"

static const struct {
    unsigned method;
    const char *name; /* as OpenAPI writes it */
} methods[] = {
    {HTTP_GET, "get"},     {HTTP_POST, "post"},     {HTTP_PUT, "put"},
    {HTTP_PATCH, "patch"}, {HTTP_DELETE, "delete"},
};

/* ---- errors ---------------------------------------------------------------------------------- */

static const struct http_field issue_fields[] = {
    {"type", HTTP_STR, .about = "missing, int_parsing, string_too_short, enum ..."},
    {"loc", HTTP_ANY, .about = "body, query, path, header or form; then names and numbers"},
    {"msg", HTTP_STR},
    {"input", HTTP_ANY, HTTP_OPT},
    {"ctx", HTTP_OBJ, HTTP_OPT},
    {NULL},
};
static const struct http_schema Issue = {"ValidationIssue", issue_fields};

static const struct http_field problem_fields[] = {
    {"detail", HTTP_ANY, .about = "a text; with 422 a list of ValidationIssue"},
    {"error", HTTP_STR},
    {"message", HTTP_STR, .about = "the same text"},
    {"code", HTTP_STR, .example = "\"NotFoundException\""},
    {"rule", HTTP_STR, HTTP_NULL, .about = "the rule that was broken, when there is one"},
    {"details", HTTP_OBJ, HTTP_NULL, .about = "facts for programs"},
    {"correlation_id", HTTP_STR},
    {"timestamp", HTTP_INSTANT},
    {"extra", HTTP_OBJ, HTTP_OPT, .about = "only while debugging"},
    {NULL},
};
static const struct http_schema Problem = {"Error", problem_fields};

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No content"},
    {206, "A part of it"},
    {207, "Several results"},
    {302, "Found elsewhere"},
    {303, "See other"},
    {304, "Not changed since"},
    {307, "Found elsewhere"},
    {400, "A rule is broken"},
    {401, "Nobody has signed in"},
    {403, "Not allowed to this person"},
    {404, "No such thing"},
    {405, "Not with this method"},
    {409, "In conflict with what is stored"},
    {410, "Gone"},
    {412, "It was changed meanwhile"},
    {413, "Too large"},
    {414, "The address is too long"},
    {415, "This type of body is not taken"},
    {416, "No such part"},
    {422, "Not what this route takes"},
    {423, "Another request is at work on it"},
    {429, "Too many requests"},
    {460, "The checksum is wrong"},
    {500, "A fault of the server"},
    {501, "Switched off"},
    {503, "Not ready, try again"},
    {504, "It took too long"},
};

static const char *status_text(int status)
{
    for (size_t i = 0; i < DM_COUNT(statuses); i++) {
        if (statuses[i].status == status) {
            return statuses[i].text;
        }
    }
    return "Answer";
}

static json_t *header_json(const char *about, const char *type)
{
    return json_pack("{s:s, s:{s:s}}", "description", about, "schema", "type", type);
}

static const int own_codes[] = {
#define X(name, number, http, retry, exit_status, class, text) (number),
#include "http/codes.def"
#undef X
    0,
};

/* One example of each code with this status: what a reader looks up. */
static void put_examples(struct http_writer *w, json_t *examples, const int *codes, int status)
{
    for (; codes && *codes; codes++) {
        const char *class = NULL;
        const char *rule = NULL;
        if (http_status_of(*codes) != status) {
            continue;
        }
        http_class_of(w->app, *codes, &class, &rule);
        const char *text = dm_code_info(*codes)->text;
        json_t *value =
            json_pack("{s:s, s:s, s:s, s:s, s:s?, s:n, s:s, s:s}", "detail", text, "error", text,
                      "message", text, "code", class, "rule", rule, "details", "correlation_id",
                      "5f0c3b5e-0c8b-4f53-9a55-2f3d5c6f7b10", "timestamp", "2026-11-23T15:04:05Z");
        if (status == 422 && value) {
            http_put(w, value, "detail",
                     json_pack("[{s:s, s:[s,s], s:s}]", "type", "missing", "loc", "body", "name",
                               "msg", "Field required"));
        }
        http_put(w, examples, rule ? rule : class,
                 json_pack("{s:s, s:o}", "summary", text, "value", value));
    }
}

/* components/responses/E404 and its like, when a route names it first. */
static json_t *error_ref(struct http_writer *w, json_t *responses, int status)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "E%d", status);
    if (!json_object_get(responses, name)) {
        json_t *examples = json_object();
        json_t *headers = json_object();
        put_examples(w, examples, own_codes, status);
        put_examples(w, examples, w->app->codes, status);
        http_put(w, headers, "X-Correlation-ID", header_json("number of the request", "string"));
        if (status == 429 || status == 503) {
            http_put(w, headers, "Retry-After", header_json("seconds to wait", "integer"));
        }
        json_t *media = json_object();
        http_put(w, media, "schema", http_schema_json(w, &Problem, HTTP_OUT));
        http_put(w, media, "examples", examples);
        http_put(w, responses, name,
                 json_pack("{s:s, s:o, s:{s:o}}", "description", status_text(status), "headers",
                           headers, "content", "application/json", media));
    }
    return json_pack("{s:s+}", "$ref", "#/components/responses/", name);
}

/* ---- what comes in --------------------------------------------------------------------------- */

static json_t *parameter(struct http_writer *w, const struct http_field *f, const char *in,
                         bool required)
{
    json_t *schema = http_field_json(w, f, HTTP_TEXT);
    json_t *p = json_pack("{s:s, s:s, s:o}", "name", f->name, "in", in, "schema", schema);
    if (required) {
        http_put(w, p, "required", json_true());
    }
    http_put_text(w, p, "description", f->about);
    if (f->flags & HTTP_LIST) {
        http_put(w, p, "explode", json_false());
    }
    return p;
}

static const struct http_field *field_named(const struct http_field *f, const char *name, size_t n)
{
    for (; f && f->name; f++) {
        if (!strncmp(f->name, name, n) && !f->name[n]) {
            return f;
        }
    }
    return NULL;
}

static void put_path_parameters(struct http_writer *w, const struct http_route *r, json_t *all)
{
    for (const char *p = r->path; (p = strchr(p, '{')); p++) {
        char name[64];
        const size_t n = strcspn(p + 1, "}");
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, p + 1);
        const struct http_field *f = field_named(r->params, p + 1, n);
        const struct http_field id = {name, HTTP_INT, .min = 1, .max = INT32_MAX};
        http_append(w, all, parameter(w, f ? f : &id, "path", true));
    }
}

static void put_query_parameters(struct http_writer *w, const struct http_field *f,
                                 const struct http_field *but, json_t *all)
{
    for (; f && f->name; f++) {
        if (!field_named(but, f->name, strlen(f->name))) {
            http_append(w, all, parameter(w, f, "query", f->flags & HTTP_REQ));
        }
    }
}

static void put_header_parameters(struct http_writer *w, const struct http_route *r,
                                  enum http_method method, json_t *all)
{
    static const struct {
        unsigned flag, methods;
        struct http_field field;
    } row[] = {
        {HTTP_IDEMPOTENT,
         HTTP_POST | HTTP_PUT | HTTP_PATCH | HTTP_DELETE,
         {"Idempotency-Key", HTTP_UUID, .about = "a repeat within 48 h gives the same answer"}},
        {HTTP_ETAG,
         HTTP_GET,
         {"If-None-Match", HTTP_STR, .about = "ETag of what the client has: 304 when it still is"}},
        {HTTP_IF_MATCH,
         HTTP_PUT | HTTP_PATCH | HTTP_DELETE | HTTP_POST,
         {"If-Match", HTTP_STR, .about = "ETag of what was read: 412 when it was changed since"}},
    };
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        if (r->flags & row[i].flag && method & row[i].methods) {
            http_append(w, all, parameter(w, &row[i].field, "header", false));
        }
    }
}

static json_t *body_json(struct http_writer *w, const struct http_route *r)
{
    json_t *content = json_object();
    if (r->raw) {
        http_put(w, content, "application/offset+octet-stream", json_object());
    }
    if (r->body) {
        json_t *schema = http_schema_json(w, r->body, HTTP_IN);
        if (r->body_list) {
            schema = json_pack("{s:s, s:o}", "type", "array", "items", schema);
        }
        http_put(w, content, "application/json", json_pack("{s:o}", "schema", schema));
    }
    if (r->form) {
        http_put(w, content, "multipart/form-data",
                 json_pack("{s:o}", "schema", http_fields_json(w, r->form, HTTP_TEXT)));
    }
    json_t *body = json_pack("{s:o}", "content", content);
    http_put(w, body, "required", json_boolean(!(r->flags & HTTP_BODY_OPTIONAL)));
    return body;
}

static bool has_body(const struct http_route *r, enum http_method method)
{
    return (method & (HTTP_POST | HTTP_PUT | HTTP_PATCH | HTTP_DELETE)) &&
           (r->body || r->form || r->raw);
}

/* ---- what goes out --------------------------------------------------------------------------- */

static const struct http_field pagination_fields[] = {{"page", HTTP_INT},
                                                      {"per_page", HTTP_INT},
                                                      {"total_items", HTTP_INT},
                                                      {"total_pages", HTTP_INT},
                                                      {NULL}};
static const struct http_schema Pagination = {"Pagination", pagination_fields};

/* The page that http_reply_page makes of rows. */
static json_t *page_json(struct http_writer *w, const char *member, json_t *take_rows)
{
    return json_pack("{s:s, s:{s:o, s:o}, s:[s, s]}", "type", "object", "properties", member,
                     take_rows, "pagination", http_schema_json(w, &Pagination, HTTP_OUT),
                     "required", member, "pagination");
}

static json_t *answer_json(struct http_writer *w, const struct http_route *r,
                           const struct http_answer *a)
{
    json_t *o = json_pack("{s:s}", "description", status_text(a->status));
    json_t *headers = json_object();
    http_put(w, headers, "X-Correlation-ID", header_json("number of the request", "string"));
    if (a->status == 201 || a->status == 202 || a->status / 100 == 3) {
        http_put(w, headers, "Location", header_json("where it is", "string"));
    }
    if (r->flags & HTTP_OFFSET) {
        http_put(w, headers, "X-Total-Count",
                 header_json("rows without skip and limit", "integer"));
    }
    if (r->flags & HTTP_ETAG) {
        http_put(w, headers, "ETag", header_json("changes with the content", "string"));
    }
    http_put(w, o, "headers", headers);
    json_t *media = json_object();
    if (a->schema) {
        json_t *schema = http_schema_json(w, a->schema, HTTP_OUT);
        if (a->list) {
            schema = json_pack("{s:s, s:o}", "type", "array", "items", schema);
        }
        if (a->list && r->flags & HTTP_PAGED) {
            schema = page_json(w, a->member ? a->member : "items", schema);
        }
        http_put(w, media, "schema", schema);
    }
    const bool json = !a->type && !(r->flags & HTTP_OPEN_REPLY);
    if (a->type || (json && a->status != 204 && a->status / 100 == 2)) {
        http_put(w, o, "content",
                 json_pack("{s:o}", a->type ? a->type : "application/json", media));
    } else {
        json_decref(media);
    }
    return o;
}

static void put_error(struct http_writer *w, json_t *responses, json_t *shared, int status)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "%d", status);
    if (!json_object_get(responses, name)) {
        http_put(w, responses, name, error_ref(w, shared, status));
    }
}

static json_t *responses_json(struct http_writer *w, const struct http_route *r,
                              enum http_method method, json_t *shared)
{
    const struct http_field *slice = http_slice_fields(r);
    const bool takes = has_body(r, method) || strchr(r->path, '{') || r->query || slice;
    const struct {
        bool when;
        int status;
    } row[] = {
        {r->role != 0, 401},
        {r->role != 0, 403},
        {r->flags & HTTP_IDEMPOTENT, 409},
        {r->flags & HTTP_IF_MATCH, 412},
        {has_body(r, method), 413},
        {r->query || slice || strchr(r->path, '{'), 414},
        {has_body(r, method), 415},
        {takes, 422},
        {true, 429},
        {true, 500},
        {true, 503},
    };
    json_t *o = json_object();
    for (size_t i = 0; i < DM_COUNT(r->answer) && r->answer[i].status; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d", r->answer[i].status);
        http_put(w, o, name, answer_json(w, r, &r->answer[i]));
    }
    if (r->flags & HTTP_ETAG && method == HTTP_GET) {
        http_put(w, o, "304", json_pack("{s:s}", "description", status_text(304)));
    }
    for (const char *p = r->errors; p && *p; p += strspn(p, " ")) {
        char *end = NULL;
        put_error(w, o, shared, (int)strtol(p, &end, 10));
        DM_BUG_UNLESS(end != p);
        p = end;
    }
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        if (row[i].when) {
            put_error(w, o, shared, row[i].status);
        }
    }
    return o;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static json_t *operation(struct http_writer *w, const struct http_route *r, size_t m,
                         json_t *shared)
{
    const enum http_method method = methods[m].method;
    const bool first = !(r->methods & (methods[m].method - 1));
    json_t *o = json_object();
    json_t *parameters = json_array();
    http_put(w, o, "operationId",
             first ? json_string(r->name) : json_sprintf("%s_%s", r->name, methods[m].name));
    http_put(w, o, "tags", json_pack("[s]", r->tag));
    http_put_text(w, o, "summary", r->summary);
    http_put_text(w, o, "description", r->about);
    put_path_parameters(w, r, parameters);
    put_query_parameters(w, r->query, NULL, parameters);
    put_query_parameters(w, http_slice_fields(r), r->query, parameters);
    put_header_parameters(w, r, method, parameters);
    if (json_array_size(parameters)) {
        http_put(w, o, "parameters", json_incref(parameters));
    }
    json_decref(parameters);
    if (has_body(r, method)) {
        http_put(w, o, "requestBody", body_json(w, r));
    }
    http_put(w, o, "responses", responses_json(w, r, method, shared));
    http_put(w, o, "security", r->role ? json_pack("[{s:[]}]", "bearerAuth") : json_array());
    const char *role = w->app->role_name ? w->app->role_name(r->role) : NULL;
    http_put_text(w, o, "x-role", role);
    return o;
}

static void put_tag(struct http_writer *w, json_t *tags, const char *name)
{
    for (size_t i = 0; i < json_array_size(tags); i++) {
        if (!strcmp(json_string_value(json_object_get(json_array_get(tags, i), "name")), name)) {
            return;
        }
    }
    http_append(w, tags, json_pack("{s:s}", "name", name));
}

static void put_route(struct http_writer *w, const struct http_route *r, json_t *doc,
                      json_t *shared)
{
    json_t *paths = json_object_get(doc, "paths");
    json_t *at = json_object_get(paths, r->path);
    if (!at) {
        at = json_object();
        http_put(w, paths, r->path, at);
    }
    put_tag(w, json_object_get(doc, "tags"), r->tag);
    for (size_t m = 0; m < DM_COUNT(methods); m++) {
        if (r->methods & methods[m].method) {
            http_put(w, at, methods[m].name, operation(w, r, m, shared));
        }
    }
}

static json_t *document(struct http_writer *w)
{
    const struct http_route *r;
    json_t *shared = json_object();
    json_t *doc =
        json_pack("{s:s, s:{s:s, s:s}, s:[{s:s}], s:[], s:{}}", "openapi", "3.1.0", "info", "title",
                  w->app->title ? w->app->title : "", "version",
                  w->app->version ? w->app->version : "", "servers", "url", "/", "tags", "paths");
    json_decref(http_schema_json(w, &Problem, HTTP_OUT));
    json_decref(http_schema_json(w, &Issue, HTTP_OUT));
    for (size_t i = 0; (r = http_each_route(w->app, &i));) {
        for (size_t a = 0; !(r->flags & HTTP_HIDDEN) && a < DM_COUNT(r->answer); a++) {
            if (r->answer[a].schema) {
                json_decref(http_schema_json(w, r->answer[a].schema, HTTP_OUT));
            }
        }
    }
    for (size_t i = 0; !w->failed && (r = http_each_route(w->app, &i));) {
        if (!(r->flags & HTTP_HIDDEN)) {
            put_route(w, r, doc, shared);
        }
    }
    http_put(w, doc, "components",
             json_pack("{s:O, s:o, s:{s:{s:s, s:s}}}", "schemas", w->schemas, "responses", shared,
                       "securitySchemes", "bearerAuth", "type", "http", "scheme", "bearer"));
    return doc;
}

json_t *http_openapi(const struct http_app *app)
{
    struct http_writer w = {app, json_object(), json_object(), json_object(), false};
    json_t *doc = w.schemas && w.given && w.out ? document(&w) : NULL;
    json_decref(w.schemas);
    json_decref(w.given);
    json_decref(w.out);
    if (w.failed) {
        json_decref(doc);
        return NULL;
    }
    return doc;
}
