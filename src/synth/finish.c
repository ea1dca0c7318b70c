/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the scene and the file: stripes of the shade cloth, vignette, white balance, a soft lens
 * and the noise of a small sensor. In place, row by row. */
#include <math.h>

#include "base/alloc.h"
#include "synth/scene.h"

struct look {
    float gain[3];
    float vignette;                 /* darkening in the corners, 0..0.35 */
    float stripe, sx, sy, contrast; /* shade cloth: strength and direction */
    float blur;                     /* weight of each neighbour, 0..0.25 */
    float noise;                    /* display values */
};

static void look_init(const struct scene *s, struct rng *r, struct look *k)
{
    float exposure = s->whole ? rng_range(r, 1.04f, 1.22f) : rng_range(r, 0.84f, 1.2f),
          warm = rng_range(r, -0.07f, 0.07f);
    float a = rng_range(r, 0, 3.14f),
          period = rng_range(r, 0.15f, 0.9f) * (float)DM_MAX(s->w, s->h);
    *k = (struct look){.gain = {exposure * (1 + warm), exposure, exposure * (1 - warm)},
                       .vignette = rng_range(r, 0, 0.22f),
                       .stripe = rng_chance(r, 0.3f) ? rng_range(r, 0.08f, 0.3f) : 0,
                       .sx = cosf(a) * 6.2832f / period,
                       .sy = sinf(a) * 6.2832f / period,
                       .contrast = rng_range(r, 0.92f, 1.14f),
                       .blur = rng_chance(r, 0.6f) ? rng_range(r, 0, 0.22f) : 0,
                       .noise = rng_chance(r, 0.7f) ? rng_range(r, 0.5f, 6) : 0};
}

/* [k, 1-2k, k] along a row of RGB, out of place. */
static void blur_row(const uint8_t *in, uint8_t *out, int w, float k)
{
    int a = (int)(k * 256), b = 256 - 2 * a;
    for (int x = 0; x < w; x++) {
        int l = x > 0 ? x - 1 : 0, m = x < w - 1 ? x + 1 : x;
        for (int ch = 0; ch < 3; ch++) {
            out[3 * x + ch] =
                (uint8_t)((a * (in[3 * l + ch] + in[3 * m + ch]) + b * in[3 * x + ch] + 128) >> 8);
        }
    }
}

static int blur(struct image *im, float k, struct dm_err *e)
{
    size_t row = (size_t)im->w * 3;
    int a = (int)(k * 256), b = 256 - 2 * a;
    DM_CLEANUP(dm_freep) uint8_t *buf = dm_calloc(3, row);
    if (!buf) {
        DM_FAIL(e, DM_ENOMEM, "no memory to blur a picture");
    }
    uint8_t *line[3] = {buf, buf + row,
                        buf + 2 * row}; /* above, here, below; already blurred in x */
    blur_row(image_row(im, 0), line[1], im->w, k);
    memcpy(line[0], line[1], row);
    for (int y = 0; y < im->h; y++) {
        blur_row(image_row(im, DM_MIN(y + 1, im->h - 1)), line[2], im->w, k);
        uint8_t *out = image_row(im, y);
        for (size_t i = 0; i < row; i++) {
            out[i] = (uint8_t)((a * (line[0][i] + line[2][i]) + b * line[1][i] + 128) >> 8);
        }
        uint8_t *first = line[0];
        line[0] = line[1];
        line[1] = line[2];
        line[2] = first;
    }
    return DM_OK;
}

/* Sum of four bytes is close enough to normal for a sensor. */
static float grain(uint32_t h)
{
    int sum = (int)(h & 255) + (int)(h >> 8 & 255) + (int)(h >> 16 & 255) + (int)(h >> 24);
    return (float)(sum - 510) * (1.0f / 148);
}

static void grade_row(const struct scene *s, const struct look *k, uint8_t *row, int y)
{
    uint64_t h = rng_mix(s->seed * 31 + (uint64_t)y);
    float fy = ((float)y / (float)s->h - 0.5f) * 2;
    for (int x = 0; x < s->w; x++) {
        float fx = ((float)x / (float)s->w - 0.5f) * 2;
        float lit = 1 - k->vignette * 0.5f * (fx * fx + fy * fy);
        if (k->stripe > 0) {
            float wave = sinf((float)x * k->sx + (float)y * k->sy);
            lit *= 1 - k->stripe * DM_CLAMP(0.5f + 2.5f * wave, 0, 1);
        }
        h = h * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        float luma = grain((uint32_t)(h >> 32)) * k->noise;
        float chroma = grain((uint32_t)(h >> 16)) * k->noise * 0.4f;
        for (int ch = 0; ch < 3; ch++) {
            float v = (float)row[3 * x + ch] * lit * k->gain[ch];
            v = 118 + (v - 118) * k->contrast + luma + (ch == 1 ? -chroma : chroma);
            row[3 * x + ch] = (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : (int)(v + 0.5f));
        }
    }
}

int scene_finish(const struct scene *s, struct image *im, struct dm_err *e)
{
    struct rng r = rng_fork(s->seed, 3);
    struct look k;
    look_init(s, &r, &k);
    if (k.blur > 0) {
        DM_TRY(blur(im, k.blur, e));
    }
    for (int y = 0; y < s->h; y++) {
        grade_row(s, &k, image_row(im, y), y);
    }
    return DM_OK;
}
