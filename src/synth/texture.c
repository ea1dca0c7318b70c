/* SPDX-License-Identifier: Apache-2.0
 *
 * Grounds: gravel, woven weed cloth, black film, concrete, soil, boards. Two periodic noise tiles
 * are computed once a picture (65,536 values, some ms) and sampled at two scales a pixel, which
 * hides the period. */
#include <math.h>

#include "synth/scene.h"

#define SIDE TEXTURE_SIDE
#define MASK (TEXTURE_SIDE - 1)

static float smooth(float t)
{
    return t * t * (3 - 2 * t);
}

/* Value noise whose lattice repeats after `period` cells. */
static float lattice_noise(float x, float y, int period, uint32_t seed)
{
    int ix = (int)x, iy = (int)y;
    float fx = smooth(x - (float)ix), fy = smooth(y - (float)iy);
    int jx = (ix + 1) % period, jy = (iy + 1) % period;
    ix %= period;
    iy %= period;
    float a = rng_lattice(ix, iy, seed), b = rng_lattice(jx, iy, seed);
    float c = rng_lattice(ix, jy, seed), d = rng_lattice(jx, jy, seed);
    return (a + (b - a) * fx) * (1 - fy) + (c + (d - c) * fx) * fy;
}

static float fractal(int x, int y, uint32_t seed)
{
    float sum = 0, weight = 0.5f;
    for (int period = 8; period <= 128; period *= 2, weight *= 0.62f) {
        float k = (float)period / SIDE;
        sum += weight *
               (lattice_noise((float)x * k, (float)y * k, period, seed + (uint32_t)period) - 0.5f);
    }
    return DM_CLAMP(0.5f + sum * 1.15f, 0, 1);
}

#define STONES 32 /* a side of the tile */

/* Distance to the nearest and second nearest stone centre: rounded tops, dark gaps. */
static void stones(int x, int y, uint32_t seed, float *ret_height, float *ret_tone)
{
    float px = (float)x * STONES / SIDE, py = (float)y * STONES / SIDE;
    int cx = (int)px, cy = (int)py;
    float near = 9, second = 9;
    for (int j = -1; j <= 1; j++) {
        for (int i = -1; i <= 1; i++) {
            int gx = (cx + i + STONES) % STONES, gy = (cy + j + STONES) % STONES;
            float dx = (float)(cx + i) + rng_lattice(gx, gy, seed) - px;
            float dy = (float)(cy + j) + rng_lattice(gx, gy, seed + 1) - py;
            float d = sqrtf(dx * dx + dy * dy);
            if (d < near) {
                second = near;
                near = d;
                *ret_tone = rng_lattice(gx, gy, seed + 2);
            } else if (d < second) {
                second = d;
            }
        }
    }
    float gap = (second - near) * 2.6f, dome = 1 - 0.75f * near * near;
    *ret_height = (gap < 1 ? smooth(gap) : 1) * fmaxf(dome, 0);
}

void texture_init(struct texture *t, uint64_t seed)
{
    uint32_t s = (uint32_t)rng_mix(seed);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            size_t i = (size_t)y * SIDE + (size_t)x;
            t->cloud[i] = fractal(x, y, s);
            stones(x, y, s + 77, &t->pebble[i], &t->tone[i]);
        }
    }
}

static float sample(const float *tile, float x, float y)
{
    float bx = floorf(x), by = floorf(y), fx = x - bx, fy = y - by;
    int ix = (int)bx & MASK, iy = (int)by & MASK, jx = (ix + 1) & MASK, jy = (iy + 1) & MASK;
    const float *r0 = tile + (size_t)iy * SIDE, *r1 = tile + (size_t)jy * SIDE;
    return (r0[ix] + (r0[jx] - r0[ix]) * fx) * (1 - fy) + (r1[ix] + (r1[jx] - r1[ix]) * fx) * fy;
}

float texture_cloud(const struct texture *t, float x, float y)
{
    return sample(t->cloud, x, y);
}

/* 0 where a detail of `size` units is smaller than a pixel or two, 1 where it is plain to see. */
static float visible_detail(const struct ground_style *g, float size)
{
    return DM_CLAMP((g->px * size - 1.2f) * 0.4f, 0, 1);
}

static struct rgb gravel(const struct ground_style *g, float x, float y)
{
    float k = g->scale * 64, seen = visible_detail(g, (float)SIDE / STONES / k);
    float height = sample(g->texture->pebble, x * k, y * k);
    int ix = (int)floorf(x * k) & MASK, iy = (int)floorf(y * k) & MASK;
    float tone = g->texture->tone[(size_t)iy * SIDE + (size_t)ix];
    float grain = sample(g->texture->cloud, x * k * 3.1f, y * k * 3.1f);
    float broad = sample(g->texture->cloud, x * 17 + 9, y * 17);
    float v = (0.3f + 0.85f * height) * (0.55f + 0.65f * tone) * (0.85f + 0.3f * grain);
    v = 0.68f + (v - 0.68f) * seen + (broad - 0.5f) * 0.3f;
    struct rgb c = rgb_scale(g->tint, v);
    c.r += 14 * (tone - 0.5f) * seen;
    c.b -= 10 * (tone - 0.5f) * seen;
    return c;
}

static struct rgb cloth(const struct ground_style *g, float x, float y)
{
    float k = g->scale * 11, a = x * k, b = y * k;
    float fa = a - floorf(a), fb = b - floorf(b);
    int odd = ((int)floorf(a) + (int)floorf(b)) & 1;
    float thread = odd ? 1 - fabsf(fa - 0.5f) : 1 - fabsf(fb - 0.5f);
    float fade = DM_CLAMP(g->px / k / 3, 0, 1); /* threads under three pixels blur away */
    float dust = sample(g->texture->cloud, x * 23, y * 23);
    float v = 0.8f + (thread - 0.75f) * 0.7f * fade + (dust - 0.5f) * 0.7f;
    struct rgb c = rgb_scale(g->tint, v);
    float line = x * 0.31f - floorf(x * 0.31f);
    if (line < 0.012f) {
        c = rgb_mix(c, (struct rgb){70, 120, 90}, 0.6f); /* the marking line woven in */
    }
    return rgb_mix(c, (struct rgb){150, 135, 112}, DM_CLAMP(dust * 1.6f - 1.05f, 0, 0.45f));
}

static struct rgb film(const struct ground_style *g, float x, float y)
{
    float fold = sample(g->texture->cloud, x * 14 + 40, y * 5 + 11);
    float crease = 1 - fabsf(fold - 0.5f) * 9;
    float fine = sample(g->texture->cloud, x * 60, y * 60);
    float v = 0.7f + 0.5f * fine + 1.7f * DM_CLAMP(crease, 0, 1) * DM_CLAMP(fold, 0, 1);
    struct rgb c = rgb_scale(g->tint, v);
    float dirt = sample(g->texture->cloud, x * 31 + 5, y * 31 + 90);
    return rgb_mix(c, (struct rgb){128, 108, 88}, DM_CLAMP(dirt * 3 - 1.9f, 0, 0.6f));
}

static struct rgb concrete(const struct ground_style *g, float x, float y)
{
    float broad = sample(g->texture->cloud, x * 9, y * 9);
    float fine = sample(g->texture->cloud, x * 130, y * 130);
    return rgb_scale(g->tint, 0.72f + 0.36f * broad + 0.2f * fine);
}

static struct rgb soil(const struct ground_style *g, float x, float y)
{
    float k = g->scale * 85, seen = visible_detail(g, (float)SIDE / STONES / k);
    float clod = sample(g->texture->pebble, x * k, y * k);
    float broad = sample(g->texture->cloud, x * 12, y * 12);
    float fine = sample(g->texture->cloud, x * 190, y * 190);
    float v = 0.35f + 0.3f * (0.7f + (clod - 0.7f) * seen) + 0.35f * broad;
    return rgb_scale(g->tint, v + 0.22f + 0.5f * (fine - 0.5f) * fmaxf(seen, 0.2f));
}

static struct rgb wood(const struct ground_style *g, float x, float y)
{
    float board = y * 1.7f, id = floorf(board), f = board - id;
    float grain = sample(g->texture->cloud, x * 7 + id * 37, y * 120);
    float tone = 0.75f + 0.35f * rng_lattice((int)id, 3, 9) + 0.4f * (grain - 0.5f);
    if (f < 0.05f) {
        tone *= 0.25f + 10 * f;
    }
    return rgb_scale(g->tint, tone);
}

struct rgb ground_colour(const struct ground_style *g, float x, float y)
{
    static struct rgb (*const kinds[GROUND_MAX_])(const struct ground_style *, float, float) = {
        [GROUND_GRAVEL] = gravel,     [GROUND_CLOTH] = cloth, [GROUND_FILM] = film,
        [GROUND_CONCRETE] = concrete, [GROUND_SOIL] = soil,   [GROUND_WOOD] = wood};
    return kinds[g->kind](g, x, y);
}
