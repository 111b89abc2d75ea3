/* SPDX-License-Identifier: MIT
 *
 * What the self-test has to know of an operation: its operands, how it is called, and how far a
 * right result may be from the oracle's. One descriptor for each operation, in operations_*.c;
 * operations.def makes their list, so one that is missing does not link.
 */
#ifndef IMP_OPERATION_H
#define IMP_OPERATION_H

#include "selftest/bounds.h"
#include "selftest/operands.h"

/* Operations of one group have the same rows of the table of cases (cases.c). */
typedef enum imp_group {
    IMP_GROUP_CONV, /* has a table of its own */
    IMP_GROUP_COPY,
    IMP_GROUP_POOLS,
    IMP_GROUP_INDICES,
    IMP_GROUP_GRAM,
    IMP_GROUP_STYLE_GRAD,
    IMP_GROUP_STYLE,
    IMP_GROUP_CONTENT,
    IMP_GROUP_SHIFT,
    IMP_GROUP_MASK,
    IMP_GROUP_MATCH,
    IMP_GROUP_TV,
    IMP_GROUP_AFFINES,
    IMP_GROUP_FILL,
    IMP_GROUP_MATRICES,
    IMP_GROUP_SUMS,
    IMP_GROUP_VECTORS,
    IMP_GROUP_HISTORY,
    IMP_GROUP_WRAPS,
    IMP_GROUP_HALVES
} imp_group;

enum { IMP_VARIANTS_MAX = 4 };

typedef struct imp_operation {
    imp_group group;
    unsigned variants;                           /* 1 where there is one way to call it */
    const char *variant_names[IMP_VARIANTS_MAX]; /* for case names; NULL where there is one */
    /* Names the operands of t->c with imp_operand_set, in the order of the slot's parameters. */
    void (*describe)(imp_operands *t);
    /* Optional: changes the numbers drawn for operand i, read or written in part, to what the
     * operation requires, or what only some numbers would show. */
    void (*adapt)(imp_operand *o, size_t i);
    /* Calls the slot; the caller waits for it. */
    imp_status (*call)(const imp_launch *l);
    /* The factor of element k of output i (bounds.h). */
    double (*factor)(const imp_case *c, size_t i, size_t k);
    /* Optional, for the absolute twin: before absolute values are taken; and afterwards, such that
     * all terms of the formula add up. */
    void (*prepare)(imp_operands *t);
    void (*align)(imp_operands *t);
} imp_operation;

const imp_operation *imp_operation_of(imp_op op);

extern const imp_operation imp_operation_copy;
#define OP(name, parameters) extern const imp_operation imp_operation_##name;
#define OP_OPTIONAL(name, parameters)
#include "backend/operations.def"

/* ---- operands ---- */

typedef struct imp_extent {
    size_t c, h, w;
    imp_layout layout;
} imp_extent;

static inline void imp_operand_set(imp_operands *t, size_t i, const char *name, imp_role role,
                                   imp_extent e) {
    t->operand[i] = (imp_operand){name, role, e.c, e.h, e.w, e.layout, NULL};
}

/* The input of a case; matrices and vectors of its channels; the scalars. */
static inline imp_extent imp_extent_input(const imp_case *c) {
    return (imp_extent){c->c, c->h, c->w, c->layout};
}
static inline imp_extent imp_extent_matrix(const imp_case *c) {
    return (imp_extent){1, c->c, c->c, IMP_PLANES};
}
static inline imp_extent imp_extent_vector(const imp_case *c) {
    return (imp_extent){1, 1, c->c, IMP_PLANES};
}
static inline imp_extent imp_extent_scalars(void) {
    return (imp_extent){IMP_SLOTS, 1, IMP_PARTIALS, IMP_PLANES};
}

/* ---- numbers ---- */

static inline void imp_operand_negate(imp_operand *o) {
    for (size_t k = 0; k < imp_operand_count(o); k++)
        o->values[k] = -o->values[k];
}

/* Makes a square matrix symmetric, as Gram matrices, targets and metrics are. */
static inline void imp_operand_mirror(imp_operand *o) {
    for (size_t i = 0; i < o->w; i++)
        for (size_t j = 0; j < i; j++)
            o->values[j * o->w + i] = o->values[i * o->w + j];
}

/* ---- calls ---- */

/* The scalars that operations are called with. All are positive, so that with absolute operands all
 * terms of a formula add up. */
static const float imp_test_weight = 2.5f, imp_test_scale = 0.37f;
static const float imp_test_a = 1.7f, imp_test_b = 0.6f;

/* The slot that a reduction writes. */
static inline imp_slot imp_slot_out(imp_tensor scalars) {
    return (imp_slot){scalars, IMP_SLOT_OUT};
}

#endif
