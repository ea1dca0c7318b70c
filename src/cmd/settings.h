/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that can be set in demeter.conf and the environment: the rows of the command line
 * below and the rows of vision/. Precedence: flag > environment > file > profile > default. */
#ifndef CMD_SETTINGS_H
#define CMD_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/error.h"
#include "base/opt.h"
#include "vision/vision.h"

enum settings_overlay_format { SETTINGS_OVERLAY_JPEG, SETTINGS_OVERLAY_PNG };
enum settings_storage { SETTINGS_STORAGE_AUTO, SETTINGS_STORAGE_LOCAL, SETTINGS_STORAGE_S3 };
enum settings_pool { SETTINGS_POOL_AUTO, SETTINGS_POOL_PREFORK, SETTINGS_POOL_ASYNC };
enum settings_lang { SETTINGS_LANG_AUTO, SETTINGS_LANG_EN, SETTINGS_LANG_ES };

enum settings_env { SETTINGS_DEVELOPMENT, SETTINGS_TESTING, SETTINGS_STAGING, SETTINGS_PRODUCTION };
enum settings_local { SETTINGS_LOCAL_AUTO, SETTINGS_LOCAL_TRUE, SETTINGS_LOCAL_FALSE };

struct settings_values {
    /* api.*: the thin client; app.*, auth.*, metrics.*, server.*: demeter serve, read by
     * cmd/serve.h and cmd/guard.h */
    const char *api_token, *api_url;
    bool app_debug, auth_required, metrics_enabled, server_docs;
    int32_t app_env, auth_local; /* enum settings_env, settings_local */
    const char *auth_domain, *auth_audience, *auth_algorithms, *auth_issuer, *auth_roles_claim;
    const char *auth_secret, *auth_secret_key;
    int32_t auth_access_s, auth_refresh_s;
    const char *metrics_listen, *metrics_token;
    /* otel.*; read by cmd/otel.h */
    bool otel_enabled, otel_disabled;
    const char *otel_endpoint, *otel_headers, *otel_protocol, *otel_service, *otel_attributes,
        *otel_sampler, *otel_sampler_arg;
    int32_t otel_delay_ms, otel_metric_ms;
    const char *monitor_basic_auth, *monitor_password, *monitor_user; /* cmd/monitor_access.h */
    const char *server_host, *server_base_path, *server_public_url, *server_cors, *server_proxies;
    int32_t server_port, server_threads, server_connections, server_drain_delay_s,
        server_shutdown_s;
    int32_t backend, precision, profile; /* index; enum nn_precision; enum vision_profile */
    int32_t threads, jobs;               /* 0 threads: all processors */
    const char *model_detect, *model_segment, *model_dir; /* "" = search */
    const char *model_url;
    const char *overlay; /* comma list */
    int32_t overlay_format, jpeg_quality;
    int32_t log_format, log_level; /* enum dm_log_format, enum dm_log_level */
    int32_t lang;
    /* database.*; read by cmd/database.h */
    const char *data_dir, *database_url, *database_url_sync;
    const char *database_host, *database_name, *database_user, *database_password,
        *database_sslmode;
    int32_t database_port, database_pool_size, database_max_overflow;
    int32_t database_connect_s, database_statement_s;
    bool database_echo_sql;
    /* backup.*; read by cmd/backup_box.h */
    const char *backup_key, *backup_schedule, *backup_url, *backup_verify_schedule;
    int32_t backup_keep_daily, backup_keep_monthly;
    /* storage.*; read by cmd/workshop.h */
    int32_t storage_backend; /* enum settings_storage */
    const char *storage_url, *storage_originals, *storage_pictures, *storage_region,
        *storage_access_key, *storage_secret_key, *storage_session_token, *storage_endpoint,
        *storage_sse;
    bool storage_path_style;
    int32_t storage_keep_free_mb, storage_incoming_mb;
    const char *debug_abort_sha256, *debug_clock_file;
    /* queue.*, worker.*; read by cmd/worker_options.h */
    const char *queue_url, *queue_broker_url, *queue_redis_url, *queue_redis_password;
    const char *worker_queues, *worker_name;
    int32_t worker_concurrency, worker_max_jobs, worker_max_memory_mb, worker_drain_s,
        worker_lease_s, worker_sweep_s, worker_pool; /* enum settings_pool */
};

extern const struct dm_opt settings_opt_table[];
extern const size_t settings_opt_count;
extern const char *const settings_backends[];

enum { SETTINGS_OWN, SETTINGS_VISION, SETTINGS_SETS };

struct settings {
    struct settings_values v;
    struct vision_params vision;
    struct dm_opt_set set[SETTINGS_SETS];
    struct dm_opt_set *sets[SETTINGS_SETS]; /* pointers to set[], as base/conf.h wants them */
};

/* Bind the tables and set defaults. s must not move afterwards. DM_ENOMEM. */
DM_MUST_CHECK int settings_init(struct settings *s, struct dm_arena *a, struct dm_err *e);

/* Path of the configuration file: explicit (--config, else DEMETER_CONFIG), else the first that
 * exists of $XDG_CONFIG_HOME/demeter/demeter.conf, ~/.config/demeter/demeter.conf,
 * /etc/demeter/demeter.conf; "" when there is none. In a. */
const char *settings_file(const char *explicit_path, dm_conf_lookup lookup, void *ctx,
                          struct dm_arena *a);

/* After file, environment and flags: give the values of the profile to every setting that nobody
 * set, and its number to vision.profile. A count.tile_size that somebody set turns
 * count.adapt_tiles off, unless that was set too. */
DM_MUST_CHECK int settings_apply_profile(struct settings *s, struct dm_arena *a, struct dm_err *e);

/* Set and index of a full name; DM_ENOTFOUND with the nearest one. */
DM_MUST_CHECK int settings_find(struct settings *s, const char *name, size_t *ret_set,
                                size_t *ret_index, struct dm_err *e);

/* Lookup in a NULL-ended environment (ctx: char **). */
const char *settings_getenv(void *ctx, const char *name);

/* Variables of our families (DEMETER_...) that no setting reads, each with the nearest known name
 * or "" in ret_near. Returns how many, at most max. In a. */
size_t settings_unknown_env(struct settings *s, char **environment, const char **ret_name,
                            const char **ret_near, size_t max, struct dm_arena *a);

#endif
