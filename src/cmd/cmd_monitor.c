/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter monitor: the job monitor as a service of its own, where Flower was. The same routes that
 * demeter serve has below /flower, below any prefix, and nothing else of the API. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "api/api.h"
#include "base/limits.h"
#include "base/log.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "cmd/guard.h"
#include "cmd/monitor_access.h"
#include "cmd/otel.h"
#include "cmd/side_door.h"
#include "cmd/version.h"
#include "cmd/worker_options.h"
#include "queue/carrier.h"
#include "telemetry/telemetry.h"

enum { DRAIN_MS = 2000, THREADS = 4 };

struct monitor_flags {
    const char *host, *prefix;
    int32_t port;
};

#define AT(field) DM_OPT_AT(struct monitor_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "monitor_host", .type = DM_OPT_STR, .flag = "host", .offset = AT(host), .def = "127.0.0.1",
     .help = "address to listen on"},
    {.name = "monitor_port", .type = DM_OPT_I32, .flag = "port", .offset = AT(port), .def = "5555",
     .min = 0, .max = 65535, .help = "port to listen on; 0 takes any free one"},
    {.name = "url_prefix", .type = DM_OPT_STR, .offset = AT(prefix), .def = "flower", .unit = "PATH",
     .help = "path below which a proxy shows it; it is found there and at the root"},
};
static const struct cmd_example examples[] = {
    {"demeter monitor", MSG_MONITOR_EXAMPLE},
    {"demeter monitor --host 0.0.0.0 --port 5555 --url-prefix flower", MSG_MONITOR_EXAMPLE_OPEN},
    {0},
};
// clang-format on

struct monitor {
    struct cmd_run *r;
    struct books books;
    struct queue_carrier *carrier;
    struct telemetry *telemetry;
    struct otel *otel;
    struct api *api;
    struct http_alias alias[4];
    struct http_app app;
    struct http_options http;
    struct http_server *server;
    struct side_door door;
    sigset_t signals; /* waited for by the main thread, blocked everywhere */
};

static int check_settings(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf faults = dm_buf_init(LIMIT_CONFIG_BYTES);
    const size_t n = guard_check_secrets(r, &faults);
    if (n > 0) {
        (void)fputs(dm_buf_str(&faults), r->err);
        return cmd_fail(r, e, DM_EBADINPUT,
                        TF(r, GUARD_REFUSED, lang_integer(&r->arena, r->lang, (int64_t)n)));
    }
    return DM_OK;
}

/* "/ops/flower" of "ops/flower", "/ops/flower/"; "" for none. */
static const char *prefix_of(struct cmd_run *r)
{
    const struct monitor_flags *f = r->flags;
    const char *p = f->prefix + strspn(f->prefix, "/");
    size_t n = strlen(p);
    while (n > 0 && p[n - 1] == '/') {
        n--;
    }
    return n ? dm_arena_printf(&r->arena, "/%.*s", (int)n, p) : "";
}

/* Where the page is besides /flower: below the prefix, and at the root. */
static int name_paths(struct monitor *m, struct dm_err *e)
{
    const char *prefix = prefix_of(m->r);
    size_t n = 0;
    if (!prefix) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    if (prefix[0] && strcmp(prefix, "/flower") != 0) {
        m->alias[n++] = (struct http_alias){prefix, "/flower"};
    }
    m->alias[n++] = (struct http_alias){"/api", "/flower/api"};
    m->alias[n++] = (struct http_alias){"/", "/flower/"};
    return DM_OK;
}

static int open_api(struct monitor *m, const struct monitor_access *who, struct dm_err *e)
{
    static const struct http_route *const tables[] = {monitor_alone_routes, monitor_routes,
                                                      system_routes, NULL};
    const struct settings_values *v = &m->r->settings.v;
    const struct monitor_flags *f = m->r->flags;
    const struct api_options o = {
        .store = m->books.store,
        .carrier = m->carrier,
        .telemetry = m->telemetry,
        .base_url = "",
        .version = DEMETER_VERSION,
        .revision = version_commit(),
        .metrics_token = v->metrics_token[0] ? v->metrics_token : NULL,
        .monitor_user = who->user,
        .monitor_password = who->password,
    };
    DM_TRY(api_new(&o, &m->api, e));
    DM_TRY(name_paths(m, e));
    m->app = api_http_app(m->api);
    m->app.tables = tables;
    m->app.alias = m->alias;
    m->http = (struct http_options){.host = f->host, .port = f->port, .threads = THREADS};
    DM_TRY(http_server_start(&m->app, &m->http, &m->server, e));
    return side_door_open(m->r, m->api, &m->door, e);
}

static void block_signals(struct monitor *m)
{
    (void)sigemptyset(&m->signals);
    (void)sigaddset(&m->signals, SIGTERM);
    (void)sigaddset(&m->signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &m->signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int monitor_start(struct monitor *m, struct dm_err *e)
{
    struct cmd_run *r = m->r;
    const struct monitor_flags *f = r->flags;
    struct monitor_access who;
    DM_TRY(check_settings(r, e));
    DM_TRY(monitor_access(r, &who, e));
    if (!who.password) {
        return cmd_fail(r, e, DM_EBADINPUT, T(r, MONITOR_NO_PASSWORD));
    }
    if (r->settings.v.metrics_enabled) {
        DM_TRY(telemetry_new(DEMETER_VERSION, version_commit(), &m->telemetry, e));
    }
    otel_begin(r, "demeterai-flower", m->telemetry, &m->otel);
    block_signals(m);
    DM_TRY(books_open(r, &m->books, e));
    DM_TRY(worker_carrier_url(r)[0] ? worker_carrier_open(r, &m->carrier, e) : DM_OK);
    DM_TRY(open_api(m, &who, e));
    otel_send_thread(m->otel);
    (void)fprintf(r->out, "%s\n",
                  TF(r, SERVE_LISTENS, f->host,
                     dm_arena_printf(&r->arena, "%d", http_server_port(m->server))));
    (void)fflush(r->out);
    return DM_OK;
}

static void monitor_stop(struct monitor *m)
{
    otel_last_metrics(m->otel);
    side_door_close(&m->door);
    http_server_stop(m->server);
    otel_end(m->otel);
    api_free(m->api);
    queue_carrier_close(m->carrier);
    books_close(&m->books);
    telemetry_free(m->telemetry);
}

static int monitor_run(struct cmd_run *r, struct dm_err *e)
{
    struct monitor m = {.r = r};
    api_setup();
    const int code = monitor_start(&m, e);
    if (code >= 0) {
        while (sigwaitinfo(&m.signals, NULL) < 0 && errno == EINTR) {
        }
        api_drain(m.api);
        (void)http_server_drain(m.server, DRAIN_MS);
    }
    monitor_stop(&m);
    return code < 0 ? code : 0;
}

const struct cmd cmd_monitor = {
    .name = "monitor",
    .operands = "",
    .summary = MSG_MONITOR_SUMMARY,
    .about = MSG_MONITOR_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct monitor_flags),
    .examples = examples,
    .run = monitor_run,
};
