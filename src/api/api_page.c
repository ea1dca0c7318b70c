/* SPDX-License-Identifier: Apache-2.0
 *
 * The web page's files. What is named by its content is kept for a year, the rest is asked for
 * again. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/page.h"
#include "http/http.h"
#include "inventory/inventory.h"

/* No inline script or style, nothing from elsewhere. Pictures come as blobs behind the token. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

int page_exists(void)
{
    return page_files[0].name != NULL;
}

int page_reply(struct http_request *r, const char *name, struct dm_err *e)
{
    for (const struct page_file *f = page_files; f->name != NULL; f++) {
        if (strcmp(f->name, name) != 0) {
            continue;
        }
        const int hashed = strncmp(name, "assets/", 7) == 0;
        DM_TRY(http_reply_header(r, "Cache-Control",
                                 hashed ? "public, max-age=31536000, immutable" : "no-cache", e));
        DM_TRY(http_reply_header(r, "Content-Security-Policy", policy, e));
        DM_TRY(http_reply_header(r, "Permissions-Policy",
                                 "camera=(self), geolocation=(self), microphone=()", e));
        return http_reply_bytes(r, 200, f->type, NULL, f->bytes, f->n, e);
    }
    DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "page"), DM_S("identifier", name)),
              "the page has no such file");
}

static int asset(struct http_request *r, struct dm_err *e)
{
    char name[128];
    (void)snprintf(name, sizeof(name), "assets/%s", http_str(r->path, "file"));
    return page_reply(r, name, e);
}

static int root_file(struct http_request *r, struct dm_err *e)
{
    return page_reply(r, r->target + 1, e);
}

/* Links to hand over end in /setup#SECRET and /invite#SECRET: the page reads what follows #. */
static int entry(struct http_request *r, struct dm_err *e)
{
    return page_reply(r, "index.html", e);
}

// clang-format off
static const struct http_field file_param[] = {{"file", HTTP_STR, 0, .min = 1, .max = 100}, {NULL}};

#define FILE_ROUTE(path, name, media, handler)                                                     \
    {HTTP_GET, path, name, "system", "File of the page", API_OPEN,                                 \
     HTTP_INLINE | HTTP_QUIET | HTTP_HIDDEN | HTTP_OPEN_REPLY,                                     \
     .answer = {{200, .type = media}}, .errors = "404", .handle = handler}

const struct http_route page_routes[] = {
    {HTTP_GET, "/assets/{file}", "page_asset", "system", "File of the page", API_OPEN,
     HTTP_INLINE | HTTP_QUIET | HTTP_HIDDEN | HTTP_OPEN_REPLY, .params = file_param,
     .answer = {{200, .type = "application/octet-stream"}}, .errors = "404", .handle = asset},
    FILE_ROUTE("/service-worker.js", "page_worker", "text/javascript", root_file),
    FILE_ROUTE("/manifest.webmanifest", "page_manifest", "application/manifest+json", root_file),
    FILE_ROUTE("/icon.svg", "page_icon", "image/svg+xml", root_file),
    FILE_ROUTE("/setup", "page_setup", "text/html", entry),
    FILE_ROUTE("/invite", "page_invite", "text/html", entry),
    {0},
};
// clang-format on
