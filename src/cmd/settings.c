/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the command line, and how all settings are loaded. */
#include "cmd/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "nn/net.h"

const char *const settings_backends[] = {"auto", "onednn", "avx512", "ref", NULL};
static const char *const profiles[] = {"product", "parity", NULL};
static const char *const overlay_formats[] = {"jpeg", "png", NULL};
static const char *const log_formats[] = {"auto", "text", "json", NULL};
static const char *const log_levels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", NULL};
static const char *const storages[] = {"auto", "local", "s3", NULL};
static const char *const worker_pools[] = {"auto", "prefork", "async", NULL};
static const char *const environments[] = {"development", "testing", "staging", "production", NULL};
static const char *const locals[] = {"auto", "true", "false", NULL};
static const char *const langs[] = {"auto", "en", "es", NULL};

#define AT(field) DM_OPT_AT(struct settings_values, field)

/* Sorted by name: asserted by a test. */
// clang-format off
const struct dm_opt settings_opt_table[] = {
    {.name = "api.token", .type = DM_OPT_STR, .flag = "api-token", .offset = AT(api_token),
     .def = "", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "token that demeter api sends, as POST /api/v1/tokens gives one"},
    {.name = "api.url", .type = DM_OPT_STR, .flag = "api-url", .offset = AT(api_url),
     .def = "", .unit = "URL", .flags = DM_OPT_NO_FLAG,
     .help = "server that demeter api and healthcheck ask; the one server.* describes when empty"},
    {.name = "app.debug", .type = DM_OPT_BOOL, .flag = "app-debug", .offset = AT(app_debug),
     .def = "false", .env = "DEBUG", .flags = DM_OPT_NO_FLAG,
     .help = "errors of the API tell what went wrong inside; refused in production"},
    {.name = "app.env", .type = DM_OPT_ENUM, .offset = AT(app_env),
     .def = "development", .choices = environments, .env = "APP_ENV", .flags = DM_OPT_NO_FLAG,
     .help = "production and staging refuse to start with missing or placeholder secrets"},
    {.name = "auth.access_ttl", .type = DM_OPT_I32, .offset = AT(auth_access_s),
     .def = "900", .min = 60, .max = 86400, .unit = "s", .env = "JWT_ACCESS_TTL",
     .flags = DM_OPT_NO_FLAG, .help = "life of an access token"},
    {.name = "auth.algorithms", .type = DM_OPT_STR, .offset = AT(auth_algorithms),
     .def = "RS256", .unit = "LIST", .env = "AUTH0_ALGORITHMS", .flags = DM_OPT_NO_FLAG,
     .help = "how tokens of the identity provider are signed: RS256, ES256; others are ignored"},
    {.name = "auth.audience", .type = DM_OPT_STR, .offset = AT(auth_audience),
     .def = "", .env = "AUTH0_API_AUDIENCE", .flags = DM_OPT_NO_FLAG,
     .help = "for whom tokens must be made; required with an identity provider"},
    {.name = "auth.domain", .type = DM_OPT_STR, .flag = "auth-domain", .offset = AT(auth_domain),
     .def = "", .env = "AUTH0_DOMAIN", .flags = DM_OPT_NO_FLAG,
     .help = "host of an Auth0 tenant; empty: no sign-in there"},
    {.name = "auth.issuer", .type = DM_OPT_STR, .offset = AT(auth_issuer),
     .def = "", .unit = "URL", .env = "AUTH0_ISSUER", .flags = DM_OPT_NO_FLAG,
     .help = "another OpenID Connect issuer, exactly as its tokens name it"},
    {.name = "auth.jwt_secret", .type = DM_OPT_STR, .offset = AT(auth_secret),
     .def = "", .env = "JWT_SECRET", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "signs our own access tokens, at least 32 bytes; made once in data.dir when empty, "
             "but not in production"},
    {.name = "auth.jwt_secret_key", .type = DM_OPT_STR, .offset = AT(auth_secret_key),
     .def = "", .env = "JWT_SECRET_KEY", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET | DM_OPT_HIDDEN,
     .help = "older name of auth.jwt_secret"},
    {.name = "auth.local", .type = DM_OPT_ENUM, .offset = AT(auth_local),
     .def = "auto", .choices = locals, .env = "AUTH_LOCAL_ENABLED", .flags = DM_OPT_NO_FLAG,
     .help = "signing in with e-mail and password; auto: in production only with auth.jwt_secret"},
    {.name = "auth.refresh_ttl", .type = DM_OPT_I32, .offset = AT(auth_refresh_s),
     .def = "604800", .min = 3600, .max = 31536000, .unit = "s", .env = "JWT_REFRESH_TTL",
     .flags = DM_OPT_NO_FLAG, .help = "how long a session lasts without being used"},
    {.name = "auth.required", .type = DM_OPT_BOOL, .offset = AT(auth_required),
     .def = "true", .env = "AUTH_REQUIRED", .flags = DM_OPT_NO_FLAG,
     .help = "false: requests without a token may do everything; refused in production"},
    {.name = "auth.roles_claim", .type = DM_OPT_STR, .offset = AT(auth_roles_claim),
     .def = "https://demeter.ai/roles", .flags = DM_OPT_NO_FLAG,
     .help = "claim of the identity provider's tokens that lists roles; else the claim roles"},
    {.name = "backup.keep_daily", .type = DM_OPT_I32, .offset = AT(backup_keep_daily),
     .def = "30", .min = 1, .max = 3660, .unit = "backups", .env = "BACKUP_KEEP_DAILY",
     .help = "the newest backup of so many days stays"},
    {.name = "backup.keep_monthly", .type = DM_OPT_I32, .offset = AT(backup_keep_monthly),
     .def = "12", .min = 0, .max = 1200, .unit = "backups", .env = "BACKUP_KEEP_MONTHLY",
     .help = "the newest backup of so many months stays"},
    {.name = "backup.key", .type = DM_OPT_STR, .flag = "backup-key", .offset = AT(backup_key),
     .def = "", .env = "BACKUP_KEY", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET | DM_OPT_HIDDEN,
     .help = "refused: backups are not encrypted by this program"},
    {.name = "backup.schedule", .type = DM_OPT_STR, .flag = "backup-schedule", .offset = AT(backup_schedule),
     .def = "0 2 * * *", .unit = "CRON", .env = "BACKUP_SCHEDULE", .flags = DM_OPT_NO_FLAG,
     .help = "when backup run --schedule takes one: minute hour day month weekday, by the nursery's clock"},
    {.name = "backup.url", .type = DM_OPT_STR, .flag = "backup-url", .offset = AT(backup_url),
     .def = "", .unit = "URL", .env = "BACKUP_URL", .flags = DM_OPT_NO_FLAG,
     .help = "where backups are: dir:/FOLDER or s3:BUCKET/PREFIX; the folder backups in data.dir when empty"},
    {.name = "backup.verify_schedule", .type = DM_OPT_STR, .offset = AT(backup_verify_schedule),
     .def = "0 4 * * 0", .unit = "CRON", .env = "BACKUP_VERIFY_SCHEDULE", .flags = DM_OPT_NO_FLAG,
     .help = "when it reads the newest one back and examines its database"},
    {.name = "count.backend", .type = DM_OPT_ENUM, .offset = AT(backend),
     .def = "auto", .choices = settings_backends, .flags = DM_OPT_HIDDEN,
     .help = "who computes the convolutions"},
    {.name = "count.jobs", .type = DM_OPT_I32, .offset = AT(jobs),
     .def = "1", .min = 1, .max = LIMIT_JOBS, .unit = "photos",
     .help = "photos in work at once; the tiles of a single one already use every processor"},
    {.name = "count.jpeg_quality", .type = DM_OPT_I32, .offset = AT(jpeg_quality),
     .def = "85", .min = 1, .max = 100, .help = "quality of pictures written as JPEG"},
    {.name = "count.model_detect", .type = DM_OPT_STR, .offset = AT(model_detect),
     .def = "", .unit = "FILE", .env = "YOLO_DETECTION_MODEL",
     .help = "model that finds plants; searched as plants-detect.onnx when not given"},
    {.name = "count.model_segment", .type = DM_OPT_STR, .offset = AT(model_segment),
     .def = "", .unit = "FILE", .env = "YOLO_SEGMENTATION_MODEL",
     .help = "model that finds containers; searched as containers-segment.onnx when not given, "
             "\"none\" to count the whole photo as one region"},
    {.name = "count.overlay", .type = DM_OPT_STR, .offset = AT(overlay),
     .def = "annotated", .unit = "LIST",
     .help = "pictures written with --out: annotated, detections, mask, detections_metrics, "
             "residual, estimation (comma between), all, none"},
    {.name = "count.overlay_format", .type = DM_OPT_ENUM, .offset = AT(overlay_format),
     .def = "jpeg", .choices = overlay_formats, .help = "file format of those pictures"},
    {.name = "count.precision", .type = DM_OPT_ENUM, .offset = AT(precision),
     .def = "auto", .choices = nn_precision_names, .env = "VISION_PRECISION",
     .help = "arithmetic of the networks; auto takes the fastest that this processor has"},
    {.name = "count.profile", .type = DM_OPT_ENUM, .offset = AT(profile),
     .def = "product", .choices = profiles,
     .help = "defaults of all settings below: our own, or those of the Python system"},
    {.name = "count.threads", .type = DM_OPT_I32, .offset = AT(threads),
     .def = "0", .min = 0, .max = LIMIT_THREADS, .unit = "threads", .env = "VISION_THREADS",
     .help = "threads that share the work; 0 means one per processor"},
    {.name = "data.dir", .type = DM_OPT_STR, .offset = AT(data_dir),
     .def = "/var/lib/demeter", .unit = "FOLDER", .env = "DATA_DIR", .flags = DM_OPT_NO_FLAG,
     .help = "folder of everything that is kept: database file, photos"},
    {.name = "database.connect_timeout", .type = DM_OPT_I32, .offset = AT(database_connect_s),
     .def = "60", .min = 1, .max = 3600, .unit = "s", .env = "DB_CONNECT_TIMEOUT",
     .flags = DM_OPT_NO_FLAG, .help = "how long to wait for a database that does not answer yet"},
    {.name = "database.echo_sql", .type = DM_OPT_BOOL, .offset = AT(database_echo_sql),
     .def = "false", .env = "DB_ECHO_SQL", .flags = DM_OPT_NO_FLAG,
     .help = "log every statement of the database, without its values"},
    {.name = "database.host", .type = DM_OPT_STR, .flag = "database-host", .offset = AT(database_host),
     .def = "db", .env = "POSTGRES_HOST", .flags = DM_OPT_NO_FLAG,
     .help = "machine of PostgreSQL; these parts count when there is no database.url"},
    {.name = "database.max_overflow", .type = DM_OPT_I32, .offset = AT(database_max_overflow),
     .def = "20", .min = 0, .max = LIMIT_STORE_POOL, .unit = "connections",
     .env = "DB_MAX_OVERFLOW", .flags = DM_OPT_NO_FLAG,
     .help = "connections beyond database.pool_size in a rush"},
    {.name = "database.name", .type = DM_OPT_STR, .offset = AT(database_name),
     .def = "demeterai", .env = "POSTGRES_DB", .flags = DM_OPT_NO_FLAG,
     .help = "database of PostgreSQL"},
    {.name = "database.password", .type = DM_OPT_STR, .offset = AT(database_password),
     .def = "", .env = "POSTGRES_PASSWORD", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "password of database.user"},
    {.name = "database.pool_size", .type = DM_OPT_I32, .offset = AT(database_pool_size),
     .def = "30", .min = 1, .max = LIMIT_STORE_POOL, .unit = "connections", .env = "DB_POOL_SIZE",
     .flags = DM_OPT_NO_FLAG, .help = "connections that are kept open"},
    {.name = "database.port", .type = DM_OPT_I32, .flag = "database-port", .offset = AT(database_port),
     .def = "5432", .min = 1, .max = 65535, .env = "POSTGRES_PORT", .flags = DM_OPT_NO_FLAG,
     .help = "port of PostgreSQL"},
    {.name = "database.sslmode", .type = DM_OPT_STR, .offset = AT(database_sslmode),
     .def = "prefer", .env = "POSTGRES_SSLMODE", .flags = DM_OPT_NO_FLAG,
     .help = "how PostgreSQL is reached: disable, prefer, require, verify-ca, verify-full"},
    {.name = "database.statement_timeout", .type = DM_OPT_I32, .offset = AT(database_statement_s),
     .def = "30", .min = 1, .max = 3600, .unit = "s", .env = "DB_STATEMENT_TIMEOUT",
     .flags = DM_OPT_NO_FLAG, .help = "longest time one statement may take"},
    {.name = "database.url", .type = DM_OPT_STR, .offset = AT(database_url),
     .def = "", .unit = "URL", .env = "DATABASE_URL", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "where the books are: sqlite:FILE or postgresql://USER:PASSWORD@HOST/NAME; "
             "demeter.db in data.dir when not given"},
    {.name = "database.url_sync", .type = DM_OPT_STR, .offset = AT(database_url_sync),
     .def = "", .unit = "URL", .env = "DATABASE_URL_SYNC",
     .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "instead of database.url where the schema is changed or saved"},
    {.name = "database.user", .type = DM_OPT_STR, .offset = AT(database_user),
     .def = "demeter", .env = "POSTGRES_USER", .flags = DM_OPT_NO_FLAG,
     .help = "user of PostgreSQL"},
    {.name = "debug.abort_sha256", .type = DM_OPT_STR, .offset = AT(debug_abort_sha256),
     .def = "", .flags = DM_OPT_NO_FLAG | DM_OPT_HIDDEN,
     .help = "a worker aborts on the photo with this hash, to see that the others go on"},
    {.name = "debug.clock_file", .type = DM_OPT_STR, .offset = AT(debug_clock_file),
     .def = "", .unit = "FILE", .flags = DM_OPT_NO_FLAG | DM_OPT_HIDDEN,
     .help = "a file of 8 bytes with the milliseconds by which this machine's clock is to be wrong"},
    {.name = "log.format", .type = DM_OPT_ENUM, .offset = AT(log_format),
     .def = "auto", .choices = log_formats, .env = "LOG_FORMAT", .flags = DM_OPT_NO_FLAG,
     .help = "log lines as text or JSON; auto writes text on a terminal"},
    {.name = "log.level", .type = DM_OPT_ENUM, .offset = AT(log_level),
     .def = "WARNING", .choices = log_levels, .env = "LOG_LEVEL", .flags = DM_OPT_NO_FLAG,
     .help = "least important log lines that are written; --verbose means DEBUG"},
    {.name = "metrics.enabled", .type = DM_OPT_BOOL, .flag = "metrics-enabled", .offset = AT(metrics_enabled),
     .def = "true", .env = "ENABLE_METRICS", .flags = DM_OPT_NO_FLAG,
     .help = "count what happens, for /metrics"},
    {.name = "metrics.listen", .type = DM_OPT_STR, .flag = "metrics-listen", .offset = AT(metrics_listen),
     .def = "127.0.0.1:9464", .unit = "ADDRESS:PORT", .env = "METRICS_LISTEN", .flags = DM_OPT_NO_FLAG,
     .help = "where the monitor and scheduled backups answer /health and /metrics; empty: nowhere"},
    {.name = "metrics.token", .type = DM_OPT_STR, .flag = "metrics-token", .offset = AT(metrics_token),
     .def = "", .env = "METRICS_TOKEN", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "bearer token that /metrics asks for"},
    {.name = "model.dir", .type = DM_OPT_STR, .offset = AT(model_dir),
     .def = "", .unit = "FOLDER", .flag = "model-dir", .env = "MODEL_DIR",
     .help = "folder where models are searched first"},
    {.name = "model.url", .type = DM_OPT_STR, .offset = AT(model_url),
     .def = "", .unit = "URL", .flag = "model-url", .env = "MODEL_URL", .flags = DM_OPT_NO_FLAG,
     .help = "folder on a web server with models.json and the models, for demeter model fetch"},
    {.name = "monitor.basic_auth", .type = DM_OPT_STR, .offset = AT(monitor_basic_auth),
     .def = "", .unit = "USER:PASSWORD", .env = "FLOWER_BASIC_AUTH", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "name and password of the job monitor in one, when there is no monitor.password"},
    {.name = "monitor.password", .type = DM_OPT_STR, .flag = "monitor-password", .offset = AT(monitor_password),
     .def = "", .env = "FLOWER_PASSWORD", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "password of the job monitor; without one it is off"},
    {.name = "monitor.user", .type = DM_OPT_STR, .flag = "monitor-user", .offset = AT(monitor_user),
     .def = "admin", .env = "FLOWER_USER", .flags = DM_OPT_NO_FLAG,
     .help = "name that the job monitor asks for"},
    {.name = "otel.attributes", .type = DM_OPT_STR, .flag = "otel-attributes", .offset = AT(otel_attributes),
     .def = "", .unit = "LIST", .env = "OTEL_RESOURCE_ATTRIBUTES", .flags = DM_OPT_NO_FLAG,
     .help = "more about this installation for the collector, as key=value (comma between)"},
    {.name = "otel.disabled", .type = DM_OPT_BOOL, .flag = "otel-disabled", .offset = AT(otel_disabled),
     .def = "false", .env = "OTEL_SDK_DISABLED", .flags = DM_OPT_NO_FLAG,
     .help = "send nothing to a collector, whatever otel.enabled says"},
    {.name = "otel.enabled", .type = DM_OPT_BOOL, .flag = "otel-enabled", .offset = AT(otel_enabled),
     .def = "true", .env = "OTEL_ENABLED", .flags = DM_OPT_NO_FLAG,
     .help = "send traces, metrics and log lines to otel.endpoint when there is one"},
    {.name = "otel.endpoint", .type = DM_OPT_STR, .flag = "otel-endpoint", .offset = AT(otel_endpoint),
     .def = "", .unit = "URL", .env = "OTEL_EXPORTER_OTLP_ENDPOINT", .flags = DM_OPT_NO_FLAG,
     .help = "collector of OpenTelemetry, such as http://localhost:4318 (OTLP over HTTP); empty: none"},
    {.name = "otel.headers", .type = DM_OPT_STR, .flag = "otel-headers", .offset = AT(otel_headers),
     .def = "", .unit = "LIST", .env = "OTEL_EXPORTER_OTLP_HEADERS", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "header fields for the collector, as key=value (comma between)"},
    {.name = "otel.metric_interval", .type = DM_OPT_I32, .flag = "otel-metric-interval", .offset = AT(otel_metric_ms),
     .def = "60000", .min = 0, .max = 3600000, .unit = "ms", .env = "OTEL_METRIC_EXPORT_INTERVAL", .flags = DM_OPT_NO_FLAG,
     .help = "time between two requests of metrics to the collector; 0 sends none"},
    {.name = "otel.protocol", .type = DM_OPT_STR, .flag = "otel-protocol", .offset = AT(otel_protocol),
     .def = "http/protobuf", .unit = "NAME", .env = "OTEL_EXPORTER_OTLP_PROTOCOL", .flags = DM_OPT_NO_FLAG,
     .help = "how the collector is spoken to; only http/protobuf"},
    {.name = "otel.sampler", .type = DM_OPT_STR, .flag = "otel-sampler", .offset = AT(otel_sampler),
     .def = "parentbased_traceidratio", .unit = "NAME", .env = "OTEL_TRACES_SAMPLER", .flags = DM_OPT_NO_FLAG,
     .help = "which traces are kept: always_on, always_off, traceidratio, each also with parentbased_ before it"},
    {.name = "otel.sampler_arg", .type = DM_OPT_STR, .flag = "otel-sampler-arg", .offset = AT(otel_sampler_arg),
     .def = "1.0", .unit = "RATIO", .env = "OTEL_TRACES_SAMPLER_ARG", .flags = DM_OPT_NO_FLAG,
     .help = "share of traces that traceidratio keeps, 0 to 1"},
    {.name = "otel.schedule_delay", .type = DM_OPT_I32, .flag = "otel-schedule-delay", .offset = AT(otel_delay_ms),
     .def = "5000", .min = 10, .max = 600000, .unit = "ms", .env = "OTEL_BSP_SCHEDULE_DELAY", .flags = DM_OPT_NO_FLAG,
     .help = "longest time that a trace or log line waits to be sent"},
    {.name = "otel.service_name", .type = DM_OPT_STR, .flag = "otel-service-name", .offset = AT(otel_service),
     .def = "", .unit = "NAME", .env = "OTEL_SERVICE_NAME", .flags = DM_OPT_NO_FLAG,
     .help = "what the collector calls this program; by its command when empty"},
    {.name = "queue.broker_url", .type = DM_OPT_STR, .offset = AT(queue_broker_url),
     .def = "", .unit = "URL", .env = "CELERY_BROKER_URL",
     .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET, .help = "read when there is no queue.url"},
    {.name = "queue.redis_password", .type = DM_OPT_STR, .offset = AT(queue_redis_password),
     .def = "", .env = "REDIS_PASSWORD", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "password of Redis when the address has none"},
    {.name = "queue.redis_url", .type = DM_OPT_STR, .offset = AT(queue_redis_url),
     .def = "", .unit = "URL", .env = "REDIS_URL", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "read when there is neither queue.url nor queue.broker_url"},
    {.name = "queue.url", .type = DM_OPT_STR, .offset = AT(queue_url),
     .def = "", .unit = "URL", .flag = "queue-url", .env = "QUEUE_URL", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "who tells workers of new jobs: redis://USER:PASSWORD@HOST:PORT/DB, rediss:// with TLS, "
             "sql: nobody, then they look every 2 s; jobs themselves are always in the database"},
    {.name = "server.base_path", .type = DM_OPT_STR, .offset = AT(server_base_path),
     .def = "/", .unit = "PATH", .env = "BASE_PATH", .flags = DM_OPT_NO_FLAG,
     .help = "prefix of all paths that a proxy leaves on"},
    {.name = "server.connections", .type = DM_OPT_I32, .offset = AT(server_connections),
     .def = "1024", .min = 16, .max = 65536, .unit = "connections", .env = "HTTP_MAX_CONNECTIONS",
     .flags = DM_OPT_NO_FLAG, .help = "connections at once"},
    {.name = "server.cors", .type = DM_OPT_STR, .offset = AT(server_cors),
     .def = "", .unit = "LIST", .env = "CORS_ALLOW_ORIGINS", .flags = DM_OPT_NO_FLAG,
     .help = "origins whose pages may call the API (comma between)"},
    {.name = "server.docs", .type = DM_OPT_BOOL, .offset = AT(server_docs),
     .def = "true", .env = "DOCS_ENABLED", .flags = DM_OPT_NO_FLAG,
     .help = "serve /docs and /openapi.json"},
    {.name = "server.drain_delay", .type = DM_OPT_I32, .offset = AT(server_drain_delay_s),
     .def = "0", .min = 0, .max = 600, .unit = "s", .env = "DRAIN_DELAY", .flags = DM_OPT_NO_FLAG,
     .help = "after SIGTERM, go on that long while /health/ready says no"},
    {.name = "server.host", .type = DM_OPT_STR, .offset = AT(server_host),
     .def = "127.0.0.1", .env = "HOST", .help = "address to listen on"},
    {.name = "server.port", .type = DM_OPT_I32, .offset = AT(server_port),
     .def = "8000", .min = 0, .max = 65535, .env = "PORT",
     .help = "port to listen on; 0 takes any free one"},
    {.name = "server.public_url", .type = DM_OPT_STR, .offset = AT(server_public_url),
     .def = "", .unit = "URL", .env = "PUBLIC_BASE_URL", .flags = DM_OPT_NO_FLAG,
     .help = "address that people use, for links; http://localhost and the port when empty"},
    {.name = "server.shutdown_timeout", .type = DM_OPT_I32, .offset = AT(server_shutdown_s),
     .def = "25", .min = 0, .max = 600, .unit = "s", .env = "SHUTDOWN_TIMEOUT",
     .flags = DM_OPT_NO_FLAG, .help = "how long requests under way may take after SIGTERM"},
    {.name = "server.threads", .type = DM_OPT_I32, .flag = "server-threads", .offset = AT(server_threads),
     .def = "0", .min = 0, .max = LIMIT_THREADS, .unit = "threads", .env = "HTTP_THREADS",
     .flags = DM_OPT_NO_FLAG, .help = "threads that answer requests; 0 follows the processors"},
    {.name = "server.trusted_proxies", .type = DM_OPT_STR, .offset = AT(server_proxies),
     .def = "", .unit = "LIST", .env = "TRUSTED_PROXIES", .flags = DM_OPT_NO_FLAG,
     .help = "networks (CIDR, comma between) of proxies whose X-Forwarded headers count"},
    {.name = "storage.access_key", .type = DM_OPT_STR, .offset = AT(storage_access_key),
     .def = "", .env = "AWS_ACCESS_KEY_ID", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "access key of the S3 server"},
    {.name = "storage.backend", .type = DM_OPT_ENUM, .offset = AT(storage_backend),
     .def = "auto", .choices = storages, .flag = "storage-backend", .env = "STORAGE_BACKEND",
     .flags = DM_OPT_NO_FLAG,
     .help = "where photos are kept; auto means s3 when an access key is given, else local"},
    {.name = "storage.bucket_original", .type = DM_OPT_STR, .offset = AT(storage_originals),
     .def = "demeter-photos-original", .env = "S3_BUCKET_ORIGINAL", .flags = DM_OPT_NO_FLAG,
     .help = "bucket of the photos as they came"},
    {.name = "storage.bucket_visualization", .type = DM_OPT_STR, .offset = AT(storage_pictures),
     .def = "demeter-photos-viz", .env = "S3_BUCKET_VISUALIZATION", .flags = DM_OPT_NO_FLAG,
     .help = "bucket of thumbnails and annotated pictures"},
    {.name = "storage.endpoint", .type = DM_OPT_STR, .offset = AT(storage_endpoint),
     .def = "", .unit = "URL", .env = "AWS_ENDPOINT_URL_S3", .flags = DM_OPT_NO_FLAG,
     .help = "address of another S3 server than Amazon's"},
    {.name = "storage.incoming_max", .type = DM_OPT_I32, .offset = AT(storage_incoming_mb),
     .def = "10240", .min = 0, .max = 1 << 30, .unit = "MiB", .flags = DM_OPT_NO_FLAG,
     .help = "uploads on their way take at most so much of the disk, further ones are refused; 0: no bound"},
    {.name = "storage.keep_free", .type = DM_OPT_I32, .offset = AT(storage_keep_free_mb),
     .def = "-1", .min = -1, .max = 1 << 30, .unit = "MiB", .flags = DM_OPT_NO_FLAG,
     .help = "uploads are refused while less of the disk is free; -1 means 1 GiB and a twentieth of the disk"},
    {.name = "storage.path_style", .type = DM_OPT_BOOL, .offset = AT(storage_path_style),
     .def = "false", .env = "S3_FORCE_PATH_STYLE", .flags = DM_OPT_NO_FLAG,
     .help = "name the bucket in the path, not in the host name"},
    {.name = "storage.region", .type = DM_OPT_STR, .offset = AT(storage_region),
     .def = "us-east-1", .env = "AWS_REGION", .flags = DM_OPT_NO_FLAG,
     .help = "region of the S3 server"},
    {.name = "storage.secret_key", .type = DM_OPT_STR, .offset = AT(storage_secret_key),
     .def = "", .env = "AWS_SECRET_ACCESS_KEY", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "secret of storage.access_key"},
    {.name = "storage.session_token", .type = DM_OPT_STR, .offset = AT(storage_session_token),
     .def = "", .env = "AWS_SESSION_TOKEN", .flags = DM_OPT_NO_FLAG | DM_OPT_SECRET,
     .help = "token of temporary keys"},
    {.name = "storage.sse", .type = DM_OPT_STR, .offset = AT(storage_sse),
     .def = "AES256", .env = "S3_SSE", .flags = DM_OPT_NO_FLAG,
     .help = "encryption the S3 server is asked for; none to ask for nothing"},
    {.name = "storage.url", .type = DM_OPT_STR, .offset = AT(storage_url),
     .def = "", .unit = "URL", .flag = "storage-url", .env = "BLOB_URL",
     .flags = DM_OPT_NO_FLAG,
     .help = "where photos are kept: dir:/FOLDER or s3:BUCKET; the folder photos in data.dir when "
             "not given. Without a bucket, and while one does not answer, photos are kept in the folder"},
    {.name = "ui.lang", .type = DM_OPT_ENUM, .offset = AT(lang),
     .def = "auto", .choices = langs, .help = "language; auto follows LC_ALL, LC_MESSAGES, LANG"},
    {.name = "worker.concurrency", .type = DM_OPT_I32, .offset = AT(worker_concurrency),
     .def = "0", .min = 0, .max = 256, .unit = "jobs", .env = "WORKER_CONCURRENCY",
     .help = "jobs in work at once; 0 means one per processor, and 50 transfers"},
    {.name = "worker.drain_timeout", .type = DM_OPT_I32, .offset = AT(worker_drain_s),
     .def = "120", .min = 1, .max = 3600, .unit = "s", .env = "JOB_DRAIN_TIMEOUT",
     .help = "how long jobs in work may go on after SIGTERM before they are handed back"},
    {.name = "worker.lease", .type = DM_OPT_I32, .offset = AT(worker_lease_s),
     .def = "120", .min = 2, .max = 3600, .unit = "s", .flags = DM_OPT_NO_FLAG | DM_OPT_HIDDEN,
     .help = "after how long without a sign of life a job is given to another worker"},
    {.name = "worker.max_jobs", .type = DM_OPT_I32, .offset = AT(worker_max_jobs),
     .def = "200", .min = 0, .max = 1000000, .unit = "jobs", .env = "WORKER_MAX_JOBS",
     .help = "a process is replaced after so many jobs; 0 never"},
    {.name = "worker.max_memory", .type = DM_OPT_I32, .offset = AT(worker_max_memory_mb),
     .def = "0", .min = 0, .max = 1048576, .unit = "MiB", .env = "WORKER_MAX_MEMORY",
     .help = "memory of a counting process beside what all share; 0 means 80 % of the container's "
             "limit among them, or no limit"},
    {.name = "worker.name", .type = DM_OPT_STR, .offset = AT(worker_name), .def = "",
     .flag = "worker-name", .flags = DM_OPT_NO_FLAG, .help = "name of this worker, unlike all others; made when not given"},
    {.name = "worker.pool", .type = DM_OPT_ENUM, .offset = AT(worker_pool),
     .def = "auto", .choices = worker_pools, .env = "WORKER_POOL",
     .help = "prefork runs counting queues, async transfer queues; auto does what the queues need"},
    {.name = "worker.queues", .type = DM_OPT_STR, .offset = AT(worker_queues),
     .def = "all", .unit = "LIST", .env = "WORKER_QUEUES",
     .help = "queues to work on, commas between: gpu_queue, cpu_queue, default, io_queue, or their "
             "groups cpu, io, all"},
    {.name = "worker.sweep", .type = DM_OPT_I32, .offset = AT(worker_sweep_s),
     .def = "15", .min = 1, .max = 3600, .unit = "s", .flags = DM_OPT_NO_FLAG | DM_OPT_HIDDEN,
     .help = "how often leases that ended and news that got lost are looked for"},
};
// clang-format on
const size_t settings_opt_count = DM_COUNT(settings_opt_table);

static int bind_set(struct settings *s, size_t which, const struct dm_opt *table, size_t n,
                    void *values, struct dm_arena *a, struct dm_err *e)
{
    struct dm_opt_source *sources = dm_arena_calloc(a, n, sizeof(*sources));
    if (!sources) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the settings");
    }
    s->set[which] = (struct dm_opt_set){table, n, values, sources};
    s->sets[which] = &s->set[which];
    dm_opt_defaults(&s->set[which]);
    return DM_OK;
}

int settings_init(struct settings *s, struct dm_arena *a, struct dm_err *e)
{
    *s = (struct settings){0};
    DM_TRY(bind_set(s, SETTINGS_OWN, settings_opt_table, settings_opt_count, &s->v, a, e));
    return bind_set(s, SETTINGS_VISION, vision_opt_table, vision_opt_count, &s->vision, a, e);
}

const char *settings_getenv(void *ctx, const char *name)
{
    size_t n = strlen(name);
    for (char **v = ctx; *v; v++) {
        if (!strncmp(*v, name, n) && (*v)[n] == '=') {
            return *v + n + 1;
        }
    }
    return NULL;
}

static const char *if_readable(const char *dir, const char *rest, struct dm_arena *a)
{
    char *path = dir && *dir ? dm_path_join(dir, rest, a) : NULL;
    return path && !access(path, F_OK) ? path : NULL;
}

const char *settings_file(const char *explicit_path, dm_conf_lookup lookup, void *ctx,
                          struct dm_arena *a)
{
    const char *variable = lookup(ctx, "DEMETER_CONFIG");
    if (explicit_path[0]) {
        return explicit_path;
    }
    if (variable && *variable) {
        return variable;
    }
    const char *xdg = lookup(ctx, "XDG_CONFIG_HOME");
    const char *path = xdg && *xdg
                           ? if_readable(xdg, "demeter/demeter.conf", a)
                           : if_readable(lookup(ctx, "HOME"), ".config/demeter/demeter.conf", a);
    path = path ? path : if_readable("/etc", "demeter/demeter.conf", a);
    return path ? path : "";
}

/* Who sets the size of the tiles means it, unless he also says that it may be left. */
static int keep_tile_size(struct settings *s, struct dm_arena *a, struct dm_err *e)
{
    struct dm_opt_set *set = &s->set[SETTINGS_VISION];
    int size = dm_opt_find(set, "count.tile_size", e);
    int adapt = dm_opt_find(set, "count.adapt_tiles", e);
    DM_TRY(size);
    DM_TRY(adapt);
    if (set->sources[size].origin == DM_ORIGIN_DEFAULT ||
        set->sources[adapt].origin != DM_ORIGIN_DEFAULT) {
        return DM_OK;
    }
    return dm_opt_set_value(set, (size_t)adapt, "false", set->sources[size], a, e);
}

int settings_apply_profile(struct settings *s, struct dm_arena *a, struct dm_err *e)
{
    struct dm_opt_set *set = &s->set[SETTINGS_VISION];
    s->vision.profile = s->v.profile;
    for (size_t i = 0; s->v.profile == VISION_PROFILE_PARITY && i < vision_parity_count; i++) {
        const struct vision_profile_value *v = &vision_parity_values[i];
        struct dm_opt_source source = {DM_ORIGIN_PROFILE, 0, profiles[VISION_PROFILE_PARITY]};
        int index = dm_opt_find(set, v->name, e);
        DM_TRY(index);
        if (set->sources[index].origin == DM_ORIGIN_DEFAULT) {
            DM_TRY(dm_opt_set_value(set, (size_t)index, v->value, source, a, e));
        }
    }
    return keep_tile_size(s, a, e);
}

int settings_find(struct settings *s, const char *name, size_t *ret_set, size_t *ret_index,
                  struct dm_err *e)
{
    struct dm_err best = {0};
    for (size_t i = 0; i < SETTINGS_SETS; i++) {
        struct dm_err now = {0};
        int index = dm_opt_find(&s->set[i], name, &now);
        if (index >= 0) {
            *ret_set = i;
            *ret_index = (size_t)index;
            return DM_OK;
        }
        if (i == 0 || strchr(now.text, ';')) { /* keep the one that has a suggestion */
            best = now;
        }
    }
    DM_FAIL(e, DM_ENOTFOUND, "%s", best.text);
}

/* Variables that are read outside the tables. */
static bool known_elsewhere(const char *name)
{
    static const char *const names[] = {"DEMETER_CONFIG", "DEMETER_MATERIAL", "DEMETER_MODEL"};
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return false;
}

static const char *nearest_variable(struct settings *s, const char *name, struct dm_arena *a)
{
    const char **names =
        dm_arena_calloc(a, settings_opt_count + vision_opt_count + 1, sizeof(*names));
    size_t n = 0;
    for (size_t set = 0; names && set < SETTINGS_SETS; set++) {
        for (size_t i = 0; i < s->set[set].n; i++) {
            char variable[DM_OPT_NAME_MAX];
            const char *copy = dm_arena_strdup(a, dm_opt_env(&s->set[set].table[i], variable));
            if (copy) {
                names[n++] = copy;
            }
        }
    }
    const char *near = names ? dm_nearest(name, names) : NULL;
    return near ? near : "";
}

size_t settings_unknown_env(struct settings *s, char **environment, const char **ret_name,
                            const char **ret_near, size_t max, struct dm_arena *a)
{
    size_t n = 0;
    for (; *environment && n < max; environment++) {
        size_t len = strcspn(*environment, "=");
        if (strncmp(*environment, "DEMETER_", 8) != 0) {
            continue;
        }
        const char *name = dm_arena_strndup(a, *environment, len);
        if (name && !known_elsewhere(name) && !dm_conf_env_known(s->sets, SETTINGS_SETS, name)) {
            ret_name[n] = name;
            ret_near[n++] = nearest_variable(s, name, a);
        }
    }
    return n;
}
