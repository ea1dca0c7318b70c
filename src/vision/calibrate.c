/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibration inputs from photos. */
#include "vision/calibrate.h"

#include "vision/slice.h"
#include "vision/yolo.h"

static int add_part(struct nn_calibrator *c, const struct nn_model_info *info,
                    const struct image *photo, struct image_rect r, struct image *input,
                    struct dm_err *e)
{
    const struct yolo_letterbox lb = yolo_letterbox_plan(r.w, r.h, info->input_w, info->input_h,
                                                         info->stride, /* rect= */ false);
    const struct image part = image_view(photo, r);
    DM_TRY(yolo_letterbox_apply(&lb, &part, input, e));
    return nn_calibrator_add(c, input, e);
}

static int add_all(struct nn_calibrator *c, const struct nn_model_info *info,
                   const struct image *photo, const struct image_rect *part, size_t n_part,
                   size_t max_inputs, size_t *ret, struct dm_err *e)
{
    struct image input = {0};
    DM_TRY(image_init(&input, info->input_w, info->input_h, 3, e));
    size_t n = DM_MIN(n_part, max_inputs);
    int code = DM_OK;
    for (size_t i = 0; i < n && code >= 0; i++) {
        code = add_part(c, info, photo, part[i * n_part / n], &input, e);
    }
    image_clear(&input);
    DM_TRY(code);
    *ret = n;
    return DM_OK;
}

int vision_calibrate(struct nn_calibrator *c, const struct nn_model_info *info,
                     const struct vision_params *p, const struct image *photo, size_t max_inputs,
                     size_t *ret, struct dm_err *e)
{
    struct dm_arena a = {0};
    struct image_rect whole = {0, 0, photo->w, photo->h};
    struct image_rect *part = &whole;
    size_t n = 1;
    int code = DM_OK;
    if (info->task == NN_TASK_DETECT && photo->w >= p->tile_size_px &&
        photo->h >= p->tile_size_px) {
        code = slice_tiles(photo->w, photo->h, p->tile_size_px, p->tile_overlap, &a, &part, &n, e);
    }
    if (code >= 0) {
        code = add_all(c, info, photo, part, n, max_inputs, ret, e);
    }
    dm_arena_clear(&a);
    return code;
}
