/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats for machines: NDJSON, CSV (RFC 4180), GeoJSON (RFC 7946); and the running totals. */
#include "cmd/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/text.h"
#include "cmd/metrics.h"

/* Remember a warning, once for all photos. That no container was found stands in the photo's own
 * line, in the user's words. */
static void note(struct report *p, const struct photo_row *row, const char *text)
{
    if (row->whole_photo && !strncmp(text, "no container", 12)) {
        return;
    }
    for (size_t i = 0; i < p->n_notes; i++) {
        if (!strcmp(p->note[i].text, text)) {
            p->note[i].n++;
            return;
        }
    }
    const char *copy = p->n_notes < REPORT_NOTES_MAX ? dm_arena_strdup(&p->r->arena, text) : NULL;
    if (copy) {
        p->note[p->n_notes++] = (struct report_note){copy, 1};
    }
}

void report_notes(const struct report *p)
{
    struct cmd_run *r = p->r;
    for (size_t i = 0; !r->general.quiet && i < p->n_notes; i++) {
        (void)fprintf(r->err, "%s\n",
                      TF(r, NOTE_LINE, TN(r, PHOTOS, (int64_t)p->note[i].n), p->note[i].text));
    }
}

int report_photo(struct report *p, const struct photo_row *row, struct dm_err *e)
{
    p->n_done++;
    p->n_failed += row->code < 0;
    p->detected += row->detected;
    p->estimated += row->estimated;
    p->total += row->total;
    struct cmd_run *run = p->r;
    for (size_t i = 0; i < row->n_warning; i++) {
        note(p, row, row->warning[i]);
    }
    struct cmd_run scratch = *run; /* the words of a photo are forgotten with it */
    scratch.arena = (struct dm_arena){0};
    p->r = &scratch;
    int code = p->format->photo(p, row, e);
    p->r = run;
    dm_arena_clear(&scratch.arena);
    (void)fflush(run->out); /* a reader of the pipe sees each photo when it is done */
    return code;
}

static void nothing(struct report *p)
{
    (void)p;
}

/* ---- NDJSON ---- */

static int json_photo(struct report *p, const struct photo_row *row, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf line = dm_buf_init(LIMIT_METRICS_BYTES);
    const char *text = row->json;
    if (row->code < 0) {
        DM_TRY(metrics_write_error(row->item->path, &row->err, &p->r->arena, &line, e));
        text = dm_buf_str(&line);
    }
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the metrics");
    }
    (void)fprintf(p->r->out, "%s\n", text);
    return DM_OK;
}

/* ---- CSV ---- */

static void csv_text(FILE *to, const char *s)
{
    if (!s[strcspn(s, "\",\r\n")]) {
        (void)fputs(s, to);
        return;
    }
    (void)fputc('"', to);
    for (; *s; s++) {
        (void)fprintf(to, *s == '"' ? "\"\"" : "%c", *s);
    }
    (void)fputc('"', to);
}

static void csv_begin(struct report *p)
{
    (void)fputs("path,width_px,height_px,plants_detected,plants_estimated_undetected,"
                "plants_total_estimated,segmentos,cajones,plugs,almacigos,empty_containers,"
                "whole_photo,confidence_average,time_seconds,latitude,longitude,captured_at,"
                "error_code,error_message\r\n",
                p->r->out);
}

static int csv_photo(struct report *p, const struct photo_row *row, struct dm_err *e)
{
    FILE *to = p->r->out;
    const char *path = dm_text_clean(row->item->path, DM_TEXT_JSON, &p->r->arena);
    (void)e;
    csv_text(to, path ? path : "");
    if (row->code < 0) {
        (void)fprintf(to, ",,,,,,,,,,,,,,,,,%s,", dm_code_info(row->code)->slug);
        csv_text(to, dm_err_text(&row->err));
        (void)fputs("\r\n", to);
        return DM_OK;
    }
    (void)fprintf(to,
                  ",%d,%d,%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32
                  ",%" PRIu32 ",%" PRIu32 ",%s,%.3f,%.3f,",
                  row->w, row->h, row->detected, row->estimated, row->total,
                  row->by_type[VISION_CONTAINER_SEGMENT], row->by_type[VISION_CONTAINER_BOX],
                  row->by_type[VISION_CONTAINER_PLUG], row->by_type[VISION_CONTAINER_ALMACIGO],
                  row->empty_containers, row->whole_photo ? "true" : "false", row->confidence,
                  row->seconds);
    if (row->has_gps) {
        (void)fprintf(to, "%.7f,%.7f", row->latitude_deg, row->longitude_deg);
    } else {
        (void)fputc(',', to);
    }
    (void)fprintf(to, ",%s,,\r\n", row->captured_at);
    return DM_OK;
}

/* ---- GeoJSON ---- */

static void geojson_begin(struct report *p)
{
    (void)fputs("{\"type\":\"FeatureCollection\",\"features\":[", p->r->out);
}

static json_t *geojson_feature(struct report *p, const struct photo_row *row)
{
    const char *path = dm_text_clean(row->item->path, DM_TEXT_JSON, &p->r->arena);
    json_t *place = row->has_gps ? json_pack("{s:s, s:[f,f]}", "type", "Point", "coordinates",
                                             row->longitude_deg, row->latitude_deg)
                                 : json_null();
    json_t *properties;
    if (row->code < 0) {
        properties = json_pack("{s:s?, s:{s:s, s:s}}", "path", path, "error", "code",
                               dm_code_info(row->code)->slug, "message", dm_err_text(&row->err));
    } else {
        properties =
            json_pack("{s:s?, s:I, s:I, s:I, s:I, s:f}", "path", path, "plants_detected",
                      (json_int_t)row->detected, "plants_estimated_undetected",
                      (json_int_t)row->estimated, "plants_total_estimated", (json_int_t)row->total,
                      "empty_containers", (json_int_t)row->empty_containers, "confidence_average",
                      nearbyint(row->confidence * 1000) / 1000);
        if (properties && row->captured_at[0]) {
            (void)json_object_set_new(properties, "captured_at", json_string(row->captured_at));
        }
        if (properties && row->has_gps && !isnan(row->gps_error_m)) {
            (void)json_object_set_new(properties, "gps_error_m", json_real(row->gps_error_m));
        }
    }
    return json_pack("{s:s, s:o, s:o}", "type", "Feature", "geometry", place, "properties",
                     properties);
}

static int geojson_photo(struct report *p, const struct photo_row *row, struct dm_err *e)
{
    json_t *feature = geojson_feature(p, row);
    char *text = feature ? json_dumps(feature, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;
    json_decref(feature);
    if (!text) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the report");
    }
    (void)fprintf(p->r->out, "%s\n%s", p->n_printed++ ? "," : "", text);
    free(text); /* jansson's own memory */
    return DM_OK;
}

static void geojson_end(struct report *p)
{
    (void)fputs("\n]}\n", p->r->out);
}

// clang-format off
const struct report_format report_formats[] = {
    {"json", true, nothing, json_photo, nothing},
    {"ndjson", true, nothing, json_photo, nothing},
    {"csv", false, csv_begin, csv_photo, nothing},
    {"geojson", false, geojson_begin, geojson_photo, geojson_end},
    {0},
};
// clang-format on
