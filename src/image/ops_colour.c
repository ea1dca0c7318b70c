/* SPDX-License-Identifier: Apache-2.0
 *
 * Colour of one pixel in 8-bit HSV and Lab lightness, in the integer arithmetic of vision.md A.6
 * and A.7. Whole pictures are walked by the estimator, which needs both only on few of their
 * pixels. */
#include "image/ops.h"

#include "image/lab_tables.h"

/* round(2^12 * numerator / d); never a tie for the numerators and divisors used here. */
static int fixed_ratio(int numerator, int d)
{
    return d == 0 ? 0 : (2 * (numerator << 12) + d) / (2 * d);
}

void image_hsv_u8(uint8_t r, uint8_t g, uint8_t b, uint8_t ret_hsv[static 3])
{
    int v = DM_MAX(DM_MAX(r, g), b);
    int d = v - DM_MIN(DM_MIN(r, g), b);
    int h;
    if (v == r) {
        h = g - b;
    } else if (v == g) {
        h = b - r + 2 * d;
    } else {
        h = r - g + 4 * d;
    }
    h = (h * fixed_ratio(30, d) + 2048) >> 12;
    ret_hsv[0] = (uint8_t)(h < 0 ? h + 180 : h);
    ret_hsv[1] = (uint8_t)((d * fixed_ratio(255, v) + 2048) >> 12);
    ret_hsv[2] = (uint8_t)v;
}

uint8_t image_lightness_u8(uint8_t r, uint8_t g, uint8_t b)
{
    uint32_t y = IMAGE_LAB_R * image_lab_linear[r] + IMAGE_LAB_G * image_lab_linear[g] +
                 IMAGE_LAB_B * image_lab_linear[b];
    return image_lab_lightness[(y + IMAGE_LAB_ROUND) >> 12];
}
