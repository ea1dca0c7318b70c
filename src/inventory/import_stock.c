/* SPDX-License-Identifier: Apache-2.0
 *
 * Plants that stand already, from an old list: each row is a manual count of one batch. A row is
 * known again by a UUID made from its content, so that a second run leaves it. Also the densities
 * of plants, which are no master data either. */
#include <string.h>

#include "base/hash.h"
#include "inventory/density_priv.h"
#include "inventory/import_private.h"
#include "inventory/ledger_run.h"

enum { MOVEMENT, DENSITY };

static const struct store_query queries[] = {
    [MOVEMENT] = {"import.movement",
                  "SELECT m.id, (SELECT COUNT(*) FROM stock_movements x WHERE"
                  " x.reverses_movement_id = m.id) FROM stock_movements m WHERE m.uuid = ?1",
                  "u", "ii", false},
    [DENSITY] = {"import.density",
                 "SELECT id, storage_bin_type_id, product_id, packaging_catalog_id,"
                 " avg_area_per_plant_cm2, overlap_adjustment_factor, locked, notes"
                 " FROM density_parameters WHERE id = ?1",
                 "i", "iiiirrbt", false},
};
STORE_QUERIES(import_stock_queries, queries);

#define HEADERS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- stock ----------------------------------------------------------------------------------- */

enum { LOCATION, PRODUCT, QUANTITY, POT, SIZE, STATE, CATEGORY, PER_POT, PLANTED, NOTES, COLUMNS };

// clang-format off
static const struct dm_csv_column stock_columns[COLUMNS] = {
    [LOCATION] = {"storage_location_code", HEADERS("storage_location_code", "location_code", "claro"), true},
    [PRODUCT] = {"product_sku", HEADERS("product_sku", "product_code", "producto"), true},
    [QUANTITY] = {"quantity", HEADERS("quantity", "cantidad"), true},
    [POT] = {"packaging_sku", HEADERS("packaging_sku", "packaging_code", "maceta"), false},
    [SIZE] = {"product_size_code", HEADERS("product_size_code", "size", "tamano"), false},
    [STATE] = {"product_state_code", HEADERS("product_state_code", "state", "estado"), false},
    [CATEGORY] = {"bin_category", HEADERS("bin_category", "contenedor"), false},
    [PER_POT] = {"plants_per_container", HEADERS("plants_per_container", "plantas_por_maceta"), false},
    [PLANTED] = {"planting_date", HEADERS("planting_date", "fecha_plantacion", "fecha"), false},
    [NOTES] = {"notes", HEADERS("notes", "notas"), false},
};
// clang-format on

/* The same content gives the same number: SHA-256 in the form of a version 8 UUID (RFC 9562). */
static void uuid_of(const char *content, char ret[static LEDGER_UUID_SIZE])
{
    char sha[DM_SHA256_HEX_SIZE];
    dm_sha256_hex(content, strlen(content), sha);
    (void)snprintf(ret, LEDGER_UUID_SIZE, "%.8s-%.4s-8%.3s-a%.3s-%.12s", sha, sha + 8, sha + 12,
                   sha + 15, sha + 18);
}

/* The number of a row: its content, which of equal rows in the file it is, and how often the row
 * was loaded and taken back before. *ret_there: it is loaded now. */
static int number_of(struct import_run *r, const struct import_line *l,
                     char uuid[static LEDGER_UUID_SIZE], bool *ret_there, struct dm_err *e)
{
    const char *content = "stock";
    for (size_t i = 0; i < COLUMNS && content; i++) {
        content = dm_arena_printf(r->a, "%s|%s", content, import_cell(l, i));
    }
    if (!content) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a row");
    }
    const int64_t nth = inv_json_int(r->seen, content);
    DM_TRY(inv_json_set(r->seen, content, json_integer(nth + 1), e));
    for (int64_t again = 0;; again++) {
        const struct store_value *row;
        const char *whole =
            dm_arena_printf(r->a, "%s|%lld|%lld", content, (long long)nth, (long long)again);
        if (!whole) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a row");
        }
        uuid_of(whole, uuid);
        const int found =
            store_maybe(r->tx, &queries[MOVEMENT], STORE_ARGS(store_u(uuid)), r->a, &row, e);
        DM_TRY(found);
        *ret_there = found && row[1].i == 0;
        if (!found || *ret_there) {
            return DM_OK;
        }
    }
}

/* Id of a cell that may be empty. */
static int optional(struct import_run *r, enum master_kind kind, const struct import_line *l,
                    size_t column, int64_t empty, int64_t *ret, struct dm_err *e)
{
    const char *text = import_cell(l, column);
    *ret = empty;
    return *text ? import_reference(r, kind, text, stock_columns[column].name, ret, e) : DM_OK;
}

static int line_of(struct import_run *r, const struct import_line *l, int64_t *ret_location,
                   struct ledger_manual_line *m, struct dm_err *e)
{
    int64_t per_pot = 0;
    DM_TRY(import_reference(r, MASTER_LOCATION, import_cell(l, LOCATION), "storage_location_code",
                            ret_location, e));
    DM_TRY(import_reference(r, MASTER_PRODUCT, import_cell(l, PRODUCT), "product_sku",
                            &m->product_id, e));
    DM_TRY(import_integer(import_cell(l, QUANTITY), "quantity", &m->quantity, e));
    DM_TRY(optional(r, MASTER_PACKAGING, l, POT, LEDGER_NONE, &m->packaging_id, e));
    DM_TRY(optional(r, MASTER_SIZE, l, SIZE, LEDGER_NONE, &m->size_id, e));
    DM_TRY(optional(r, MASTER_STATE, l, STATE, 0, &m->state_id, e));
    const char *category = import_cell(l, CATEGORY);
    if (*category && !ledger_category_parse(category, &m->category)) {
        return master_invalid("bin_category", "plug, seedling_tray, box, segment or pot", e);
    }
    if (*import_cell(l, PER_POT)) {
        DM_TRY(import_integer(import_cell(l, PER_POT), "plants_per_container", &per_pot, e));
        if (per_pot < 1 || per_pot > 1000) {
            return master_invalid("plants_per_container", "1 to 1000 are possible", e);
        }
    }
    m->plants_per_container = (int32_t)per_pot;
    m->planting_date = *import_cell(l, PLANTED) ? import_cell(l, PLANTED) : NULL;
    return DM_OK;
}

static int stock_row(struct import_run *r, void *row, struct dm_err *e)
{
    const struct import_line *l = row;
    char uuid[LEDGER_UUID_SIZE];
    bool there = false;
    struct ledger_manual_line m = {0};
    struct ledger_manual call = {.uuid = uuid, .line = &m, .n_line = 1};
    struct ledger_result got;
    const struct store_value *movement;
    DM_TRY(line_of(r, l, &call.location_id, &m, e));
    DM_TRY(number_of(r, l, uuid, &there, e));
    if (there) {
        return DM_OK;
    }
    call.notes = *import_cell(l, NOTES) ? import_cell(l, NOTES) : NULL;
    DM_TRY(ledger_manual_in(r->tx, r->c, &call, r->a, &got, e));
    DM_TRY(store_one(r->tx, &queries[MOVEMENT], STORE_ARGS(store_u(uuid)), r->a, &movement, e));
    r->action = IMPORT_CREATE;
    r->code = dm_arena_strdup(r->a, got.batch_code);
    for (size_t i = 0; i < LEDGER_WARNINGS; i++) {
        if (got.warnings & (1u << i)) {
            import_say(r, ledger_warning_names[i]);
        }
    }
    DM_CLEANUP(inv_json_freep) json_t *now = json_pack("{s:s}", "uuid", uuid);
    return import_keep(r, "stock_movements", movement[0].i, NULL, now, e);
}

int import_stock(struct import_run *r, struct dm_err *e)
{
    static const struct import_sheet sheet = {stock_columns, COLUMNS, LOCATION};
    return import_sheet_read(r, &sheet, stock_row, e);
}

int import_undo_stock(struct store_tx *tx, const struct inv_ctx *c, const json_t *after,
                      struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    char uuid[STORE_UUID_SIZE];
    struct ledger_result got;
    store_uuid_new(uuid);
    const struct ledger_reverse r = {uuid, inv_json_str(after, "uuid"), "the import is undone"};
    return ledger_reverse_in(tx, c, &r, &a, &got, e);
}

/* ---- density --------------------------------------------------------------------------------- */

enum { D_BIN_TYPE, D_AREA, D_PRODUCT, D_POT, D_OVERLAP, D_LOCKED, D_NOTES, D_COLUMNS };

// clang-format off
static const struct dm_csv_column density_columns[D_COLUMNS] = {
    [D_BIN_TYPE] = {"bin_type_code", HEADERS("bin_type_code", "storage_bin_type_code", "bin_type"), true},
    [D_AREA] = {"avg_area_per_plant_cm2", HEADERS("avg_area_per_plant_cm2", "area_cm2"), true},
    [D_PRODUCT] = {"product_sku", HEADERS("product_sku", "product_code", "producto"), false},
    [D_POT] = {"packaging_sku", HEADERS("packaging_sku", "packaging_code", "maceta"), false},
    [D_OVERLAP] = {"overlap_adjustment_factor", HEADERS("overlap_adjustment_factor", "overlap"), false},
    [D_LOCKED] = {"locked", HEADERS("locked", "bloqueado"), false},
    [D_NOTES] = {"notes", HEADERS("notes", "notas"), false},
};
// clang-format on

static int read_density(struct import_run *r, const struct import_line *l, struct density_row *d,
                        struct dm_err *e)
{
    static const char *const yes[] = {"yes", "si", "s\xc3\xad", "true", "1", "x"};
    DM_TRY(import_reference(r, MASTER_BIN_TYPE, import_cell(l, D_BIN_TYPE), "bin_type_code",
                            &d->bin_type_id, e));
    DM_TRY(import_number(import_cell(l, D_AREA), "avg_area_per_plant_cm2", &d->area_cm2, e));
    if (*import_cell(l, D_PRODUCT)) {
        DM_TRY(import_reference(r, MASTER_PRODUCT, import_cell(l, D_PRODUCT), "product_sku",
                                &d->product_id, e));
    }
    if (*import_cell(l, D_POT)) {
        DM_TRY(import_reference(r, MASTER_PACKAGING, import_cell(l, D_POT), "packaging_sku",
                                &d->packaging_id, e));
    }
    if (*import_cell(l, D_OVERLAP)) {
        DM_TRY(
            import_number(import_cell(l, D_OVERLAP), "overlap_adjustment_factor", &d->overlap, e));
    }
    for (size_t i = 0; i < DM_COUNT(yes); i++) {
        d->locked |= !strcmp(import_cell(l, D_LOCKED), yes[i]);
    }
    d->notes = *import_cell(l, D_NOTES) ? import_cell(l, D_NOTES) : NULL;
    return density_check(d, e);
}

static json_t *density_json(const struct density_row *d, const struct density *x)
{
    return json_pack("{s:I, s:I, s:I, s:f, s:f, s:b}", "storage_bin_type_id",
                     (json_int_t)d->bin_type_id, "product_id", (json_int_t)d->product_id,
                     "packaging_catalog_id", (json_int_t)d->packaging_id, "avg_area_per_plant_cm2",
                     x->area_cm2, "overlap_adjustment_factor", x->overlap, "locked",
                     (int)x->locked);
}

/* Write it, without a line of history: the import keeps what it changed. */
static int write_density(struct store_tx *tx, const struct inv_ctx *c, const struct density_row *d,
                         const struct density *before, const struct density *after, bool created,
                         struct dm_err *e)
{
    const struct density_change change = {.before = before,
                                          .after = after,
                                          .created = created,
                                          .applied = true,
                                          .notes = d->notes,
                                          .unnoted = true};
    DM_CLEANUP(inv_json_freep) json_t *was = created ? NULL : density_json(d, before);
    DM_CLEANUP(inv_json_freep) json_t *now = density_json(d, after);
    DM_TRY(density_write(tx, &change, e));
    return audit_write(tx, c, created ? "create" : "update", "density_parameters", before->id, was,
                       now, e);
}

static int density_row_in(struct import_run *r, void *row, struct dm_err *e)
{
    struct density_row d = {0};
    struct density before;
    bool created;
    DM_TRY(read_density(r, row, &d, e));
    DM_TRY(density_lock(r->tx, &d, d.area_cm2, &before, &created, e));
    struct density after = before;
    after.area_cm2 = d.area_cm2;
    after.overlap = d.overlap > 0 ? d.overlap : before.overlap;
    after.locked = *import_cell(row, D_LOCKED) ? d.locked : before.locked;
    const bool same = after.area_cm2 == before.area_cm2 && after.overlap == before.overlap &&
                      after.locked == before.locked;
    if (!created && (same || !r->o->update)) {
        if (!same) {
            import_say(r, "it exists with other values");
        }
        return DM_OK;
    }
    r->action = created ? IMPORT_CREATE : IMPORT_UPDATE;
    DM_TRY(write_density(r->tx, r->c, &d, &before, &after, created, e));
    DM_CLEANUP(inv_json_freep) json_t *was = created ? NULL : density_json(&d, &before);
    DM_CLEANUP(inv_json_freep) json_t *now = density_json(&d, &after);
    return import_keep(r, "density_parameters", before.id, was, now, e);
}

int import_density(struct import_run *r, struct dm_err *e)
{
    static const struct import_sheet sheet = {density_columns, D_COLUMNS, D_BIN_TYPE};
    return import_sheet_read(r, &sheet, density_row_in, e);
}

static double real_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

int import_undo_density(struct store_tx *tx, const struct inv_ctx *c, int64_t id,
                        const json_t *before, const json_t *after, struct dm_err *e)
{
    const struct density_row d = {
        .bin_type_id = inv_json_int(after, "storage_bin_type_id"),
        .product_id = inv_json_int(after, "product_id"),
        .packaging_id = inv_json_int(after, "packaging_catalog_id"),
    };
    struct density now;
    bool created;
    DM_TRY(density_lock(tx, &d, real_of(after, "avg_area_per_plant_cm2"), &now, &created, e));
    const bool same = now.id == id && now.area_cm2 == real_of(after, "avg_area_per_plant_cm2") &&
                      now.overlap == real_of(after, "overlap_adjustment_factor");
    if (!same) {
        DM_REFUSE(e, INV_IN_USE, DM_FIELDS(DM_S("table", "density_parameters"), DM_I("id", id)),
                  "row %lld of density_parameters has changed since: undo that first",
                  (long long)id);
    }
    if (!before) {
        return density_take_back(tx, id, e);
    }
    struct density old = now;
    old.area_cm2 = real_of(before, "avg_area_per_plant_cm2");
    old.overlap = real_of(before, "overlap_adjustment_factor");
    old.locked = json_is_true(json_object_get(before, "locked"));
    return write_density(tx, c, &d, &now, &old, false, e);
}
