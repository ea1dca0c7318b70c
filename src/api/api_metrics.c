/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests leave in the metrics (api.md 27), and what is looked up when somebody scrapes. */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "api/api_priv.h"
#include "inventory/photo.h"
#include "queue/carrier.h"
#include "queue/queue.h"
#include "store/migrate.h"
#include "store/store.h"
#include "telemetry/telemetry.h"

static const char *login_outcome(int status)
{
    switch (status) {
    case 200:
        return "success";
    case 401:
        return "bad_credentials";
    case 429:
        return "limited";
    default:
        return "refused";
    }
}

/* The template of a route, never the path: ids would be a series each. */
void api_done(const struct http_request *r, int status, const char *error_class, double ms)
{
    const struct api *api = r->app;
    struct telemetry *t = api->o.telemetry;
    const char *endpoint = r->route ? r->route->path : "unmatched";
    const char *method = http_method_name(r->method);
    char number[16];
    if (!t || (r->route && (r->route->flags & HTTP_QUIET))) {
        return;
    }
    (void)snprintf(number, sizeof(number), "%d", status);
    telemetry_observe(t, TELEMETRY_OTEL_HTTP_DURATION,
                      TELEMETRY_LABELS(method, r->secure ? "https" : "http", number, endpoint), ms);
    telemetry_observe(t, TELEMETRY_API_REQUEST_DURATION,
                      TELEMETRY_LABELS(method, endpoint, status < 400 ? "success" : "error"),
                      ms / 1000.0);
    if (r->route && !strcmp(r->route->name, "login")) {
        telemetry_add(t, TELEMETRY_LOGINS, TELEMETRY_LABELS(login_outcome(status)), 1);
    }
    if (status >= 400) {
        telemetry_add(t, TELEMETRY_API_REQUEST_ERRORS,
                      TELEMETRY_LABELS(method, endpoint, error_class ? error_class : "", number),
                      1);
    }
}

/* ---- at each scrape -------------------------------------------------------------------------- */

static void fill_queues(const struct api *api, struct telemetry *t)
{
    static const char *const queues[] = {"gpu_queue", "cpu_queue", "io_queue", "default"};
    const int64_t now_ms = store_now();
    for (size_t i = 0; i < DM_COUNT(queues); i++) {
        struct queue_depth d;
        if (queue_depth(api->o.store, now_ms, queues[i], &d, NULL) >= 0) {
            telemetry_set(t, TELEMETRY_QUEUE_DEPTH, TELEMETRY_LABELS(queues[i]), (double)d.pending);
            telemetry_set(t, TELEMETRY_JOBS_DEAD, TELEMETRY_LABELS(queues[i]), (double)d.dead);
            telemetry_set(t, TELEMETRY_QUEUE_OLDEST, TELEMETRY_LABELS(queues[i]),
                          d.oldest_ms ? (double)DM_MAX(now_ms - d.oldest_ms, 0) / 1000 : 0);
        }
    }
}

static void fill_dependencies(const struct api *api, struct telemetry *t)
{
    struct store_schema_state schema;
    const bool database = store_schema_state(api->o.store, &schema, NULL) >= 0;
    telemetry_set(t, TELEMETRY_DEPENDENCY_UP, TELEMETRY_LABELS("database"), database);
    if (database) {
        telemetry_set(t, TELEMETRY_SCHEMA_VERSION, NULL, schema.applied);
    }
    if (api->o.carrier) {
        telemetry_set(t, TELEMETRY_DEPENDENCY_UP, TELEMETRY_LABELS("redis"),
                      queue_carrier_up(api->o.carrier));
    }
}

static void fill_volume(const struct api *api, struct telemetry *t)
{
    struct statvfs v;
    const char *folder = api->o.photos ? api->o.photos->incoming : api->o.data_dir;
    if (!folder) {
        return;
    }
    const bool there = statvfs(folder, &v) == 0;
    telemetry_set(t, TELEMETRY_DEPENDENCY_UP, TELEMETRY_LABELS("storage"), there);
    if (there) {
        const double unit = (double)v.f_frsize;
        telemetry_set(t, TELEMETRY_VOLUME_FREE, TELEMETRY_LABELS("data"),
                      (double)v.f_bavail * unit);
        telemetry_set(t, TELEMETRY_VOLUME_SIZE, TELEMETRY_LABELS("data"),
                      (double)v.f_blocks * unit);
    }
}

void api_fill(void *ctx, struct telemetry *t)
{
    const struct api *api = ctx;
    const struct store_pool_state pool = store_pool_state(api->o.store);
    telemetry_set(t, TELEMETRY_DB_POOL_SIZE, NULL, pool.max);
    telemetry_set(t, TELEMETRY_DB_POOL_USED, NULL, pool.used);
    telemetry_set(t, TELEMETRY_OTEL_DB_CONNECTIONS, TELEMETRY_LABELS("demeter", "used"), pool.used);
    telemetry_set(t, TELEMETRY_OTEL_DB_CONNECTIONS, TELEMETRY_LABELS("demeter", "idle"),
                  pool.open - pool.used);
    fill_queues(api, t);
    fill_dependencies(api, t);
    fill_volume(api, t);
}
