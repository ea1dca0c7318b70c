/* SPDX-License-Identifier: Apache-2.0
 *
 * Health and metrics of a process. */
#include "cmd/side_door.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { THREADS = 2, CONNECTIONS = 64 };

int side_door_place(struct cmd_run *r, const char **ret_host, int *ret_port, struct dm_err *e)
{
    const char *listen = r->settings.v.metrics_listen;
    const char *colon = strrchr(listen, ':');
    char *end = NULL;
    *ret_host = NULL;
    if (!listen[0]) {
        return DM_OK;
    }
    const long port = colon && colon[1] ? strtol(colon + 1, &end, 10) : -1;
    if (port < 0 || port > 65535 || *end) {
        DM_FAIL(e, DM_EBADINPUT, "metrics.listen: \"%.60s\" is no ADDRESS:PORT", listen);
    }
    *ret_port = (int)port;
    *ret_host =
        colon == listen ? "0.0.0.0" : dm_arena_strndup(&r->arena, listen, (size_t)(colon - listen));
    return *ret_host ? DM_OK : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for a host");
}

int side_door_open(struct cmd_run *r, struct api *api, struct side_door *d, struct dm_err *e)
{
    static const struct http_route *const tables[] = {system_routes, NULL};
    struct dm_err why = {0};
    struct http_options *o = &d->options;
    *d = (struct side_door){
        .app = api_http_app(api),
        .options = {.threads = THREADS, .connections_max = CONNECTIONS},
    };
    d->app.tables = tables;
    d->app.alias = NULL;
    DM_TRY(side_door_place(r, &o->host, &o->port, e));
    if (o->host && http_server_start(&d->app, o, &d->server, &why) < 0) {
        dm_log(DM_LOG_WARNING, "no health and metrics of this process: the address is taken",
               DM_S("listen", r->settings.v.metrics_listen), DM_S("error", dm_err_text(&why)));
    }
    return DM_OK;
}

void side_door_close(struct side_door *d)
{
    http_server_stop(d->server);
    d->server = NULL;
}
