/* SPDX-License-Identifier: Apache-2.0
 *
 * The process's side of the API: settings that are read anew now and then, hooks for the server,
 * names of errors. */
#include "api/api.h"

#include <string.h>

#include "api/api_priv.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "inventory/photo.h"
#include "store/store.h"
#include "telemetry/telemetry.h"

enum { GROUND_FRESH_S = 10, LOGINS_PER_MINUTE = 10 };

const struct http_route *const api_tables[] = {
#define X(name) name,
#include "api/tables.def"
#undef X
    NULL,
};

/* ---- codes ----------------------------------------------------------------------------------- */

static const struct dm_code_info codes[] = {
#define X(name, number, http, retry, exit_status, class, text)                                     \
    {(number), (http), (retry), (exit_status), #name, (text)},
#include "api/codes.def"
#undef X
};

void api_setup(void)
{
    static struct dm_code_table table = {codes, DM_COUNT(codes), NULL};
    inv_setup();
    dm_codes_add(&table);
}

/* Names of api.md 1.6 for what is no rule of the nursery. */
static const struct {
    int code;
    const char *class;
} classes[] = {
#define X(name, number, http, retry, exit_status, class, text) {(number), class},
#include "api/codes.def"
#undef X
    {DM_EBADINPUT, "RequestValidationError"},  {DM_EDECODE, "InvalidFileTypeException"},
    {DM_ELIMIT, "PayloadTooLargeException"},   {DM_EUNSUPPORTED, "UnsupportedMediaTypeException"},
    {DM_ENOTFOUND, "NotFoundException"},       {DM_EUSAGE, "ValidationException"},
    {DM_ECONFLICT, "ConflictException"},       {DM_ENOMEM, "ServiceUnavailableException"},
    {DM_EIO, "ServiceUnavailableException"},   {DM_EAGAIN, "CircuitBreakerException"},
    {DM_EBUSY, "ServiceUnavailableException"},
};

void api_classify(int code, const char **ret_class, const char **ret_rule)
{
    const char *class = inv_code_class(code);
    *ret_rule = class || code <= API_EGONE ? dm_code_info(code)->slug : NULL;
    for (size_t i = 0; !class && i < DM_COUNT(classes); i++) {
        class = classes[i].code == code ? classes[i].class : NULL;
    }
    *ret_class = class ? class : "InternalServerError";
}

/* ---- settings -------------------------------------------------------------------------------- */

static void ground_free(struct api_ground *g)
{
    if (g) {
        dm_zone_free(g->zone);
        dm_arena_clear(&g->arena);
        dm_free(g);
    }
}

static int ground_read(struct store *s, struct api_ground *g, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_begin(s, STORE_READ, &tx, e));
    DM_TRY(inv_settings_load(tx, &g->arena, &g->settings, e));
    store_rollback(DM_STEAL(tx));
    return dm_zone_load(g->settings.timezone, &g->zone, e);
}

static int ground_new(struct store *s, struct api_ground **ret, struct dm_err *e)
{
    struct api_ground *g = dm_calloc(1, sizeof(*g));
    if (!g) {
        DM_FAIL(e, DM_ENOMEM, "no memory for settings");
    }
    const int code = ground_read(s, g, e);
    if (code < 0) {
        ground_free(g);
        return code;
    }
    g->read_at = dm_now();
    g->refs = 1;
    *ret = g;
    return DM_OK;
}

static bool is_fresh(const struct api_ground *g)
{
    return g && dm_now() - g->read_at < (dm_usec)GROUND_FRESH_S * 1000000;
}

/* Under api->mu. */
static void unref(struct api_ground *g)
{
    if (g && --g->refs == 0) {
        ground_free(g);
    }
}

/* Two that find them stale at once both read: rare, and harmless. */
int api_ground_take(struct api *api, struct api_ground **ret, struct dm_err *e)
{
    struct api_ground *fresh = NULL;
    (void)pthread_mutex_lock(&api->mu);
    if (is_fresh(api->ground)) {
        api->ground->refs++;
        *ret = api->ground;
        (void)pthread_mutex_unlock(&api->mu);
        return DM_OK;
    }
    (void)pthread_mutex_unlock(&api->mu);
    DM_TRY(ground_new(api->o.store, &fresh, e));
    (void)pthread_mutex_lock(&api->mu);
    unref(api->ground);
    api->ground = fresh;
    fresh->refs++;
    *ret = fresh;
    (void)pthread_mutex_unlock(&api->mu);
    return DM_OK;
}

void api_ground_give(struct api *api, struct api_ground *g)
{
    (void)pthread_mutex_lock(&api->mu);
    unref(g);
    (void)pthread_mutex_unlock(&api->mu);
}

void api_settings_changed(struct api *api)
{
    (void)pthread_mutex_lock(&api->mu);
    unref(api->ground);
    api->ground = NULL;
    (void)pthread_mutex_unlock(&api->mu);
}

/* ---- the process ----------------------------------------------------------------------------- */

/* Beside the photos on their way by forms: what is finished is moved within one disk. */
static void place_uploads(struct api *api)
{
    const struct photo_place *p = api->o.photos;
    if (p) {
        (void)snprintf(api->resumed_dir, sizeof(api->resumed_dir), "%s/resumed", p->incoming);
        (void)snprintf(api->announced_dir, sizeof(api->announced_dir), "%s/announced", p->incoming);
    }
    api->resumed = (struct tus_place){.dir = api->resumed_dir,
                                      .max_bytes = LIMIT_IMAGE_FILE_BYTES,
                                      .ttl_s = API_UPLOAD_DAYS * 86400};
    api->announced = (struct tus_place){
        .dir = api->announced_dir, .max_bytes = LIMIT_IMAGE_FILE_BYTES, .ttl_s = API_ANNOUNCED_S};
}

void api_keep_house(struct api *api)
{
    tus_store_sweep(&api->resumed);
    tus_store_sweep(&api->announced);
}

int api_new(const struct api_options *o, struct api **ret, struct dm_err *e)
{
    DM_CLEANUP(api_freep) struct api *api = dm_calloc(1, sizeof(*api));
    if (!api) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the API");
    }
    (void)pthread_mutex_init(&api->mu, NULL);
    (void)pthread_mutex_init(&api->ready_mu, NULL);
    api->o = *o;
    place_uploads(api);
    api->started = dm_now();
    if (o->logins_per_minute >= 0) {
        DM_TRY(api_limit_new(o->logins_per_minute ? o->logins_per_minute : LOGINS_PER_MINUTE,
                             &api->logins, e));
    }
    DM_TRY(ground_new(o->store, &api->ground, e));
    if (o->telemetry) {
        DM_TRY(telemetry_on_scrape(o->telemetry, api_fill, api, e));
    }
    *ret = DM_STEAL(api);
    return DM_OK;
}

void api_free(struct api *api)
{
    if (api) {
        unref(api->ground);
        api_limit_free(api->logins);
        (void)pthread_mutex_destroy(&api->mu);
        (void)pthread_mutex_destroy(&api->ready_mu);
        dm_free(api->ready);
        dm_free(api);
    }
}

/* What a reader of /openapi.json may look up. */
static const int document_codes[] = {
#define X(name, number, http, retry, exit_status, class, text) (number),
#include "inventory/rules.def"

#include "api/codes.def"
#undef X
    0,
};

static const char *role_name(int role)
{
    static const char *const names[] = {
        [API_ANY] = "any",       [API_VIEWER] = "viewer",
        [API_WORKER] = "worker", [API_SUPERVISOR] = "supervisor",
        [API_ADMIN] = "admin",
    };
    const size_t i = (size_t)(role & API_ROLE_MASK);
    return i < DM_COUNT(names) ? names[i] : NULL;
}

struct http_app api_http_app(struct api *api)
{
    return (struct http_app){
        .ctx = api,
        .tables = api_tables,
        .alias = api_aliases,
        .title = "DemeterAI v2.0",
        .version = "2.0.0",
        .codes = document_codes,
        .role_name = role_name,
        .guard = api_guard,
        .forget = api_forget,
        .classify = api_classify,
        .trace = api_trace,
        .state = api_state,
        .replay = api_replay,
        .keep = api_keep,
        .done = api_done,
    };
}

void api_drain(struct api *api)
{
    api->draining = true;
}

const struct api_options *api_options(const struct api *api)
{
    return &api->o;
}
