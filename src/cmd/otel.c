/* SPDX-License-Identifier: Apache-2.0
 *
 * otel.* into a tracer and its sender. */
#include "cmd/otel.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cmd/version.h"
#include "telemetry/export.h"
#include "telemetry/span.h"

struct otel {
    struct telemetry_ring *ring;
    struct telemetry_export *sender;
};

static const char *const environments[] = {
    [SETTINGS_DEVELOPMENT] = "development",
    [SETTINGS_TESTING] = "testing",
    [SETTINGS_STAGING] = "staging",
    [SETTINGS_PRODUCTION] = "production",
};

static int check(const struct settings_values *v, struct dm_err *e)
{
    if (strcmp(v->otel_protocol, "http/protobuf") != 0) {
        DM_FAIL(
            e, DM_EBADINPUT,
            "OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf (port 4318) is spoken, not '%.40s'",
            v->otel_protocol);
    }
    if (strncmp(v->otel_endpoint, "http://", 7) != 0 &&
        strncmp(v->otel_endpoint, "https://", 8) != 0) {
        DM_FAIL(e, DM_EBADINPUT, "OTEL_EXPORTER_OTLP_ENDPOINT: an address begins with http://");
    }
    const size_t n = strlen(v->otel_endpoint);
    if (n > 5 && strcmp(v->otel_endpoint + n - 5, ":4317") == 0) {
        dm_log(DM_LOG_WARNING, "port 4317 usually speaks gRPC; OTLP over HTTP is at 4318",
               DM_S("endpoint", v->otel_endpoint));
    }
    return DM_OK;
}

static int open_sender(struct cmd_run *r, const char *service, struct telemetry *t, struct otel *o,
                       struct dm_err *e)
{
    const struct settings_values *v = &r->settings.v;
    struct telemetry_sampler sampler;
    struct timespec now;
    DM_TRY(check(v, e));
    DM_TRY(telemetry_sampler_parse(v->otel_sampler, v->otel_sampler_arg, &sampler, e));
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const struct telemetry_export_options options = {
        .endpoint = v->otel_endpoint,
        .headers = v->otel_headers,
        .from = {.service = v->otel_service[0] ? v->otel_service : service,
                 .version = DEMETER_VERSION,
                 .environment = environments[v->app_env],
                 .attributes = v->otel_attributes,
                 .started_ns = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec},
        .delay_ms = v->otel_delay_ms,
        .metric_ms = v->otel_metric_ms,
    };
    DM_TRY(telemetry_ring_new(&o->ring, e));
    DM_TRY(telemetry_export_new(&options, o->ring, t, &o->sender, e));
    telemetry_tracer_start(&sampler, o->ring);
    return DM_OK;
}

void otel_begin(struct cmd_run *r, const char *service, struct telemetry *t, struct otel **ret)
{
    const struct settings_values *v = &r->settings.v;
    struct dm_err e = {0};
    *ret = NULL;
    if (!v->otel_enabled || v->otel_disabled || !v->otel_endpoint[0]) {
        return;
    }
    struct otel *o = dm_calloc(1, sizeof(*o));
    if (!o) {
        return;
    }
    if (open_sender(r, service, t, o, &e) < 0) {
        dm_log(DM_LOG_WARNING, "nothing is sent to a collector", DM_S("error", dm_err_text(&e)));
        telemetry_ring_free(o->ring);
        dm_free(o);
        return;
    }
    *ret = o;
}

static void note(int code, const struct dm_err *e)
{
    if (code < 0) {
        dm_log(DM_LOG_WARNING, "nothing is sent to a collector", DM_S("error", dm_err_text(e)));
    }
}

void otel_send_thread(struct otel *o)
{
    struct dm_err e = {0};
    if (o) {
        note(telemetry_export_thread(o->sender, &e), &e);
    }
}

void otel_send_process(struct otel *o)
{
    struct dm_err e = {0};
    if (o) {
        note(telemetry_export_process(o->sender, &e), &e);
    }
}

void otel_last_metrics(struct otel *o)
{
    telemetry_export_last_metrics(o ? o->sender : NULL);
}

void otel_end(struct otel *o)
{
    if (o) {
        telemetry_tracer_stop();
        telemetry_export_stop(o->sender);
        telemetry_ring_free(o->ring);
        dm_free(o);
    }
}
