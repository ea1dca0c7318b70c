/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of the books as they are stored. Private to the ledger. */
#ifndef INVENTORY_BOOK_NAMES_H
#define INVENTORY_BOOK_NAMES_H

#include <stddef.h>

extern const char *const book_role_names[];  /* order of enum book_role, NULL-ended */
extern const char *const book_flag_names[];  /* order of the bits of enum book_flag */
extern const char *const book_recon_names[]; /* order of enum book_recon_status */

/* Position of a stored word in its list; the database's CHECK keeps others out. */
size_t book_name_index(const char *const *names, const char *word);

#endif
