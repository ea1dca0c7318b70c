/* SPDX-License-Identifier: Apache-2.0
 *
 * Conservation: the rules of vision.md 8.8 that a result must keep before anybody sees it. A broken
 * rule is a fault of this program, never of the photo. */
#include <math.h>

#include "vision/vision.h"

#define RULE(cond, e, ...)                                                                         \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            DM_FAIL((e), DM_EINTERNAL, __VA_ARGS__);                                               \
        }                                                                                          \
    } while (0)

/* C1, and that the row belongs to a container that was counted. */
static int check_band(const struct vision_result *r, size_t i, struct dm_err *e)
{
    const struct vision_band *b = &r->band[i];
    RULE(b->container >= 0 && (size_t)b->container < r->n_container, e,
         "C2: band %zu belongs to container %d of %zu", i, b->container, r->n_container);
    RULE(!r->container[b->container].failed, e, "C2: band %zu belongs to a failed container", i);
    RULE(b->processed_px >= 0 && b->suppressed_px >= 0 &&
             b->residual_px == b->processed_px + b->suppressed_px,
         e, "C1: band %zu: residual %lld is not processed %lld + suppressed %lld", i,
         (long long)b->residual_px, (long long)b->processed_px, (long long)b->suppressed_px);
    return DM_OK;
}

/* C2: row i follows the one before it in its container, or is the first and starts at the top. */
static int check_follows(const struct vision_result *r, size_t i, struct dm_err *e)
{
    const struct vision_band *b = &r->band[i];
    const struct vision_band *before = i > 0 && b[-1].container == b->container ? b - 1 : NULL;
    int number = before ? before->number + 1 : 1;
    int start = before ? before->y_end : r->container[b->container].bbox.y;
    RULE(b->number == number, e, "C2: band %zu has number %d", i, b->number);
    RULE(b->y_start == start && b->y_end >= start, e, "C2: band %zu starts at row %d", i,
         b->y_start);
    return DM_OK;
}

/* C2: the last row of a container reaches its bottom. */
static int check_last(const struct vision_result *r, size_t i, struct dm_err *e)
{
    const struct vision_band *b = &r->band[i];
    struct image_rect box = r->container[b->container].bbox;
    bool last = i + 1 == r->n_band || b[1].container != b->container;
    RULE(!last || b->y_end == box.y + box.h, e, "C2: band %zu ends at row %d of %d", i, b->y_end,
         box.y + box.h);
    return DM_OK;
}

static int check_bands(const struct vision_result *r, struct dm_err *e)
{
    for (size_t i = 0; i < r->n_band; i++) {
        DM_TRY(check_band(r, i, e));
        DM_TRY(check_follows(r, i, e));
        DM_TRY(check_last(r, i, e));
    }
    return DM_OK;
}

/* Sums of what the containers claim. */
struct sums {
    uint64_t detected, estimated, containers, by_type, empty;
};

static struct sums add_up(const struct vision_result *r)
{
    struct sums s = {0};
    for (size_t i = 0; i < r->n_container; i++) {
        s.detected += r->container[i].detected;
        s.estimated += r->container[i].estimated;
        s.empty += r->container[i].empty;
    }
    for (int t = 0; t < VISION_CONTAINER_MAX_; t++) {
        s.by_type += r->by_type[t];
        s.containers += r->containers_by_type[t];
    }
    return s;
}

/* C3: every detection is counted once, in the container it names. */
static int check_detections(const struct vision_result *r, struct dm_err *e)
{
    uint64_t seen[VISION_CONTAINER_MAX_] = {0};
    for (size_t i = 0; i < r->n_detection; i++) {
        int c = r->detection[i].container;
        RULE(c >= 0 && (size_t)c < r->n_container, e, "C3: plant %zu is in container %d of %zu", i,
             c, r->n_container);
        seen[r->container[c].type]++;
        RULE(i == 0 || r->detection[i - 1].confidence >= r->detection[i].confidence, e,
             "C3: plant %zu is out of order", i);
    }
    for (int t = 0; t < VISION_CONTAINER_MAX_; t++) {
        RULE(seen[t] == r->by_type[t], e, "C3: %u plants of type %d, %llu listed", r->by_type[t], t,
             (unsigned long long)seen[t]);
    }
    return DM_OK;
}

static int check_totals(const struct vision_result *r, struct dm_err *e)
{
    struct sums s = add_up(r);
    uint64_t rows = 0;
    for (size_t i = 0; i < r->n_band; i++) {
        rows += r->band[i].count;
    }
    RULE(r->detected == r->n_detection && r->detected == s.detected && r->detected == s.by_type, e,
         "C3: %u detected, %zu listed, %llu in containers, %llu by type", r->detected,
         r->n_detection, (unsigned long long)s.detected, (unsigned long long)s.by_type);
    RULE(s.containers == r->n_container && s.empty == r->empty_containers, e,
         "C3: %zu containers, %llu by type", r->n_container, (unsigned long long)s.containers);
    RULE(r->estimated == rows && r->estimated == s.estimated, e,
         "C4: %u estimated, %llu in bands, %llu in containers", r->estimated,
         (unsigned long long)rows, (unsigned long long)s.estimated);
    RULE((uint64_t)r->total == (uint64_t)r->detected + r->estimated, e,
         "C5: total %u is not %u + %u", r->total, r->detected, r->estimated);
    RULE((uint64_t)r->confidence_high + r->confidence_medium + r->confidence_low == r->detected, e,
         "C6: %u high, %u medium, %u low of %u", r->confidence_high, r->confidence_medium,
         r->confidence_low, r->detected);
    return DM_OK;
}

static int64_t count_set(const struct image *m)
{
    int64_t n = 0;
    for (int y = 0; y < m->h; y++) {
        const uint8_t *row = image_row(m, y);
        int set = 0;
        for (int x = 0; x < m->w; x++) {
            set += row[x] >> 7;
        }
        n += set;
    }
    return n;
}

/* C7 where the masks were kept: with own_residual no pixel is in two containers, so the pixels of
 * the masks are the sums of the rows; without, overlaps make the rows larger. */
static int check_masks(const struct vision_result *r, bool own_residual, struct dm_err *e)
{
    int64_t residual = 0;
    int64_t processed = 0;
    if (!r->residual_mask.px || !r->processed_mask.px) {
        return DM_OK;
    }
    for (size_t i = 0; i < r->n_band; i++) {
        residual += r->band[i].residual_px;
        processed += r->band[i].processed_px;
    }
    int64_t residual_set = count_set(&r->residual_mask);
    int64_t processed_set = count_set(&r->processed_mask);
    RULE(own_residual ? residual == residual_set : residual >= residual_set, e,
         "C7: bands hold %lld residual pixels, the mask %lld", (long long)residual,
         (long long)residual_set);
    RULE(own_residual ? processed == processed_set : processed >= processed_set, e,
         "C7: bands hold %lld processed pixels, the mask %lld", (long long)processed,
         (long long)processed_set);
    return DM_OK;
}

int vision_result_check(const struct vision_result *r, bool own_residual, struct dm_err *e)
{
    DM_TRY(check_bands(r, e));
    DM_TRY(check_detections(r, e));
    DM_TRY(check_totals(r, e));
    return check_masks(r, own_residual, e);
}
