/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers: what labels of a model mean, and which kind is meant when nobody says (domain.md
 * 5.3). Rows are master data (inventory/master.h). */
#ifndef INVENTORY_BINS_H
#define INVENTORY_BINS_H

#include <stdbool.h>

#include "inventory/ledger.h"

/* segment, segmento, claro-cajon, claro_cajon; cajon, box; almacigo; plug; ignoring case and
 * accents. false: no such label. */
DM_MUST_CHECK bool bins_category_of_label(const char *label, enum ledger_category *ret);

/* What was said, else segment with a pot, plug for seed and germinating plants, seedling tray. */
enum ledger_category bins_category_infer(enum ledger_category said, bool has_packaging,
                                         const char *state_code);

#endif
