/* SPDX-License-Identifier: Apache-2.0
 *
 * /openapi.json and the pages that show it. They ask no other host for anything, and the content
 * policy would not let them. */
#include "http/docs.h"

#include <stdlib.h>
#include <string.h>

#include "http/problem.h"
#include "http/server_priv.h"

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static int refuse_when_off(const struct http_request *r, struct dm_err *e)
{
    if (!r->state->server->options->docs) {
        DM_FAIL(e, HTTP_E_NO_ROUTE, "Not Found");
    }
    return DM_OK;
}

/* Made by the first who asks: a program that nobody asks does not pay for it. */
static int document_text(struct http_server *s, const char **ret, struct dm_err *e)
{
    (void)pthread_mutex_lock(&s->lock);
    if (!s->document) {
        json_t *doc = http_openapi(s->app);
        char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
        s->document = text ? json_string(text) : NULL;
        json_decref(doc);
        free(text);
    }
    *ret = json_string_value(s->document);
    (void)pthread_mutex_unlock(&s->lock);
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "not enough memory for the document");
    }
    return DM_OK;
}

static int get_openapi(struct http_request *r, struct dm_err *e)
{
    const char *text = NULL;
    DM_TRY(refuse_when_off(r, e));
    DM_TRY(document_text(r->state->server, &text, e));
    return http_reply_bytes(r, 200, "application/json", NULL, text, strlen(text), e);
}

static int reply_file(struct http_request *r, const char *name, const char *type, struct dm_err *e)
{
    const struct http_docs_file *f = http_docs_files;
    while (f->name && strcmp(f->name, name) != 0) {
        f++;
    }
    DM_TRY(refuse_when_off(r, e));
    if (!f->name) {
        DM_FAIL(e, HTTP_E_NO_ROUTE, "Not Found");
    }
    DM_TRY(http_reply_header(r, "Content-Security-Policy", policy, e));
    DM_TRY(http_reply_header(r, "Cache-Control", "public, max-age=3600", e));
    return http_reply_bytes(r, 200, type, NULL, f->bytes, f->n, e);
}

static int get_page(struct http_request *r, struct dm_err *e)
{
    /* The page names its files relative to itself; below "docs/" they would not be there. */
    const size_t n = strlen(r->target);
    DM_TRY(refuse_when_off(r, e));
    if (n > 1 && r->target[n - 1] == '/') {
        char *without = dm_arena_strndup(r->arena, r->target, n - 1);
        const char *base = r->state->server->options->base_path;
        char *to = without ? dm_arena_printf(r->arena, "%s%s", base ? base : "", without) : NULL;
        if (!to) {
            DM_FAIL(e, DM_ENOMEM, "not enough memory for a request");
        }
        return http_reply_redirect(r, 307, to, e);
    }
    return reply_file(r, "docs.html", "text/html; charset=utf-8", e);
}

static int get_script(struct http_request *r, struct dm_err *e)
{
    return reply_file(r, "docs.js", "text/javascript; charset=utf-8", e);
}

static int get_style(struct http_request *r, struct dm_err *e)
{
    return reply_file(r, "docs.css", "text/css; charset=utf-8", e);
}

// clang-format off
#define DOCS HTTP_QUIET | HTTP_OPEN_REPLY
const struct http_route http_docs_routes[] = {
    {HTTP_GET, "/openapi.json", "openapi", "documentation", "This document", .flags = DOCS,
     .answer = {{200, .type = "application/json"}}, .errors = "404", .handle = get_openapi},
    {HTTP_GET, "/docs", "docs", "documentation", "The routes, with forms to try them", .flags = DOCS,
     .answer = {{200, .type = "text/html"}, {307}}, .errors = "404", .handle = get_page},
    {HTTP_GET, "/redoc", "redoc", "documentation", "The routes, to read", .flags = DOCS,
     .answer = {{200, .type = "text/html"}, {307}}, .errors = "404", .handle = get_page},
    {HTTP_GET, "/docs/docs.js", "docs_script", "documentation", "Script of these pages", .flags = DOCS | HTTP_HIDDEN,
     .answer = {{200, .type = "text/javascript"}}, .errors = "404", .handle = get_script},
    {HTTP_GET, "/docs/docs.css", "docs_style", "documentation", "Style of these pages", .flags = DOCS | HTTP_HIDDEN,
     .answer = {{200, .type = "text/css"}}, .errors = "404", .handle = get_style},
    {0},
};
// clang-format on
