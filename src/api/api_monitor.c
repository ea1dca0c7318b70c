/* SPDX-License-Identifier: Apache-2.0
 *
 * The job monitor below /flower: queues, workers and jobs on one page, pause, retry, cancel. It has
 * a name and a password of its own (Basic), because whoever looks after the machine need not be a
 * person of the nursery; what he does is written down as the system's. Without a password it does
 * not exist.
 *
 * A browser sends Basic credentials with every request, also with one that another site makes it
 * send. So what changes something wants a header which a foreign page cannot set without asking
 * first, and which nobody is allowed to ask for. */
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "api/api_priv.h"
#include "http/docs.h"
#include "inventory/jobs.h"
#include "inventory/json.h"
#include "inventory/users.h"

#define STATES "pending|processing|completed|failed|cancelled"
#define QUEUES "gpu_queue|cpu_queue|io_queue|default"
enum { CREDENTIALS_MAX = 512, JOBS_MAX = 500, JOBS_USUAL = 50 };

extern const struct http_docs_file monitor_files[]; /* monitor/, built into the program */

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* ---- who may look ---------------------------------------------------------------------------- */

/* Hashes are compared, so that neither time nor length tells anything. */
static bool same(const char *a, size_t n_a, const char *b, size_t n_b)
{
    unsigned char x[crypto_hash_sha256_BYTES];
    unsigned char y[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256(x, (const unsigned char *)a, n_a);
    (void)crypto_hash_sha256(y, (const unsigned char *)b, n_b);
    return sodium_memcmp(x, y, sizeof(x)) == 0;
}

static bool credentials_right(const struct api_options *o, const char *header)
{
    char given[CREDENTIALS_MAX];
    char wanted[CREDENTIALS_MAX];
    size_t n = 0;
    const int n_wanted =
        snprintf(wanted, sizeof(wanted), "%s:%s", o->monitor_user, o->monitor_password);
    if (n_wanted < 0 || (size_t)n_wanted >= sizeof(wanted) || strncasecmp(header, "Basic ", 6) ||
        sodium_base642bin((unsigned char *)given, sizeof(given), header + 6, strlen(header + 6),
                          NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL)) {
        return false;
    }
    const bool right = same(given, n, wanted, (size_t)n_wanted);
    sodium_memzero(given, sizeof(given));
    sodium_memzero(wanted, sizeof(wanted));
    return right;
}

static int refuse(struct http_request *r, const char *reason, struct dm_err *e)
{
    DM_TRY(
        http_reply_header(r, "WWW-Authenticate", "Basic realm=\"demeter\", charset=\"UTF-8\"", e));
    return jwt_refuse(reason, e);
}

/* Wrong guesses count for the address they come from, as at signing in; once there were too many,
 * right ones are not looked at either. */
static int check_caller(struct http_request *r, struct dm_err *e)
{
    struct api *api = r->app;
    const char *header = http_header(r, "Authorization");
    const char *from = r->remote ? r->remote : "";
    const int64_t now_ms = store_now();
    if (!api->o.monitor_password) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "page"), DM_S("identifier", "flower")),
                  "the job monitor is off: it has no password");
    }
    if (!header) {
        return refuse(r, "missing", e);
    }
    DM_TRY(api_limit_look(api->logins, from, now_ms, e));
    if (!credentials_right(&api->o, header)) {
        DM_TRY(api_limit_take(api->logins, from, now_ms, e));
        return refuse(r, "bad_credentials", e);
    }
    return DM_OK;
}

/* Fetch metadata is sent by every browser of today and cannot be forged by a page; the header
 * cannot be sent across sites without a preflight. */
static int check_writer(struct http_request *r, struct dm_err *e)
{
    const char *site = http_header(r, "Sec-Fetch-Site");
    DM_TRY(check_caller(r, e));
    if (!http_header(r, "X-Demeter-Monitor") || (site && strcasecmp(site, "same-origin") != 0)) {
        DM_FAIL(e, API_ECSRF, "only the monitor's own page may do this");
    }
    return DM_OK;
}

/* Workflows as the system: an administrator without a name of his own. */
static int system_ctx(const struct http_request *r, struct inv_ctx *ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    *ret = *api_ctx(r);
    ret->role = INV_ADMIN;
    DM_TRY(store_begin(ret->store, STORE_READ, &tx, e));
    return user_system(tx, &ret->user_id, e);
}

/* ---- the page -------------------------------------------------------------------------------- */

static int reply_file(struct http_request *r, const char *name, const char *type, struct dm_err *e)
{
    const struct http_docs_file *f = monitor_files;
    while (f->name && strcmp(f->name, name) != 0) {
        f++;
    }
    DM_BUG_UNLESS(f->name);
    DM_TRY(check_caller(r, e));
    DM_TRY(http_reply_header(r, "Content-Security-Policy", policy, e));
    DM_TRY(http_reply_header(r, "Cache-Control", "no-cache", e));
    return http_reply_bytes(r, 200, type, NULL, f->bytes, f->n, e);
}

/* Its files are named relative to it, whatever prefix a proxy adds: it needs the slash. */
static int get_page(struct http_request *r, struct dm_err *e)
{
    const size_t n = strlen(r->target);
    DM_TRY(check_caller(r, e));
    if (n > 0 && r->target[n - 1] != '/') {
        const char *to = dm_arena_printf(r->arena, "%s/", strrchr(r->target, '/') + 1);
        if (!to) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a request");
        }
        return http_reply_redirect(r, 307, to, e);
    }
    return reply_file(r, "monitor.html", "text/html; charset=utf-8", e);
}

static int get_root(struct http_request *r, struct dm_err *e)
{
    return http_reply_redirect(r, 307, "flower/", e);
}

static int get_script(struct http_request *r, struct dm_err *e)
{
    return reply_file(r, "monitor.js", "text/javascript; charset=utf-8", e);
}

static int get_style(struct http_request *r, struct dm_err *e)
{
    return reply_file(r, "monitor.css", "text/css; charset=utf-8", e);
}

/* ---- what it shows --------------------------------------------------------------------------- */

static const struct http_field state_in[] = {
    {"status", HTTP_STR, .one_of = STATES, .fallback = "\"processing\""},
    {"limit", HTTP_INT, .min = 1, .max = JOBS_MAX, .fallback = "50"},
    {NULL},
};

static int read_state(const struct http_request *r, const struct inv_ctx *c, json_t *out,
                      struct dm_err *e)
{
    const struct list_value wanted = {"status", store_t(http_str(r->query, "status"))};
    const struct list_ask ask = {
        .value = &wanted, .n_value = 1, .limit = http_int(r->query, "limit", JOBS_USUAL)};
    json_t *part = NULL;
    int64_t total = 0;
    DM_TRY(jobs_queues(c, NULL, &part, e));
    DM_TRY(inv_json_set(out, "queues", part, e));
    DM_TRY(jobs_workers(c, &part, e));
    DM_TRY(inv_json_set(out, "workers", part, e));
    DM_TRY(jobs_rows(c, &ask, &part, &total, e));
    DM_TRY(inv_json_set(out, "jobs", part, e));
    return inv_json_set(out, "total", json_integer(total), e);
}

static int get_state(struct http_request *r, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *out = json_object();
    struct inv_ctx c;
    DM_TRY(check_caller(r, e));
    DM_TRY(system_ctx(r, &c, e));
    DM_TRY(read_state(r, &c, out, e));
    return http_reply_json(r, 200, DM_STEAL(out), e);
}

/* ---- what it does ---------------------------------------------------------------------------- */

static const struct http_field queue_path[] = {{"queue", HTTP_STR, HTTP_REQ, .one_of = QUEUES},
                                               {NULL}};
static const struct http_field job_path[] = {{"job_id", HTTP_UUID, HTTP_REQ}, {NULL}};

static int set_pause(struct http_request *r, bool paused, struct dm_err *e)
{
    struct inv_ctx c;
    DM_TRY(check_writer(r, e));
    DM_TRY(system_ctx(r, &c, e));
    DM_TRY(jobs_pause(&c, http_str(r->path, "queue"), paused, e));
    return http_reply_empty(r, 204, e);
}

static int post_pause(struct http_request *r, struct dm_err *e)
{
    return set_pause(r, true, e);
}

static int post_resume(struct http_request *r, struct dm_err *e)
{
    return set_pause(r, false, e);
}

static int post_retry(struct http_request *r, struct dm_err *e)
{
    struct inv_ctx c;
    DM_TRY(check_writer(r, e));
    DM_TRY(system_ctx(r, &c, e));
    DM_TRY(jobs_retry(&c, http_str(r->path, "job_id"), e));
    return http_reply_empty(r, 204, e);
}

static int post_cancel(struct http_request *r, struct dm_err *e)
{
    struct inv_ctx c;
    bool running;
    DM_TRY(check_writer(r, e));
    DM_TRY(system_ctx(r, &c, e));
    DM_TRY(jobs_cancel(&c, http_str(r->path, "job_id"), &running, e));
    return http_reply_empty(r, 204, e);
}

// clang-format off
#define MONITOR HTTP_QUIET | HTTP_NO_STORE | HTTP_OPEN_REPLY | HTTP_HIDDEN
#define POST(path, name, summary, table, refusals, function)                                       \
    {HTTP_POST, "/flower/api/" path, name, "system", summary, API_OPEN,                            \
     MONITOR | HTTP_BODY_OPTIONAL, .params = table, .answer = {{204}}, .errors = refusals,         \
     .handle = function}

const struct http_route monitor_routes[] = {
    {HTTP_GET, "/flower", "monitor_page", "system", "Job monitor", API_OPEN, MONITOR,
     .answer = {{200, .type = "text/html"}, {307}}, .errors = "401 404", .handle = get_page},
    {HTTP_GET, "/flower/monitor.js", "monitor_script", "system", "Script of the job monitor", API_OPEN, MONITOR,
     .answer = {{200, .type = "text/javascript"}}, .errors = "401 404", .handle = get_script},
    {HTTP_GET, "/flower/monitor.css", "monitor_style", "system", "Style of the job monitor", API_OPEN, MONITOR,
     .answer = {{200, .type = "text/css"}}, .errors = "401 404", .handle = get_style},
    {HTTP_GET, "/flower/api/state", "monitor_state", "system", "What the job monitor shows", API_OPEN, MONITOR,
     .query = state_in, .answer = {{200}}, .errors = "401 404", .handle = get_state},
    POST("queues/{queue}/pause", "monitor_pause", "Begin nothing of a queue", queue_path, "401 403 404", post_pause),
    POST("queues/{queue}/resume", "monitor_resume", "Let a queue go on", queue_path, "401 403 404", post_resume),
    POST("jobs/{job_id}/retry", "monitor_retry", "Once more", job_path, "401 403 404 409", post_retry),
    POST("jobs/{job_id}/cancel", "monitor_cancel", "No more", job_path, "401 403 404 409", post_cancel),
    {0},
};

const struct http_route monitor_alone_routes[] = {
    {HTTP_GET, "/", "monitor_root", "system", "Job monitor", API_OPEN, MONITOR, .answer = {{307}},
     .handle = get_root},
    {0},
};
// clang-format on
