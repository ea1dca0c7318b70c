/* SPDX-License-Identifier: Apache-2.0
 *
 * The API: tables of routes, one file for each resource, on the server of http/. This header is all
 * that such a file needs.
 *
 * Adding a resource:
 *   1. src/api/api_THING.c with its handlers and `const struct http_route thing_routes[]`
 *      (one line of what it is first; every handler short: read the request, call the workflow of
 *      inventory/, write the reply);
 *   2. a line X(thing_routes) in api/tables.def, and the file in src/api/meson.build;
 *   3. tests/api/test_THING.c on support/api_rig.h: each route and each status it declares, on both
 *      engines. tests/api/test_coverage fails for whatever no test has hit.
 *
 * What a handler may rely on: `role` of its row has been checked, so has the scope of a script's
 * token; api_ctx(r) is the caller as workflows want him, with the nursery's settings and clock, and
 * workflows check what depends on rows. What it returns negative becomes the error body: a rule of
 * inventory/rules.def, a code of base/errors.def or of api/codes.def. */
#ifndef API_API_H
#define API_API_H

#include "api/principal.h"
#include "http/http.h"
#include "inventory/inventory.h"

struct photo_place;
struct queue_carrier;
struct queue_worker;
struct telemetry;

/* ---- who may call: the `role` of a route ----------------------------------------------------- */

enum api_role {
    API_OPEN,   /* anybody; a token is not looked at */
    API_ANY,    /* whoever signed in, also with a temporary password or without a role */
    API_VIEWER, /* this role or a higher one, here and below */
    API_WORKER,
    API_SUPERVISOR,
    API_ADMIN,
    API_ROLE_MASK = 15,
    API_TICKET = 16, /* or'ed to it: the handler calls api_ticket first */
};

/* ---- codes of its own ------------------------------------------------------------------------ */

enum api_code {
#define X(name, number, http, retry, exit_status, class, text) API_E##name = (number),
#include "api/codes.def"
#undef X
};

/* ---- the process ----------------------------------------------------------------------------- */

struct api_options {
    struct store *store;              /* borrowed, as all below */
    const struct photo_place *photos; /* NULL: uploads are refused */
    struct queue_worker *worker;      /* in this process's tree; NULL: workers are elsewhere */
    struct queue_carrier *carrier;    /* Redis; NULL: none */
    struct telemetry *telemetry;      /* NULL: nothing is counted */
    struct sign_in *sign_in;          /* NULL: nobody signs in (the job monitor alone) */
    const char *base_url;    /* "http://localhost:8000": links; without a slash at the end */
    const char *oidc_domain; /* as R4 tells it; NULL without an issuer */
    const char *version, *revision;
    const char *data_dir; /* whose free room /health/ready looks at without photos; NULL: none */
    const char *metrics_token;                   /* NULL: /metrics is open */
    const char *monitor_user, *monitor_password; /* of /flower; password NULL: it is off */
    bool secure_cookies;                         /* the page is served over https */
    int64_t logins_per_minute;                   /* of an address; 0: 10, negative: no limit */
};

struct api;

/* Settings and time zone are read now, and anew every few seconds. Codes of inv_settings_load. */
DM_MUST_CHECK int api_new(const struct api_options *o, struct api **ret, struct dm_err *e);
void api_free(struct api *api); /* accepts NULL; the server has stopped */
DM_DEFINE_CLEANUP(api_freep, struct api *, api_free)

/* Make dm_code_info know enum api_code, and what inv_setup does. Once, before other threads. */
void api_setup(void);

#define X(name) extern const struct http_route name[];
#include "api/tables.def"
#undef X
/* All of them, NULL-ended. */
extern const struct http_route *const api_tables[];

/* The root of a server that has monitor_routes and no page. */
extern const struct http_route monitor_alone_routes[];

/* Other names of their paths (api.md section 25). */
extern const struct http_alias api_aliases[];

/* The hooks for http_server_start; ctx is the api. */
struct http_app api_http_app(struct api *api);

/* From now on /health/ready says 503: the process is about to stop. */
void api_drain(struct api *api);

/* Take away uploads that have expired; any time, from any thread. */
void api_keep_house(struct api *api);

const struct api_options *api_options(const struct api *api);

/* ---- for handlers ---------------------------------------------------------------------------- */

struct api *api_of(const struct http_request *r);

/* The caller; user_id 0 on an API_OPEN route. Lives as long as the request. */
const struct inv_ctx *api_ctx(const struct http_request *r);
const struct principal *api_who(const struct http_request *r);

/* Who did it (api.md 2.4): the user that a body names counts for an administrator
 * (INV_NOT_FOUND), for others the caller does. given 0: none named. */
DM_MUST_CHECK int api_author(const struct http_request *r, int64_t given, int64_t *ret,
                             struct dm_err *e);

/* First thing in the handler of a route with API_TICKET: a caller without a token is the one of
 * the query's "ticket" (POST /auth/stream-ticket), once, for this path. INV_UNAUTHENTICATED,
 * INV_FORBIDDEN. */
DM_MUST_CHECK int api_ticket(struct http_request *r, struct dm_err *e);

/* After a change of app_settings: what is cached is read anew by the next request. */
void api_settings_changed(struct api *api);

/* A further reply header "Location": base path and target of the request, and id. */
DM_MUST_CHECK int api_location(struct http_request *r, const char *path, int64_t id,
                               struct dm_err *e);

/* json_pack's result, or DM_ENOMEM: DM_TRY(api_json(json_pack(...), &o, e)). */
DM_MUST_CHECK int api_json(json_t *take_value, json_t **ret, struct dm_err *e);

/* Milliseconds as RFC 3339 text; JSON null for 0. New reference; NULL when out of memory. */
json_t *api_instant(int64_t ms);
/* A text, JSON null for NULL; an id, JSON null for 0. */
json_t *api_text(const char *text);
json_t *api_ref(int64_t id);

/* {"message": text} with 200. */
DM_MUST_CHECK int api_reply_message(struct http_request *r, const char *text, struct dm_err *e);

#endif
