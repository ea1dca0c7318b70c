/* SPDX-License-Identifier: Apache-2.0
 *
 * The picture a YOLO network sees: scaled to fit, centred, grey around it (vision.md 4.1), and the
 * way back (4.3). Runs once per tile; a 512 px tile in a 640 px network has no border at all. */
#include "vision/yolo.h"

#include <math.h>
#include <string.h>

#include "image/ops.h"

enum { BORDER = 114 };

static int round_up(int v, int stride)
{
    return (v + stride - 1) / stride * stride;
}

/* Scaled side; at least one pixel, for strips a hundred times longer than wide. */
static int scaled(int side, double r)
{
    return DM_MAX(1, (int)rint(side * r));
}

struct yolo_letterbox yolo_letterbox_plan(int w, int h, int target_w, int target_h, int stride,
                                          bool rect)
{
    if (rect) {
        target_w = round_up(target_w, stride);
        target_h = round_up(target_h, stride);
    }
    double r = fmin((double)target_h / h, (double)target_w / w);
    struct yolo_letterbox lb = {.w = w, .h = h, .new_w = scaled(w, r), .new_h = scaled(h, r)};
    int pad_w = target_w - lb.new_w;
    int pad_h = target_h - lb.new_h;
    if (rect) {
        pad_w %= stride;
        pad_h %= stride;
    }
    /* Half to even after subtracting 0.1, as the reference: of an odd pad the smaller part. */
    lb.left = (int)rint(pad_w / 2.0 - 0.1);
    lb.top = (int)rint(pad_h / 2.0 - 0.1);
    lb.net_w = lb.new_w + pad_w;
    lb.net_h = lb.new_h + pad_h;
    lb.gain = fmin((double)lb.net_h / h, (double)lb.net_w / w);
    return lb;
}

struct yolo_letterbox yolo_letterbox_frame(int w, int h, int frame, int net_w, int net_h)
{
    double gain = (double)DM_MIN(net_w, net_h) / frame;
    struct yolo_letterbox lb = {.w = w, .h = h, .net_w = net_w, .net_h = net_h, .gain = gain};
    lb.new_w = DM_MIN(scaled(w, gain), net_w);
    lb.new_h = DM_MIN(scaled(h, gain), net_h);
    lb.left = (net_w - lb.new_w) / 2;
    lb.top = (net_h - lb.new_h) / 2;
    lb.block = DM_MIN(DM_MAX(1, (int)(1 / gain)), DM_MIN(w, h));
    return lb;
}

static void fill_border(const struct yolo_letterbox *lb, struct image *out)
{
    size_t left_bytes = (size_t)lb->left * 3;
    size_t right_at = (size_t)(lb->left + lb->new_w) * 3;
    size_t row_bytes = (size_t)lb->net_w * 3;
    for (int y = 0; y < lb->net_h; y++) {
        uint8_t *row = image_row(out, y);
        if (y < lb->top || y >= lb->top + lb->new_h) {
            memset(row, BORDER, row_bytes);
        } else {
            memset(row, BORDER, left_bytes);
            memset(row + right_at, BORDER, row_bytes - right_at);
        }
    }
}

int yolo_letterbox_apply(const struct yolo_letterbox *lb, const struct image *in, struct image *out,
                         struct dm_err *e)
{
    DM_BUG_UNLESS(in->channels == 3 && in->w == lb->w && in->h == lb->h);
    DM_BUG_UNLESS(out->channels == 3 && out->w == lb->net_w && out->h == lb->net_h);
    struct image inner =
        image_view(out, (struct image_rect){lb->left, lb->top, lb->new_w, lb->new_h});
    fill_border(lb, out);
    if (lb->block > 1) {
        DM_CLEANUP(image_clear) struct image small = {0};
        DM_TRY(image_init(&small, lb->w / lb->block, lb->h / lb->block, 3, e));
        DM_TRY(image_average(in, lb->block, &small, e));
        return image_resize_bilinear(&small, &inner, e);
    }
    if (lb->new_w != lb->w || lb->new_h != lb->h) {
        return image_resize_bilinear(in, &inner, e);
    }
    for (int y = 0; y < lb->h; y++) {
        memcpy(image_row(&inner, y), image_row(in, y), (size_t)lb->w * 3);
    }
    return DM_OK;
}

static float to_image(float v, int pad, double gain, int side)
{
    float x = (v - (float)pad) / (float)gain;
    return DM_CLAMP(x, 0.0f, (float)side);
}

void yolo_unletterbox(const struct yolo_letterbox *lb, struct yolo_box *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b[i].x1 = to_image(b[i].x1, lb->left, lb->gain, lb->w);
        b[i].y1 = to_image(b[i].y1, lb->top, lb->gain, lb->h);
        b[i].x2 = to_image(b[i].x2, lb->left, lb->gain, lb->w);
        b[i].y2 = to_image(b[i].y2, lb->top, lb->gain, lb->h);
    }
}
