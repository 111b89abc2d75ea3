/* SPDX-License-Identifier: MIT
 *
 * What every backend implements: the types that operations work on, their table, and the device.
 * The operations themselves are in operations.def. The oracle (host/cpu/oracle.c) fills the table
 * with plain loops and double sums and thereby *defines* what is right. Every other backend is
 * compared with it, slot by slot, by its self-test (host/selftest) and by tests/test_operations.c.
 *
 * Letters:  C channels, H rows, W columns, M = H*W positions of a map; O, I output and input
 * channels of filters; K side of a kernel; x the input of an operation, y its output, dx and dy the
 * gradients of the loss with respect to them; F a feature map seen as C x M.
 *
 * Memory. A backend hands out memory objects; a tensor is a place in one. `maps` tensors are
 * feature maps in the backend's own layout; `planes` tensors (pictures, optimiser vectors, Gram
 * matrices 1 x C x C, the scalars) are C planes of H*W floats in every backend. `at` is a byte
 * address in the memory object's own address space. Only `place` knows where a tensor may lie and
 * how much it covers, so a backend can keep the parts of one tensor in several allocations.
 *
 * Errors: the status, and one line in device->error.
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

/* An algorithm of conv or conv_grad. flop: its multiply-adds, counted as two each, without those of
 * transforms and padding. */
typedef struct imp_algorithm {
    const char *name; /* static */
    double flop;
} imp_algorithm;

/* The algorithm `name` for these tensors (back: dx and dy in place of y and x). w: its Winograd
 * matrices; NULL: it is a direct one. */
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

/* With this factor L2 pooling keeps features at about the size that maximum pooling gives them. */
#define IMP_POOL_L2_SCALE 0.78

/* y = m x + o for each pixel: m is 3 x 3, row = output channel. */
typedef struct imp_affine {
    float m[3][3], o[3];
} imp_affine;

enum { IMP_INDICES = 6 }; /* windows that share an element of the pooling indices */

typedef struct imp_adam {
    float step; /* pytorch: lr / (1 - b1^t); keras: lr sqrt(1 - b2^t) / (1 - b1^t) */
    float root; /* pytorch: 1 / sqrt(1 - b2^t); keras: 1 */
    float beta1, beta2, epsilon;
} imp_adam;

/* The scalars: a reduction writes IMP_PARTIALS partial sums to slot i of a `planes` tensor of shape
 * slots x 1 x IMP_PARTIALS. Its value is their sum. So it needs no second pass, and other
 * operations can use the value without the host. */
enum { IMP_PARTIALS = 64 };
typedef struct imp_slot {
    imp_tensor scalars;
    size_t i;
} imp_slot;

typedef struct imp_counters {
    uint64_t allocations, builds, writes, reads, launches;
    uint64_t bytes, peak; /* memory that the device holds now, and the most it has held */
} imp_counters;

/* Counts bytes of device memory: allocated, or released if negative. */
static inline void imp_count_bytes(imp_counters *c, int64_t taken) {
    c->bytes += (uint64_t)taken;
    c->peak = c->bytes > c->peak ? c->bytes : c->peak;
}

/* The parameters of a slot, (type, name)(type, name)..., as declarations and as arguments; each
 * with a comma before it. */
#define IMP_PARAMETERS(list)            IMP_END_(IMP_DECLARE_A_ list)
#define IMP_ARGUMENTS(list)             IMP_END_(IMP_PASS_A_ list)
#define IMP_DECLARE_A_(type, parameter) , type parameter IMP_DECLARE_B_
#define IMP_DECLARE_B_(type, parameter) , type parameter IMP_DECLARE_A_
#define IMP_DECLARE_A__END
#define IMP_DECLARE_B__END
#define IMP_PASS_A_(type, parameter) , parameter IMP_PASS_B_
#define IMP_PASS_B_(type, parameter) , parameter IMP_PASS_A_
#define IMP_PASS_A__END
#define IMP_PASS_B__END
#define IMP_END_(...)     IMP_END_NOW_(__VA_ARGS__)
#define IMP_END_NOW_(...) __VA_ARGS__##_END

/* One const table of these for each backend. operations.def holds the contract of every slot.
 * A backend makes its prototypes and its table as the oracle does (cpu/oracle.h, cpu/oracle.c). To
 * use a function of another backend, it names it before the list: #define ocl_fill other_fill. */
typedef struct imp_ops {
#define SLOT(type, name, device, parameters) type (*name)(device d IMP_PARAMETERS(parameters));
#include "backend/operations.def"
} imp_ops;

/* Which algorithm makes a convolution whose outputs are h x w, or (back) its gradient. algorithm:
 * as algorithm_name numbers them; 0, and a number that does not exist: the backend decides. */
typedef struct imp_algorithm_choice {
    imp_conv conv;
    size_t h, w;
    bool back;
    unsigned algorithm;
} imp_algorithm_choice;

enum { IMP_ALGORITHMS_MAX = IMP_TUNED_ALGORITHMS, IMP_ALGORITHM_CHOICES_MAX = 512 };

/* What every backend's device begins with. The algorithm choices stay the same until the last
 * session on the device is closed. */
struct imp_device {
    const imp_ops *ops;
    const struct imp_backend *backend; /* backend/backend.h */
    imp_error error;                   /* of the last failing operation */
    imp_device_info info;
    imp_device_options options;
    imp_counters counters;
    struct imp_profile *profile; /* NULL unless options.profile; backend/profile.h */
    unsigned sessions;           /* that are open */
    size_t algorithm_choice_count;
    imp_algorithm_choice algorithm_choices[IMP_ALGORITHM_CHOICES_MAX];
};

/* A network's convolution in the precision that the device was opened with. */
static inline imp_conv imp_conv_on(const imp_device *d, imp_conv conv) {
    conv.half = d->options.precision == IMP_FP16;
    return conv;
}

/* The choice made for outputs of h x w; NULL: none. */
static inline imp_algorithm_choice *
imp_algorithm_choice_of(const imp_device *d, const imp_conv *conv, size_t h, size_t w, bool back) {
    for (size_t i = 0; i < d->algorithm_choice_count; i++) {
        const imp_algorithm_choice *p = &d->algorithm_choices[i];
        if (p->h == h && p->w == w && p->back == back && imp_conv_alike(&p->conv, conv))
            return (imp_algorithm_choice *)p;
    }
    return NULL;
}

/* Makes a choice, or replaces the one for the same convolution; false: the table is full. */
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

/* ---- device.c: helpers of every backend and of the engine ---- */

/* Moves a device's last error to err, unless err holds one already, and returns its status. */
imp_status imp_fail_device(imp_error *err, imp_device *device);
#ifdef __clang_analyzer__ /* which does not see that the status is an error */
#define imp_fail_device(err, device) ((void)imp_fail_device(err, device), IMP_ERR_DEVICE)
#endif

/* Logs a line if the options ask for its level. */
__attribute__((format(printf, 3, 4))) void
imp_device_say(const imp_device_options *options, imp_log_level level, const char *format, ...);

/* Counts a step of opening or testing a device in options->watch, if there is one. */
void imp_device_step(const imp_device_options *options);

/* Places a tensor at *cursor and moves *cursor behind it. Once SIZE_MAX, *cursor stays so. */
imp_tensor imp_place(const imp_device *device, size_t *cursor, imp_layout layout, size_t c,
                     size_t h, size_t w);

#endif
