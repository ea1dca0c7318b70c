/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter serve: the API and, beside it, the workers.
 *
 * Order of the start: settings are checked, books opened (and made or brought up to date when they
 * are the embedded ones), the keeper of the workers forked while there is no thread yet, then the
 * server started. The main thread waits for signals and keeps house once an hour. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>
#include <sodium.h>

#include "api/api.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/books.h"
#include "cmd/commands.h"
#include "cmd/database.h"
#include "cmd/guard.h"
#include "cmd/models.h"
#include "cmd/monitor_access.h"
#include "cmd/otel.h"
#include "cmd/version.h"
#include "cmd/worker_options.h"
#include "cmd/workshop.h"
#include "inventory/tokens.h"
#include "queue/worker.h"
#include "store/migrate.h"
#include "telemetry/telemetry.h"

enum {
    WORKERS_AUTO = -1,
    LIST_MAX = 64,     /* origins, proxies */
    HOUSE_S = 60 * 60, /* between two cleanings of expired tokens */
    SECRET_BYTES = 48,
};

struct serve_flags {
    int32_t workers;
};

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "workers", .type = DM_OPT_I32, .offset = DM_OPT_AT(struct serve_flags, workers), .def = "-1",
     .min = -1, .max = LIMIT_JOBS,
     .help = "processes that count; -1 follows the processors, 0 leaves it to workers elsewhere"},
};
static const char *const settings[] = {"count.model_detect", "count.model_segment", "count.precision",
                                       "count.threads", "model.dir", "server.host", "server.port", NULL};
static const struct cmd_example examples[] = {
    {"demeter serve", MSG_SERVE_EXAMPLE},
    {"demeter serve --host 0.0.0.0 --port 8080 --workers 2", MSG_SERVE_EXAMPLE_OPEN},
    {0},
};
// clang-format on

struct serve {
    struct cmd_run *r;
    struct workshop shop;
    bool shop_made;
    struct queue_worker *workers;
    struct queue_carrier *carrier;
    struct telemetry *telemetry;
    struct otel *otel;
    struct books books;
    struct photo_place place;
    struct oidc *oidc;
    struct sign_in *sign_in;
    struct api *api;
    struct http_app app;
    struct http_server *server;
    const char *origin[LIST_MAX + 1], *proxy[LIST_MAX + 1];
    const char *base_path;
    struct http_options http;
    sigset_t signals; /* waited for by the main thread, blocked everywhere */
};

/* ---- before the books ------------------------------------------------------------------------ */

static int check_settings(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf faults = dm_buf_init(LIMIT_CONFIG_BYTES);
    const size_t n = guard_check(r, &faults);
    if (n > 0) {
        (void)fputs(dm_buf_str(&faults), r->err);
        return cmd_fail(r, e, DM_EBADINPUT,
                        TF(r, GUARD_REFUSED, lang_integer(&r->arena, r->lang, (int64_t)n)));
    }
    return DM_OK;
}

/* The embedded books are made at the first start and follow the program; those of a server are
 * brought up to date by whoever runs it (demeter migrate). */
static int make_books(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(store_closep) struct store *s = NULL;
    const char *url = database_url(r, DATABASE_BOOKS);
    int steps = 0;
    if (!url) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the address of the database");
    }
    if (strncmp(url, "sqlite", 6) != 0) {
        return DM_OK;
    }
    DM_TRY(dm_folder_make(r->settings.v.data_dir, e));
    DM_TRY(database_open(r, url, DATABASE_MAKE, &s, e));
    DM_TRY(store_migrate(s, &steps, e));
    if (steps > 0) {
        dm_log(DM_LOG_INFO, "schema brought up to date", DM_I("steps", steps));
    }
    return DM_OK;
}

/* Without a plant model people count by hand, and photos wait until there is one. */
static int can_count(struct cmd_run *r, bool *ret, struct dm_err *e)
{
    const char *path;
    struct dm_err why = {0};
    const int code = models_find(r, MODELS_DETECT, &path, &why);
    if (code == DM_ENOTFOUND) {
        dm_log(DM_LOG_WARNING, "photos wait: there is no plant model",
               DM_S("reason", dm_err_text(&why)));
    } else if (code < 0) {
        DM_FAIL(e, code, "%s", dm_err_text(&why));
    }
    *ret = code >= 0;
    return DM_OK;
}

static int start_workers(struct serve *s, struct dm_err *e)
{
    const struct serve_flags *f = s->r->flags;
    struct queue_worker_options o;
    bool counts = false;
    if (f->workers == 0) {
        return DM_OK;
    }
    DM_TRY(can_count(s->r, &counts, e));
    const int places = f->workers == WORKERS_AUTO || !counts ? 0 : f->workers;
    DM_TRY(worker_options(s->r, counts ? NULL : "io", places, &o, e));
    workshop_init(&s->shop, s->r, s->telemetry, workshop_threads(s->r, DM_MAX(o.cpu, 1)));
    if (!counts) {
        s->shop.jobs.prepare = NULL;
    }
    s->shop_made = true;
    return queue_worker_start(&o, &s->shop.jobs, &s->workers, e);
}

/* To tell workers elsewhere, and /health/ready. */
static int open_carrier(struct serve *s, struct dm_err *e)
{
    return worker_carrier_url(s->r)[0] ? worker_carrier_open(s->r, &s->carrier, e) : DM_OK;
}

/* ---- signing in ------------------------------------------------------------------------------ */

/* The secret of our tokens: made at the first start, then read from its file, which only the owner
 * can. */
static int kept_secret(struct cmd_run *r, const char **ret, struct dm_err *e)
{
    unsigned char bytes[SECRET_BYTES];
    char text[sodium_base64_ENCODED_LEN(SECRET_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    DM_CLEANUP(dm_buf_clear) struct dm_buf file = dm_buf_init(LIMIT_CONFIG_BYTES);
    const char *path = dm_path_join(r->settings.v.data_dir, "jwt_secret", &r->arena);
    if (!path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    const int code = dm_buf_read_file(&file, path, e);
    if (code == DM_ENOTFOUND) {
        DM_TRY(dm_folder_make(r->settings.v.data_dir, e));
        randombytes_buf(bytes, sizeof(bytes));
        (void)sodium_bin2base64(text, sizeof(text), bytes, sizeof(bytes),
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        const mode_t before = umask(077);
        const int written = dm_file_write_atomic(path, text, strlen(text), e);
        (void)umask(before);
        DM_TRY(written);
        dm_buf_puts(&file, text);
    } else {
        DM_TRY(code);
    }
    *ret = dm_arena_strndup(&r->arena, dm_buf_str(&file), strcspn(dm_buf_str(&file), "\r\n"));
    return *ret ? DM_OK : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for a secret");
}

static unsigned algorithms(const char *list)
{
    unsigned bits = 0;
    for (int i = 0; i < JWT_ALG_MAX_; i++) {
        bits |= strcasestr(list, jwt_alg_names[i]) ? 1U << i : 0;
    }
    return bits & (1U << JWT_RS256 | 1U << JWT_ES256);
}

/* Auth0 has its keys at a known place; any other issuer says where (OpenID Connect Discovery). */
static int open_issuer(struct serve *s, struct dm_err *e)
{
    const struct settings_values *v = &s->r->settings.v;
    struct dm_arena *a = &s->r->arena;
    const char *domain = v->auth_domain;
    if (!domain[0] && !v->auth_issuer[0]) {
        return DM_OK;
    }
    domain += !strncmp(domain, "https://", 8) ? 8 : !strncmp(domain, "http://", 7) ? 7 : 0;
    const char *host = dm_arena_strndup(a, domain, strcspn(domain, "/"));
    struct oidc_options o = {.issuer = v->auth_issuer,
                             .audience = v->auth_audience,
                             .algs = algorithms(v->auth_algorithms),
                             .roles_claim = v->auth_roles_claim};
    if (!v->auth_issuer[0]) {
        o.issuer = dm_arena_printf(a, "https://%s/", host ? host : "");
        o.jwks_uri = dm_arena_printf(a, "https://%s/.well-known/jwks.json", host ? host : "");
    }
    if (!host || !o.issuer || (!v->auth_issuer[0] && !o.jwks_uri)) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an issuer");
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    return oidc_new(&o, &s->oidc, e);
}

static int open_sign_in(struct serve *s, struct dm_err *e)
{
    const struct settings_values *v = &s->r->settings.v;
    const char *secret = guard_secret(s->r);
    struct sign_in_options o = {.audience = v->auth_audience[0] ? v->auth_audience : NULL,
                                .access_s = v->auth_access_s,
                                .refresh_s = v->auth_refresh_s,
                                .open = !v->auth_required};
    DM_TRY(open_issuer(s, e));
    o.oidc = s->oidc;
    if (guard_local(s->r)) {
        if (!secret[0]) {
            DM_TRY(kept_secret(s->r, &secret, e));
        }
        o.secret = secret;
        o.n_secret = strlen(secret);
    }
    return sign_in_new(&o, &s->sign_in, e);
}

/* ---- the server ------------------------------------------------------------------------------ */

/* "a, b" as a NULL-ended list in the run's arena. */
static int split(struct cmd_run *r, const char *list, const char *ret[static LIST_MAX + 1],
                 struct dm_err *e)
{
    size_t n = 0;
    for (const char *at = list; *at;) {
        const size_t length = strcspn(at, ", ");
        if (length > 0) {
            if (n == LIST_MAX) {
                DM_FAIL(e, DM_EBADINPUT, "a list has at most %d entries", LIST_MAX);
            }
            ret[n] = dm_arena_strndup(&r->arena, at, length);
            if (!ret[n++]) {
                DM_FAIL(e, DM_ENOMEM, "no memory for a list");
            }
        }
        at += length + strspn(at + length, ", ");
    }
    ret[n] = NULL;
    return DM_OK;
}

static int http_settings(struct serve *s, struct dm_err *e)
{
    struct cmd_run *r = s->r;
    const struct settings_values *v = &r->settings.v;
    const char *spool = dm_path_join(v->data_dir, "incoming", &r->arena);
    if (!spool) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    DM_TRY(split(r, v->server_cors, s->origin, e));
    DM_TRY(split(r, v->server_proxies, s->proxy, e));
    DM_TRY(dm_folder_make(spool, e));
    const char *path = v->server_base_path;
    const size_t n = strlen(path);
    s->base_path = dm_arena_strndup(&r->arena, path, n && path[n - 1] == '/' ? n - 1 : n);
    s->http = (struct http_options){
        .host = v->server_host,
        .port = v->server_port,
        .threads = v->server_threads,
        .connections_max = v->server_connections,
        .spool = spool,
        .cors_origins = s->origin[0] ? s->origin : NULL,
        .trusted_proxies = s->proxy[0] ? s->proxy : NULL,
        .base_path = s->base_path,
        .debug = v->app_debug,
        .docs = v->server_docs,
    };
    return DM_OK;
}

/* What goes on in the server, at each scrape. */
static void fill_load(void *ctx, struct telemetry *t)
{
    const struct serve *s = ctx;
    struct http_load load;
    double n = 0;
    if (!s->server) {
        return;
    }
    http_server_load(s->server, &load);
    for (size_t i = 0; i < HTTP_LOAD_METHODS; i++) {
        n += load.in_flight[i].n;
        telemetry_set(t, TELEMETRY_OTEL_HTTP_ACTIVE,
                      TELEMETRY_LABELS(load.in_flight[i].method, "http"), load.in_flight[i].n);
    }
    telemetry_set(t, TELEMETRY_HTTP_IN_FLIGHT, NULL, n);
    telemetry_set(t, TELEMETRY_SSE_CONNECTIONS, NULL, load.streams);
}

static int open_api(struct serve *s, struct dm_err *e)
{
    const struct settings_values *v = &s->r->settings.v;
    const char *base = books_address(s->r);
    struct monitor_access monitor;
    DM_TRY(monitor_access(s->r, &monitor, e));
    if (!monitor.password) {
        dm_log(DM_LOG_INFO, "the job monitor is off: FLOWER_PASSWORD is not set");
    }
    const struct api_options o = {
        .store = s->books.store,
        .photos = &s->place,
        .worker = s->workers,
        .carrier = s->carrier,
        .telemetry = s->telemetry,
        .sign_in = s->sign_in,
        .base_url = base,
        .oidc_domain = v->auth_domain[0] ? v->auth_domain : NULL,
        .version = DEMETER_VERSION,
        .revision = version_commit(),
        .metrics_token = v->metrics_token[0] ? v->metrics_token : NULL,
        .monitor_user = monitor.user,
        .monitor_password = monitor.password,
        .secure_cookies = base && !strncmp(base, "https://", 8),
    };
    if (!base) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an address");
    }
    DM_TRY(api_new(&o, &s->api, e));
    if (s->telemetry) {
        DM_TRY(telemetry_on_scrape(s->telemetry, fill_load, s, e));
    }
    s->app = api_http_app(s->api);
    return http_server_start(&s->app, &s->http, &s->server, e);
}

/* To whoever started the server and to nobody else: not into the log. */
static int print_setup_link(struct serve *s, struct dm_err *e)
{
    char secret[PASSWORD_SECRET_SIZE];
    bool needed;
    DM_TRY(link_setup_needed(&s->books.ctx, &needed, e));
    if (!needed || !guard_local(s->r)) {
        return DM_OK;
    }
    DM_TRY(link_setup(&s->books.ctx, secret, e));
    (void)fprintf(s->r->out, "%s\n  %s/setup#%s\n", T(s->r, SERVE_SETUP),
                  api_options(s->api)->base_url, secret);
    (void)fflush(s->r->out);
    return DM_OK;
}

/* After the keeper was forked, which has its own way with signals, and before the first thread. */
static void block_signals(struct serve *s)
{
    (void)sigemptyset(&s->signals);
    (void)sigaddset(&s->signals, SIGTERM);
    (void)sigaddset(&s->signals, SIGINT);
    (void)sigaddset(&s->signals, SIGHUP);
    (void)sigaddset(&s->signals, SIGCHLD); /* the keeper has died */
    (void)pthread_sigmask(SIG_BLOCK, &s->signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int serve_start(struct serve *s, struct dm_err *e)
{
    struct cmd_run *r = s->r;
    DM_TRY(check_settings(r, e));
    DM_TRY(make_books(r, e));
    if (r->settings.v.metrics_enabled) {
        DM_TRY(telemetry_new(DEMETER_VERSION, version_commit(), &s->telemetry, e));
    }
    otel_begin(r, "demeterai-api", s->telemetry, &s->otel);
    DM_TRY(start_workers(s, e));
    block_signals(s);
    DM_TRY(books_open(r, &s->books, e));
    DM_TRY(workshop_place_open(r, s->books.store, &s->place, e));
    workshop_place_watch(&s->place, s->telemetry);
    DM_TRY(open_carrier(s, e));
    DM_TRY(open_sign_in(s, e));
    DM_TRY(http_settings(s, e));
    DM_TRY(open_api(s, e));
    otel_send_thread(s->otel);
    (void)fprintf(r->out, "%s\n",
                  TF(r, SERVE_LISTENS, r->settings.v.server_host,
                     dm_arena_printf(&r->arena, "%d", http_server_port(s->server))));
    (void)fflush(r->out);
    return print_setup_link(s, e);
}

static void serve_stop(struct serve *s, bool now)
{
    otel_last_metrics(s->otel);
    http_server_stop(s->server);
    queue_worker_stop(s->workers, now);
    otel_end(s->otel);
    api_free(s->api);
    sign_in_free(s->sign_in);
    oidc_free(s->oidc);
    queue_carrier_close(s->carrier);
    workshop_place_close(&s->place);
    books_close(&s->books);
    if (s->shop_made) {
        workshop_close(&s->shop);
    }
    telemetry_free(s->telemetry);
}

/* ---- while it runs --------------------------------------------------------------------------- */

static void keep_house(struct serve *s)
{
    struct inv_ctx c = s->books.ctx;
    struct dm_err e = {0};
    int64_t tokens = 0;
    int64_t links = 0;
    int64_t answers = 0;
    c.now_ms = store_now();
    api_keep_house(s->api);
    if (refresh_purge(&c, &tokens, &e) < 0 || link_purge(&c, &links, &e) < 0 ||
        inv_repeat_purge(&c, &answers, &e) < 0) {
        dm_log(DM_LOG_WARNING, "what has expired could not be cleared, ignoring",
               DM_S("error", dm_err_text(&e)));
    }
}

/* Next signal of the set within seconds; 0 when none came. */
static int wait_signal(const sigset_t *set, int seconds)
{
    const struct timespec most = {.tv_sec = seconds};
    int number;
    do {
        number = sigtimedwait(set, NULL, &most);
    } while (number < 0 && errno == EINTR);
    return number < 0 ? 0 : number;
}

/* Until a signal to end; DM_EIO when the workers cannot go on. */
static int wait_end(struct serve *s, struct dm_err *e)
{
    for (;;) {
        const int number = wait_signal(&s->signals, HOUSE_S);
        if (number == SIGTERM || number == SIGINT) {
            return DM_OK;
        }
        if (!queue_worker_lives(s->workers)) {
            DM_FAIL(e, DM_EIO, "the keeper of the workers has died; start the server again");
        }
        if (number == SIGHUP) {
            api_settings_changed(s->api);
            dm_log(DM_LOG_INFO, "settings are read anew");
        }
        keep_house(s);
    }
}

/* Requests under way may end; a second signal does not wait for them. */
static void drain(struct serve *s)
{
    const struct settings_values *v = &s->r->settings.v;
    enum { STEP_MS = 100 };
    dm_log(DM_LOG_INFO, "draining");
    (void)sigdelset(&s->signals,
                    SIGCHLD); /* the keeper may hear the signal too, and be done first */
    api_drain(s->api);
    if (v->server_drain_delay_s > 0 && wait_signal(&s->signals, v->server_drain_delay_s)) {
        serve_stop(s, true);
        return;
    }
    bool now = false;
    for (int ms = 0; !now && ms <= v->server_shutdown_s * 1000; ms += STEP_MS) {
        if (http_server_drain(s->server, STEP_MS)) {
            break;
        }
        const struct timespec none = {0};
        now = sigtimedwait(&s->signals, NULL, &none) > 0;
    }
    serve_stop(s, now);
}

static int serve_run(struct cmd_run *r, struct dm_err *e)
{
    struct serve s = {.r = r};
    api_setup();
    const int code = serve_start(&s, e);
    if (code < 0) {
        serve_stop(&s, true);
        return code;
    }
    const int ended = wait_end(&s, e);
    drain(&s);
    return ended;
}

const struct cmd cmd_serve = {
    .name = "serve",
    .operands = "",
    .summary = MSG_SERVE_SUMMARY,
    .about = MSG_SERVE_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct serve_flags),
    .settings = settings,
    .examples = examples,
    .run = serve_run,
};
