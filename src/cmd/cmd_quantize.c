/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter model quantize: calibrate int8 on a folder of photos. */
#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/inputs.h"
#include "cmd/models.h"
#include "cmd/progress.h"
#include "image/codec.h"
#include "vision/calibrate.h"

/* A photo shows at most this many of its tiles, so that one large photo does not decide alone. */
enum { INPUTS_A_PHOTO = 8 };

// clang-format off
static const struct cmd_example examples[] = {
    {"demeter model quantize plants-detect.onnx photos/", MSG_MODEL_QUANTIZE_EXAMPLE},
    {0},
};
// clang-format on

struct tally {
    size_t photos, inputs;
};

static int add_photo(const struct inputs_item *item, struct nn_calibrator *c,
                     const struct nn_model_info *info, struct tally *t, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf bytes = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    DM_CLEANUP(image_clear) struct image photo = {0};
    struct vision_params params;
    size_t n = 0;
    vision_params_init(&params, VISION_PROFILE_PRODUCT);
    if (item->code < 0) {
        DM_FAIL(e, item->code, "%s", item->error);
    }
    DM_TRY(dm_buf_read_file(&bytes, inputs_file(item), e));
    DM_TRY(image_decode(dm_buf_str(&bytes), bytes.len, &image_default_limits, &photo, NULL, e));
    DM_TRY(vision_calibrate(c, info, &params, &photo, INPUTS_A_PHOTO, &n, e));
    t->photos++;
    t->inputs += n;
    return DM_OK;
}

/* A photo that cannot be read is said and left out; the status then tells. */
static int add_photos(struct cmd_run *r, const struct inputs *in, struct nn_calibrator *c,
                      const struct nn_model_info *info, struct tally *t)
{
    struct progress bar;
    int status = 0;
    progress_begin(&bar, r, in->n);
    for (size_t i = 0; i < in->n; i++) {
        struct dm_err why = {0};
        if (add_photo(&in->item[i], c, info, t, &why) < 0) {
            bar.failed++;
            status = 6;
            progress_hide(&bar, r);
            const char *name = dm_text_clean(in->item[i].path, DM_TEXT_TERMINAL, &r->arena);
            (void)fprintf(r->err, "%s: %s\n", name ? name : "", cmd_error_text(r, &why));
        }
        bar.done++;
        progress_draw(&bar, r);
    }
    progress_hide(&bar, r);
    return status;
}

static int run(struct cmd_run *r, struct dm_err *e)
{
    DM_CLEANUP(nn_model_freep) struct nn_model *model = NULL;
    DM_CLEANUP(nn_calibrator_freep) struct nn_calibrator *c = NULL;
    DM_CLEANUP(nn_calibration_clear) struct nn_calibration ranges = {0};
    struct inputs in = {0};
    struct tally t = {0};
    DM_TRY(nn_model_open(r->args[0], &model, e));
    DM_TRY(inputs_expand(r->args + 1, r->n_args - 1, /* recursive= */ true, &r->arena, &in, e));
    DM_TRY(nn_calibrator_new(model, &c, e));
    int status = add_photos(r, &in, c, nn_model_info(model), &t);
    if (t.photos == 0) {
        return cmd_fail(r, e, DM_EBADINPUT, T(r, MODEL_QUANTIZE_NONE));
    }
    const char *path = models_calibration(&r->arena, r->args[0]);
    if (!path) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a path");
    }
    DM_TRY(nn_calibrator_result(c, &ranges, e));
    DM_TRY(nn_calibration_write(path, &ranges, e));
    (void)fprintf(r->out, "%s\n",
                  TF(r, MODEL_QUANTIZE_DONE, path, lang_integer(&r->arena, r->lang, ranges.n),
                     lang_integer(&r->arena, r->lang, (int64_t)t.inputs),
                     lang_integer(&r->arena, r->lang, (int64_t)t.photos)));
    return status;
}

const struct cmd cmd_model_quantize = {
    .name = "quantize",
    .operands = "MODEL PHOTO|FOLDER|GLOB...",
    .min_args = 2,
    .max_args = -1,
    .summary = MSG_MODEL_QUANTIZE_SUMMARY,
    .about = MSG_MODEL_QUANTIZE_ABOUT,
    .examples = examples,
    .run = run,
};
