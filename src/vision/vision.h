/* SPDX-License-Identifier: Apache-2.0
 *
 * Plants from pixels: one call, bytes in, result structure out. No file, no global state,
 * reentrant; knows nothing of storage, HTTP or jobs. Numbers and their reasons: vision.md. */
#ifndef VISION_VISION_H
#define VISION_VISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/opt.h"
#include "base/pool.h"
#include "image/codec.h"
#include "image/image.h"
#include "nn/net.h"

/* ---- parameters ---- */

enum vision_profile { VISION_PROFILE_PRODUCT, VISION_PROFILE_PARITY };
enum vision_crop_mode { VISION_CROP_FEATHER, VISION_CROP_BBOX };
enum vision_route { VISION_ROUTE_CLASS, VISION_ROUTE_SIZE };
enum vision_otsu_scope { VISION_OTSU_FRAME, VISION_OTSU_MASKED };

/* Density of plants of one kind of container (vision.md 8.5); present false = none known. */
struct vision_density {
    bool present;
    double area_per_plant_cm2; /* > 0 */
    double overlap_adjustment; /* 0..1 */
};

/* Every number of the pipeline. Defaults, bounds and help: vision_opt_table. Enums are int32_t
 * because the option table writes them. */
struct vision_params {
    int32_t profile; /* enum vision_profile; set by vision_params_init */
    /* networks */
    double segment_conf, segment_iou;
    int32_t segment_size_px, segment_max_det;
    double conf, iou; /* plants */
    int32_t size_px;  /* network input of a dynamic plant detector; static files use their own */
    int32_t max_det, max_nms;
    /* slicing */
    int32_t tile_size_px;
    double tile_overlap;
    bool adapt_tiles;       /* with models that say how large plants should be: see scale.h */
    double merge_threshold; /* IOS */
    bool skip_black_tiles;
    double black_tile_ratio;
    /* regions */
    int32_t crop_mode, route;
    int32_t crop_pad_px, feather_px;
    int32_t direct_max_side_px; /* route=class: other containers are tiled above this */
    double group_factor;        /* 0 = no grouping */
    /* estimation */
    bool own_residual;
    bool
        estimate_whole_photo; /* also without containers, where bare ground would count as plants */
    int32_t otsu_scope;
    bool
        plant_colours; /* what lacks the colours of the plants found is floor: estimate_colours.h */
    int32_t bands;
    double alpha_overcount;
    int32_t min_calibration; /* detections a band needs to calibrate itself */
    double default_plant_area_px;
    bool density_fallback;
    bool grid_analysis;
    int32_t grid_rows, grid_columns; /* of a plug or almacigo; 0 = unknown */
    double photo_area_cm2;           /* of the ground in the photo; 0 = unknown */
    double density_area_cm2;         /* per plant; 0 = no density row */
    double density_overlap;
    /* what to keep for drawing */
    bool keep_image, keep_masks;
};

extern const struct dm_opt vision_opt_table[];
extern const size_t vision_opt_count;

/* What the parity profile sets on top of the defaults, in the notation of the table, for who
 * reports where a value came from. */
struct vision_profile_value {
    const char *name, *value;
};
extern const struct vision_profile_value vision_parity_values[];
extern const size_t vision_parity_count;

/* Defaults of the table, then the values of the profile on top. */
void vision_params_init(struct vision_params *p, enum vision_profile profile);

/* ---- result ---- */

enum vision_container_type {
    VISION_CONTAINER_SEGMENT,
    VISION_CONTAINER_BOX,
    VISION_CONTAINER_PLUG,
    VISION_CONTAINER_ALMACIGO,
    VISION_CONTAINER_MAX_
};

struct vision_box {
    double x1, y1, x2, y2; /* full-image pixels */
};

struct vision_detection {
    double cx, cy, w, h; /* full-image pixels, after orientation */
    float confidence;    /* 0..1 */
    int class_id;        /* of the plant detector */
    int container;       /* index into containers */
};

enum vision_method { VISION_METHOD_BANDS, VISION_METHOD_DENSITY, VISION_METHOD_GRID };

/* One row of the estimate: a horizontal band of one container (vision.md 8.4). */
struct vision_band {
    int container;                                    /* index into containers */
    int number;                                       /* 1 = top */
    int y_start, y_end;                               /* global rows, half-open */
    int64_t residual_px, processed_px, suppressed_px; /* residual = processed + suppressed */
    double plant_area_px;                             /* average used */
    double alpha;
    bool calibrated; /* the average comes from enough detections of this band */
    uint32_t count;
    enum vision_method method;
};

struct vision_container {
    enum vision_container_type type;
    char id[24];      /* "segmento_001", numbered per type by confidence */
    bool whole_photo; /* no container model or none found: the photo is one region, confidence 0 */
    float confidence;
    struct image_rect bbox; /* parity bbox, image pixels */
    double norm[4];         /* x1, y1, x2, y2 as fractions */
    const double *polygon;  /* [n_polygon][2] fractions of w and h, borrowed from the result */
    size_t n_polygon;
    int64_t bbox_area_px, mask_area_px;
    bool tiled;
    bool empty;  /* vision.md 8.7 */
    bool failed; /* counting this container failed; see warnings */
    uint32_t detected, estimated;
};

struct vision_stages { /* milliseconds of wall time */
    double decode, segment, crop, detect, merge, estimate, total;
};

struct vision_result {
    struct dm_arena arena; /* owns every pointer below except images */
    struct image_info info;
    struct vision_container *container;
    size_t n_container;
    struct vision_detection *detection; /* confidence descending; ties by y, then x */
    size_t n_detection;
    struct vision_band *band;
    size_t n_band;
    uint32_t detected, estimated, total;
    uint32_t by_type[VISION_CONTAINER_MAX_]; /* detected, by owner's type */
    uint32_t containers_by_type[VISION_CONTAINER_MAX_];
    uint32_t empty_containers;
    uint32_t confidence_high, confidence_medium, confidence_low; /* > 0.70, 0.50..0.70, < 0.50 */
    double confidence_mean, confidence_min, confidence_max;      /* 0 without detections */
    uint32_t tiles_total, tiles_processed, tiles_black;
    bool saturated; /* some network pass returned exactly max_det rows */
    struct vision_stages ms;
    const char *const *class_names; /* of the plant detector, copied into the arena */
    int n_classes;
    const char **warning; /* [n_warning], one line each */
    size_t n_warning;
    struct image image;         /* decoded photo when keep_image */
    struct image residual_mask; /* full-frame masks when keep_masks, else empty */
    struct image processed_mask;
    struct image detection_mask; /* soft, before binarising */
};

void vision_result_free(struct vision_result *r); /* accepts NULL */
DM_DEFINE_CLEANUP(vision_result_freep, struct vision_result *, vision_result_free)

/* ---- counting ---- */

struct vision_engine;

struct vision_engine_options {
    struct nn_net *detect;  /* borrowed, required: must be a detect net */
    struct nn_net *segment; /* borrowed, NULL = photos are counted as one region */
    struct dm_pool *pool;   /* borrowed, NULL = everything in the calling thread */
};

DM_MUST_CHECK int vision_engine_new(const struct vision_engine_options *o,
                                    struct vision_engine **ret, struct dm_err *e);
void vision_engine_free(struct vision_engine *v); /* accepts NULL */
DM_DEFINE_CLEANUP(vision_engine_freep, struct vision_engine *, vision_engine_free)

/* Count one photo. *ret is owned by the caller. Errors of image_decode pass through; DM_ENOMEM.
 * One container that fails is reported in it and in the warnings and does not fail the photo.
 * Threads: several calls at once on one engine; they take turns in its pool. */
DM_MUST_CHECK int vision_count(struct vision_engine *v, const struct vision_params *p,
                               const void *bytes, size_t n, struct vision_result **ret,
                               struct dm_err *e);

/* The same on pixels already decoded (RGB). The image is borrowed for the call. */
DM_MUST_CHECK int vision_count_image(struct vision_engine *v, const struct vision_params *p,
                                     const struct image *im, struct vision_result **ret,
                                     struct dm_err *e);

/* Conservation rules C1..C7 of vision.md 8.8 that one photo can show. DM_EINTERNAL names the rule
 * that is broken. vision_count calls it before it returns. */
DM_MUST_CHECK int vision_result_check(const struct vision_result *r, bool own_residual,
                                      struct dm_err *e);

#endif
