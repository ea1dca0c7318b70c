/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter synth: pictures of benches with their exact truth, for demonstrations, tests and
 * training. */
#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"
#include "cmd/commands.h"
#include "image/codec.h"
#include "synth/synth.h"

enum synth_labels { LABELS_JSON, LABELS_YOLO, LABELS_SEGMENT };
static const char *const labels_names[] = {"json", "yolo", "segment", NULL};

struct synth_flags {
    int32_t seed, pictures, scene, plants, quality, labels;
    double megapixels, spacing, tilt, empty, dead;
    const char *size;
};

#define AT(field) .offset = DM_OPT_AT(struct synth_flags, field)

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "dead", .type = DM_OPT_F64, AT(dead), .def = "-1", .min = -1, .max = 0.9,
     .unit = "fraction", .help = "places with a dried plant; negative draws it from the seed"},
    {.name = "empty", .type = DM_OPT_F64, AT(empty), .def = "-1", .min = -1, .max = 0.9,
     .unit = "fraction", .help = "places without a plant; negative draws it from the seed"},
    {.name = "labels", .type = DM_OPT_ENUM, AT(labels), .def = "json", .choices = labels_names,
     .help = "truth beside the picture: everything as JSON, plants as YOLO boxes, containers as YOLO polygons"},
    {.name = "megapixels", .type = DM_OPT_F64, AT(megapixels), .def = "0", .min = 0, .max = 120,
     .help = "size of a 4:3 picture instead of --size; 0 takes --size"},
    {.name = "pictures", .type = DM_OPT_I32, AT(pictures), .def = "1", .min = 1, .max = 1000000,
     .help = "how many, with seeds one after the other, into a folder"},
    {.name = "plants", .type = DM_OPT_I32, AT(plants), .def = "0", .min = 0, .max = 20000,
     .help = "exactly so many, whole and in the frame; 0 lets the benches run over the edges"},
    {.name = "quality", .type = DM_OPT_I32, AT(quality), .def = "85", .min = 0, .max = 100,
     .help = "of the JPEG; 0 draws it from the seed, 60 to 96"},
    {.name = "scene", .type = DM_OPT_ENUM, AT(scene), .def = "any", .choices = synth_scene_names,
     .help = "what stands there; any draws it from the seed"},
    {.name = "seed", .type = DM_OPT_I32, AT(seed), .def = "1", .min = 0, .max = 2147483647,
     .help = "everything follows from it"},
    {.name = "size", .type = DM_OPT_STR, AT(size), .def = "1600x1200", .unit = "px",
     .help = "width x height of the picture"},
    {.name = "spacing", .type = DM_OPT_F64, AT(spacing), .def = "0", .min = 0, .max = 4096,
     .unit = "px", .help = "distance of neighbouring plants when --plants is 0; 0 draws it from the seed"},
    {.name = "tilt", .type = DM_OPT_F64, AT(tilt), .def = "-1", .min = -1, .max = 45,
     .unit = "degrees", .help = "of the camera, 0 is straight from above; negative draws it from the seed"},
};
static const struct cmd_example examples[] = {
    {"demeter synth --seed 7 --plants 600 --megapixels 12 bench.jpg", MSG_SYNTH_EXAMPLE_ONE},
    {"demeter synth --seed 10000 --pictures 6500 --size 320x320 --labels yolo /tmp/train", MSG_SYNTH_EXAMPLE_MANY},
    {0},
};
// clang-format on

/* "1600x1200", or 4:3 of so many megapixels, sides even. */
static int picture_size(const struct synth_flags *f, struct synth_params *p, struct dm_err *e)
{
    if (f->megapixels > 0) {
        double h = 1;
        while (h * h * 4 / 3 < f->megapixels * 1e6) {
            h += 1;
        }
        p->h = (int)h & ~1;
        p->w = (p->h * 4 / 3) & ~1;
        return DM_OK;
    }
    char rest;
    if (sscanf(f->size, "%5dx%5d%c", &p->w, &p->h, &rest) != 2) { // NOLINT(cert-err34-c)
        DM_FAIL(e, DM_EUSAGE, "--size: '%s' is not like 1600x1200", f->size);
    }
    return DM_OK;
}

/* Spread over 60 to 96 without a pattern a net could learn. */
static int picture_quality(const struct synth_flags *f, uint64_t seed)
{
    return f->quality ? f->quality : 60 + (int)(seed * 7919 % 37);
}

static int write_truth(const struct synth_flags *f, const struct synth_truth *t, const char *stem,
                       struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init((size_t)64 << 20);
    const char *suffix = f->labels == LABELS_JSON ? "json" : "txt";
    if (f->labels == LABELS_JSON) {
        synth_truth_json(t, &text);
    } else if (f->labels == LABELS_YOLO) {
        synth_truth_yolo(t, ~0u, &text);
    } else {
        synth_truth_yolo_segment(t, &text);
    }
    DM_TRY(dm_buf_ok(&text, e));
    const char *path = dm_arena_printf(&r->arena, "%s.%s", stem, suffix);
    if (!path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a file name");
    }
    return dm_file_write_atomic(path, dm_buf_str(&text), text.len, e);
}

static int write_picture(const struct image *im, int quality, const char *path, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf jpeg = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    DM_TRY(image_encode_jpeg(im, quality, &jpeg, e));
    return dm_file_write_atomic(path, jpeg.data, jpeg.len, e);
}

static int one(struct cmd_run *r, const struct synth_params *p, const char *stem, const char *path,
               struct dm_err *e)
{
    const struct synth_flags *f = r->flags;
    DM_CLEANUP(image_clear) struct image im = {0};
    DM_CLEANUP(synth_truth_clear) struct synth_truth t = {0};
    DM_TRY(synth_render(p, &im, &t, e));
    DM_TRY(write_picture(&im, picture_quality(f, p->seed), path, e));
    DM_TRY(write_truth(f, &t, stem, r, e));
    if (!r->general.quiet && f->pictures == 1) {
        (void)fprintf(r->out, "%s\n",
                      TF(r, SYNTH_DONE, path, lang_integer(&r->arena, r->lang, t.count[SYNTH_ITEM]),
                         lang_integer(&r->arena, r->lang, t.count[SYNTH_EMPTY_POT]),
                         lang_integer(&r->arena, r->lang, t.count[SYNTH_DEAD_PLANT])));
    }
    return DM_OK;
}

/* PATH without ".jpg" or ".jpeg"; NULL when it ends in neither. */
static const char *stem_of(struct cmd_run *r, const char *path)
{
    static const char *const ends[] = {".jpg", ".jpeg"};
    for (size_t i = 0; i < DM_COUNT(ends); i++) {
        size_t n = strlen(path), k = strlen(ends[i]);
        if (n > k && strcmp(path + n - k, ends[i]) == 0) {
            return dm_arena_strndup(&r->arena, path, n - k);
        }
    }
    return NULL;
}

static int many(struct cmd_run *r, struct synth_params *p, struct dm_err *e)
{
    const struct synth_flags *f = r->flags;
    DM_TRY(dm_folder_make(r->args[0], e));
    for (int i = 0; i < f->pictures; i++, p->seed++) {
        const char *stem =
            dm_arena_printf(&r->arena, "%s/%07llu", r->args[0], (unsigned long long)p->seed);
        const char *path = stem ? dm_arena_printf(&r->arena, "%s.jpg", stem) : NULL;
        if (!path) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a file name");
        }
        DM_TRY(one(r, p, stem, path, e));
    }
    return 0;
}

static int synth_run(struct cmd_run *r, struct dm_err *e)
{
    const struct synth_flags *f = r->flags;
    struct synth_params p;
    synth_params_init(&p);
    p.seed = (uint64_t)f->seed;
    p.scene = (enum synth_scene)f->scene;
    p.plants = f->plants;
    p.plant_px = f->spacing;
    p.tilt_deg = f->tilt;
    p.empty = f->empty;
    p.dead = f->dead;
    DM_TRY(picture_size(f, &p, e));
    if (f->pictures > 1) {
        return many(r, &p, e);
    }
    const char *stem = stem_of(r, r->args[0]);
    if (!stem) {
        DM_FAIL(e, DM_EUSAGE, "%s: one picture needs a name that ends in .jpg", r->args[0]);
    }
    return one(r, &p, stem, r->args[0], e);
}

const struct cmd cmd_synth = {
    .name = "synth",
    .operands = "FILE.jpg|FOLDER",
    .min_args = 1,
    .max_args = 1,
    .summary = MSG_SYNTH_SUMMARY,
    .about = MSG_SYNTH_ABOUT,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct synth_flags),
    .examples = examples,
    .run = synth_run,
};
