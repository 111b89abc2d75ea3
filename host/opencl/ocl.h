/* SPDX-License-Identifier: MIT
 *
 * What the files of the OpenCL backend share: the device, memory in chunks, launches.
 *
 * A slot of ops.h looks like this:
 *
 *     imp_status ocl_combine(imp_device *d, imp_tensor z, float a, imp_tensor x, ...) {
 *         ocl_device *cl = ocl_enter(d, combine);          launches now count for `combine`
 *         ocl_run run = {0};
 *         while (ocl_next(&run, 3, (imp_tensor[]){z, x, y}))
 *             TRY(ocl_launch(cl, combine, ocl_each(cl, run.floats), at(run.span[0]),
 *                            at(run.span[1]), at(run.span[2]), f32(a), f32(b), u64(run.floats)));
 *         return IMP_OK;
 *     }
 *
 * Memory. The address space of a memory object is a row of chunks (cl_mem) of cl->chunk bytes each;
 * the last one may be shorter. A tensor is a row of *units* of equal size. A unit lies wholly in
 * one chunk; units in the same chunk are contiguous. Wide maps that fit into one chunk lie in one:
 *
 *     planes           one plane: H*W floats                        C units
 *     maps, simt       one plane: H*W floats (as planes)            C units
 *     maps, wide       cl->block = 16 channels, innermost: H*W*16   ceil(C/16) units
 *
 * The padding channels of wide maps (C..16*ceil(C/16)-1) are zero; every kernel that writes maps
 * keeps them so. A *run* is the longest row of units that are contiguous in each of several
 * tensors. An operation that works element by element loops over the common runs of its tensors.
 * One whose outputs need all inputs loops over pairs of runs and lets the kernel add:
 *
 *     ocl_run out = {0};
 *     while (ocl_next(&out, 1, &y)) {
 *         ocl_run in = {0};
 *         while (ocl_next(&in, 1, &x))
 *             TRY(ocl_launch(cl, conv, ..., at(out.span[0]), at(in.span[0]),
 *                            u32(in.unit), u32(in.units),   which input units these are
 *                            i32(in.first),                 start from the bias, or from y
 *                            i32(in.last)));                ReLU: only once all is added
 *     }
 *
 * Mostly a tensor lies in one chunk; then there is one run and one launch.
 *
 * For tests and development: IMPASTO_FAULT=build:KERNEL (its source does not compile), alloc:N (a
 * device's N-th allocation of memory fails), launch:NAME (launches of that kernel, or of that
 * operation, fail), forget:programs (the driver is taken to keep no programs).
 * IMPASTO_CLASS=wide|simt and IMPASTO_MAX_ALLOC=BYTES override what the device reports;
 * IMPASTO_CL_DIR=FOLDER: the kernels are read from there. cl/README.md tells about kernels.
 */
#ifndef IMP_OCL_H
#define IMP_OCL_H

#include <CL/cl.h>

#include "backend/ops.h"

/* ---- names ---- */

/* Kernels: cl/kernels.def. */
#define K(name, arguments) OCL_K_##name,
typedef enum ocl_kernel {
#include "kernels.def"
    OCL_KERNELS
} ocl_kernel;
#undef K

/* What launches count for: a slot, or the measurement of the device (measure.c). */
#define SLOT(type, name, device, parameters) OCL_OP_##name,
typedef enum ocl_operation {
#include "backend/operations.def"
    OCL_OP_measure,
    OCL_OPERATIONS
} ocl_operation;

/* ---- the device ---- */

/* Two classes of devices, each with its own memory layout of maps and form of kernels. wide:
 * processors; one work-item a work-group, float16 vectors, no local memory, no barriers. simt:
 * everything else; maps as planes, groups of 64 to 256 work-items, at most 32 KiB of local memory.
 */
typedef enum ocl_class { OCL_WIDE, OCL_SIMT } ocl_class;

enum { OCL_EVENTS = 1024 };

typedef struct ocl_event {
    cl_event event; /* owned */
    ocl_operation operation;
} ocl_event;

typedef struct ocl_device {
    imp_device base;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue; /* in order; with profiling when base.options.profile */
    cl_program program;
    cl_kernel kernels[OCL_KERNELS];
    size_t local[OCL_KERNELS][3]; /* each kernel's reqd_work_group_size */
    ocl_class class;
    const char *variant; /* name and options of the line of tiles.def */
    const char *options;
    size_t block;       /* channels in a unit of maps: 16 or 1 */
    size_t turns;       /* most iterations of all loops of a work-item (turns_of) */
    size_t chunk;       /* most bytes of one cl_mem; a multiple of 4096 */
    cl_mem work;        /* the work space: temporary values of one slot; the queue is in order */
    size_t work_floats; /* 16 Mi, for processors 4 Mi a core and more; at most a chunk */
    cl_mem staging;     /* the host writes here; a kernel copies it on */
    size_t staging_floats;
    size_t in_use;           /* bytes in buffers */
    char fault[64];          /* IMPASTO_FAULT when the device was opened */
    ocl_operation operation; /* that launches count for */
    uint64_t launches[OCL_OPERATIONS];
    unsigned unflushed; /* launches since the last flush */
    size_t events_used;
    ocl_event *events;     /* OCL_EVENTS of them, only with base.options.profile */
    struct ocl_gemm *gemm; /* gemm.c's own; NULL before its first use */
} ocl_device;

/* The OpenCL device of a slot's imp_device. Launches count for `operation` from now on. */
static inline ocl_device *ocl_enter_operation(imp_device *d, ocl_operation operation) {
    ocl_device *cl = (ocl_device *)d;
    cl->operation = operation;
    return cl;
}
#define ocl_enter(device, name) ocl_enter_operation(device, OCL_OP_##name)

/* discover.c: the id of device `index` and its description; info->usable and reason are set. */
bool ocl_find(cl_device_id *id, imp_device_info *info, size_t index);
/* The most bytes of one cl_mem: the device's limit, lowered by IMPASTO_MAX_ALLOC. */
uint64_t ocl_allocation_limit(cl_device_id id);

/* The slots: ocl_conv is conv of backend/operations.def; table.c has the table. */
extern const imp_ops ocl_table;
#define SLOT(type, name, device, parameters) type ocl_##name(device d IMP_PARAMETERS(parameters));
#include "backend/operations.def"

/* program.c: sets cl->program, kernels and local, from the cache or by compiling, which counts as a
 * build. */
imp_status ocl_program_open(ocl_device *cl);
void ocl_program_close(ocl_device *cl);

/* ---- errors (device.c) ---- */

/* "CL_OUT_OF_RESOURCES" and the like; "unknown error" for codes that OpenCL 1.2 does not name. */
const char *ocl_error_name(cl_int code);
/* Sets the device's error to "device 'NAME': WHAT: CL_... (-5)...". Returns IMP_ERR_MEMORY for
 * codes that mean so, else IMP_ERR_DEVICE; IMP_OK, without an error, for CL_SUCCESS. */
imp_status ocl_check(ocl_device *cl, cl_int code, const char *what);
/* Whether IMPASTO_FAULT asks that `what` (such as "launch") fails for `name`. */
bool ocl_fault(const ocl_device *cl, const char *what, const char *name);

/* ---- memory (memory.c) ---- */

typedef struct ocl_span {
    cl_mem memory; /* borrowed */
    cl_ulong at;   /* offset in floats */
    size_t units;  /* contiguous in the same chunk, from this one on */
} ocl_span;

static inline bool ocl_alike(const imp_tensor *a, const imp_tensor *b) {
    return a->c == b->c && a->h == b->h && a->w == b->w && a->layout == b->layout;
}
/* The number of a tensor's units, and the floats of each. */
size_t ocl_units(const ocl_device *cl, const imp_tensor *t);
size_t ocl_unit_floats(const ocl_device *cl, const imp_tensor *t);
/* The place of unit i of a tensor. */
ocl_span ocl_unit(const imp_tensor *t, size_t i);

enum { OCL_RUN_TENSORS = 4 };
typedef struct ocl_run {
    size_t unit, units, floats; /* the first unit, their number, the floats of them all */
    bool first, last;           /* of the tensor's runs */
    ocl_span span[OCL_RUN_TENSORS];
} ocl_run;

/* Advances a run (all zeros before the first) to the next common run of n <= 4 tensors with equal
 * numbers of units, whose sizes may differ; floats is that of tensors[0]. False after the last. */
bool ocl_next(ocl_run *run, size_t n, const imp_tensor *tensors);

/* The place of slot i of scalars. */
static inline ocl_span ocl_slot(imp_slot slot) {
    return ocl_unit(&slot.scalars, slot.i);
}
/* The device's work space from this float on. */
static inline ocl_span ocl_work(const ocl_device *cl, size_t floats) {
    return (ocl_span){cl->work, floats, 1};
}

/* A plain buffer of at most cl->chunk bytes, filled with floats from host unless that is NULL. The
 * caller releases it by ocl_buffer_release, after a failure too. For more bytes use a `planes`
 * tensor in memory from ocl_alloc, written by ocl_write. */
imp_status ocl_buffer(ocl_device *cl, cl_mem *out, size_t bytes, const void *host);
void ocl_buffer_release(ocl_device *cl, cl_mem memory, size_t bytes);

/* ---- launches (launch.c) ---- */

typedef struct ocl_arg {
    enum { OCL_SPAN, OCL_VALUE } kind;
    size_t size; /* of a value */
    union {
        ocl_span span; /* two parameters: __global float *x, ulong x_at */
        cl_int i;
        cl_uint u;
        cl_ulong l;
        cl_float f;
        cl_float f4[4];
    };
} ocl_arg;

static inline ocl_arg at(ocl_span span) {
    return (ocl_arg){.kind = OCL_SPAN, .span = span};
}
static inline ocl_arg i32(size_t value) {
    return (ocl_arg){.kind = OCL_VALUE, .size = sizeof(cl_int), .i = (cl_int)value};
}
static inline ocl_arg u32(size_t value) {
    return (ocl_arg){.kind = OCL_VALUE, .size = sizeof(cl_uint), .u = (cl_uint)value};
}
static inline ocl_arg u64(size_t value) {
    return (ocl_arg){.kind = OCL_VALUE, .size = sizeof(cl_ulong), .l = value};
}
static inline ocl_arg f32(float value) {
    return (ocl_arg){.kind = OCL_VALUE, .size = sizeof(cl_float), .f = value};
}
static inline ocl_arg f32x4(float a, float b, float c, float d) {
    return (ocl_arg){.kind = OCL_VALUE, .size = 4 * sizeof(cl_float), .f4 = {a, b, c, d}};
}

/* The number of work-items (rounded up to whole groups; kernels guard their ends) or of groups. */
typedef struct ocl_grid {
    size_t n[3];
    bool groups;
} ocl_grid;

static inline ocl_grid grid1(size_t x) {
    return (ocl_grid){{x, 1, 1}, false};
}
static inline ocl_grid grid2(size_t x, size_t y) {
    return (ocl_grid){{x, y, 1}, false};
}
static inline ocl_grid grid3(size_t x, size_t y, size_t z) {
    return (ocl_grid){{x, y, z}, false};
}
static inline ocl_grid groups1(size_t x) {
    return (ocl_grid){{x, 1, 1}, true};
}
static inline ocl_grid groups2(size_t x, size_t y) {
    return (ocl_grid){{x, y, 1}, true};
}
static inline ocl_grid groups3(size_t x, size_t y, size_t z) {
    return (ocl_grid){{x, y, z}, true};
}

/* The grid of a kernel whose work-items share `floats` floats by EACH of cl/prelude.cl. */
ocl_grid ocl_each(const ocl_device *cl, size_t floats);

/* Multiply-adds of a launch on a graphics processor: at 86 GFLOP/s, less than small ones reach,
 * they take 100 ms. A display that shares the device stands still meanwhile, and drivers end
 * launches of some seconds. */
#define OCL_MOST_PRODUCTS ((size_t)1 << 32)

/* Enqueues a kernel and counts it for the current operation. Arguments: at(span), i32, u32, u64,
 * f32, f32x4, in the kernel's order. Asserts their number; an error of the driver is an error. */
#define ocl_launch(cl, name, grid, ...)                                                            \
    ocl_enqueue(cl, OCL_K_##name, grid, (const ocl_arg[]){__VA_ARGS__},                            \
                sizeof((const ocl_arg[]){__VA_ARGS__}) / sizeof(ocl_arg))
imp_status ocl_enqueue(ocl_device *cl, ocl_kernel kernel, ocl_grid grid, const ocl_arg *arguments,
                       size_t count);

/* The kernel's name and number of parameters in kernels.def. */
const char *ocl_kernel_name(ocl_kernel kernel);
unsigned ocl_kernel_arguments(ocl_kernel kernel);
/* Whether devices of a class have the kernel. */
bool ocl_kernel_in(ocl_kernel kernel, ocl_class class);

/* For commands that are enqueued on cl->queue by other means (CLBlast, copies): the place for the
 * command's event, NULL without a profile. Call ocl_launched afterwards to count a launch for the
 * current operation, or ocl_enqueued to count none. Both keep the event and flush the queue now and
 * then. */
cl_event *ocl_event_place(ocl_device *cl);
imp_status ocl_launched(ocl_device *cl);
imp_status ocl_enqueued(ocl_device *cl);
/* Waits for all work, and adds the events' seconds to the profile. */
imp_status ocl_finish(ocl_device *cl);

/* gemm.c */
void ocl_gemm_close(ocl_device *cl); /* NULL in cl->gemm is fine */

#endif
