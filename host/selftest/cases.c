/* SPDX-License-Identifier: MIT
 *
 * The table of cases. A row names shapes once and expands into all groups of operations, variants,
 * layouts, paddings and kinds of data that it lists as bits. Below the full level every 16 channels
 * of a map and every matrix take less than 256 KiB, so that devices can be made to split whatever
 * they can.
 */
#include "selftest/operation.h"

#include <stdio.h>

#define BIT(n) (1u << (n))

/* ---- convolutions: each row for conv and for conv_grad ---- */

enum {
    ZERO = BIT(IMP_PAD_ZERO),
    EVERY_PADDING = ZERO | BIT(IMP_PAD_REFLECT) | BIT(IMP_PAD_REPLICATE)
};
enum { SIGNED = BIT(IMP_SIGNED), EVERY_DATA = BIT(IMP_DATA) - 1 };
enum { EDGES = ZERO | BIT(IMP_PAD_REPLICATE) }; /* paddings that a side of 1 allows */

/* Layouts of x and y: inside a network, at its entry, at its exit, on planes only. */
enum route { INSIDE, ENTRY, EXIT, PLANES };

enum { RELU = 1, BIAS = 2, QUICK = 4, ALGORITHMS = 8, HALF = 16 };

typedef struct conv_row {
    imp_level level;
    unsigned kernel, stride, before, after, paddings;
    unsigned flags;
    size_t in, out, h, w;
    enum route route;
    unsigned data;
} conv_row;

#define TINY   IMP_LEVEL_TINY
#define NORMAL IMP_LEVEL_NORMAL
#define FULL   IMP_LEVEL_FULL

static const conv_row convs[] = {
    /* every padding, stride and kernel, small enough for an interpreter */
    {TINY, 3, 1, 1, 1, EVERY_PADDING, RELU | BIAS, 5, 17, 6, 7, INSIDE, SIGNED},
    {TINY, 3, 1, 1, 1, ZERO, RELU | BIAS, 3, 16, 7, 5, ENTRY, SIGNED},
    {TINY, 3, 2, 1, 1, BIT(IMP_PAD_REFLECT), 0, 17, 3, 7, 6, INSIDE, SIGNED},
    {TINY, 1, 1, 0, 0, ZERO, BIAS, 3, 3, 5, 7, PLANES, SIGNED},
    {TINY, 1, 1, 0, 0, ZERO, RELU | BIAS, 18, 5, 3, 5, INSIDE, SIGNED},
    {TINY, 7, 1, 3, 3, BIT(IMP_PAD_REFLECT), RELU | BIAS, 3, 4, 5, 4, ENTRY, SIGNED},
    {TINY, 9, 2, 4, 4, BIT(IMP_PAD_REPLICATE), BIAS, 3, 3, 4, 3, EXIT, SIGNED},
    {TINY, 3, 1, 1, 1, ZERO, RELU | BIAS, 3, 4, 1, 1, INSIDE, SIGNED},

    /* the self-test: whole vectors and remainders */
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS | QUICK | ALGORITHMS, 64, 64, 17, 23, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS | QUICK, 3, 64, 33, 29, ENTRY, SIGNED},
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU | BIAS | QUICK | ALGORITHMS, 17, 40, 13, 11, INSIDE,
     SIGNED},
    {NORMAL, 3, 2, 1, 1, ZERO, RELU | BIAS | QUICK, 16, 32, 15, 18, INSIDE, SIGNED},
    {NORMAL, 1, 1, 0, 0, ZERO, BIAS | QUICK, 3, 3, 33, 29, PLANES, SIGNED},
    {NORMAL, 1, 1, 0, 0, ZERO, RELU | QUICK, 32, 48, 19, 9, INSIDE, SIGNED},
    {NORMAL, 7, 2, 3, 3, ZERO, RELU | BIAS | QUICK, 16, 16, 14, 11, INSIDE, SIGNED},
    {NORMAL, 9, 1, 4, 4, BIT(IMP_PAD_REFLECT), RELU | BIAS | QUICK, 3, 16, 20, 17, ENTRY, SIGNED},

    /* kernels x strides x paddings */
    {NORMAL, 1, 1, 0, 0, ZERO, RELU | BIAS, 5, 17, 19, 14, INSIDE, EVERY_DATA},
    {NORMAL, 1, 2, 0, 0, ZERO, RELU | BIAS, 5, 17, 19, 14, INSIDE, SIGNED},
    {NORMAL, 1, 1, 1, 1, EVERY_PADDING, BIAS, 5, 17, 9, 8, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU | BIAS, 5, 17, 19, 14, INSIDE, EVERY_DATA},
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, 0, 17, 5, 14, 19, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU, 16, 16, 32, 16, INSIDE, SIGNED},
    {NORMAL, 3, 2, 1, 1, EVERY_PADDING, RELU | BIAS, 32, 64, 21, 18, INSIDE, EVERY_DATA},
    {NORMAL, 3, 2, 0, 1, EVERY_PADDING, BIAS, 16, 24, 16, 18, INSIDE, SIGNED},
    {NORMAL, 3, 1, 0, 0, ZERO, BIAS, 16, 24, 16, 18, INSIDE, SIGNED},
    {NORMAL, 3, 1, 2, 2, EVERY_PADDING, BIAS, 8, 8, 9, 11, INSIDE, SIGNED},
    {NORMAL, 7, 1, 3, 3, EVERY_PADDING, RELU | BIAS, 5, 6, 15, 13, INSIDE, EVERY_DATA},
    {NORMAL, 7, 2, 3, 3, EVERY_PADDING, BIAS, 16, 18, 14, 15, INSIDE, SIGNED},
    {NORMAL, 9, 1, 4, 4, EVERY_PADDING, RELU | BIAS, 6, 5, 13, 17, INSIDE, EVERY_DATA},
    {NORMAL, 9, 2, 4, 4, EVERY_PADDING, BIAS, 18, 16, 15, 14, INSIDE, SIGNED},

    /* from and to planes */
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU | BIAS, 3, 64, 33, 47, ENTRY, EVERY_DATA},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 3, 16, 5, 100, ENTRY, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 2, 20, 3, 1300, ENTRY, SIGNED}, /* long rows */
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU | BIAS, 4, 3, 9, 8, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, EDGES, RELU | BIAS, 3, 64, 1, 1, ENTRY, SIGNED},
    {NORMAL, 3, 2, 1, 1, ZERO, RELU | BIAS, 3, 20, 18, 21, ENTRY, SIGNED},
    {NORMAL, 9, 1, 4, 4, EVERY_PADDING, RELU | BIAS, 3, 32, 23, 19, ENTRY, SIGNED},
    {NORMAL, 9, 1, 4, 4, EVERY_PADDING, BIAS, 32, 3, 19, 23, EXIT, SIGNED},
    {NORMAL, 1, 1, 0, 0, ZERO, BIAS, 3, 3, 33, 47, PLANES, EVERY_DATA},
    {NORMAL, 1, 1, 0, 0, ZERO, BIAS, 3, 3, 1, 1, PLANES, SIGNED},
    {NORMAL, 1, 1, 0, 0, ZERO, 0, 3, 3, 1, 70, PLANES, SIGNED},
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU | BIAS, 3, 3, 17, 9, PLANES, SIGNED},

    /* channels that no block divides */
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 64, 64, 37, 29, INSIDE, EVERY_DATA},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 64, 128, 16, 16, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 96, 130, 15, 17, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 130, 96, 9, 10, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 32, 40, 31, 65, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 1, 1, 12, 13, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 256, 256, 8, 9, INSIDE, EVERY_DATA},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 170, 190, 19, 21, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS | ALGORITHMS, 48, 130, 41, 38, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU | BIAS | ALGORITHMS, 16, 16, 9, 69, INSIDE, SIGNED},
    {NORMAL, 3, 2, 1, 1, ZERO, RELU | BIAS, 130, 33, 9, 10, INSIDE, SIGNED},
    {NORMAL, 1, 1, 0, 0, ZERO, RELU | BIAS, 64, 40, 23, 9, INSIDE, SIGNED},
    {NORMAL, 1, 1, 0, 0, ZERO, BIAS, 130, 17, 7, 5, INSIDE, EVERY_DATA},
    {NORMAL, 1, 1, 0, 0, ZERO, RELU | BIAS, 48, 130, 17, 23, INSIDE, SIGNED},

    /* 1 x 1: whole stretches and remainders, from and to planes */
    {NORMAL, 1, 1, 0, 0, ZERO, RELU | BIAS, 48, 130, 41, 38, INSIDE, EVERY_DATA},
    {NORMAL, 1, 1, 0, 0, ZERO, RELU | BIAS, 259, 72, 31, 37, INSIDE, SIGNED},
    {NORMAL, 1, 1, 0, 0, ZERO, 0, 64, 256, 24, 36, INSIDE, SIGNED},
    {NORMAL, 1, 1, 0, 0, EVERY_PADDING, RELU | BIAS, 40, 33, 13, 11, INSIDE, SIGNED},
    {NORMAL, 1, 1, 0, 0, EDGES, RELU | BIAS, 20, 20, 1, 1, INSIDE, SIGNED},
    {NORMAL, 1, 1, 0, 0, ZERO, RELU | BIAS, 3, 40, 17, 9, ENTRY, SIGNED},
    {NORMAL, 1, 1, 0, 0, ZERO, BIAS, 40, 3, 17, 9, EXIT, SIGNED},

    /* filters of half precision: only transformed filters are kept so */
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS | QUICK | ALGORITHMS | HALF, 17, 40, 13, 11, INSIDE,
     SIGNED},
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU | ALGORITHMS | HALF, 17, 16, 9, 16, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS | ALGORITHMS | HALF, 48, 130, 41, 38, INSIDE,
     EVERY_DATA},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS | ALGORITHMS | HALF, 96, 16, 14, 25, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS | HALF, 3, 16, 9, 10, ENTRY, SIGNED},

    /* pictures that no tile divides */
    {NORMAL, 3, 1, 1, 1, EDGES, RELU | BIAS, 40, 40, 1, 1, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, EDGES, RELU | BIAS, 16, 16, 1, 33, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, EDGES, RELU | BIAS, 16, 16, 33, 1, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU | BIAS, 16, 16, 2, 2, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, EVERY_PADDING, RELU | BIAS, 16, 16, 3, 4, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 16, 16, 17, 33, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 16, 16, 45, 65, INSIDE, SIGNED},
    {NORMAL, 3, 1, 1, 1, ZERO, RELU | BIAS, 17, 16, 4, 127, INSIDE, SIGNED},
    {NORMAL, 3, 2, 1, 1, EDGES, RELU | BIAS, 16, 16, 1, 1, INSIDE, SIGNED},
    {NORMAL, 7, 1, 3, 3, EDGES, RELU | BIAS, 5, 5, 1, 3, INSIDE, SIGNED},
    {NORMAL, 9, 1, 4, 4, EDGES, RELU | BIAS, 5, 5, 2, 1, INSIDE, SIGNED},
    {NORMAL, 9, 2, 4, 4, EDGES, RELU | BIAS, 3, 5, 1, 1, ENTRY, SIGNED},

    /* VGG-19 at 512 pixels */
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 3, 64, 512, 512, ENTRY, SIGNED},
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 64, 64, 512, 512, INSIDE, SIGNED},
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 64, 128, 256, 256, INSIDE, SIGNED},
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 128, 128, 256, 256, INSIDE, SIGNED},
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 128, 256, 128, 128, INSIDE, SIGNED},
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 256, 256, 128, 128, INSIDE, SIGNED},
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 256, 512, 64, 64, INSIDE, SIGNED},
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 512, 512, 64, 64, INSIDE, SIGNED | BIT(IMP_NONNEGATIVE)},
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 512, 512, 32, 32, INSIDE, SIGNED},
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 16, 64, 261, 259, INSIDE,
     SIGNED}, /* larger than the caches, */
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS, 3, 64, 261, 259, ENTRY, SIGNED}, /* with partial tiles */
    {FULL, 3, 1, 1, 1, ZERO, RELU | BIAS | HALF, 512, 512, 32, 32, INSIDE, SIGNED},
    {FULL, 1, 1, 0, 0, ZERO, RELU | BIAS, 48, 128, 256, 256, INSIDE, SIGNED},
    {FULL, 1, 1, 0, 0, ZERO, RELU | BIAS, 64, 256, 128, 128, INSIDE, SIGNED},
};

/* ---- everything else ---- */

enum {
    COPY = BIT(IMP_GROUP_COPY),
    POOLS = BIT(IMP_GROUP_POOLS),
    INDICES = BIT(IMP_GROUP_INDICES),
    GRAM = BIT(IMP_GROUP_GRAM),
    GRAMS = GRAM | BIT(IMP_GROUP_STYLE_GRAD), /* what has a C x C matrix beside a map */
    STYLE = BIT(IMP_GROUP_STYLE),
    CONTENT = BIT(IMP_GROUP_CONTENT),
    SHIFT = BIT(IMP_GROUP_SHIFT),
    MASK = BIT(IMP_GROUP_MASK),
    MATCH = BIT(IMP_GROUP_MATCH),
    MAPS = COPY | POOLS | INDICES | GRAMS | CONTENT | SHIFT | MASK | MATCH,
    TV = BIT(IMP_GROUP_TV),
    AFFINES = BIT(IMP_GROUP_AFFINES),
    FILL = BIT(IMP_GROUP_FILL),
    MATRICES = BIT(IMP_GROUP_MATRICES),
    SUMS = BIT(IMP_GROUP_SUMS),
    VECTORS = BIT(IMP_GROUP_VECTORS) | SUMS,
    HISTORY = BIT(IMP_GROUP_HISTORY),
    WRAPS = BIT(IMP_GROUP_WRAPS),
    HALVES = BIT(IMP_GROUP_HALVES),
    PICTURES = COPY | TV | AFFINES | VECTORS | HISTORY | WRAPS,
};
enum { ON_PLANES = BIT(IMP_PLANES), ON_MAPS = BIT(IMP_MAPS), ON_BOTH = ON_PLANES | ON_MAPS };

typedef struct row {
    imp_level level;
    unsigned groups;
    size_t c, h, w;
    unsigned layouts;
    unsigned data;
    unsigned flags;
} row;

static const row rows[] = {
    {TINY, MAPS | FILL | VECTORS, 17, 5, 4, ON_MAPS, SIGNED, 0},
    {TINY, POOLS, 3, 5, 6, ON_BOTH, BIT(IMP_SPARSE), 0},
    {TINY, INDICES, 3, 5, 14, ON_MAPS, BIT(IMP_SPARSE), 0},
    {TINY, STYLE | MATRICES, 5, 1, 1, ON_PLANES, SIGNED, 0},
    {TINY, PICTURES | FILL | HALVES, 3, 6, 7, ON_PLANES, SIGNED, 0},
    {TINY, PICTURES | FILL, 3, 1, 1, ON_PLANES, SIGNED, 0},

    {NORMAL, MAPS | FILL, 40, 37, 29, ON_MAPS, SIGNED, QUICK},
    {NORMAL, POOLS, 16, 19, 10, ON_PLANES, BIT(IMP_SPARSE), QUICK},
    {NORMAL, INDICES, 24, 19, 27, ON_MAPS, BIT(IMP_SPARSE), QUICK},
    {NORMAL, STYLE | MATRICES, 40, 1, 1, ON_PLANES, SIGNED, QUICK},
    {NORMAL, PICTURES | FILL | HALVES, 3, 37, 29, ON_PLANES, SIGNED, QUICK},

    /* maps: channels that no block divides, pictures that no tile divides */
    {NORMAL, MAPS, 64, 37, 29, ON_MAPS, EVERY_DATA, 0},
    {NORMAL, MAPS, 3, 9, 8, ON_MAPS, EVERY_DATA, 0},
    {NORMAL, MAPS, 5, 17, 23, ON_MAPS, SIGNED, 0},
    {NORMAL, MAPS, 16, 16, 16, ON_MAPS, SIGNED, 0},
    {NORMAL, MAPS, 17, 19, 7, ON_MAPS, EVERY_DATA, 0},
    {NORMAL, MAPS, 96, 20, 21, ON_MAPS, SIGNED, 0},
    {NORMAL, MAPS, 128, 17, 31, ON_MAPS, SIGNED, 0},
    {NORMAL, MAPS, 127, 2, 2, ON_MAPS, SIGNED, 0},
    {NORMAL, COPY | GRAMS | CONTENT | MATCH, 5, 1, 1, ON_MAPS, SIGNED, 0},
    {NORMAL, COPY | GRAMS | CONTENT | MATCH, 40, 1, 33, ON_MAPS, SIGNED, 0},
    {NORMAL, COPY | GRAMS | CONTENT | MATCH, 33, 65, 1, ON_MAPS, SIGNED, 0},
    {NORMAL, COPY | POOLS | CONTENT, 130, 9, 11, ON_BOTH, SIGNED, 0},
    {NORMAL, POOLS, 3, 33, 47, ON_PLANES, EVERY_DATA, 0},
    {NORMAL, POOLS, 20, 2, 3, ON_BOTH, BIT(IMP_SPARSE), 0},
    {NORMAL, POOLS, 20, 60, 66, ON_BOTH, SIGNED | BIT(IMP_SPARSE), 0},
    /* many positions: sums must be blocked */
    {NORMAL, GRAMS | CONTENT, 8, 61, 67, ON_MAPS, EVERY_DATA, 0},
    {NORMAL, GRAMS, 150, 33, 35, ON_MAPS, SIGNED, 0},

    {NORMAL, STYLE | MATRICES, 3, 1, 1, ON_PLANES, EVERY_DATA, 0},
    {NORMAL, STYLE | MATRICES, 1, 1, 1, ON_PLANES, SIGNED, 0},
    {NORMAL, STYLE | MATRICES, 17, 1, 1, ON_PLANES, SIGNED, 0},
    {NORMAL, STYLE | MATRICES, 64, 1, 1, ON_PLANES, EVERY_DATA, 0},
    {NORMAL, STYLE | MATRICES, 96, 1, 1, ON_PLANES, SIGNED, 0},
    {NORMAL, STYLE | MATRICES, 128, 1, 1, ON_PLANES, SIGNED, 0},

    /* pictures and vectors; vectors inside a network have the layout of maps */
    {NORMAL, PICTURES | HALVES, 3, 33, 47, ON_PLANES, EVERY_DATA, 0},
    {NORMAL, HALVES, 3, 2, 9, ON_PLANES, SIGNED, 0},
    {NORMAL, HALVES, 3, 11, 3, ON_PLANES, SIGNED, 0},
    {NORMAL, PICTURES, 3, 1, 70, ON_PLANES, SIGNED, 0},
    {NORMAL, PICTURES, 3, 65, 1, ON_PLANES, SIGNED, 0},
    {NORMAL, PICTURES | HALVES, 3, 2, 2, ON_PLANES, SIGNED, 0},
    {NORMAL, PICTURES | HALVES, 3, 127, 128, ON_PLANES, EVERY_DATA, 0},
    {NORMAL, FILL, 3, 127, 128, ON_PLANES, SIGNED, 0},
    {NORMAL, TV | VECTORS, 1, 9, 13, ON_PLANES, SIGNED, 0},
    {NORMAL, VECTORS | FILL, 40, 9, 13, ON_MAPS, EVERY_DATA, 0},
    {NORMAL, VECTORS | FILL, 3, 17, 19, ON_MAPS, SIGNED, 0},

    /* VGG-19 at 512 pixels */
    {FULL, COPY | POOLS | INDICES | GRAMS | SHIFT | MASK | MATCH, 64, 512, 512, ON_MAPS, SIGNED, 0},
    {FULL, POOLS | GRAMS, 128, 256, 256, ON_MAPS, SIGNED, 0},
    {FULL, POOLS | GRAMS, 256, 128, 128, ON_MAPS, SIGNED, 0},
    {FULL, POOLS | GRAMS | CONTENT, 512, 64, 64, ON_MAPS, SIGNED, 0},
    {FULL, GRAMS, 512, 32, 32, ON_MAPS, SIGNED | BIT(IMP_NONNEGATIVE), 0},
    {FULL, STYLE | MATRICES, 256, 1, 1, ON_PLANES, SIGNED, 0},
    {FULL, STYLE | MATRICES, 512, 1, 1, ON_PLANES, SIGNED, 0},
    {FULL, PICTURES | FILL | HALVES, 3, 512, 512, ON_PLANES, SIGNED, 0},
    {FULL, GRAM, 16, 1024, 1024, ON_MAPS, SIGNED | BIT(IMP_NONNEGATIVE) | BIT(IMP_CONSTANT), 0},
    {FULL, SUMS | HISTORY, 3, 1024, 1024, ON_PLANES, EVERY_DATA, 0},
};

/* ---- expansion ---- */

static const struct {
    const char *name;
    const imp_operation *operation;
} ops[IMP_OPS] = {
    {"copy", &imp_operation_copy},
#define OP(name, parameters) {#name, &imp_operation_##name},
#define OP_OPTIONAL(name, parameters)
#include "backend/operations.def"
};

const imp_operation *imp_operation_of(imp_op op) {
    return ops[op].operation;
}

const char *imp_op_name(imp_op op) {
    return ops[op].name;
}

static size_t bits(unsigned mask) {
    size_t n = 0;
    for (; mask; mask &= mask - 1)
        n++;
    return n;
}

/* The number of the mask's i-th set bit. */
static unsigned bit_at(unsigned mask, size_t i) {
    unsigned n = 0;
    for (; !(mask & 1) || i-- > 0; mask >>= 1)
        n++;
    return n;
}

static size_t conv_cases(const conv_row *r) {
    return 2 * bits(r->paddings) * bits(r->data);
}

static imp_case conv_case(const conv_row *r, size_t i) {
    imp_case c = {.level = r->level,
                  .quick = r->flags & QUICK,
                  .every_algorithm = r->flags & ALGORITHMS,
                  .c = r->in,
                  .h = r->h,
                  .w = r->w,
                  .layout = r->route == ENTRY || r->route == PLANES ? IMP_PLANES : IMP_MAPS,
                  .out_layout = r->route == EXIT || r->route == PLANES ? IMP_PLANES : IMP_MAPS,
                  .conv = {.in = r->in,
                           .out = r->out,
                           .kernel = r->kernel,
                           .stride = r->stride,
                           .before = r->before,
                           .after = r->after,
                           .relu = r->flags & RELU,
                           .half = r->flags & HALF},
                  .bias = r->flags & BIAS};
    c.op = i % 2 ? IMP_OP_conv_grad : IMP_OP_conv;
    i /= 2;
    c.conv.padding = (imp_padding)bit_at(r->paddings, i % bits(r->paddings));
    c.data = (imp_data)bit_at(r->data, i / bits(r->paddings));
    return c;
}

/* The cases of one operation in a row. */
static size_t op_cases(const row *r, unsigned op) {
    const imp_operation *o = ops[op].operation;
    return r->groups & BIT(o->group) ? o->variants * bits(r->layouts) * bits(r->data) : 0;
}

static size_t row_cases(const row *r) {
    size_t n = 0;
    for (unsigned op = 0; op < IMP_OPS; op++)
        n += op_cases(r, op);
    return n;
}

static imp_case row_case(const row *r, size_t i) {
    unsigned op = 0;
    for (; i >= op_cases(r, op); op++)
        i -= op_cases(r, op);
    imp_case c = {.op = (imp_op)op,
                  .level = r->level,
                  .quick = r->flags & QUICK,
                  .c = r->c,
                  .h = r->h,
                  .w = r->w};
    c.variant = (unsigned)(i % ops[op].operation->variants);
    i /= ops[op].operation->variants;
    c.layout = (imp_layout)bit_at(r->layouts, i % bits(r->layouts));
    c.data = (imp_data)bit_at(r->data, i / bits(r->layouts));
    return c;
}

enum { CONVS = sizeof convs / sizeof *convs, ROWS = sizeof rows / sizeof *rows };

size_t imp_case_count(void) {
    size_t n = 0;
    for (size_t k = 0; k < CONVS; k++)
        n += conv_cases(&convs[k]);
    for (size_t k = 0; k < ROWS; k++)
        n += row_cases(&rows[k]);
    return n;
}

imp_case imp_case_at(size_t i) {
    for (size_t k = 0; k < CONVS; i -= conv_cases(&convs[k++]))
        if (i < conv_cases(&convs[k]))
            return conv_case(&convs[k], i);
    for (size_t k = 0; k < ROWS; i -= row_cases(&rows[k++]))
        if (i < row_cases(&rows[k]))
            return row_case(&rows[k], i);
    return (imp_case){0};
}

/* ---- names ---- */

static const char *const data_names[IMP_DATA] = {"signed", "nonnegative", "constant", "sparse",
                                                 "large"};
static const char *const padding_names[] = {"zero", "reflect", "replicate"};

void imp_case_name(const imp_case *c, char *out, size_t size) {
    const char *layout = c->layout == IMP_PLANES ? "planes" : "maps";
    const char *variant = ops[c->op].operation->variant_names[c->variant];
    const imp_conv *k = &c->conv;
    if (c->op == IMP_OP_conv || c->op == IMP_OP_conv_grad)
        snprintf(out, size, "%s %zux%zu s%zu p%zu,%zu %s%s%s%s %zu>%zu %zux%zu %s>%s %s",
                 ops[c->op].name, k->kernel, k->kernel, k->stride, k->before, k->after,
                 padding_names[k->padding], k->relu ? " relu" : "", c->bias ? "" : " nobias",
                 k->half ? " half" : "", k->in, k->out, c->h, c->w, layout,
                 c->out_layout == IMP_PLANES ? "planes" : "maps", data_names[c->data]);
    else
        snprintf(out, size, "%s %s%s%zux%zux%zu %s %s", ops[c->op].name, variant ? variant : "",
                 variant ? " " : "", c->c, c->h, c->w, layout, data_names[c->data]);
}
