/* SPDX-License-Identifier: MIT
 *
 * The contract of every operation. One const table of these a backend: host/cpu/oracle.c fills all
 * slots with plain loops and double sums and thereby *defines* what is right; the others start from
 * a whole table of their own kind and are held against it, slot by slot, by tests/operations.c.
 *
 * Letters:  C channels, H rows, W columns, M = H*W positions of a map; O, I output and input
 * channels of filters; K side of a kernel; x the input of an operation, y its output, dx and dy the
 * gradients of the loss with respect to them; F a feature map seen as C x M.
 *
 * Memory. A backend hands out memory objects; a tensor is a place in one. `maps` tensors are
 * feature maps, laid out as the backend likes; `planes` tensors (pictures, optimiser vectors, Gram
 * matrices 1 x C x C, the scalars) are C planes of H*W floats in every backend. `at` is a byte
 * address in the memory object's own address space: only `place` knows where a tensor may lie and
 * how much it covers, so a backend can keep the parts of one tensor in several allocations.
 *
 * Unless a slot says otherwise outputs are overwritten, no output may overlap an input, shapes must
 * fit (assert: they are the engine's business), and sums over positions are blocked or pairwise.
 * Errors: the status, and one line in device->error. After an error the contents of outputs are
 * undefined. Operations may run asynchronously in order; read and sync wait.
 */
#ifndef IMP_OPS_H
#define IMP_OPS_H

#include "backend/conv.h"
#include "base/arithmetic.h"
#include "base/error.h"

typedef struct imp_memory imp_memory; /* the backend's own: device memory with an address space */
typedef struct imp_filter imp_filter; /* the backend's own: prepared filters of one convolution */

typedef enum imp_layout { IMP_PLANES, IMP_MAPS } imp_layout;

typedef struct imp_tensor {
    imp_memory *memory; /* borrowed; NULL: no tensor */
    size_t at;          /* byte address, from place */
    size_t c, h, w;
    imp_layout layout;
} imp_tensor;

/* Winograd's F(out x out, 3 x 3) (Lavin and Gray 2016): y = A^T [ (G g G^T) . (B^T d B) ] A with
 * filters g, and d the (out + 2) x (out + 2) inputs of a tile of outputs; tiles begin at the first
 * output. Rows and columns beyond what out needs are zero. */
enum { IMP_WINOGRAD_SIDE = 6 };
typedef struct imp_winograd {
    size_t out;
    double at[IMP_WINOGRAD_SIDE - 2][IMP_WINOGRAD_SIDE]; /* A^T */
    double g[IMP_WINOGRAD_SIDE][3];
    double bt[IMP_WINOGRAD_SIDE][IMP_WINOGRAD_SIDE]; /* B^T */
} imp_winograd;

/* What conv (back: conv_grad) does: the name of its algorithm, and its multiply-adds, counted as
 * two each, without those of transforms and padding. */
typedef struct imp_algorithm {
    const char *name; /* static */
    double flop;
} imp_algorithm;

/* The one called `name`, of these tensors (back: dx and dy for y and x) by matrices w, or NULL:
 * directly. */
static inline imp_algorithm imp_algorithm_by(const char *name, const imp_winograd *w,
                                             const imp_conv *c, imp_tensor y, imp_tensor x,
                                             bool back) {
    const double pairs = 2.0 * (double)(c->in * c->out);
    if (!w)
        return (imp_algorithm){name, pairs * (double)(c->kernel * c->kernel) *
                                         (double)(back ? x.h * x.w : y.h * y.w)};
    const size_t side = w->out, tiles = ((y.h + side - 1) / side) * ((y.w + side - 1) / side);
    return (imp_algorithm){name, pairs * (double)((side + 2) * (side + 2) * tiles)};
}

/* What makes features keep about the size under pooling by squares that the maximum gives them. */
#define IMP_POOL_L2_SCALE 0.78

/* y = m x + o for each pixel: m is 3 x 3, row = output channel. */
typedef struct imp_affine {
    float m[3][3], o[3];
} imp_affine;

enum { IMP_INDICES = 6 }; /* windows whose choices share an element: see pool_indices */

typedef struct imp_adam {
    float step; /* pytorch: lr / (1 - b1^t); keras: lr sqrt(1 - b2^t) / (1 - b1^t) */
    float root; /* pytorch: 1 / sqrt(1 - b2^t); keras: 1 */
    float beta1, beta2, epsilon;
} imp_adam;

/* The scalars: reductions leave IMP_PARTIALS partial sums in slot i of a `planes` tensor of shape
 * slots x 1 x IMP_PARTIALS; all of them are written, and the value is their sum. So a reduction
 * needs no second pass on the device, and other operations can use its value there. */
enum { IMP_PARTIALS = 64 };
typedef struct imp_slot {
    imp_tensor scalars;
    size_t i;
} imp_slot;

typedef struct imp_counters {
    uint64_t allocations, builds, writes, reads, launches;
    uint64_t bytes, peak; /* of memory that the device holds now, and that it held at most */
} imp_counters;

/* Counts memory that the device takes, or, with a negative number, gives back. */
static inline void imp_count_bytes(imp_counters *c, int64_t taken) {
    c->bytes += (uint64_t)taken;
    c->peak = c->bytes > c->peak ? c->bytes : c->peak;
}

typedef struct imp_ops {
    const char *name;

    /* ---- buffers ---- */

    void (*close)(imp_device *d);
    /* Sets t->at to the first address >= cursor where t (c, h, w, layout given) may lie and gives
     * the address after it. IMP_ERR_MEMORY as SIZE_MAX: it can lie nowhere (one channel of it
     * exceeds what the device allocates at once). */
    size_t (*place)(const imp_device *d, imp_tensor *t, size_t cursor);
    /* bytes: the last address that place gave. Contents undefined. */
    imp_status (*alloc)(imp_device *d, imp_memory **out, size_t bytes);
    void (*release)(imp_device *d, imp_memory *memory); /* NULL is fine; waits for work on it */
    imp_status (*write)(imp_device *d, imp_tensor dst, const float *src); /* src: C x H x W */
    imp_status (*read)(imp_device *d, float *dst, imp_tensor src);        /* dst: C x H x W */
    imp_status (*sync)(imp_device *d);

    /* ---- convolution ---- */

    /* weights O x I x K x K, bias O (NULL: zeros); both borrowed until filter_close. */
    imp_status (*filter_open)(imp_device *d, imp_filter **out, const imp_conv *conv,
                              const float *weights, const float *bias);
    void (*filter_close)(imp_device *d, imp_filter *filter);
    /* y[o,p,q] = bias[o] + sum_{i,a,b} w[o,i,a,b] x~[i, p*stride+a-before, q*stride+b-before], with
     * x~ the padded x; then max(0, y) where conv.relu. x and y: planes or maps. */
    imp_status (*conv)(imp_device *d, imp_tensor y, imp_tensor x, imp_filter *filter);
    /* dx = the adjoint of conv (without bias) applied to dy, where conv.relu to dy * [y > 0]. For
     * reflect and replicate padding the border's gradient folds back onto its source. y may be no
     * tensor where there is no ReLU, or where dy is 0 wherever y is: it then changes nothing. */
    imp_status (*conv_grad)(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor y,
                            imp_filter *filter);

    /* How conv (back: conv_grad, with dx and dy for y and x) goes about these tensors: by these
     * matrices, static, or NULL: it adds up the products themselves. Its errors are bounded
     * accordingly (selftest/bounds.h). No slot: never by matrices. */
    const imp_winograd *(*winograd)(const imp_device *d, imp_tensor y, imp_tensor x,
                                    const imp_filter *filter, bool back);

    /* The name, static, of a way to make conv of these tensors (back: conv_grad, with dx and dy
     * for y and x), from 1 on, or NULL: they cannot be made so. What is preferred for them
     * (imp_algorithm_choice) is what conv does. No slot: there is one way only. */
    const char *(*algorithm_name)(const imp_device *d, imp_tensor y, imp_tensor x,
                                  const imp_filter *filter, bool back, unsigned algorithm);

    /* What conv does with these tensors; back: conv_grad, with dx and dy for y and x. No device is
     * asked: it may be called at any time. */
    imp_algorithm (*algorithm)(const imp_device *d, imp_tensor y, imp_tensor x,
                               const imp_filter *filter, bool back);

    /* What conv takes of these tensors beyond them; back: conv_grad, with dx and dy for y and x.
     * Bytes of *filters stay until filter_close; *work is shared by operations, of which the
     * largest counts. As algorithm it may be called at any time, of tensors without memory. */
    void (*workspace)(const imp_device *d, imp_tensor y, imp_tensor x, const imp_filter *filter,
                      bool back, size_t *filters, size_t *work);

    /* ---- pooling: 2 x 2, stride 2, side floor(n/2); planes or maps ---- */

    /* Of a window a, b, c, d: the maximum; (a+b+c+d)/4; (a+b+c+d)/2; IMP_POOL_L2_SCALE times
     * sqrt(a^2+b^2+c^2+d^2). */
    imp_status (*pool)(imp_device *d, imp_tensor y, imp_tensor x, imp_pooling kind);
    /* Maximum: dy goes to the first maximum of the window in row-major order; x, y as pool had
     * them. Averages: dy/4, or dy/2, to all four. L2: dy times IMP_POOL_L2_SCALE^2 x / y, and 0
     * where y is 0. Positions in no window get 0. */
    imp_status (*pool_grad)(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor x, imp_tensor y,
                            imp_pooling kind);

    /* What the gradient of maximum and average pooling, and of the ReLU that made x, needs of x;
     * maps only. Of each window four bits, 2 a + b for its row a and column b: whether that
     * position passes a gradient on. Maximum: the first maximum, if it is above 0; average: all
     * that are above 0. choice[c,p,q] = sum_{j < 6} 16^j times the bits of window (p, 6 q + j),
     * none beyond the last: C x h/2 x ceil((w/2) / 6), whole numbers below 2^24. */
    imp_status (*pool_indices)(imp_device *d, imp_tensor indices, imp_tensor x, imp_pooling kind);
    /* dx = dy (average: dy/4) at the positions that choice names, else 0. */
    imp_status (*unpool)(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor indices,
                         imp_pooling kind);

    /* ---- a convolution with ReLU and the pooling behind it in one; maps only ---- */

    /* Whether conv_pool makes conv of these tensors (back: whether conv_pool_grad makes conv_grad,
     * with dx and dy for y and x) and the maximum or average pooling of the larger map, which is
     * then nowhere whole. As algorithm it may be called at any time, of tensors without memory;
     * what it has granted stays so, whatever is preferred later. No slot: never. */
    bool (*fuses_pool)(const imp_device *d, imp_tensor y, imp_tensor x, const imp_filter *filter,
                       bool back);
    /* y, choice: those of pool and pool_indices from what conv makes of x, in the way that it had
     * when this was granted; the same bits. No oracle: the steps have theirs (selftest/fused.c). */
    imp_status (*conv_pool)(imp_device *d, imp_tensor y, imp_tensor indices, imp_tensor x,
                            imp_filter *filter, imp_pooling kind);
    /* dx: that of conv_grad from what unpool makes of dy; the same bits. */
    imp_status (*conv_pool_grad)(imp_device *d, imp_tensor dx, imp_tensor dy, imp_tensor indices,
                                 imp_filter *filter, imp_pooling kind);

    /* ---- losses ---- */

    /* Style, first step: g (1 x C x C) = [g +] F F^T, s (1 x 1 x C, or no tensor) = [s +] sum_p F.
     * accumulate: add to what is there. Raw sums: nothing is normalised here. */
    imp_status (*gram)(imp_device *d, imp_tensor g, imp_tensor s, imp_tensor f, bool accumulate);
    /* Second step: E = scale*g - target, E' = metric E metric (E where metric is no tensor),
     * loss = weight * sum(E . E'), D = 4 * weight * scale * E'. target, metric, D: 1 x C x C, all
     * symmetric. The gradient of the loss with respect to F is D F. scratch: 1 x C x C, clobbered
     * when there is a metric. */
    imp_status (*style)(imp_device *d, imp_tensor dm, imp_slot loss, imp_tensor g,
                        imp_tensor target, imp_tensor metric, imp_tensor scratch, float scale,
                        float weight);
    /* Third step: df += D F. */
    imp_status (*style_grad)(imp_device *d, imp_tensor df, imp_tensor dm, imp_tensor f);
    /* loss = weight * sum (F - P)^2; df += 2 weight (F - P). */
    imp_status (*content)(imp_device *d, imp_tensor df, imp_slot loss, imp_tensor f, imp_tensor p,
                          float weight);
    /* loss = weight * (sum |Dx| + sum |Dy|), or of squares, over all channels of the planes x;
     * dx += its gradient, the derivative of |0| being 0. IMP_TV_NEIGHBOURS, with x continued by its
     * border all round: weight * (mean Dx^2 / 3 + mean Dy^2 / 3 + mean D1^2 / 12 + mean D2^2 / 12),
     * D1 and D2 the differences along both diagonals, of which there are C (H+1) (W+1) each. */
    imp_status (*tv)(imp_device *d, imp_tensor dx, imp_slot loss, imp_tensor x, imp_tv_form form,
                     float weight);

    /* ---- matrices: 1 x C x C, and vectors: 1 x 1 x C; all planes ---- */

    /* y = alpha a b + beta I. */
    imp_status (*multiply)(imp_device *d, imp_tensor y, float alpha, imp_tensor a, imp_tensor b,
                           float beta);
    /* y = scale g - (scale s)(scale s)^T + shift I: with scale = 1/M the covariance of what gram
     * summed up. */
    imp_status (*covariance)(imp_device *d, imp_tensor y, imp_tensor g, imp_tensor s, float scale,
                             float shift);
    /* With e = scale s - mean: loss = weight / C * (sum e^2 + trace + tr cov - 2 tr root),
     * v = 2 weight scale / C * e - dm (scale s). The end of a Wasserstein style term (MATH.md,
     * preset `fine`), whose gradient with respect to F is dm F + v 1^T. */
    imp_status (*transport)(imp_device *d, imp_tensor v, imp_slot loss, imp_tensor dm,
                            imp_tensor cov, imp_tensor root, imp_tensor s, imp_tensor mean,
                            float trace, float scale, float weight);
    /* f[c,p] += v[c]; f: maps. */
    imp_status (*shift)(imp_device *d, imp_tensor f, imp_tensor v);

    /* ---- regions and borders ---- */

    /* y = [y +] x where the weights t (planes, 1 x H x W) are 1: y[c,p] = [y +] t[p] x[c,p]; y, x:
     * maps. */
    imp_status (*mask)(imp_device *d, imp_tensor y, imp_tensor x, imp_tensor t, bool add);
    /* The picture continued periodically on all sides: y[c,p,q] = x[c, (p - a) mod H,
     * (q - b) mod W], with margins a = floor((H' - H) / 2), b = floor((W' - W) / 2), for y of
     * C x H' x W', H' >= H, W' >= W; planes. */
    imp_status (*wrap)(imp_device *d, imp_tensor y, imp_tensor x);
    /* Its adjoint: dx = the sum of dy over all positions that show the same pixel. */
    imp_status (*wrap_grad)(imp_device *d, imp_tensor dx, imp_tensor dy);

    /* ---- entry: from the picture to the network's input; planes of 3 channels ---- */

    imp_status (*affine)(imp_device *d, imp_tensor y, imp_tensor x, const imp_affine *a);
    /* dx += m^T dy. */
    imp_status (*affine_grad)(imp_device *d, imp_tensor dx, imp_tensor dy, const imp_affine *a);

    /* ---- vectors: tensors of equal shape and layout, element by element ---- */

    imp_status (*fill)(imp_device *d, imp_tensor x, float value);
    /* z = a x + b y; z may be x or y. */
    imp_status (*combine)(imp_device *d, imp_tensor z, float a, imp_tensor x, float b,
                          imp_tensor y);
    imp_status (*clamp)(imp_device *d, imp_tensor x, float lo, float hi);       /* NaN becomes lo */
    imp_status (*dot)(imp_device *d, imp_slot out, imp_tensor x, imp_tensor y); /* x may be y */
    imp_status (*norm1)(imp_device *d, imp_slot out, imp_tensor x);
    /* y = [y +] a (value(by) + epsilon)^power x; y may be x. add: to what is there. The value and
     * epsilon must not be negative. */
    imp_status (*rescale)(imp_device *d, imp_tensor y, float a, imp_slot by, float epsilon,
                          float power, imp_tensor x, bool add);
    /* Of n vectors alike, `planes`: slot out.i + 2 k = vectors[k] . x, the next one vectors[k] . y.
     * With mix the two passes of L-BFGS over its history (engine/history.h). */
    imp_status (*dots)(imp_device *d, imp_slot out, const imp_tensor *vectors, size_t n,
                       imp_tensor x, imp_tensor y);
    /* z = a x + sum_k factors[k] vectors[k], n >= 1 vectors alike, `planes`; factors: 1 x 1 x n or
     * more. A vector whose factor is 0 is not read, and may be z; z may be x. */
    imp_status (*mix)(imp_device *d, imp_tensor z, float a, imp_tensor x, imp_tensor factors,
                      const imp_tensor *vectors, size_t n);
    /* m = beta1 m + (1-beta1) g; v = beta2 v + (1-beta2) g^2;
     * x -= step * m / (root * sqrt(v) + epsilon)  (Kingma and Ba 2015; both forms by step, root).
     */
    imp_status (*adam)(imp_device *d, imp_tensor x, imp_tensor g, imp_tensor m, imp_tensor v,
                       const imp_adam *p);
} imp_ops;

/* How a device is to make a convolution whose outputs are h x w, or its gradient. way: as the slot
 * `way` numbers them; one that does not exist, and 0, is the backend's own choice. */
typedef struct imp_algorithm_choice {
    imp_conv conv;
    size_t h, w;
    bool back;
    unsigned algorithm;
} imp_algorithm_choice;

enum { IMP_ALGORITHMS_MAX = IMP_TUNED_ALGORITHMS, IMP_ALGORITHM_CHOICES_MAX = 512 };

/* What every backend's device begins with. preferences: noted by imp_choose_algorithm, the same
 * until the last session on the device is closed. */
struct imp_device {
    const imp_ops *ops;
    imp_error error; /* of the last failing operation */
    imp_device_info info;
    imp_device_options options;
    imp_counters counters;
    struct imp_profile *profile; /* NULL unless options.profile; backend/profile.h */
    unsigned sessions;           /* open ones */
    size_t algorithm_choice_count;
    imp_algorithm_choice algorithm_choices[IMP_ALGORITHM_CHOICES_MAX];
};

/* A network's convolution as the device has been asked to keep it. */
static inline imp_conv imp_conv_on(const imp_device *d, imp_conv conv) {
    conv.half = d->options.precision == IMP_FP16;
    return conv;
}

/* The place of what is preferred for outputs of h x w; NULL: nothing is. */
static inline imp_algorithm_choice *
imp_algorithm_choice_of(const imp_device *d, const imp_conv *conv, size_t h, size_t w, bool back) {
    for (size_t i = 0; i < d->algorithm_choice_count; i++) {
        const imp_algorithm_choice *p = &d->algorithm_choices[i];
        if (p->h == h && p->w == w && p->back == back && imp_conv_alike(&p->conv, conv))
            return (imp_algorithm_choice *)p;
    }
    return NULL;
}

/* Notes a preference, in place of an earlier one for the same; false: there is no room for it. */
static inline bool imp_choose_algorithm(imp_device *d, const imp_algorithm_choice *p) {
    imp_algorithm_choice *place = imp_algorithm_choice_of(d, &p->conv, p->h, p->w, p->back);
    if (!place && d->algorithm_choice_count < IMP_ALGORITHM_CHOICES_MAX)
        place = &d->algorithm_choices[d->algorithm_choice_count++];
    if (place)
        *place = *p;
    return place;
}

static inline void imp_forget_algorithm(imp_device *d, const imp_conv *conv, size_t h, size_t w,
                                        bool back) {
    imp_algorithm_choice *place = imp_algorithm_choice_of(d, conv, h, w, back);
    if (place)
        *place = d->algorithm_choices[--d->algorithm_choice_count];
}

/* ---- Helpers of every backend and of the engine: device.c ---- */

/* Copies a device's last error into err (the first error wins), clears it in the device, and
 * returns its status. */
imp_status imp_fail_device(imp_error *err, imp_device *device);

/* Places a tensor behind *cursor and moves it on; SIZE_MAX sticks. */
imp_tensor imp_place(const imp_device *device, size_t *cursor, imp_layout layout, size_t c,
                     size_t h, size_t w);

#endif
