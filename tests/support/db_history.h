/* SPDX-License-Identifier: Apache-2.0
 *
 * A smallest history that has a row in every table, for tests of the schema. */
#ifndef TESTS_SUPPORT_DB_HISTORY_H
#define TESTS_SUPPORT_DB_HISTORY_H

#include "store/store.h"

/* In a migrated database that is otherwise empty. Ids are 1 where there is one row; session 1 is
 * posted, session 2 never was. */
void db_history(struct store_tx *tx);

#endif
