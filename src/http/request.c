/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request, and its parts taken by the tables of the route. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"
#include "http/limits.h"
#include "http/schema_priv.h"
#include "http/server_priv.h"

const char *http_header(const struct http_request *r, const char *name)
{
    return r->state->connection == NULL
               ? NULL
               : MHD_lookup_connection_value(r->state->connection, MHD_HEADER_KIND, name);
}

const char *http_cookie(const struct http_request *r, const char *name)
{
    return r->state->connection == NULL
               ? NULL
               : MHD_lookup_connection_value(r->state->connection, MHD_COOKIE_KIND, name);
}

const char *http_query_raw(const struct http_request *r, const char *name)
{
    return r->state->connection == NULL
               ? NULL
               : MHD_lookup_connection_value(r->state->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* ---- who and what ---- */

/* Random bytes come from the kernel in handfuls: asking costs more than a request is worth. A
 * server does not fork. */
static void new_uuid(char ret[static 37])
{
    static _Thread_local unsigned char handful[512];
    static _Thread_local size_t left;
    static const char hex[] = "0123456789abcdef";
    if (left == 0) {
        if (getrandom(handful, sizeof(handful), 0) != (ssize_t)sizeof(handful)) {
            memset(handful, 0, sizeof(handful));
        }
        left = sizeof(handful);
    }
    unsigned char *b = handful + sizeof(handful) - left;
    left -= 16;
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *ret++ = '-';
        }
        *ret++ = hex[b[i] >> 4];
        *ret++ = hex[b[i] & 15];
    }
    *ret = '\0';
}

static void find_correlation(struct http_state *st)
{
    const char *given = http_header(&st->r, "X-Correlation-ID");
    size_t n = given != NULL ? strlen(given) : 0;
    bool good = n >= 1 && n <= 128;
    for (size_t i = 0; good && i < n; i++) {
        good = isalnum((unsigned char)given[i]) || strchr("._:-", given[i]) != NULL;
    }
    if (good) {
        memcpy(st->correlation, given, n + 1);
    } else {
        new_uuid(st->correlation);
    }
    st->r.correlation_id = st->correlation;
}

static void peer_address(struct http_state *st)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(st->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *sa = info != NULL ? info->client_addr : NULL;
    if (sa != NULL && sa->sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr,
                        st->remote, sizeof(st->remote));
    } else if (sa != NULL && sa->sa_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(a)) {
            (void)inet_ntop(AF_INET, &a->s6_addr[12], st->remote, sizeof(st->remote));
        } else {
            (void)inet_ntop(AF_INET6, a, st->remote, sizeof(st->remote));
        }
    }
}

/* The rightmost address that no trusted proxy has. */
static void find_client(struct http_state *st)
{
    const char *const *trusted = st->server->options->trusted_proxies;
    peer_address(st);
    st->r.remote = st->remote;
    if (!http_address_in(trusted, st->remote)) {
        return;
    }
    const char *proto = http_header(&st->r, "X-Forwarded-Proto");
    st->r.secure = proto != NULL && strcmp(proto, "https") == 0;
    const char *list = http_header(&st->r, "X-Forwarded-For");
    size_t end = list != NULL ? strlen(list) : 0;
    while (end > 0) {
        size_t begin = end;
        while (begin > 0 && list[begin - 1] != ',') {
            begin--;
        }
        size_t from = begin, to = end;
        while (from < to && list[from] == ' ') {
            from++;
        }
        while (to > from && list[to - 1] == ' ') {
            to--;
        }
        struct in6_addr any;
        char text[INET6_ADDRSTRLEN] = "";
        if (to - from >= sizeof(text)) {
            return;
        }
        memcpy(text, list + from, to - from);
        if (inet_pton(AF_INET, text, &any) != 1 && inet_pton(AF_INET6, text, &any) != 1) {
            return;
        }
        memcpy(st->remote, text, sizeof(text));
        if (!http_address_in(trusted, text)) {
            return;
        }
        end = begin > 0 ? begin - 1 : 0;
    }
}

static int find_method(struct http_state *st, const char *method, struct dm_err *e)
{
    static const struct {
        const char *name;
        enum http_method method;
    } row[] = {{"GET", HTTP_GET}, {"HEAD", HTTP_GET},    {"POST", HTTP_POST},
               {"PUT", HTTP_PUT}, {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE}};
    /* tus 1.0.0, for clients that can only POST */
    const char *other = strcmp(method, "POST") == 0 && http_header(&st->r, "Tus-Resumable") != NULL
                            ? http_header(&st->r, "X-HTTP-Method-Override")
                            : NULL;
    method = other != NULL ? other : method;
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        if (strcmp(row[i].name, method) == 0) {
            st->r.method = row[i].method;
            st->head = strcmp(method, "HEAD") == 0;
            return DM_OK;
        }
    }
    DM_FAIL(e, HTTP_E_NO_METHOD, "Method Not Allowed");
}

int64_t http_body_max(const struct http_route *route)
{
    if (route->form != NULL || route->raw != NULL) {
        return route->body_max > 0 ? route->body_max : LIMIT_HTTP_FORM_BYTES;
    }
    return route->flags & HTTP_BULK ? LIMIT_HTTP_BULK_BYTES : LIMIT_HTTP_JSON_BYTES;
}

/* A length above the limit is refused before a byte is read. */
static int check_length(struct http_state *st, struct dm_err *e)
{
    const char *text = http_header(&st->r, "Content-Length");
    int64_t max = http_body_max(st->r.route);
    if (text != NULL && strtoll(text, NULL, 10) > max) {
        DM_REFUSE(e, HTTP_E_TOO_LARGE, DM_FIELDS(DM_I("max_bytes", max)),
                  "the body is larger than %lld bytes", (long long)max);
    }
    return DM_OK;
}

bool http_has_body(const struct http_state *st)
{
    const char *n = http_header(&st->r, "Content-Length");
    return (n != NULL && strcmp(n, "0") != 0) || http_header(&st->r, "Transfer-Encoding") != NULL;
}

static int check_media(const struct http_state *st, struct dm_err *e)
{
    const struct http_route *route = st->r.route;
    const char *type = http_header(&st->r, "Content-Type");
    size_t n = type != NULL ? strcspn(type, "; ") : 0;
    bool json = n == 0 || (n == 16 && strncasecmp(type, "application/json", n) == 0);
    bool form = n == 19 && strncasecmp(type, "multipart/form-data", n) == 0;
    bool wants_form = route->form != NULL,
         wants_json = !wants_form || (route->flags & HTTP_FORM_OR_JSON);
    if (!http_has_body(st) || route->raw != NULL || (json && wants_json) || (form && wants_form)) {
        return DM_OK;
    }
    DM_REFUSE(e, HTTP_E_MEDIA,
              DM_FIELDS(DM_S("allowed", wants_form ? "multipart/form-data" : "application/json")),
              "this route takes %s", wants_form ? "multipart/form-data" : "application/json");
}

int http_request_head(struct http_state *st, const char *method, struct dm_err *e)
{
    find_correlation(st);
    find_client(st);
    const char *base = st->server->options->base_path;
    size_t n = base != NULL ? strlen(base) : 0;
    const char *path = st->uri;
    if (n > 1 && strncmp(path, base, n) == 0 && path[n] == '/') {
        path += n;
    }
    char *target = dm_arena_strndup(&st->arena, path, strcspn(path, "?"));
    if (target == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a request");
    }
    st->r.target = target;
    if (strlen(st->uri) > LIMIT_HTTP_URI_BYTES) {
        DM_FAIL(e, HTTP_E_URI_TOO_LONG, "the address is longer than %d bytes",
                LIMIT_HTTP_URI_BYTES);
    }
    int known = find_method(st, method, e);
    http_router_find(st->server->router, target, st->r.method, &st->arena, &st->match);
    if (st->match.allowed == 0) {
        DM_FAIL(e, HTTP_E_NO_ROUTE, "Not Found");
    }
    DM_TRY(known);
    st->r.route = st->match.route;
    if (st->r.route == NULL) {
        DM_FAIL(e, HTTP_E_NO_METHOD, "Method Not Allowed");
    }
    return DM_OK;
}

int http_request_body(struct http_state *st, struct dm_err *e)
{
    DM_TRY(check_length(st, e));
    return check_media(st, e);
}

/* ---- taking apart ---- */

static int take_path(struct http_state *st, json_t *issues, struct dm_err *e)
{
    DM_CLEANUP(http_json_freep) json_t *pairs = json_array();
    struct http_field field[HTTP_PARAMS_MAX + 1] = {0};
    for (size_t i = 0; i < st->match.n; i++) {
        const char *name = st->match.name[i];
        field[i] = (struct http_field){name, HTTP_INT, HTTP_REQ, .min = 1, .max = 2147483647};
        for (const struct http_field *f = st->r.route->params; f != NULL && f->name != NULL; f++) {
            if (strcmp(f->name, name) == 0) {
                field[i] = *f;
                field[i].flags |= HTTP_REQ;
            }
        }
        if (json_array_append_new(pairs, json_pack("[s, s]", name, st->match.value[i])) < 0) {
            DM_FAIL(e, DM_ENOMEM, "not enough memory for a request");
        }
    }
    return http_take_pairs(field, pairs, "path", issues, &st->r.path, e);
}

static const struct http_field offset_fields[] = {
    {"skip", HTTP_INT, .min = 0, .max = 1e12, .fallback = "0", .about = "rows to leave out"},
    {"limit", HTTP_INT, .min = 1, .max = 1000, .fallback = "100", .about = "rows at most"},
    {0},
};
static const struct http_field paged_fields[] = {
    {"page", HTTP_INT, .min = 1, .max = 1e9, .fallback = "1", .about = "page, from 1"},
    {"per_page", HTTP_INT, .min = 1, .max = 200, .fallback = "50", .about = "rows of a page"},
    {0},
};

const struct http_field *http_slice_fields(const struct http_route *route)
{
    return route->flags & HTTP_OFFSET  ? offset_fields
           : route->flags & HTTP_PAGED ? paged_fields
                                       : NULL;
}

static int query_pairs(struct http_state *st, json_t *issues, json_t *pairs, struct dm_err *e)
{
    const char *p = strchr(st->uri, '?');
    for (size_t n = 0; p != NULL && p[1] != '\0' && n < LIMIT_HTTP_QUERY_PAIRS; n++) {
        p++;
        size_t len = strcspn(p, "&"), name = strcspn(p, "=&");
        if (len == 0) {
            p = p[0] == '&' ? p : NULL;
            continue;
        }
        const char *k = http_unescape(p, DM_MIN(name, len), true, &st->arena);
        const char *v =
            name < len ? http_unescape(p + name + 1, len - name - 1, true, &st->arena) : "";
        if (k == NULL || v == NULL) {
            json_t *item = json_pack("{s:s, s:[s], s:s}", "type", "string_unicode", "loc", "query",
                                     "msg", "Query should be percent-encoded UTF-8");
            if (json_array_append_new(issues, item) < 0) {
                DM_FAIL(e, DM_ENOMEM, "not enough memory for a request");
            }
            return DM_OK;
        }
        if (json_array_append_new(pairs, json_pack("[s, s]", k, v)) < 0) {
            DM_FAIL(e, DM_ENOMEM, "not enough memory for a request");
        }
        p = p[len] == '&' ? p + len : NULL;
    }
    return DM_OK;
}

static int take_query(struct http_state *st, json_t *issues, struct dm_err *e)
{
    DM_CLEANUP(http_json_freep) json_t *pairs = json_array();
    DM_CLEANUP(http_json_freep) json_t *slice = NULL;
    DM_TRY(query_pairs(st, issues, pairs, e));
    DM_TRY(http_take_pairs(st->r.route->query, pairs, "query", issues, &st->r.query, e));
    const struct http_field *more = http_slice_fields(st->r.route);
    if (more != NULL) {
        DM_TRY(http_take_pairs(more, pairs, "query", issues, &slice, e));
        const char *key;
        json_t *value;
        json_object_foreach(slice, key, value)
        {
            /* A route may declare its own bounds for one of them. */
            if (json_object_get(st->r.query, key) == NULL &&
                json_object_set(st->r.query, key, value) < 0) {
                DM_FAIL(e, DM_ENOMEM, "not enough memory for a request");
            }
        }
    }
    return DM_OK;
}

struct http_slice http_slice(const struct http_request *r)
{
    struct http_slice s = {.skip = http_int(r->query, "skip", 0),
                           .limit = http_int(r->query, "limit", 100)};
    if (r->route->flags & HTTP_PAGED) {
        s.page = http_int(r->query, "page", 1);
        s.per_page = http_int(r->query, "per_page", 50);
        s.limit = s.per_page;
        s.skip = (s.page - 1) * s.per_page;
    }
    return s;
}

/* Brackets deeper than the limit, counted before the parser recurses into them. */
static bool too_deep(const char *s, size_t n)
{
    int depth = 0;
    bool text = false;
    for (size_t i = 0; i < n; i++) {
        if (text) {
            if (s[i] == '\\') {
                i++;
            } else {
                text = s[i] != '"';
            }
            continue;
        }
        text = s[i] == '"';
        depth += (s[i] == '[' || s[i] == '{') - (s[i] == ']' || s[i] == '}');
        if (depth > LIMIT_HTTP_JSON_DEPTH) {
            return true;
        }
    }
    return false;
}

static int body_issue(json_t *issues, const char *type, const char *msg)
{
    return json_array_append_new(
               issues, json_pack("{s:s, s:[s], s:s}", "type", type, "loc", "body", "msg", msg)) < 0
               ? DM_ENOMEM
               : DM_OK;
}

/* A whole number of more than 64 bits makes the parser give up: then all numbers are read as reals,
 * which the tables hold against their bounds. */
static json_t *parse(const struct dm_buf *body)
{
    json_error_t fault;
    json_t *in = json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES, &fault);
    if (in != NULL || json_error_code(&fault) != json_error_numeric_overflow) {
        return in;
    }
    return json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                      &fault);
}

static int take_json(struct http_state *st, json_t *issues, struct dm_err *e)
{
    const struct http_route *route = st->r.route;
    DM_CLEANUP(http_json_freep) json_t *in = NULL;
    char digest[65];
    dm_sha256_hex(st->body.data != NULL ? st->body.data : "", st->body.len, digest);
    memcpy(st->body_sha256, digest, sizeof(digest));
    if (st->body.len == 0) {
        if (!(route->flags & HTTP_BODY_OPTIONAL)) {
            return body_issue(issues, "missing", "Field required");
        }
        in = json_object();
    } else {
        in = too_deep(st->body.data, st->body.len) ? NULL : parse(&st->body);
    }
    if (in == NULL) {
        return body_issue(issues, "json_invalid",
                          "Body should be valid JSON, at most 64 levels deep");
    }
    if (!route->body_list) {
        return http_take_object(route->body, in, "body", issues, &st->r.body, e);
    }
    DM_CLEANUP(http_json_freep) json_t *wrap = json_pack("{s:O}", "items", in);
    const struct http_field list[] = {{"items", HTTP_OBJ, HTTP_REQ | HTTP_LIST, .of = route->body},
                                      {0}};
    const struct http_schema whole = {NULL, list, NULL, 0};
    DM_CLEANUP(http_json_freep) json_t *taken = NULL;
    DM_TRY(http_take_object(&whole, wrap, "body", issues, &taken, e));
    st->r.body = json_incref(json_object_get(taken, "items"));
    return DM_OK;
}

static int take_form(struct http_state *st, json_t *issues, struct dm_err *e)
{
    DM_CLEANUP(http_json_freep) json_t *pairs = NULL;
    DM_TRY(http_form_end(st, &pairs, e));
    DM_TRY(http_take_pairs(st->r.route->form, pairs, "form", issues, &st->r.form, e));
    for (const struct http_field *f = st->r.route->form; f->name != NULL; f++) {
        size_t n = 0;
        for (size_t i = 0; f->type == HTTP_FILE && i < st->r.n_file; i++) {
            n += strcmp(st->r.file[i].field, f->name) == 0;
        }
        bool missing = f->type == HTTP_FILE && (f->flags & HTTP_REQ) && n == 0;
        bool many = f->type == HTTP_FILE && n > (f->items_max > 0 ? f->items_max : 1);
        if ((missing || many) &&
            json_array_append_new(
                issues, json_pack("{s:s, s:[s, s], s:s}", "type", missing ? "missing" : "too_long",
                                  "loc", "body", f->name, "msg",
                                  missing ? "Field required" : "Too many files")) < 0) {
            DM_FAIL(e, DM_ENOMEM, "not enough memory for a request");
        }
    }
    return DM_OK;
}

int http_request_take(struct http_state *st, json_t **ret_issues, struct dm_err *e)
{
    const struct http_route *route = st->r.route;
    json_t *issues = json_array();
    *ret_issues = issues;
    if (issues == NULL) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for a request");
    }
    DM_TRY(take_path(st, issues, e));
    DM_TRY(take_query(st, issues, e));
    if (st->form != NULL) {
        DM_TRY(take_form(st, issues, e));
    } else if (route->body != NULL) {
        DM_TRY(take_json(st, issues, e));
    } else if (route->form != NULL && route->raw == NULL) {
        DM_TRY(body_issue(issues, "missing", "Field required"));
    }
    st->r.body_sha256 = st->body_sha256;
    if (json_array_size(issues) > 0) {
        DM_FAIL(e, HTTP_E_INVALID, "%s",
                json_string_value(json_object_get(json_array_get(issues, 0), "msg")));
    }
    return DM_OK;
}
