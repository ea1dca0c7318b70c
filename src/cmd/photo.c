/* SPDX-License-Identifier: Apache-2.0
 *
 * One photo of a run. */
#include "cmd/photo.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/metrics.h"

enum { PNG_LEVEL = 3 }; /* level 6 takes twice as long for a twentieth less */

static const char *output_name(const struct photo_job *job, const struct inputs_item *item,
                               const char *ending, struct dm_arena *a)
{
    const char *name = dm_arena_printf(a, "%s%s", item->stem, ending);
    return name ? dm_path_join(job->out_dir, name, a) : NULL;
}

const char *photo_metrics_name(const struct photo_job *job, const struct inputs_item *item,
                               struct dm_arena *a)
{
    return output_name(job, item, ".metrics.json", a);
}

const char *photo_overlay_name(const struct photo_job *job, const struct inputs_item *item,
                               enum vision_overlay kind, struct dm_arena *a)
{
    const char *ending =
        dm_arena_printf(a, "__%s.%s", vision_overlay_names[kind], job->png ? "png" : "jpg");
    return ending ? output_name(job, item, ending, a) : NULL;
}

int photo_parse_overlays(struct cmd_run *r, const char *list, bool ret[static VISION_OVERLAY_MAX_],
                         struct dm_err *e)
{
    static const char *const words[] = {"all", "none", NULL};
    memset(ret, 0, VISION_OVERLAY_MAX_ * sizeof(ret[0]));
    while (*list) {
        size_t n = strcspn(list, ",");
        char name[DM_OPT_NAME_MAX];
        (void)snprintf(name, sizeof(name), "%.*s", (int)DM_MIN(n, sizeof(name) - 1), list);
        bool known = !strcmp(name, "none") || !*name;
        for (size_t k = 0; k < VISION_OVERLAY_MAX_; k++) {
            bool is_it = !strcmp(name, vision_overlay_names[k]) || !strcmp(name, "all");
            ret[k] = ret[k] || is_it;
            known = known || is_it;
        }
        if (!known) {
            const char *near = dm_nearest(name, vision_overlay_names);
            near = near ? near : dm_nearest(name, words);
            return cmd_fail(r, e, DM_EUSAGE,
                            near ? TF(r, UNKNOWN_OVERLAY_NEAR, name, near)
                                 : TF(r, UNKNOWN_OVERLAY, name));
        }
        list += n + (list[n] == ',');
    }
    return DM_OK;
}

static void note_written(struct photo_row *row, const char *path)
{
    const char **grown = dm_arena_calloc(&row->arena, row->n_written + 1, sizeof(*grown));
    if (grown) {
        if (row->n_written) {
            memcpy(grown, row->written, row->n_written * sizeof(*grown));
        }
        grown[row->n_written] = path;
        row->written = grown;
        row->n_written++;
    }
}

static int write_named(struct photo_row *row, const char *path, const struct dm_buf *b,
                       struct dm_err *e)
{
    if (!path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for file names");
    }
    DM_TRY(dm_buf_ok(b, e));
    DM_TRY(dm_file_write_atomic(path, dm_buf_str(b), b->len, e));
    note_written(row, path);
    return DM_OK;
}

static int write_overlay(const struct photo_job *job, const struct vision_result *r,
                         enum vision_overlay kind, struct photo_row *row, struct dm_err *e)
{
    DM_CLEANUP(image_clear) struct image picture = {0};
    DM_CLEANUP(dm_buf_clear) struct dm_buf file = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    DM_TRY(vision_overlay_draw(r, kind, lang_names[job->lang], &picture, e));
    DM_TRY(job->png ? image_encode_png(&picture, PNG_LEVEL, &file, e)
                    : image_encode_jpeg(&picture, job->jpeg_quality, &file, e));
    return write_named(row, photo_overlay_name(job, row->item, kind, &row->arena), &file, e);
}

static int write_files(const struct photo_job *job, const struct vision_result *r,
                       struct metrics_source *from, struct photo_row *row, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(LIMIT_METRICS_BYTES);
    const dm_usec start = dm_now();
    for (enum vision_overlay kind = 0; kind < VISION_OVERLAY_MAX_; kind++) {
        if (job->overlay[kind]) {
            DM_TRY(write_overlay(job, r, kind, row, e));
        }
    }
    from->overlays_ms = dm_ms_since(start);
    from->detections = true;
    DM_TRY(metrics_write(from, METRICS_INDENTED, &text, e));
    return write_named(row, photo_metrics_name(job, row->item, &row->arena), &text, e);
}

static int fill_row(const struct vision_result *r, struct photo_row *row, struct dm_err *e)
{
    const struct image_exif *exif = &r->info.exif;
    row->w = r->info.w;
    row->h = r->info.h;
    row->detected = r->detected;
    row->estimated = r->estimated;
    row->total = r->total;
    row->empty_containers = r->empty_containers;
    row->confidence = r->confidence_mean;
    row->whole_photo = r->n_container == 1 && r->container[0].whole_photo;
    for (size_t t = 0; t < VISION_CONTAINER_MAX_; t++) {
        row->by_type[t] = r->by_type[t];
        row->containers_by_type[t] = row->whole_photo ? 0 : r->containers_by_type[t];
    }
    row->has_gps = exif->has_gps;
    row->latitude_deg = exif->latitude_deg;
    row->longitude_deg = exif->longitude_deg;
    row->gps_error_m = exif->gps_error_m;
    row->captured_at = dm_arena_strdup(&row->arena, exif->captured_at);
    row->warning = dm_arena_calloc(&row->arena, r->n_warning, sizeof(*row->warning));
    if (!row->captured_at || !row->warning) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the report");
    }
    for (size_t i = 0; i < r->n_warning; i++) {
        row->warning[i] = dm_arena_strdup(&row->arena, r->warning[i]);
        if (row->warning[i]) {
            row->n_warning = i + 1;
        }
    }
    return DM_OK;
}

static int count_item(const struct photo_job *job, struct photo_row *row, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    DM_CLEANUP(vision_result_freep) struct vision_result *r = NULL;
    const struct inputs_item *item = row->item;
    const dm_usec start = dm_now();
    if (item->code < 0) {
        DM_FAIL(e, item->code, "%s", item->error);
    }
    DM_TRY(dm_buf_read_file(&bytes, inputs_file(item), e));
    DM_TRY(vision_count(job->counter->engine, job->params, bytes.data, bytes.len, &r, e));
    const bool writes = job->out_dir[0] != '\0';
    struct metrics_source from = {.result = r,
                                  .params = job->params,
                                  .counter = job->counter,
                                  .path = item->path,
                                  .start = start,
                                  .arena = &row->arena};
    if (writes || job->needs_json) {
        dm_sha256_hex(bytes.data, bytes.len, from.sha256);
    }
    dm_buf_clear(&bytes); /* the pictures need the room */
    DM_TRY(fill_row(r, row, e));
    if (writes) {
        DM_TRY(write_files(job, r, &from, row, e));
    }
    row->seconds = dm_ms_since(start) / 1000;
    if (job->needs_json) {
        DM_CLEANUP(dm_buf_clear) struct dm_buf line = dm_buf_init(LIMIT_METRICS_BYTES);
        from.detections = job->json_detections;
        DM_TRY(metrics_write(&from, METRICS_ONE_LINE, &line, e));
        row->json = dm_arena_strndup(&row->arena, dm_buf_str(&line), line.len);
    }
    return DM_OK;
}

void photo_count(const struct photo_job *job, const struct inputs_item *item, struct photo_row *row)
{
    *row = (struct photo_row){.item = item, .captured_at = ""};
    row->code = count_item(job, row, &row->err);
    if (row->code < 0) {
        row->err.code = row->code;
        dm_log(DM_LOG_DEBUG, "photo failed", DM_S("photo", item->path),
               DM_S("error", dm_err_text(&row->err)));
        return;
    }
    dm_log(DM_LOG_DEBUG, "photo counted", DM_S("photo", item->path), DM_I("plants", row->total),
           DM_F("seconds", row->seconds));
}

void photo_row_clear(struct photo_row *row)
{
    dm_arena_clear(&row->arena);
    *row = (struct photo_row){0};
}
