/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of the ledger, as stored and as people write them. */
#include "inventory/book_names.h"

#include <strings.h>

#include "base/macros.h"
#include "inventory/ledger.h"
#include "inventory/session.h"

const char *const ledger_type_names[] = {"plantar", "sembrar", "transplante", "muerte", "ventas",
                                         "foto",    "ajuste",  "manual_init", NULL};
const char *const ledger_category_names[] = {"",    "plug", "seedling_tray", "box", "segment",
                                             "pot", NULL};
const char *const ledger_warning_names[LEDGER_WARNINGS] = {
    "capacity_exceeded",         "config_mismatch",    "implicit_period", "no_price",
    "state_differs_from_config", "large_manual_count", "config_created",
};
const char *const session_hold_names[SESSION_HOLDS] = {
    "needs_location",
    "location_uncertain",
    "needs_config",
    "needs_calibration",
    "no_detections",
    "low_confidence",
    "surplus",
    "shortage",
    "older_than_open_period",
    "early",
    "superseded",
    "later_movements",
    "not_automatic",
};
const char *const book_role_names[] = {"regular", "opening",    "closing",
                                       "carry",   "correction", NULL};
const char *const book_flag_names[] = {"mixed_location", "surplus",  "unexplained_loss",
                                       "crop_changed",   "baseline", NULL};
const char *const book_recon_names[] = {"draft", "posted", NULL};

_Static_assert(DM_COUNT(ledger_type_names) == LEDGER_TYPE_MAX_ + 1, "one name each");
_Static_assert(DM_COUNT(ledger_category_names) == LEDGER_CATEGORY_MAX_ + 1, "one name each");

size_t book_name_index(const char *const *names, const char *word)
{
    size_t i = 0;
    while (names[i] && strcmp(names[i], word) != 0) {
        i++;
    }
    DM_BUG_UNLESS(names[i]);
    return i;
}

/* What people write for what is stored (domain.md 9). */
static const struct {
    const char *spelling;
    enum ledger_type type;
} spellings[] = {
    {"plantado", LEDGER_PLANTAR},
    {"sembrado", LEDGER_SEMBRAR},
    {"trasplante", LEDGER_TRANSPLANTE},
    {"venta", LEDGER_VENTAS},
};

bool ledger_type_parse(const char *text, enum ledger_type *ret)
{
    for (size_t i = 0; i < LEDGER_TYPE_MAX_; i++) {
        if (!strcasecmp(text, ledger_type_names[i])) {
            *ret = (enum ledger_type)i;
            return true;
        }
    }
    for (size_t i = 0; i < DM_COUNT(spellings); i++) {
        if (!strcasecmp(text, spellings[i].spelling)) {
            *ret = spellings[i].type;
            return true;
        }
    }
    return false;
}

bool ledger_category_parse(const char *text, enum ledger_category *ret)
{
    for (size_t i = LEDGER_PLUG; i < LEDGER_CATEGORY_MAX_; i++) {
        if (!strcasecmp(text, ledger_category_names[i])) {
            *ret = (enum ledger_category)i;
            return true;
        }
    }
    return false;
}
