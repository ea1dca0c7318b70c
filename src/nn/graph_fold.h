/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph under construction (graph.c) and the simplifications made on the way (graph_fold.c). */
#ifndef NN_GRAPH_FOLD_H
#define NN_GRAPH_FOLD_H

#include "nn/graph.h"

struct nn_fold {
    struct nn_graph *g; /* value: all of the source, then new ones; node: those kept so far */
    int cap_value;
    int *alias;   /* [cap_value] value that stands for this one, itself when none */
    int *uses;    /* [cap_value] readers left, graph outputs included */
    int64_t cost; /* elements read and written by folding so far */
    struct dm_err *e;
};

/* Take the next node, its input numbers resolved and its outputs' shapes inferred: it becomes
 * constants, an alias, part of an earlier node, or is appended to g->node. DM_EMODEL when it
 * computes something else than floats from the picture; DM_ELIMIT. */
DM_MUST_CHECK int nn_fold_node(struct nn_fold *f, struct nn_node *n);

#endif
