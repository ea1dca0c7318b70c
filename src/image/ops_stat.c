/* SPDX-License-Identifier: Apache-2.0
 *
 * Otsu's threshold and percentiles, with the summation order and the tie rules of the reference
 * libraries (vision.md A.8, A.9). */
#include "image/ops.h"

#include <float.h>
#include <stdlib.h>

int image_otsu(const uint64_t histogram[static 256])
{
    uint64_t total = 0;
    double mean = 0;
    for (int i = 0; i < 256; i++) {
        total += histogram[i];
        mean += i * (double)histogram[i];
    }
    if (total == 0) {
        return 0;
    }
    double scale = 1.0 / (double)total;
    mean *= scale;
    double low_share = 0;
    double low_mean = 0;
    double best = 0;
    int threshold = 0;
    for (int i = 0; i < 256; i++) {
        double p = (double)histogram[i] * scale;
        low_mean *= low_share;
        low_share += p;
        double high_share = 1 - low_share;
        if (DM_MIN(low_share, high_share) < (double)FLT_EPSILON ||
            DM_MAX(low_share, high_share) > 1 - (double)FLT_EPSILON) {
            continue;
        }
        low_mean = (low_mean + i * p) / low_share;
        double high_mean = (mean - low_share * low_mean) / high_share;
        double between = low_share * high_share * (low_mean - high_mean) * (low_mean - high_mean);
        if (between > best) {
            best = between;
            threshold = i;
        }
    }
    return threshold;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double image_percentile(double *a, size_t n, double q)
{
    DM_BUG_UNLESS(n >= 1 && q >= 0 && q <= 1);
    qsort(a, n, sizeof(*a), compare_doubles);
    double at = (double)(n - 1) * q;
    size_t i = (size_t)at;
    double lo = a[i];
    double hi = a[DM_MIN(i + 1, n - 1)];
    double t = at - (double)i;
    /* From the nearer end, as numpy does. */
    return t >= 0.5 ? hi - (hi - lo) * (1 - t) : lo + (hi - lo) * t;
}
