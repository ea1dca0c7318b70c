/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading files: the map (GeoJSON layers of naves, canteros, claros), the price list as the nursery
 * keeps it, and tables of the catalogue, pots, density, claros, stock. A run reads the whole file
 * in one transaction, row by row: a bad row is listed and leaves nothing behind, the others go on.
 * Running a file again changes nothing; a run can be undone as a whole. Formats: api.md section 19.
 *
 *   map         FeatureCollection; a row is a feature, its line the number of the feature
 *   price_list  title lines, then DESCRIPCION, MACETA, Precio unitario, CODIGO, Unid.X Cajon,
 *               Total $ x cajon, OBSERVACIONES, DISPONIBILIDAD
 *   products    category, family, common_name; sku, scientific_name, growth_days, description;
 *               or the same in Spanish
 *   the others  import_template has their columns, the needed ones first
 *
 * Stock acts like manual counts, a row a batch (domain.md 8): all rows are right or none is
 * written. Undoing it reverses its movements. */
#ifndef INVENTORY_IMPORT_H
#define INVENTORY_IMPORT_H

#include "inventory/inventory.h"

enum import_kind {
    IMPORT_MAP,
    IMPORT_PRICE_LIST,
    IMPORT_PRODUCTS,
    IMPORT_CATEGORIES,
    IMPORT_FAMILIES,
    IMPORT_PACKAGING,
    IMPORT_LOCATIONS,
    IMPORT_DENSITY,
    IMPORT_STOCK,
    IMPORT_KIND_MAX_
};
extern const char *const import_kind_names[]; /* as stored: "map"...; NULL-ended */

/* What a feature of a map is; AUTO: by its properties. */
enum import_level { IMPORT_AUTO, IMPORT_WAREHOUSE, IMPORT_AREA, IMPORT_LOCATION };
extern const char *const import_level_names[]; /* "auto", "warehouse", "area", "location", NULL */

enum import_encoding { IMPORT_ENCODING_AUTO, IMPORT_UTF8, IMPORT_LATIN1 };
extern const char *const import_encoding_names[]; /* "auto", "utf-8", "latin-1", NULL */

struct import_options {
    enum import_kind kind;
    const char *file_name;      /* for the list of imports */
    bool dry_run;               /* report only, write nothing */
    bool update;                /* rows that exist and differ are changed, else skipped */
    enum import_level level;    /* map */
    const char *warehouse_type; /* map: of naves whose name says nothing; NULL = greenhouse */
    /* tables other than the price list */
    char delimiter; /* ',', ';', a tab; 0 = what the first lines have most of */
    enum import_encoding encoding;
    const json_t *mapping; /* object: header in the file -> name of the column; NULL for none */
};

struct import_result {
    char uuid[37];                                    /* for import_undo */
    int64_t total, created, updated, skipped, failed; /* rows */
    json_t *report; /* import_id, kind, dry_run, the numbers, rows [{line, action: create, update,
                       skip or error, key, code, column, message}] (errors first, at most 1,000),
                       counts {table: rows written}; the caller frees it */
};

/* Header and a sample line of a table, NULL for the map. Static. */
const char *import_template(enum import_kind kind);

/* Load text[n]. INV_VALIDATION {line, column, issue}: the file cannot be read at all, or a column
 * is missing; INV_FILE_TOO_LARGE; INV_FORBIDDEN (PLACES_WRITE or CATALOGUE_WRITE). Bad rows are no
 * error: see failed. */
DM_MUST_CHECK int import_run(const struct inv_ctx *c, const struct import_options *o,
                             const char *text, size_t n, struct import_result *ret,
                             struct dm_err *e);

/* Take back everything a run wrote: rows it made are removed, rows it changed get their old values.
 * INV_IN_USE {table, id}: something refers to a row it made, or somebody has changed a row since;
 * then nothing is undone. INV_INVALID_TRANSITION: undone before. INV_NOT_FOUND. */
DM_MUST_CHECK int import_undo(const struct inv_ctx *c, const char *uuid, int64_t *ret_rows,
                              struct dm_err *e);

/* Past runs, newest first, without their rows; an array that the caller frees. limit 1..1000. */
DM_MUST_CHECK int import_list(const struct inv_ctx *c, int64_t limit, json_t **ret,
                              struct dm_err *e);

/* Amount of a price list in centavos: "950" is 950 pesos; a point separates thousands and has lost
 * its last zeros: "$1.05" is 1,050, "42.75" is 42,750; a comma begins centavos. false: no amount.
 */
DM_MUST_CHECK bool import_amount(const char *text, int64_t *ret_cents);

#endif
