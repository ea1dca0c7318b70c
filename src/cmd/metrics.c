/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics of one photo as JSON. */
#include "cmd/metrics.h"

#include <math.h>

#include <jansson.h>

#include "base/text.h"

/* To so many decimals, so that 15 digits print the number short and exact. */
static double rounded(double x, int decimals)
{
    const double scale = pow(10, decimals);
    return isfinite(x) ? nearbyint(x * scale) / scale : 0;
}

/* Add value under key; false when that, or making the value (NULL), ran out of memory. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *image_json(const struct metrics_source *s)
{
    const struct vision_result *r = s->result;
    const struct image_exif *exif = &r->info.exif;
    const char *path = dm_text_clean(s->path, DM_TEXT_JSON, s->arena);
    const double megapixels = (double)r->info.w * r->info.h / 1e6;
    json_t *j = json_pack("{s:s?, s:s, s:s, s:{s:i, s:i}, s:f}", "path", path, "sha256", s->sha256,
                          "format", image_format_name(r->info.format), "dimensions", "width",
                          r->info.w, "height", r->info.h, "megapixels", rounded(megapixels, 1));
    bool ok = j != NULL;
    if (ok && exif->captured_at[0]) {
        ok = put(j, "captured_at", json_string(exif->captured_at));
    }
    if (ok && exif->has_gps) {
        json_t *gps = json_pack("{s:f, s:f}", "latitude", rounded(exif->latitude_deg, 7),
                                "longitude", rounded(exif->longitude_deg, 7));
        ok = gps && (isnan(exif->gps_error_m) ||
                     put(gps, "error_m", json_real(rounded(exif->gps_error_m, 1))));
        ok = put(j, "gps", gps) && ok;
    }
    if (!ok) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static json_t *polygon_json(const struct vision_container *c, const struct vision_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < c->n_polygon; i++) {
        json_t *point = json_pack("[f,f]", rounded(c->polygon[2 * i] * r->info.w, 1),
                                  rounded(c->polygon[2 * i + 1] * r->info.h, 1));
        if (json_array_append_new(list, point)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *segments_json(const struct vision_result *r)
{
    static const char *const types[] = {"segment", "box", "plug", "almacigo"};
    json_t *list = json_array();
    for (size_t i = 0; list && i < r->n_container; i++) {
        const struct vision_container *c = &r->container[i];
        json_int_t processed = 0;
        for (size_t b = 0; b < r->n_band; b++) {
            processed += r->band[b].container == (int)i ? r->band[b].processed_px : 0;
        }
        json_t *one = json_pack(
            "{s:s, s:[i,i,i,i], s:I, s:I, s:I, s:s, s:f, s:I, s:I, s:b, s:b, s:b, s:b, s:o}", "id",
            c->id, "bbox_xywh", c->bbox.x, c->bbox.y, c->bbox.w, c->bbox.h, "area_px",
            (json_int_t)c->bbox_area_px, "plants", (json_int_t)c->detected, "undetected_area_px",
            processed, "container_type", types[c->type], "confidence",
            rounded((double)c->confidence, 3), "mask_area_px", (json_int_t)c->mask_area_px,
            "estimated", (json_int_t)c->estimated, "empty", c->empty, "failed", c->failed, "tiled",
            c->tiled, "whole_photo", c->whole_photo, "polygon", polygon_json(c, r));
        if (json_array_append_new(list, one)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *bands_json(const struct vision_result *r)
{
    static const char *const methods[] = {
        [VISION_METHOD_BANDS] = "band_estimation",
        [VISION_METHOD_DENSITY] = "density_estimation",
        [VISION_METHOD_GRID] = "grid_analysis",
    };
    json_t *list = json_array();
    for (size_t i = 0; list && i < r->n_band; i++) {
        const struct vision_band *b = &r->band[i];
        json_t *one =
            json_pack("{s:i, s:[i,i], s:I, s:I, s:f, s:s, s:I, s:I, s:s, s:b}", "band_id",
                      b->number, "y_range", b->y_start, b->y_end, "area_processed_px",
                      (json_int_t)b->processed_px, "estimated_count", (json_int_t)b->count,
                      "avg_plant_area_px", rounded(b->plant_area_px, 2), "segment_id",
                      r->container[b->container].id, "residual_area_px", (json_int_t)b->residual_px,
                      "floor_suppressed_px", (json_int_t)b->suppressed_px, "method",
                      methods[b->method], "calibrated", b->calibrated);
        if (json_array_append_new(list, one)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *detection_json(const struct vision_result *r, size_t i)
{
    const struct vision_detection *d = &r->detection[i];
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:s, s:s}", "x", rounded(d->cx, 1), "y",
                     rounded(d->cy, 1), "width", rounded(d->w, 1), "height", rounded(d->h, 1),
                     "confidence", rounded((double)d->confidence, 4), "class",
                     d->class_id < r->n_classes ? r->class_names[d->class_id] : "", "segment_id",
                     r->container[d->container].id);
}

static json_t *model_json(const struct counter *c, enum models_slot slot, struct dm_arena *a)
{
    const struct nn_net *net = c->net[slot];
    if (!net) {
        return json_null();
    }
    return json_pack("{s:s?, s:s, s:s, s:s}", "file",
                     dm_text_clean(dm_path_base(c->path[slot]), DM_TEXT_JSON, a), "ultralytics",
                     nn_net_info(net)->version, "backend", nn_net_backend(net), "precision",
                     nn_precision_names[nn_net_precision(net)]);
}

static json_t *processing_json(const struct metrics_source *s)
{
    const struct vision_stages *ms = &s->result->ms;
    char now[DM_RFC3339_SIZE];
    dm_rfc3339_now(now);
    json_t *models =
        s->counter
            ? json_pack("{s:o, s:o}", "detect", model_json(s->counter, MODELS_DETECT, s->arena),
                        "segment", model_json(s->counter, MODELS_SEGMENT, s->arena))
            : json_object();
    return json_pack("{s:f, s:s, s:s, s:{s:f, s:f, s:f, s:f, s:f, s:f, s:f}, s:o}", "time_seconds",
                     rounded(dm_ms_since(s->start) / 1000, 3), "device", "cpu", "timestamp", now,
                     "stages", "decode", rounded(ms->decode, 2), "segment", rounded(ms->segment, 2),
                     "crop", rounded(ms->crop, 2), "detect", rounded(ms->detect, 2), "merge",
                     rounded(ms->merge, 2), "estimate", rounded(ms->estimate, 2), "overlays",
                     rounded(s->overlays_ms, 2), "models", models);
}

static json_t *counts_json(const struct vision_result *r)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "plants_detected",
                     (json_int_t)r->detected, "plants_estimated_undetected",
                     (json_int_t)r->estimated, "plants_total_estimated", (json_int_t)r->total,
                     "segmentos", (json_int_t)r->by_type[VISION_CONTAINER_SEGMENT], "cajones",
                     (json_int_t)r->by_type[VISION_CONTAINER_BOX], "plugs",
                     (json_int_t)r->by_type[VISION_CONTAINER_PLUG], "almacigos",
                     (json_int_t)r->by_type[VISION_CONTAINER_ALMACIGO], "empty_containers",
                     (json_int_t)r->empty_containers);
}

static json_t *confidence_json(const struct vision_result *r)
{
    return json_pack("{s:f, s:f, s:f, s:{s:I, s:I, s:I}}", "average",
                     rounded(r->confidence_mean, 3), "min", rounded(r->confidence_min, 3), "max",
                     rounded(r->confidence_max, 3), "distribution", "high",
                     (json_int_t)r->confidence_high, "medium", (json_int_t)r->confidence_medium,
                     "low", (json_int_t)r->confidence_low);
}

static json_t *estimation_json(const struct metrics_source *s)
{
    return json_pack("{s:I, s:o, s:{s:f, s:f, s:b}}", "total_estimated",
                     (json_int_t)s->result->estimated, "bands", bands_json(s->result), "config",
                     "pot_size_cm", 5.0, "alpha_overcount", s->params->alpha_overcount,
                     "soil_suppression", true);
}

static json_t *warnings_json(const struct metrics_source *s)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < s->result->n_warning; i++) {
        const char *text = dm_text_clean(s->result->warning[i], DM_TEXT_JSON, s->arena);
        if (json_array_append_new(list, text ? json_string(text) : NULL)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *metrics_json(const struct metrics_source *s)
{
    const struct vision_result *r = s->result;
    const double megapixels = (double)r->info.w * r->info.h / 1e6;
    return json_pack(
        "{s:o, s:o, s:o, s:{s:f}, s:o, s:o, s:{s:I, s:I, s:I}, s:o, s:o}", "image", image_json(s),
        "counts", counts_json(r), "confidence", confidence_json(r), "density", "per_megapixel",
        rounded(r->total / megapixels, 2), "segments", segments_json(r), "estimation",
        estimation_json(s), "sahi_stats", "tiles_total", (json_int_t)r->tiles_total,
        "tiles_processed", (json_int_t)r->tiles_processed, "tiles_skipped_black",
        (json_int_t)r->tiles_black, "processing", processing_json(s), "warnings", warnings_json(s));
}

static int append(const char *bytes, size_t n, void *out)
{
    dm_buf_append(out, bytes, n);
    return 0;
}

/* Print j on one line and give it up; NULL means that making it ran out of memory. */
static int print(json_t *j, enum metrics_form form, struct dm_buf *out, struct dm_err *e)
{
    const size_t layout = form == METRICS_ONE_LINE ? JSON_COMPACT : 0;
    int failed =
        j ? json_dump_callback(j, append, out, layout | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))
          : -1;
    json_decref(j);
    if (failed) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the metrics");
    }
    return dm_buf_ok(out, e);
}

/* Print an array with one element a line; element(from, i) makes the i-th of n. */
static int print_list(size_t n, json_t *(*element)(const void *from, size_t i), const void *from,
                      enum metrics_form form, struct dm_buf *out, struct dm_err *e)
{
    const bool lines = form == METRICS_INDENTED;
    dm_buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        dm_buf_puts(out, i ? "," : "");
        dm_buf_puts(out, lines ? "\n    " : "");
        DM_TRY(print(element(from, i), form, out, e));
    }
    dm_buf_puts(out, lines && n ? "\n  ]" : "]");
    return dm_buf_ok(out, e);
}

static json_t *array_element(const void *from, size_t i)
{
    return json_incref(json_array_get(from, i));
}

static json_t *detection_element(const void *from, size_t i)
{
    return detection_json(from, i);
}

static int print_members(json_t *object, const struct metrics_source *s, enum metrics_form form,
                         struct dm_buf *out, struct dm_err *e)
{
    const bool lines = form == METRICS_INDENTED;
    const char *before = lines ? "{\n  " : "{";
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        dm_buf_printf(out, "%s\"%s\":%s", before, key, lines ? " " : "");
        before = lines ? ",\n  " : ",";
        DM_TRY(json_is_array(value)
                   ? print_list(json_array_size(value), array_element, value, form, out, e)
                   : print(json_incref(value), form, out, e));
    }
    if (s->detections) { /* there may be 300,000: made one at a time */
        dm_buf_printf(out, "%s\"detections\":%s", before, lines ? " " : "");
        DM_TRY(print_list(s->result->n_detection, detection_element, s->result, form, out, e));
    }
    dm_buf_puts(out, lines ? "\n}\n" : "}");
    return dm_buf_ok(out, e);
}

int metrics_write(const struct metrics_source *s, enum metrics_form form, struct dm_buf *out,
                  struct dm_err *e)
{
    json_t *j = metrics_json(s);
    if (!j) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the metrics");
    }
    int code = print_members(j, s, form, out, e);
    json_decref(j);
    return code;
}

int metrics_write_error(const char *path, const struct dm_err *why, struct dm_arena *a,
                        struct dm_buf *out, struct dm_err *e)
{
    const char *clean = dm_text_clean(path, DM_TEXT_JSON, a);
    const char *text = dm_text_clean(dm_err_text(why), DM_TEXT_JSON, a);
    return print(json_pack("{s:{s:s?}, s:{s:s, s:s?}}", "image", "path", clean, "error", "code",
                           dm_code_info(why->code)->slug, "message", text),
                 METRICS_ONE_LINE, out, e);
}
