/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of the catalogue: categories, families, products, states, sizes, sample pictures. */
#include "inventory/list.h"

static const struct list_column category_columns[] = {
    {"id", "c.id", 'i', LIST_AS_IS},
    {"code", "c.code", 't', LIST_AS_IS},
    {"name", "c.name", 't', LIST_AS_IS},
    {"description", "c.description", 't', LIST_AS_IS},
    {"created_at", "c.created_at", 'T', LIST_AS_IS},
    {"updated_at", "c.updated_at", 'T', LIST_AS_IS},
    {"family_count", "(SELECT count(*) FROM product_families f WHERE f.product_category_id = c.id)",
     'i', LIST_AS_IS},
    {"product_count",
     "(SELECT count(*) FROM products r JOIN product_families f ON f.id = r.product_family_id"
     " WHERE f.product_category_id = c.id)",
     'i', LIST_AS_IS},
};
static const struct list_filter category_filters[] = {
    {"id", "c.id = ?", 'i'},
    {"code", "c.code = ?", 't'},
};
const struct list list_categories = {
    .name = "list.categories",
    .from = "product_categories c",
    .order = "c.id",
    .action = INV_DO_READ,
    .column = category_columns,
    .n_column = DM_COUNT(category_columns) - 2,
    .filter = category_filters,
    .n_filter = DM_COUNT(category_filters),
};
const struct list list_category_counts = {
    .name = "list.category_counts",
    .from = "product_categories c",
    .order = "c.id",
    .action = INV_DO_READ,
    .column = category_columns,
    .n_column = DM_COUNT(category_columns),
    .filter = category_filters,
    .n_filter = DM_COUNT(category_filters),
};

static const struct list_column family_columns[] = {
    {"family_id", "f.id", 'i', LIST_AS_IS},
    {"category_id", "f.product_category_id", 'i', LIST_AS_IS},
    {"name", "f.name", 't', LIST_AS_IS},
    {"scientific_name", "f.scientific_name", 't', LIST_AS_IS},
    {"description", "f.description", 't', LIST_AS_IS},
};
static const struct list_filter family_filters[] = {
    {"id", "f.id = ?", 'i'},
    {"category_id", "f.product_category_id = ?", 'i'},
};
const struct list list_families = {
    .name = "list.families",
    .from = "product_families f",
    .order = "f.id",
    .action = INV_DO_READ,
    .column = family_columns,
    .n_column = DM_COUNT(family_columns),
    .filter = family_filters,
    .n_filter = DM_COUNT(family_filters),
};

static const struct list_column product_columns[] = {
    {"product_id", "r.id", 'i', LIST_AS_IS},
    {"family_id", "r.product_family_id", 'i', LIST_AS_IS},
    {"sku", "r.sku", 't', LIST_AS_IS},
    {"common_name", "r.common_name", 't', LIST_AS_IS},
    {"scientific_name", "r.scientific_name", 't', LIST_AS_IS},
    {"description", "r.description", 't', LIST_AS_IS},
    {"custom_attributes", "r.custom_attributes", 'j', LIST_AS_IS},
};
static const struct list_filter product_filters[] = {
    {"id", "r.id = ?", 'i'},
    {"category_id", "f.product_category_id = ?", 'i'},
    {"family_id", "r.product_family_id = ?", 'i'},
    {"sku", "r.sku = ?", 't'},
    {"state_code",
     "EXISTS (SELECT 1 FROM stock_batches b JOIN product_states s ON s.id = b.product_state_id "
     "WHERE"
     " b.product_id = r.id AND b.status = 'active' AND b.quantity_current > 0 AND s.code = ?)",
     't'},
    {"q",
     LIST_FOLD("coalesce(r.sku, '')") " || ' ' || " LIST_FOLD(
         "coalesce(r.common_name, '')") " || ' ' || " LIST_FOLD("coalesce(r.scientific_name, "
                                                                "'')") " LIKE ?",
     'q'},
};
const struct list list_products = {
    .name = "list.products",
    .from = "products r JOIN product_families f ON f.id = r.product_family_id",
    .order = "r.id",
    .action = INV_DO_READ,
    .column = product_columns,
    .n_column = DM_COUNT(product_columns),
    .filter = product_filters,
    .n_filter = DM_COUNT(product_filters),
};

static const struct list_column size_columns[] = {
    {"product_size_id", "z.id", 'i', LIST_AS_IS},
    {"code", "z.code", 't', LIST_AS_IS},
    {"name", "z.name", 't', LIST_AS_IS},
    {"min_height_cm", "z.min_height_cm", 'r', LIST_ROUND2},
    {"max_height_cm", "z.max_height_cm", 'r', LIST_ROUND2},
    {"created_at", "z.created_at", 'T', LIST_AS_IS},
    {"updated_at", "z.updated_at", 'T', LIST_AS_IS},
    {"description", "z.description", 't', LIST_AS_IS},
    {"sort_order", "z.sort_order", 'i', LIST_AS_IS},
};
static const struct list_filter size_filters[] = {
    {"id", "z.id = ?", 'i'},
};
const struct list list_sizes = {
    .name = "list.sizes",
    .from = "product_sizes z",
    .order = "z.id",
    .action = INV_DO_READ,
    .column = size_columns,
    .n_column = DM_COUNT(size_columns),
    .filter = size_filters,
    .n_filter = DM_COUNT(size_filters),
};

static const struct list_column state_columns[] = {
    {"product_state_id", "s.id", 'i', LIST_AS_IS},
    {"code", "s.code", 't', LIST_AS_IS},
    {"name", "s.name", 't', LIST_AS_IS},
    {"is_sellable", "s.is_sellable", 'b', LIST_AS_IS},
    {"created_at", "s.created_at", 'T', LIST_AS_IS},
    {"updated_at", "s.updated_at", 'T', LIST_AS_IS},
    {"description", "s.description", 't', LIST_AS_IS},
    {"sort_order", "s.sort_order", 'i', LIST_AS_IS},
};
static const struct list_filter state_filters[] = {
    {"id", "s.id = ?", 'i'},
    {"code", "s.code = ?", 't'},
};
const struct list list_states = {
    .name = "list.states",
    .from = "product_states s",
    .order = "s.id",
    .action = INV_DO_READ,
    .column = state_columns,
    .n_column = DM_COUNT(state_columns),
    .filter = state_filters,
    .n_filter = DM_COUNT(state_filters),
};

static const struct list_column sample_columns[] = {
    {"id", "x.id", 'i', LIST_AS_IS},
    {"product_id", "x.product_id", 'i', LIST_AS_IS},
    {"image_id", "m.uuid", 'u', LIST_AS_IS},
    {"url", "o.store || ':' || o.storage_key", 't', LIST_AS_IS},
    {"thumbnail_url", "t.store || ':' || t.storage_key", 't', LIST_AS_IS},
    {"sample_type", "x.sample_type", 't', LIST_AS_IS},
    {"capture_date", "x.capture_date", 'D', LIST_AS_IS},
    {"is_primary", "x.is_primary", 'b', LIST_AS_IS},
    {"display_order", "x.display_order", 'i', LIST_AS_IS},
    {"notes", "x.notes", 't', LIST_AS_IS},
};
static const struct list_filter sample_filters[] = {
    {"id", "x.id = ?", 'i'},
    {"product_id", "x.product_id = ?", 'i'},
};
const struct list list_samples = {
    .name = "list.samples",
    .from = "product_sample_images x JOIN images m ON m.id = x.image_id AND m.deleted_at IS NULL"
            " LEFT JOIN image_blobs o ON o.image_id = m.id AND o.variant = 'original'"
            " LEFT JOIN image_blobs t ON t.image_id = m.id AND t.variant = 'thumbnail'",
    .order = "x.display_order, x.id",
    .action = INV_DO_READ,
    .column = sample_columns,
    .n_column = DM_COUNT(sample_columns),
    .filter = sample_filters,
    .n_filter = DM_COUNT(sample_filters),
};
