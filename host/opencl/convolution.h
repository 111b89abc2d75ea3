/* SPDX-License-Identifier: MIT
 *
 * What the files of the convolution share: the *pass*, which is a convolution or its gradient, and
 * filters in the form that a kernel reads.
 */
#ifndef OCL_CONVOLUTION_H
#define OCL_CONVOLUTION_H

#include "opencl/ocl.h"

/* Bits of the kernels' `kind`, as in cl/convolution.cl. */
enum {
    OCL_CONV_PLANES = 1,
    OCL_CONV_MASKED = 2,
    OCL_CONV_ACCUMULATE = 4,
    OCL_CONV_RELU = 8,
    OCL_CONV_HALF = 16,
    OCL_CONV_AVERAGE = 32,
    OCL_CONV_FAR = 64
};

/* The forms of filters, by the kernel that reads them: units of bo outputs x bi inputs. */
typedef enum ocl_form_kind {
    OCL_FORM_BLOCKS,   /* wide: conv_product */
    OCL_FORM_PLANES,   /* wide: conv_planes */
    OCL_FORM_TILES,    /* simt: conv_3x3 */
    OCL_FORM_POINTS,   /* simt: conv_1x1_* */
    OCL_FORM_ANY,      /* simt: conv_any, conv_few */
    OCL_FORM_WINOGRAD, /* a unit: a block of outputs x all inputs */
    OCL_FORMS
} ocl_form_kind;

/* Filters for one direction: a `planes` tensor of outs x ins units, with the ins units of the same
 * outputs contiguous. Made by the first pass that needs it. */
typedef struct ocl_form {
    imp_memory *memory; /* owned; NULL: not made yet */
    imp_tensor units;
    size_t outs, ins, bo, bi;
    size_t points; /* values of a transformed filter; 0: one for each tap */
    bool half;     /* two filters in the place of a float */
} ocl_form;

/* One pass: `out` channels of y from `in` channels of x, at h x w positions (of the padded result
 * where it is to be folded). The output at (r, q) reads x~ from (stride * r - before, stride * q -
 * before) on. x~ is x with step - 1 zeros between its elements, padded by mode and, where there is
 * a mask, times [mask > 0]. */
typedef struct ocl_pass {
    imp_tensor y, x, mask;
    imp_filter *filter;
    const imp_conv *conv; /* the filter's */
    bool flipped;         /* the gradient: filters rotated by 180 degrees, no bias */
    bool relu;
    bool half; /* transformed filters are halves */
    size_t in, out, side, stride, step, h, w;
    ptrdiff_t before;
    imp_padding mode;
    const imp_conv *fold; /* whose padding is folded back onto y; NULL: none */
    /* With memory, the pass is fused with a pooling, and these are its indices: y is then the
     * pooling of the outputs; flipped: x is the gradient of the pooling of the inputs. */
    imp_tensor indices;
    bool average;
} ocl_pass;

/* Rows of y that are made together: first..first+rows-1, which need rows from..from+made-1 of the
 * pass. Without fold both are the same. */
typedef struct ocl_strip {
    size_t first, rows, from, made;
} ocl_strip;

/* Advances a strip (all zeros before the first) to the next one, of at least one row and, if
 * possible, at most `rows`; folded rows at a border stay together. False after the last. */
bool ocl_next_strip(ocl_strip *strip, const ocl_pass *pass, size_t rows);

/* The pass's filters in a form, made on first use. */
imp_status ocl_form_get(ocl_device *cl, ocl_form **out, const ocl_pass *pass, ocl_form_kind kind);
/* The place of unit (out, in) of a form. Lowers *outs and *ins, the wanted units from there on, to
 * those that lie in one piece. *outs does not depend on the inputs. */
ocl_span ocl_form_piece(const ocl_form *form, size_t out, size_t in, size_t *outs, size_t *ins);
/* The bias from a channel on; zeros where the pass has none. */
ocl_span ocl_bias(const ocl_pass *pass, size_t channel);

/* Advances a run of y, by no more units than whose unfolded result fits half of the work space. */
bool ocl_next_output(const ocl_device *cl, ocl_run *run, const ocl_pass *pass);
/* Folds a strip of a run, which lies at the beginning of the work space, into y. */
imp_status ocl_fold_strip(ocl_device *cl, const ocl_pass *pass, const ocl_strip *strip,
                          const ocl_run *run);

/* The pass that conv (back: conv_grad, with dx and dy for y and x) makes of these tensors. */
ocl_pass ocl_pass_of(imp_tensor y, imp_tensor x, const imp_filter *filter, bool back);
/* Whether the filters of a form lie in one piece. */
bool ocl_form_is_whole(const ocl_device *cl, const ocl_pass *pass, ocl_form_kind kind);

/* convolution_choice.c: the algorithm that makes a pass, and the form of filters that it reads.
 * Algorithms from OCL_ALGORITHM_WINOGRAD on differ in the length of their strips. */
enum { OCL_ALGORITHM_DIRECT = 1, OCL_ALGORITHM_WINOGRAD };
unsigned ocl_algorithm_of(const ocl_device *cl, const ocl_pass *pass);
ocl_form_kind ocl_form_of(const ocl_device *cl, const ocl_pass *pass, unsigned algorithm);

/* OCL_CONV_FAR where y has IMP_FAR bytes or more, else 0. */
size_t ocl_far(const ocl_pass *pass);

enum { OCL_FEW = 4 }; /* simt: conv_few makes 3 x 3 convolutions of so few outputs */

/* Whether each position of y is made from the same position of x alone. */
bool ocl_is_point(const ocl_pass *pass);

/* The error that the work space is too small for a pass. */
imp_status ocl_no_memory(ocl_device *cl, const ocl_pass *pass);

/* A product with 1 x 1 filters in the wide class: `outputs` blocks of y from `channels` channels of
 * x, at `positions` positions. mask: where kind has OCL_CONV_MASKED; bias: unless it has
 * OCL_CONV_ACCUMULATE. */
typedef struct ocl_point {
    ocl_span y, x, mask, filters, bias;
    size_t outputs, channels, positions;
    size_t f_row; /* floats from the filters of one block of outputs to the next */
    size_t kind;
} ocl_point;
/* Uses the work space if there is a mask. */
imp_status ocl_points(ocl_device *cl, const ocl_point *point);

/* winograd.c: a pass by Winograd's algorithm in the wide class, alone and fused with a pooling. */
extern const imp_winograd ocl_winograd_f4x4;              /* its matrices, in both classes */
enum { OCL_WINOGRAD_POINTS = 36, OCL_WINOGRAD_TILE = 4 }; /* products, and side, of a tile */
enum { OCL_WINOGRAD_SIDE = 64 }; /* simt: outputs of a unit of filters; tiles come in as many */
imp_status ocl_winograd_wide(ocl_device *cl, const ocl_pass *pass, unsigned algorithm);
imp_status ocl_winograd_fused(ocl_device *cl, const ocl_pass *pass, unsigned algorithm);
/* The number of tiles of a pass's outputs. */
size_t ocl_winograd_tiles(const ocl_pass *pass);
/* Floats of the work space that a pass needs at least, with `blocks` blocks of inputs at a time. */
size_t ocl_winograd_wide_least(size_t blocks);

/* winograd_simt.c: the same in the simt class. */
imp_status ocl_winograd_simt(ocl_device *cl, const ocl_pass *pass, unsigned algorithm);
size_t ocl_winograd_simt_least(const ocl_pass *pass);

/* convolution_wide.c, convolution_simt.c: a pass by direct convolution. */
imp_status ocl_pass_wide(ocl_device *cl, const ocl_pass *pass);
imp_status ocl_pass_simt(ocl_device *cl, const ocl_pass *pass);
/* Wide: a pass with 1 x 1 filters fused with a pooling, and the floats of the work space that it
 * needs at least. */
imp_status ocl_points_fused(ocl_device *cl, const ocl_pass *pass);
size_t ocl_points_fused_least(const ocl_device *cl, const ocl_pass *pass);

#endif
