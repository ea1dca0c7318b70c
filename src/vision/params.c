/* SPDX-License-Identifier: Apache-2.0
 *
 * Every number of the pipeline with its default, bounds and words. The rows give the product
 * profile; the parity profile, which follows the Python system in golden tests, is the few values
 * that differ (vision.md 0). Read once at start. */
#include "vision/vision.h"

#include "base/limits.h"

static const char *const crop_modes[] = {"feather", "bbox", NULL};
static const char *const routes[] = {"class", "size", NULL};
static const char *const otsu_scopes[] = {"frame", "masked", NULL};

#define AT(field) DM_OPT_AT(struct vision_params, field)

/* Sorted by name: asserted by a test. */
// clang-format off
const struct dm_opt vision_opt_table[] = {
    {.name = "count.adapt_tiles", .type = DM_OPT_BOOL, .offset = AT(adapt_tiles),
     .def = "true", .help = "choose the tiles by the size of the plants, with models that say how "
                            "large these should be; not when count.tile_size is set"},
    {.name = "count.black_tile_ratio", .type = DM_OPT_F64, .offset = AT(black_tile_ratio),
     .def = "0.02", .min = 0, .max = 1, .unit = "fraction",
     .help = "share of container pixels below which a tile counts as black"},
    {.name = "count.conf", .type = DM_OPT_F64, .offset = AT(conf),
     .def = "0.25", .min = 0.001, .max = 0.999, .unit = "fraction",
     .help = "confidence a plant needs"},
    {.name = "count.crop_mode", .type = DM_OPT_ENUM, .offset = AT(crop_mode),
     .def = "feather", .choices = crop_modes,
     .help = "what the detector sees of a container: masked with a soft edge, or its whole box"},
    {.name = "count.crop_pad", .type = DM_OPT_I32, .offset = AT(crop_pad_px),
     .def = "20", .min = 0, .max = 1000, .unit = "px",
     .help = "margin around the box of a container"},
    {.name = "count.direct_max_side", .type = DM_OPT_I32, .offset = AT(direct_max_side_px),
     .def = "1500", .min = 32, .max = LIMIT_IMAGE_SIDE_MAX, .unit = "px",
     .help = "boxes, plugs and almacigos with a longer side are tiled"},
    {.name = "count.feather", .type = DM_OPT_I32, .offset = AT(feather_px),
     .def = "10", .min = 1, .max = 100, .unit = "px",
     .help = "width of the soft edge of a container"},
    {.name = "count.group_factor", .type = DM_OPT_F64, .offset = AT(group_factor),
     .def = "0.15", .min = 0, .max = 1, .unit = "fraction",
     .help = "plants closer than this share of their smallest side are one; 0 keeps all"},
    {.name = "count.iou", .type = DM_OPT_F64, .offset = AT(iou),
     .def = "0.7", .min = 0, .max = 1, .unit = "fraction",
     .help = "overlap above which the weaker of two boxes of one pass is dropped"},
    {.name = "count.max_det", .type = DM_OPT_I32, .offset = AT(max_det),
     .def = "300", .min = 1, .max = 10000, .unit = "boxes",
     .help = "most plants one pass of the network may report"},
    {.name = "count.max_nms", .type = DM_OPT_I32, .offset = AT(max_nms),
     .def = "30000", .min = 1, .max = 1000000, .unit = "boxes",
     .help = "most candidates of one pass that are compared", .flags = DM_OPT_HIDDEN},
    {.name = "count.merge_threshold", .type = DM_OPT_F64, .offset = AT(merge_threshold),
     .def = "0.5", .min = 0.01, .max = 1, .unit = "fraction",
     .help = "overlap, as share of the smaller box, above which boxes of several tiles merge"},
    {.name = "count.route", .type = DM_OPT_ENUM, .offset = AT(route),
     .def = "class", .choices = routes,
     .help = "what decides between tiles and one pass: the kind of container, or its size"},
    {.name = "count.size", .type = DM_OPT_I32, .offset = AT(size_px),
     .def = "640", .min = 32, .max = LIMIT_MODEL_INPUT_SIDE, .unit = "px",
     .help = "input side of a plant model of free size; others use their own"},
    {.name = "count.skip_black_tiles", .type = DM_OPT_BOOL, .offset = AT(skip_black_tiles),
     .def = "true", .help = "leave out tiles that show next to nothing of their container"},
    {.name = "count.tile_overlap", .type = DM_OPT_F64, .offset = AT(tile_overlap),
     .def = "0.25", .min = 0, .max = 0.75, .unit = "fraction", .help = "overlap of tiles"},
    {.name = "count.tile_size", .type = DM_OPT_I32, .offset = AT(tile_size_px),
     .def = "512", .min = 64, .max = LIMIT_MODEL_INPUT_SIDE, .unit = "px",
     .help = "side of a tile"},
    {.name = "estimate.alpha_overcount", .type = DM_OPT_F64, .offset = AT(alpha_overcount),
     .def = "0.9", .min = 0.01, .max = 10, .unit = "factor",
     .help = "area of a plant in the estimate, relative to the measured one"},
    {.name = "estimate.bands", .type = DM_OPT_I32, .offset = AT(bands),
     .def = "4", .min = 1, .max = 16, .unit = "bands",
     .help = "horizontal bands a container is estimated in"},
    {.name = "estimate.default_plant_area", .type = DM_OPT_F64, .offset = AT(default_plant_area_px),
     .def = "2500", .min = 1, .max = 1e8, .unit = "px2",
     .help = "area of a plant where nothing better is known"},
    {.name = "estimate.density_area", .type = DM_OPT_F64, .offset = AT(density_area_cm2),
     .def = "0", .min = 0, .max = 1e6, .unit = "cm2",
     .help = "ground one plant needs; 0 when unknown"},
    {.name = "estimate.density_fallback", .type = DM_OPT_BOOL, .offset = AT(density_fallback),
     .def = "true", .help = "use the density where a band holds too few plants to measure"},
    {.name = "estimate.density_overlap", .type = DM_OPT_F64, .offset = AT(density_overlap),
     .def = "0.85", .min = 0, .max = 1, .unit = "factor",
     .help = "correction of the density for overlapping plants"},
    {.name = "estimate.grid_analysis", .type = DM_OPT_BOOL, .offset = AT(grid_analysis),
     .def = "false", .help = "estimate plugs and almacigos by the cells of their grid"},
    {.name = "estimate.grid_columns", .type = DM_OPT_I32, .offset = AT(grid_columns),
     .def = "0", .min = 0, .max = 1000, .unit = "cells",
     .help = "columns of the grid; 0 when unknown"},
    {.name = "estimate.grid_rows", .type = DM_OPT_I32, .offset = AT(grid_rows),
     .def = "0", .min = 0, .max = 1000, .unit = "cells", .help = "rows of the grid; 0 when unknown"},
    {.name = "estimate.min_calibration", .type = DM_OPT_I32, .offset = AT(min_calibration),
     .def = "10", .min = 1, .max = 10000, .unit = "plants",
     .help = "plants a band needs to measure their area itself"},
    {.name = "estimate.otsu_scope", .type = DM_OPT_ENUM, .offset = AT(otsu_scope),
     .def = "frame", .choices = otsu_scopes,
     .help = "pixels whose lightness sets the threshold for soil: the whole frame or the band"},
    {.name = "estimate.own_residual", .type = DM_OPT_BOOL, .offset = AT(own_residual),
     .def = "true", .help = "estimate ground shared by two containers only once"},
    {.name = "estimate.photo_area", .type = DM_OPT_F64, .offset = AT(photo_area_cm2),
     .def = "0", .min = 0, .max = 1e10, .unit = "cm2",
     .help = "ground in the photo; 0 when unknown"},
    {.name = "estimate.plant_colours", .type = DM_OPT_BOOL, .offset = AT(plant_colours),
     .def = "true",
     .help = "what has not the colours of the plants found in the photo is ground, not plants"},
    {.name = "estimate.whole_photo", .type = DM_OPT_BOOL, .offset = AT(estimate_whole_photo),
     .def = "false",
     .help = "estimate unseen plants also in photos without containers, counting ground as plants"},
    {.name = "segment.conf", .type = DM_OPT_F64, .offset = AT(segment_conf),
     .def = "0.3", .min = 0.001, .max = 0.999, .unit = "fraction", .flag = "segment-conf",
     .help = "confidence a container needs"},
    {.name = "segment.iou", .type = DM_OPT_F64, .offset = AT(segment_iou),
     .def = "0.5", .min = 0, .max = 1, .unit = "fraction", .flag = "segment-iou",
     .help = "overlap above which the weaker of two containers is dropped"},
    {.name = "segment.max_det", .type = DM_OPT_I32, .offset = AT(segment_max_det),
     .def = "300", .min = 1, .max = LIMIT_CONTAINERS, .unit = "boxes", .flag = "segment-max-det",
     .help = "most containers in a photo"},
    {.name = "segment.size", .type = DM_OPT_I32, .offset = AT(segment_size_px),
     .def = "1024", .min = 32, .max = LIMIT_MODEL_INPUT_SIDE, .unit = "px", .flag = "segment-size",
     .help = "input side of a container model of free size; others use their own"},
};
// clang-format on
const size_t vision_opt_count = DM_COUNT(vision_opt_table);

/* Settings of the parity profile that differ from the defaults: vision.md 0, column P. */
const struct vision_profile_value vision_parity_values[] = {
    {"count.adapt_tiles", "false"},
    {"count.crop_mode", "bbox"},
    {"count.crop_pad", "0"},
    {"count.group_factor", "0"},
    {"count.route", "size"},
    {"count.skip_black_tiles", "false"},
    {"estimate.density_fallback", "false"},
    {"estimate.own_residual", "false"},
    {"estimate.plant_colours", "false"},
};
const size_t vision_parity_count = DM_COUNT(vision_parity_values);

void vision_params_init(struct vision_params *p, enum vision_profile profile)
{
    struct dm_opt_source sources[DM_COUNT(vision_opt_table)];
    struct dm_opt_set set = {vision_opt_table, DM_COUNT(vision_opt_table), p, sources};
    *p = (struct vision_params){.profile = profile};
    dm_opt_defaults(&set);
    for (size_t i = 0; profile == VISION_PROFILE_PARITY && i < vision_parity_count; i++) {
        const struct vision_profile_value *v = &vision_parity_values[i];
        struct dm_opt_source source = {.origin = DM_ORIGIN_PROFILE};
        int index = dm_opt_find(&set, v->name, NULL);
        DM_BUG_UNLESS(index >= 0);
        int code = dm_opt_set_value(&set, (size_t)index, v->value, source, NULL, NULL);
        DM_BUG_UNLESS(code == DM_OK);
    }
}
