/* SPDX-License-Identifier: MIT
 *
 * The cpu backend's device: which instruction set it runs on, its memory, its table of operations.
 */
#include "cpu/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "backend/profile.h"
#include "base/clock.h"
#include "base/pages.h"
#include "cpu/cpu.h"

/* ---- memory ---- */

bool imp_native_take(imp_native *n, imp_memory *memory, size_t bytes) {
    *memory = (imp_memory){0};
    if (bytes > n->base.info.memory_bytes) /* the system would promise it and not keep its word */
        return false;
    memory->bytes = imp_pages_take(IMP_ALIGNMENT, bytes);
    if (!memory->bytes)
        return false;
    memory->size = bytes;
    n->base.counters.allocations++;
    imp_count_bytes(&n->base.counters, (int64_t)bytes);
    return true;
}

void imp_native_drop(imp_native *n, imp_memory *memory) {
    free(memory->bytes);
    imp_count_bytes(&n->base.counters, -(int64_t)memory->size);
    *memory = (imp_memory){0};
}

/* Makes memory at least so large; what stood in it is lost. */
static imp_status grow(imp_native *n, imp_memory *memory, size_t bytes) {
    if (bytes <= memory->size)
        return IMP_OK;
    imp_native_drop(n, memory);
    if (!imp_native_take(n, memory, bytes))
        return imp_fail(&n->base.error, IMP_ERR_MEMORY,
                        "device 'cpu': no memory for %zu MiB of working space: choose a smaller "
                        "size or fewer threads",
                        bytes >> 20);
    return IMP_OK;
}

imp_status imp_native_reserve(imp_native *n, size_t floats) {
    for (unsigned i = 0; i < imp_threads_count(n->threads); i++)
        TRY(grow(n, &n->workers[i], floats * sizeof(float)));
    return IMP_OK;
}

float *imp_native_space(const imp_native *n, unsigned worker) {
    return (float *)(void *)n->workers[worker].bytes;
}

float *imp_native_shared(imp_native *n, size_t floats) {
    if (grow(n, &n->shared, floats * sizeof(float)) != IMP_OK)
        return NULL;
    return (float *)(void *)n->shared.bytes;
}

static size_t place(const imp_device *d, imp_tensor *t, size_t cursor) {
    (void)d;
    t->at = imp_over(cursor, IMP_ALIGNMENT) * IMP_ALIGNMENT;
    return t->at + imp_native_count(*t) * sizeof(float);
}

static imp_status alloc(imp_device *d, imp_memory **out, size_t bytes) {
    imp_memory *memory = malloc(sizeof *memory);
    if (!memory || !imp_native_take(imp_native_of(d), memory, bytes)) {
        free(memory);
        return imp_fail(&d->error, IMP_ERR_MEMORY,
                        "device 'cpu': no memory for %zu MiB: choose a smaller size", bytes >> 20);
    }
    *out = memory;
    return IMP_OK;
}

static void release(imp_device *d, imp_memory *memory) {
    if (memory)
        imp_native_drop(imp_native_of(d), memory);
    free(memory);
}

/* ---- to and from the host ---- */

/* A tensor and the same numbers as C planes; one of them is written. */
struct transfer {
    imp_tensor t;
    float *to;
    const float *from;
};

static void write_block(void *context, size_t block, unsigned worker) {
    (void)worker;
    const struct transfer *job = context;
    const size_t m = job->t.h * job->t.w, c = block * IMP_BLOCK;
    const size_t lanes = imp_min(job->t.c - c, IMP_BLOCK);
    float *to = imp_native_floats(job->t) + c * m;
    for (size_t p = 0; p < m; p++)
        for (size_t l = 0; l < IMP_BLOCK; l++)
            *to++ = l < lanes ? job->from[(c + l) * m + p] : 0;
}

static void read_block(void *context, size_t block, unsigned worker) {
    (void)worker;
    const struct transfer *job = context;
    const size_t m = job->t.h * job->t.w, c = block * IMP_BLOCK;
    const float *from = imp_native_floats(job->t) + c * m;
    for (size_t l = 0; l < imp_min(job->t.c - c, IMP_BLOCK); l++)
        for (size_t p = 0; p < m; p++)
            job->to[(c + l) * m + p] = from[p * IMP_BLOCK + l];
}

static imp_status write_tensor(imp_device *d, imp_tensor dst, const float *src) {
    struct transfer job = {.t = dst, .from = src};
    if (dst.layout == IMP_PLANES)
        memcpy(imp_native_floats(dst), src, imp_native_count(dst) * sizeof(float));
    else
        imp_threads_run(imp_native_of(d)->threads, imp_native_blocks(dst.c), write_block, &job);
    d->counters.writes++;
    return IMP_OK;
}

static imp_status read_tensor(imp_device *d, float *dst, imp_tensor src) {
    struct transfer job = {.t = src, .to = dst};
    if (src.layout == IMP_PLANES)
        memcpy(dst, imp_native_floats(src), imp_native_count(src) * sizeof(float));
    else
        imp_threads_run(imp_native_of(d)->threads, imp_native_blocks(src.c), read_block, &job);
    d->counters.reads++;
    return IMP_OK;
}

static imp_status sync_device(imp_device *d) {
    (void)d; /* every slot returns when it is done */
    return IMP_OK;
}

void imp_native_seal(imp_tensor t) {
    const size_t lanes = t.c % IMP_BLOCK;
    if (t.layout != IMP_MAPS || lanes == 0)
        return;
    float *pixel = imp_native_floats(t) + t.c / IMP_BLOCK * IMP_BLOCK * t.h * t.w;
    for (size_t p = 0; p < t.h * t.w; p++, pixel += IMP_BLOCK)
        memset(pixel + lanes, 0, (IMP_BLOCK - lanes) * sizeof *pixel);
}

/* ---- the table: every slot timed and counted ---- */

#define TIMED(name, parameters, arguments)                                                         \
    static imp_status name parameters {                                                            \
        const double start = imp_now();                                                            \
        const imp_status status = imp_native_##name arguments;                                     \
        imp_profile_add(d->profile, #name, imp_now() - start);                                     \
        d->counters.launches++;                                                                    \
        return status;                                                                             \
    }

TIMED(conv, (imp_device * d, imp_tensor y, imp_tensor x, imp_filter *filter), (d, y, x, filter))
TIMED(conv_grad, (imp_device * d, imp_tensor dx, imp_tensor dy, imp_tensor y, imp_filter *filter),
      (d, dx, dy, y, filter))
TIMED(conv_pool,
      (imp_device * d, imp_tensor y, imp_tensor indices, imp_tensor x, imp_filter *filter,
       imp_pooling kind),
      (d, y, indices, x, filter, kind))
TIMED(conv_pool_grad,
      (imp_device * d, imp_tensor dx, imp_tensor dy, imp_tensor indices, imp_filter *filter,
       imp_pooling kind),
      (d, dx, dy, indices, filter, kind))
TIMED(pool, (imp_device * d, imp_tensor y, imp_tensor x, imp_pooling kind), (d, y, x, kind))
TIMED(pool_grad,
      (imp_device * d, imp_tensor dx, imp_tensor dy, imp_tensor x, imp_tensor y, imp_pooling kind),
      (d, dx, dy, x, y, kind))
TIMED(pool_indices, (imp_device * d, imp_tensor indices, imp_tensor x, imp_pooling kind),
      (d, indices, x, kind))
TIMED(unpool, (imp_device * d, imp_tensor dx, imp_tensor dy, imp_tensor indices, imp_pooling kind),
      (d, dx, dy, indices, kind))
TIMED(gram, (imp_device * d, imp_tensor g, imp_tensor s, imp_tensor f, bool accumulate),
      (d, g, s, f, accumulate))
TIMED(style,
      (imp_device * d, imp_tensor dm, imp_slot loss, imp_tensor g, imp_tensor target,
       imp_tensor metric, imp_tensor scratch, float scale, float weight),
      (d, dm, loss, g, target, metric, scratch, scale, weight))
TIMED(style_grad, (imp_device * d, imp_tensor df, imp_tensor dm, imp_tensor f), (d, df, dm, f))
TIMED(content,
      (imp_device * d, imp_tensor df, imp_slot loss, imp_tensor f, imp_tensor p, float weight),
      (d, df, loss, f, p, weight))
TIMED(tv,
      (imp_device * d, imp_tensor dx, imp_slot loss, imp_tensor x, imp_tv_form form, float weight),
      (d, dx, loss, x, form, weight))
TIMED(multiply, (imp_device * d, imp_tensor y, float alpha, imp_tensor a, imp_tensor b, float beta),
      (d, y, alpha, a, b, beta))
TIMED(covariance,
      (imp_device * d, imp_tensor y, imp_tensor g, imp_tensor s, float scale, float shift),
      (d, y, g, s, scale, shift))
TIMED(transport,
      (imp_device * d, imp_tensor v, imp_slot loss, imp_tensor dm, imp_tensor cov, imp_tensor root,
       imp_tensor s, imp_tensor mean, float trace, float scale, float weight),
      (d, v, loss, dm, cov, root, s, mean, trace, scale, weight))
TIMED(shift, (imp_device * d, imp_tensor f, imp_tensor v), (d, f, v))
TIMED(mask, (imp_device * d, imp_tensor y, imp_tensor x, imp_tensor t, bool add), (d, y, x, t, add))
TIMED(wrap, (imp_device * d, imp_tensor y, imp_tensor x), (d, y, x))
TIMED(wrap_grad, (imp_device * d, imp_tensor dx, imp_tensor dy), (d, dx, dy))
TIMED(affine, (imp_device * d, imp_tensor y, imp_tensor x, const imp_affine *a), (d, y, x, a))
TIMED(affine_grad, (imp_device * d, imp_tensor dx, imp_tensor dy, const imp_affine *a),
      (d, dx, dy, a))
TIMED(fill, (imp_device * d, imp_tensor x, float value), (d, x, value))
TIMED(combine, (imp_device * d, imp_tensor z, float a, imp_tensor x, float b, imp_tensor y),
      (d, z, a, x, b, y))
TIMED(clamp, (imp_device * d, imp_tensor x, float lo, float hi), (d, x, lo, hi))
TIMED(dot, (imp_device * d, imp_slot out, imp_tensor x, imp_tensor y), (d, out, x, y))
TIMED(norm1, (imp_device * d, imp_slot out, imp_tensor x), (d, out, x))
TIMED(rescale,
      (imp_device * d, imp_tensor y, float a, imp_slot by, float epsilon, float power, imp_tensor x,
       bool add),
      (d, y, a, by, epsilon, power, x, add))
TIMED(dots,
      (imp_device * d, imp_slot out, const imp_tensor *vectors, size_t n, imp_tensor x,
       imp_tensor y),
      (d, out, vectors, n, x, y))
TIMED(mix,
      (imp_device * d, imp_tensor z, float a, imp_tensor x, imp_tensor factors,
       const imp_tensor *vectors, size_t n),
      (d, z, a, x, factors, vectors, n))
TIMED(adam,
      (imp_device * d, imp_tensor x, imp_tensor g, imp_tensor m, imp_tensor v, const imp_adam *p),
      (d, x, g, m, v, p))

static void close_device(imp_device *d) {
    imp_native *n = imp_native_of(d);
    if (!n)
        return;
    for (unsigned i = 0; n->workers && i < imp_threads_count(n->threads); i++)
        free(n->workers[i].bytes);
    free(n->workers);
    free(n->shared.bytes);
    imp_threads_close(n->threads);
    imp_profile_close(d->profile);
    free(n);
}

static const imp_ops native_ops = {
    .name = "cpu",
    .close = close_device,
    .place = place,
    .alloc = alloc,
    .release = release,
    .write = write_tensor,
    .read = read_tensor,
    .sync = sync_device,
    .filter_open = imp_native_filter_open,
    .filter_close = imp_native_filter_close,
    .conv = conv,
    .conv_grad = conv_grad,
    .winograd = imp_native_winograd_of,
    .algorithm_name = imp_native_algorithm_name,
    .algorithm = imp_native_algorithm,
    .workspace = imp_native_workspace,
    .pool = pool,
    .pool_grad = pool_grad,
    .fuses_pool = imp_native_fuses_pool,
    .conv_pool = conv_pool,
    .conv_pool_grad = conv_pool_grad,
    .pool_indices = pool_indices,
    .unpool = unpool,
    .gram = gram,
    .style = style,
    .style_grad = style_grad,
    .content = content,
    .tv = tv,
    .multiply = multiply,
    .covariance = covariance,
    .transport = transport,
    .shift = shift,
    .mask = mask,
    .wrap = wrap,
    .wrap_grad = wrap_grad,
    .affine = affine,
    .affine_grad = affine_grad,
    .fill = fill,
    .combine = combine,
    .clamp = clamp,
    .dot = dot,
    .norm1 = norm1,
    .rescale = rescale,
    .dots = dots,
    .mix = mix,
    .adam = adam,
};

/* ---- opening ---- */

#ifdef __x86_64__
/* Not every compiler's __builtin_cpu_supports knows it. */
static bool has_f16c(void) {
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

/* The instruction sets that this processor runs, best first; gives their number. */
static size_t kernels_here(const imp_kernels *out[3]) {
    size_t count = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        out[count++] = &imp_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
        out[count++] = &imp_kernels_avx2;
#endif
    out[count++] = &imp_kernels_base;
    return count;
}

static imp_status choose_kernels(imp_native *n, imp_error *err) {
    const imp_kernels *here[3];
    const size_t count = kernels_here(here);
    const char *wanted = getenv("IMPASTO_ISA");
    n->kernels = here[0];
    if (!wanted || !*wanted)
        return IMP_OK;
    for (size_t i = 0; i < count; i++)
        if (strcmp(here[i]->name, wanted) == 0) {
            n->kernels = here[i];
            return IMP_OK;
        }
    return imp_fail(err, IMP_ERR_UNSUPPORTED,
                    "IMPASTO_ISA: '%s' is not base, avx2 or avx512, or this processor lacks it",
                    wanted);
}

/* The value of the first line of /proc/cpuinfo that begins with key, or the fallback. */
static void cpuinfo(char *out, size_t size, const char *key, const char *fallback) {
    char line[256];
    snprintf(out, size, "%s", fallback);
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(out, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (file)
        fclose(file);
}

static void describe(imp_native *n) {
    imp_device_info *info = &n->base.info;
    info->kind = IMP_DEVICE_CPU;
    info->index = -1;
    snprintf(info->platform, sizeof info->platform, "Impasto");
    cpuinfo(info->vendor, sizeof info->vendor, "vendor_id", "");
    cpuinfo(info->name, sizeof info->name, "model name", "cpu");
    snprintf(info->driver, sizeof info->driver, "%s %s", imp_version(), n->kernels->name);
    info->units = imp_threads_count(n->threads);
    info->usable = true;
}

imp_status imp_cpu_open(imp_device **out, const imp_device_options *options, imp_error *err) {
    imp_native *n = calloc(1, sizeof *n);
    if (!n)
        return imp_fail(err, IMP_ERR_MEMORY, "device 'cpu': no memory to open it");
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    n->base.ops = &native_ops;
    n->base.info.memory_bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : SIZE_MAX;
    n->base.info.max_alloc_bytes = n->base.info.memory_bytes;
    if (options)
        n->base.options = *options;
    imp_status status = choose_kernels(n, err);
    if (status == IMP_OK) {
        n->threads = imp_threads_open(n->base.options.threads);
        n->workers = n->threads ? calloc(imp_threads_count(n->threads), sizeof *n->workers) : NULL;
        n->base.profile = n->base.options.profile ? imp_profile_open() : NULL;
        if (!n->workers || (n->base.options.profile && !n->base.profile))
            status = imp_fail(err, IMP_ERR_MEMORY, "device 'cpu': no memory to open it");
    }
    if (status != IMP_OK) {
        close_device(&n->base);
        return status;
    }
    describe(n);
    *out = &n->base;
    return IMP_OK;
}
