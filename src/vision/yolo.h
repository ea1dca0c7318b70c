/* SPDX-License-Identifier: Apache-2.0
 *
 * YOLO before and after the network: letterbox, candidates, non-maximum suppression,
 * back-projection, masks (vision.md 4). Threads: reentrant. */
#ifndef VISION_YOLO_H
#define VISION_YOLO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "image/image.h"
#include "nn/net.h"

/* Where an image of w x h sits inside the network's input (vision.md 4.1). */
struct yolo_letterbox {
    int w, h;         /* of the image */
    int net_w, net_h; /* of the network input */
    int new_w, new_h; /* of the scaled image inside it */
    int left, top;    /* pads really applied */
    double gain;      /* min(net_h / h, net_w / w): what the way back divides by */
    int block;        /* > 1: squares of so many pixels are averaged before the rest is scaled */
};

/* Geometry for target Tw x Th; rect = smallest multiple-of-stride rectangle instead of the whole
 * (the target is then rounded up to a multiple of stride). Sides >= 1. */
struct yolo_letterbox yolo_letterbox_plan(int w, int h, int target_w, int target_h, int stride,
                                          bool rect);

/* Geometry for a square of frame px, at least the longer side, with the image in its middle. What
 * is scaled down to less than half is averaged, not sampled: no reference to follow here. */
struct yolo_letterbox yolo_letterbox_frame(int w, int h, int frame, int net_w, int net_h);

/* Scale in into the network input out (net_w x net_h, 3 channels, allocated), border 114.
 * Errors: DM_ENOMEM. */
DM_MUST_CHECK int yolo_letterbox_apply(const struct yolo_letterbox *lb, const struct image *in,
                                       struct image *out, struct dm_err *e);

struct yolo_box {
    float x1, y1, x2, y2;
    float score;
    int class_id;
    int anchor; /* index in level order P3, P4, P5: finds the mask coefficients again */
};

struct yolo_nms_params {
    float conf, iou;
    int max_det, max_nms;
};

/* Logit t such that sigmoid(x) > conf implies x > t; slightly below the exact value, so nothing is
 * lost to rounding. The min_logit for nn_session_run. */
float yolo_min_logit(float conf);

/* Candidates, DFL decode and NMS (vision.md 4.2).
 *   ret     [*ret_n <= max_det] in a, network-input pixels, score descending
 *   *ret_saturated  whether exactly max_det boxes came out, so that more may be there
 * Cost O(anchors * classes + k log k + k * max_det). Errors: DM_ENOMEM.
 * Source: Neubeck & Van Gool 2006. */
DM_MUST_CHECK int yolo_decode(const struct nn_heads *heads, const struct yolo_nms_params *p,
                              struct dm_arena *a, struct yolo_box **ret, size_t *ret_n,
                              bool *ret_saturated, struct dm_err *e);

/* NMS alone on boxes in any order, for tests and yolo_decode. Reorders b; returns the count kept at
 * its front, score descending, at most max_det. Negative on DM_ENOMEM. */
DM_MUST_CHECK int yolo_nms(struct yolo_box *b, size_t n, const struct yolo_nms_params *p,
                           struct dm_arena *a, struct dm_err *e);

/* Network pixels -> image pixels, clamped to the image, f32 (vision.md 4.3). In place. */
void yolo_unletterbox(const struct yolo_letterbox *lb, struct yolo_box *b, size_t n);

/* Binary mask [net_h][net_w] 0/255 of one detection: coef . proto, crop, bilinear x4, > 0 (4.4).
 *   b        network-space box, as yolo_decode returns it
 *   ret      1-channel image of net_w x net_h, owned by the caller */
DM_MUST_CHECK int yolo_mask(const struct nn_heads *heads, const struct yolo_letterbox *lb,
                            const struct yolo_box *b, struct image *ret, struct dm_err *e);

/* The raw ONNX output0 [4+nc+nm][A] rebuilt from the heads, for comparison with other runtimes. */
DM_MUST_CHECK int yolo_output0(const struct nn_heads *heads, struct dm_arena *a, float **ret,
                               size_t *ret_rows, size_t *ret_anchors, struct dm_err *e);

#endif
