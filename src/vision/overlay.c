/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of a result. Areas (masks) are blended by integer arithmetic straight on the pixels;
 * Cairo draws shapes and letters on strips of rows, only where there is something to draw. A 12
 * megapixel photo with 1,800 plants is the ordinary case. */
#include "vision/overlay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "vision/overlay_scene.h"

enum { STRIP_ROWS = 192 };

const char *const vision_overlay_names[] = {
    "annotated", "detections", "mask", "detections_metrics", "residual", "estimation", NULL,
};
_Static_assert(DM_COUNT(vision_overlay_names) == VISION_OVERLAY_MAX_ + 1, "one name per picture");

/* ---- areas ---- */

/* out = photo * (1 - a) + tint * a with a = weight/256 * mask/255. */
static void tint_row(const uint8_t *photo, const uint8_t *mask, int w, const uint8_t tint[static 3],
                     unsigned weight, uint8_t *out)
{
    for (int x = 0; x < w; x++) {
        const unsigned a = mask[x] * weight; /* at most 255 * 256 */
        for (int c = 0; c < 3; c++) {
            const unsigned v = photo[3 * x + c] * (65280 - a) + tint[c] * a;
            out[3 * x + c] = (uint8_t)((v + 32640) / 65280);
        }
    }
}

struct tint {
    const struct image *mask;
    uint8_t rgb[3];
    unsigned weight; /* of 256 */
};

/* The area a kind shows; mask NULL for none. Colours and weights: vision.md 9.2. */
static struct tint tint_of(const struct vision_result *r, enum vision_overlay kind)
{
    switch (kind) {
    case VISION_OVERLAY_MASK:
        return (struct tint){&r->detection_mask, {0, 255, 120}, 115};
    case VISION_OVERLAY_RESIDUAL:
        return (struct tint){&r->residual_mask, {255, 64, 64}, 128};
    case VISION_OVERLAY_ESTIMATION:
        return (struct tint){&r->processed_mask, {255, 214, 0}, 128};
    case VISION_OVERLAY_ANNOTATED:
    case VISION_OVERLAY_DETECTIONS:
    case VISION_OVERLAY_METRICS:
    case VISION_OVERLAY_MAX_:
        break;
    }
    return (struct tint){0};
}

static void paint_areas(const struct vision_result *r, const struct tint *t, struct image *out)
{
    const struct image *photo = &r->image;
    for (int y = 0; y < photo->h; y++) {
        if (t->mask) {
            tint_row(image_row(photo, y), image_row(t->mask, y), photo->w, t->rgb, t->weight,
                     image_row(out, y));
        } else {
            memcpy(image_row(out, y), image_row(photo, y), 3 * (size_t)photo->w);
        }
    }
}

/* ---- strips ---- */

/* Cairo's pixel: 32 bits, 0xXXRRGGBB in the machine's byte order. */
static void load_strip(const struct image *im, int y0, int rows, uint32_t *px, size_t step)
{
    for (int y = 0; y < rows; y++) {
        const uint8_t *from = image_row(im, y0 + y);
        uint32_t *to = px + (size_t)y * step;
        for (int x = 0; x < im->w; x++, from += 3) {
            to[x] = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        }
    }
}

static void store_strip(struct image *im, int y0, int rows, const uint32_t *px, size_t step)
{
    for (int y = 0; y < rows; y++) {
        const uint32_t *from = px + (size_t)y * step;
        uint8_t *to = image_row(im, y0 + y);
        for (int x = 0; x < im->w; x++, to += 3) {
            to[0] = (uint8_t)(from[x] >> 16);
            to[1] = (uint8_t)(from[x] >> 8);
            to[2] = (uint8_t)from[x];
        }
    }
}

static void draw_scene(const struct overlay_scene *s, cairo_t *cr, int y0, int y1)
{
    switch (s->kind) {
    case VISION_OVERLAY_ANNOTATED:
        overlay_draw_plants(s, cr, y0, y1);
        overlay_draw_bands(s, cr, y0, y1);
        overlay_draw_outlines(s, cr, y0, y1);
        overlay_draw_panel(s, cr, y0, y1);
        break;
    case VISION_OVERLAY_DETECTIONS:
        overlay_draw_plants(s, cr, y0, y1);
        break;
    case VISION_OVERLAY_METRICS:
        overlay_draw_plants(s, cr, y0, y1);
        overlay_draw_panel(s, cr, y0, y1);
        break;
    case VISION_OVERLAY_RESIDUAL:
        overlay_draw_outlines(s, cr, y0, y1);
        break;
    case VISION_OVERLAY_ESTIMATION:
        overlay_draw_bands(s, cr, y0, y1);
        overlay_draw_panel(s, cr, y0, y1);
        break;
    case VISION_OVERLAY_MASK:
    case VISION_OVERLAY_MAX_:
        break;
    }
}

static int draw_strip(const struct overlay_scene *s, struct image *out, int y0, uint32_t *px,
                      size_t step, struct dm_err *e)
{
    const int rows = DM_MIN(STRIP_ROWS, out->h - y0);
    cairo_surface_t *surface = cairo_image_surface_create_for_data(
        (unsigned char *)px, CAIRO_FORMAT_RGB24, out->w, rows, (int)(step * sizeof(*px)));
    cairo_t *cr = cairo_create(surface);
    load_strip(out, y0, rows, px, step);
    cairo_surface_mark_dirty(surface);
    cairo_translate(cr, 0, -y0);
    draw_scene(s, cr, y0, y0 + rows);
    cairo_surface_flush(surface);
    const cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS) {
        DM_FAIL(e, status == CAIRO_STATUS_NO_MEMORY ? DM_ENOMEM : DM_EINTERNAL, "drawing: %s",
                cairo_status_to_string(status));
    }
    store_strip(out, y0, rows, px, step);
    return DM_OK;
}

static int draw_shapes(const struct overlay_scene *s, struct image *out, struct dm_err *e)
{
    const size_t step =
        (size_t)cairo_format_stride_for_width(CAIRO_FORMAT_RGB24, out->w) / sizeof(uint32_t);
    uint32_t *px = dm_alloc_aligned(step * STRIP_ROWS * sizeof(*px));
    int code = DM_OK;
    if (!px) {
        DM_FAIL(e, DM_ENOMEM, "no memory for drawing");
    }
    for (int y0 = 0; y0 < out->h && code >= 0; y0 += STRIP_ROWS) {
        code = draw_strip(s, out, y0, px, step, e);
    }
    dm_free(px);
    return code;
}

int vision_overlay_draw(const struct vision_result *r, enum vision_overlay kind, const char *lang,
                        struct image *ret, struct dm_err *e)
{
    const struct tint tint = tint_of(r, kind);
    const int longer = DM_MAX(r->image.w, r->image.h);
    DM_CLEANUP(image_clear) struct image out = {0};
    DM_BUG_UNLESS(kind < VISION_OVERLAY_MAX_);
    if (!r->image.px || (tint.mask && !tint.mask->px)) {
        DM_FAIL(e, DM_EBADINPUT,
                "the result was made without the pixels that the picture \"%s\" shows",
                vision_overlay_names[kind]);
    }
    const struct overlay_scene scene = {
        .r = r,
        .kind = kind,
        .spanish = !strcmp(lang, "es"),
        .unit = fmax(1.0, longer / 1600.0),
        .text = fmax(13.0, longer / 80.0), /* 9.2: a letter is an eightieth of the width */
    };
    DM_TRY(image_init(&out, r->image.w, r->image.h, 3, e));
    paint_areas(r, &tint, &out);
    if (kind != VISION_OVERLAY_MASK) {
        DM_TRY(draw_shapes(&scene, &out, e));
    }
    *ret = out;
    out = (struct image){0};
    return DM_OK;
}

size_t vision_libraries(struct dm_library ret[static DM_LIBRARIES_MAX])
{
    ret[0] = (struct dm_library){.name = "cairo"};
    (void)snprintf(ret[0].version, sizeof(ret[0].version), "%s", cairo_version_string());
    return 1;
}
