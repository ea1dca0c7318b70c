/* SPDX-License-Identifier: Apache-2.0
 *
 * The unversioned paths: front page, health, readiness, metrics (api.md 6, deployment.md 4). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "api/api_priv.h"
#include "api/page.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "inventory/photo.h"
#include "queue/carrier.h"
#include "queue/queue.h"
#include "store/migrate.h"
#include "store/store.h"
#include "telemetry/telemetry.h"

#define SERVICE "DemeterAI v2.0"

enum {
    READY_FRESH_MS = 1000,
    WORKER_DOWN_MS = 60 * 1000,
    METRICS_MAX = 16 << 20,
};

// clang-format off
static const struct http_field health_out[] = {
    {"status", HTTP_STR}, {"service", HTTP_STR}, {NULL},
};
static const struct http_schema Health = {"Health", health_out};

#define PLACE(name) {name, HTTP_STR, .one_of = "connected|down|disabled"}
#define CREW(name)  {name, HTTP_STR, .one_of = "active|idle|down"}
static const struct http_field workers_out[] = {
    CREW("gpu_queue"), CREW("cpu_queue"), CREW("io_queue"), {NULL},
};
static const struct http_schema Workers = {"WorkersHealth", workers_out};
static const struct http_field ready_out[] = {
    {"status", HTTP_STR, .one_of = "healthy|degraded|unhealthy"}, PLACE("database"),
    PLACE("redis"), PLACE("storage"), {"workers", HTTP_OBJ, .of = &Workers},
    {"version", HTTP_STR}, {"uptime_s", HTTP_INT},
    {NULL},
};
static const struct http_schema Ready = {"Readiness", ready_out};
static const struct http_field ready_in[] = {
    {"strict", HTTP_BOOL, .fallback = "false", .about = "degraded counts as not ready"}, {NULL},
};

static const struct http_field front_out[] = {
    {"service", HTTP_STR}, {"version", HTTP_STR}, {"docs", HTTP_STR}, {"openapi", HTTP_STR},
    {"health", HTTP_STR},
    {NULL},
};
static const struct http_schema Front = {"Front", front_out};
// clang-format on

/* ---- front page, liveness -------------------------------------------------------------------- */

static int front(struct http_request *r, struct dm_err *e)
{
    const char *accept = http_header(r, "Accept");
    const struct api_options *o = api_options(r->app);
    json_t *body = NULL;
    if (accept && strcasestr(accept, "text/html")) {
        return page_exists() ? page_reply(r, "index.html", e)
                             : http_reply_redirect(r, 307, "/docs", e);
    }
    DM_TRY(
        api_json(json_pack("{s:s, s:s, s:s, s:s, s:s}", "service", SERVICE, "version", o->version,
                           "docs", "/docs", "openapi", "/openapi.json", "health", "/health"),
                 &body, e));
    return http_reply_json(r, 200, body, e);
}

static int health(struct http_request *r, struct dm_err *e)
{
    json_t *body = NULL;
    DM_TRY(api_json(json_pack("{s:s, s:s}", "status", "healthy", "service", SERVICE), &body, e));
    return http_reply_json(r, 200, body, e);
}

/* ---- readiness ------------------------------------------------------------------------------- */

enum crew { CREW_ACTIVE, CREW_IDLE, CREW_DOWN };
static const char *const crew_names[] = {"active", "idle", "down"};
static const char *const crew_queues[] = {"gpu_queue", "cpu_queue", "io_queue"};
enum { CREWS = DM_COUNT(crew_queues) };

struct state {
    bool database, issuer, room;
    const char *redis;
    enum crew crew[CREWS];
};

static bool database_works(struct store *s)
{
    struct store_schema_state schema;
    return store_schema_state(s, &schema, NULL) >= 0 && schema.applied == schema.known;
}

/* Nobody takes jobs: some of a queue have been due for a minute, and none is in work. */
static enum crew crew_of(struct store *s, const char *queue, int64_t now_ms)
{
    struct queue_depth d;
    if (queue_depth(s, now_ms, queue, &d, NULL) < 0) {
        return CREW_DOWN;
    }
    if (d.processing > 0) {
        return CREW_ACTIVE;
    }
    return d.oldest_ms && now_ms - d.oldest_ms > WORKER_DOWN_MS ? CREW_DOWN : CREW_IDLE;
}

/* Where uploads arrive; in a worker, which takes none, where the data lies. */
static bool room_left(const struct api_options *o)
{
    const struct photo_place disk = {.incoming = o->data_dir, .keep_free = -1};
    const struct photo_place *p = o->photos ? o->photos : &disk;
    return !p->incoming || photo_room(p, 0, NULL) >= 0;
}

static struct state look(const struct api *api)
{
    const int64_t now_ms = store_now();
    struct oidc *oidc = sign_in_oidc(api->o.sign_in);
    struct state s = {.database = database_works(api->o.store),
                      .issuer = !oidc || oidc_healthy(oidc),
                      .room = room_left(&api->o),
                      .redis = "disabled"};
    if (api->o.carrier) {
        s.redis = queue_carrier_up(api->o.carrier) ? "connected" : "down";
    }
    for (int i = 0; i < CREWS; i++) {
        s.crew[i] = s.database ? crew_of(api->o.store, crew_queues[i], now_ms) : CREW_DOWN;
    }
    return s;
}

/* One look a second, whoever asks how often. */
static struct state look_again(struct api *api)
{
    struct state s;
    (void)pthread_mutex_lock(&api->ready_mu);
    if (!api->ready || dm_ms_since(api->ready_at) >= READY_FRESH_MS) {
        api->ready = api->ready ? api->ready : dm_calloc(1, sizeof(s));
        s = look(api);
        if (api->ready) {
            *api->ready = s;
        }
        api->ready_at = dm_now();
    } else {
        s = *api->ready;
    }
    (void)pthread_mutex_unlock(&api->ready_mu);
    return s;
}

static const char *verdict(const struct api *api, const struct state *s)
{
    if (!s->database || api->draining) {
        return "unhealthy";
    }
    bool good = s->issuer && s->room && strcmp(s->redis, "down") != 0;
    for (int i = 0; i < CREWS; i++) {
        good = good && s->crew[i] != CREW_DOWN;
    }
    return good ? "healthy" : "degraded";
}

static int ready(struct http_request *r, struct dm_err *e)
{
    struct api *api = r->app;
    const struct state s = look_again(api);
    const char *status = verdict(api, &s);
    const bool strict = http_bool(r->query, "strict", false);
    const bool refused = !strcmp(status, "unhealthy") || (strict && strcmp(status, "healthy") != 0);
    json_t *body = NULL;
    DM_TRY(api_json(
        json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:I}", "status", status, "database",
                  s.database ? "connected" : "down", "redis", s.redis, "storage",
                  api->o.photos ? (s.room ? "connected" : "down") : "disabled", "workers",
                  crew_queues[0], crew_names[s.crew[0]], crew_queues[1], crew_names[s.crew[1]],
                  crew_queues[2], crew_names[s.crew[2]], "version", api->o.version, "uptime_s",
                  (json_int_t)((dm_now() - api->started) / 1000000)),
        &body, e));
    return http_reply_json(r, refused ? 503 : 200, body, e);
}

/* ---- metrics --------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
    const size_t n = strlen(a);
    return n == strlen(b) && sodium_memcmp(a, b, n) == 0;
}

static int metrics(struct http_request *r, struct dm_err *e)
{
    const struct api_options *o = api_options(r->app);
    const char *header = http_header(r, "Authorization");
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(METRICS_MAX);
    if (o->metrics_token && (!header || strncasecmp(header, "Bearer ", 7) != 0 ||
                             !same(header + 7, o->metrics_token))) {
        return jwt_refuse(header ? "bad_credentials" : "missing", e);
    }
    if (o->telemetry) {
        DM_TRY(telemetry_text(o->telemetry, &text, e));
    }
    return http_reply_bytes(r, 200, TELEMETRY_TEXT_TYPE, NULL, dm_buf_str(&text), text.len, e);
}

// clang-format off
#define HEALTH(path, name, hidden)                                                                 \
    {HTTP_GET, path, name, "system", "The process answers", API_OPEN,                              \
     HTTP_INLINE | HTTP_QUIET | (hidden), .answer = {{200, &Health}}, .handle = health}
#define READY(path, name, hidden)                                                                  \
    {HTTP_GET, path, name, "system", "It can do its work", API_OPEN, HTTP_QUIET | (hidden),        \
     .query = ready_in, .answer = {{200, &Ready}, {503, &Ready}}, .handle = ready}

const struct http_route front_routes[] = {
    {HTTP_GET, "/", "front", "system", "What this is", API_OPEN, .answer = {{200, &Front}, {307}},
     .handle = front},
    {0},
};

/* Of every process that can be asked how it is. */
const struct http_route system_routes[] = {
    HEALTH("/health", "health", 0),
    HEALTH("/health/live", "health_live", 0),
    HEALTH("/livez", "livez", HTTP_HIDDEN),
    READY("/health/ready", "health_ready", 0),
    READY("/readyz", "readyz", HTTP_HIDDEN),
    READY("/ready", "ready", HTTP_HIDDEN),
    {HTTP_GET, "/metrics", "metrics", "system", "Figures for Prometheus", API_OPEN,
     HTTP_QUIET | HTTP_OPEN_REPLY, .answer = {{200, .type = TELEMETRY_TEXT_TYPE}}, .errors = "401",
     .handle = metrics},
    {0},
};
// clang-format on
