/* SPDX-License-Identifier: MIT
 *
 * The cpu backend: its instruction set, its memory, its table of operations, its devices.
 */
#include "cpu/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "backend/profile.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/pages.h"
#include "cpu/cpu.h"

/* ---- memory ---- */

bool imp_native_take(imp_native *n, imp_memory *memory, size_t bytes) {
    *memory = (imp_memory){0};
    if (bytes > n->base.info.memory_bytes) /* the system would grant it and fail later */
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

/* Makes memory at least `bytes` large; its contents are lost. */
static imp_status grow(imp_native *n, imp_memory *memory, size_t bytes) {
    if (bytes <= memory->size)
        return IMP_OK;
    imp_native_drop(n, memory);
    if (!imp_native_take(n, memory, bytes))
        return imp_fail(&n->base.error, IMP_ERR_MEMORY,
                        "device 'cpu': no memory for a workspace of %zu MiB: choose a smaller "
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

size_t imp_native_place(const imp_device *d, imp_tensor *t, size_t cursor) {
    (void)d;
    t->at = imp_over(cursor, IMP_ALIGNMENT) * IMP_ALIGNMENT;
    return t->at + imp_native_count(*t) * sizeof(float);
}

imp_status imp_native_alloc(imp_device *d, imp_memory **out, size_t bytes) {
    imp_memory *memory = malloc(sizeof *memory);
    if (!memory || !imp_native_take(imp_native_of(d), memory, bytes)) {
        free(memory);
        return imp_fail(&d->error, IMP_ERR_MEMORY,
                        "device 'cpu': no memory for %zu MiB: choose a smaller size", bytes >> 20);
    }
    *out = memory;
    return IMP_OK;
}

void imp_native_release(imp_device *d, imp_memory *memory) {
    if (memory)
        imp_native_drop(imp_native_of(d), memory);
    free(memory);
}

/* ---- to and from the host ---- */

/* A tensor and the same numbers as C planes: `to` is written, or `from` is read. */
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

imp_status imp_native_write(imp_device *d, imp_tensor dst, const float *src) {
    struct transfer job = {.t = dst, .from = src};
    if (dst.layout == IMP_PLANES)
        memcpy(imp_native_floats(dst), src, imp_native_count(dst) * sizeof(float));
    else
        imp_threads_run(imp_native_of(d)->threads, imp_native_blocks(dst.c), write_block, &job);
    d->counters.writes++;
    return IMP_OK;
}

imp_status imp_native_read(imp_device *d, float *dst, imp_tensor src) {
    struct transfer job = {.t = src, .to = dst};
    if (src.layout == IMP_PLANES)
        memcpy(dst, imp_native_floats(src), imp_native_count(src) * sizeof(float));
    else
        imp_threads_run(imp_native_of(d)->threads, imp_native_blocks(src.c), read_block, &job);
    d->counters.reads++;
    return IMP_OK;
}

imp_status imp_native_sync(imp_device *d) {
    (void)d; /* every slot returns only when it is done */
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

/* ---- the table ---- */

/* timed_conv: conv, timed and counted. */
#define OP(name, parameters)                                                                       \
    static imp_status timed_##name(imp_device *d IMP_PARAMETERS(parameters)) {                     \
        const double start = imp_now();                                                            \
        const imp_status status = imp_native_##name(d IMP_ARGUMENTS(parameters));                  \
        imp_profile_add(d->profile, #name, imp_now() - start);                                     \
        d->counters.launches++;                                                                    \
        return status;                                                                             \
    }
#include "backend/operations.def"

static const imp_ops native_ops = {
#define SLOT(type, name, device, parameters) .name = imp_native_##name,
#define OP(name, parameters)                 .name = timed_##name,
#include "backend/operations.def"
};

/* ---- opening and closing ---- */

#ifdef __x86_64__
/* Some compilers' __builtin_cpu_supports does not know it. */
static bool has_f16c(void) {
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

/* The instruction sets of this processor, best first; returns their number. */
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
    snprintf(info->platform, sizeof info->platform, "Impasto");
    cpuinfo(info->vendor, sizeof info->vendor, "vendor_id", "");
    cpuinfo(info->name, sizeof info->name, "model name", "cpu");
    snprintf(info->driver, sizeof info->driver, "%s %s", imp_version(), n->kernels->name);
    info->units = imp_threads_count(n->threads);
    info->usable = true;
}

void imp_native_close(imp_device *d) {
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

imp_status imp_cpu_open(imp_device **out, const imp_device_options *options, imp_error *err) {
    imp_native *n = calloc(1, sizeof *n);
    if (!n)
        return imp_fail(err, IMP_ERR_MEMORY, "device 'cpu': no memory to open it");
    n->base.ops = &native_ops;
    n->base.backend = &imp_cpu_backend;
    n->base.info = imp_backend_info(&imp_cpu_backend, -1);
    n->base.info.memory_bytes = imp_memory_bytes();
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
        imp_native_close(&n->base);
        return status;
    }
    describe(n);
    *out = &n->base;
    return IMP_OK;
}

static size_t list_devices(imp_device_info *out, size_t cap, const imp_device_options *options) {
    imp_device *d = NULL;
    if (cap == 0)
        return 1;
    *out = imp_backend_info(&imp_cpu_backend, -1);
    if (imp_cpu_open(&d, options, NULL) == IMP_OK) {
        *out = d->info;
        d->ops->close(d);
    }
    return 1;
}

static imp_status open_device(imp_device **out, size_t index, const imp_device_options *options,
                              imp_error *err) {
    (void)index;
    return imp_cpu_open(out, options, err);
}

const imp_backend imp_cpu_backend = {.name = "cpu",
                                     .role = IMP_BACKEND_PROCESSOR,
                                     .shares_host_memory = true,
                                     .list = list_devices,
                                     .open = open_device,
                                     .measure = imp_cpu_measure};
