/* SPDX-License-Identifier: MIT
 *
 * Device memory: address spaces over chunks, tensors in units, runs of units, and transfers between
 * host and device. ocl.h explains the layout.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "opencl/ocl.h"

enum { ALIGNMENT = 256 };

struct imp_memory {
    ocl_device *cl; /* borrowed */
    size_t bytes, count;
    cl_mem chunks[]; /* cl->chunk bytes each; the last one the rest */
};

/* ---- transfers ---- */

/* Copies n floats to the device, through its staging buffer. A driver could write them to their
 * place at once; but after a write to a part of a buffer Oclgrind 21.10 forgets which other
 * elements have a value, and its check for uninitialised reads is worth one copy of data that is
 * seldom written. */
static imp_status transfer_in(ocl_device *cl, ocl_span to, const float *from, size_t n) {
    for (size_t k = 0, piece; k < n; k += piece, to.at += piece) {
        piece = n - k < cl->staging_floats ? n - k : cl->staging_floats;
        const cl_int code =
            clEnqueueWriteBuffer(cl->queue, cl->staging, CL_TRUE, 0, piece * sizeof(cl_float),
                                 from + k, 0, NULL, ocl_event_place(cl));
        TRY(ocl_check(cl, code, "writing to the device"));
        TRY(ocl_enqueued(cl));
        TRY(ocl_launch(cl, copy, ocl_each(cl, piece), at(to), at((ocl_span){cl->staging, 0, 1}),
                       u64(piece)));
    }
    return IMP_OK;
}

static imp_status transfer_out(ocl_device *cl, float *to, ocl_span from, size_t n) {
    const cl_int code =
        clEnqueueReadBuffer(cl->queue, from.memory, CL_TRUE, from.at * sizeof(cl_float),
                            n * sizeof(cl_float), to, 0, NULL, ocl_event_place(cl));
    TRY(ocl_check(cl, code, "reading from the device"));
    return ocl_enqueued(cl);
}

/* ---- buffers ---- */

static unsigned long long mebibytes(uint64_t bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
}

static imp_status out_of_memory(ocl_device *cl, size_t bytes, cl_int code) {
    return imp_fail(&cl->base.error, IMP_ERR_MEMORY,
                    "device '%s': out of memory: %llu MiB asked for, %llu MiB in use, the device "
                    "has %llu MiB (%s, %d): choose a smaller size or another device",
                    cl->base.info.name, mebibytes(bytes), mebibytes(cl->in_use),
                    mebibytes(cl->base.info.memory_bytes), ocl_error_name(code), (int)code);
}

/* The bytes allocated for a buffer: steps of 128 KiB, as drivers allocate anyway, up to a whole
 * chunk. (For a buffer in the place of a released one Oclgrind 21.10 keeps the old size in its
 * record of initialised bytes. With IMPASTO_MAX_ALLOC=131072 all buffers are of one size.) */
static size_t rounded(const ocl_device *cl, size_t bytes) {
    const size_t step = 128 << 10, up = (bytes / step + 1) * step;
    if (bytes >= cl->chunk) /* beyond a chunk the driver refuses it */
        return bytes;
    return up < cl->chunk ? up : cl->chunk;
}

static void CL_CALLBACK free_pages(cl_mem memory, void *pages) {
    (void)memory;
    free(pages);
}

/* On a processor, a large buffer in large pages, which drivers do not request; with small pages an
 * iteration of VGG-19 at 512 takes 7 % longer (PoCL). NULL: use an ordinary buffer. */
static cl_mem buffer_of_pages(const ocl_device *cl, size_t bytes) {
    const cl_mem_flags flags = CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR;
    cl_int code = CL_SUCCESS;
    void *pages =
        cl->class == OCL_WIDE && bytes >= IMP_LARGE ? imp_pages_take(ALIGNMENT, bytes) : NULL;
    if (!pages)
        return NULL;
    cl_mem memory = clCreateBuffer(cl->context, flags, bytes, pages, &code);
    if (code == CL_SUCCESS &&
        clSetMemObjectDestructorCallback(memory, free_pages, pages) == CL_SUCCESS)
        return memory;
    if (code == CL_SUCCESS)
        clReleaseMemObject(memory);
    free(pages);
    return NULL;
}

imp_status ocl_buffer(ocl_device *cl, cl_mem *out, size_t bytes, const void *host) {
    char number[24];
    cl_int code = CL_SUCCESS;
    *out = NULL;
    snprintf(number, sizeof number, "%llu", (unsigned long long)cl->base.counters.allocations + 1);
    if (ocl_fault(cl, "alloc", number))
        return out_of_memory(cl, bytes, CL_MEM_OBJECT_ALLOCATION_FAILURE);
    *out = buffer_of_pages(cl, rounded(cl, bytes));
    if (!*out)
        *out = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, rounded(cl, bytes), NULL, &code);
    if (code != CL_SUCCESS) {
        *out = NULL;
        return out_of_memory(cl, bytes, code);
    }
    cl->base.counters.allocations++;
    cl->in_use += rounded(cl, bytes);
    imp_count_bytes(&cl->base.counters, (int64_t)rounded(cl, bytes));
    return host ? transfer_in(cl, (ocl_span){*out, 0, 1}, host, bytes / sizeof(cl_float)) : IMP_OK;
}

void ocl_buffer_release(ocl_device *cl, cl_mem memory, size_t bytes) {
    if (!memory)
        return;
    clReleaseMemObject(memory);
    cl->in_use -= rounded(cl, bytes);
    imp_count_bytes(&cl->base.counters, -(int64_t)rounded(cl, bytes));
}

static size_t chunk_bytes(const imp_memory *memory, size_t i) {
    const size_t rest = memory->bytes - i * memory->cl->chunk;
    return rest < memory->cl->chunk ? rest : memory->cl->chunk;
}

imp_status ocl_alloc(imp_device *d, imp_memory **out, size_t bytes) {
    ocl_device *cl = (ocl_device *)d;
    const size_t count = (bytes + cl->chunk - 1) / cl->chunk;
    *out = NULL;
    if (bytes > d->info.memory_bytes - cl->in_use)
        return out_of_memory(cl, bytes, CL_MEM_OBJECT_ALLOCATION_FAILURE);
    imp_memory *memory = calloc(1, sizeof *memory + count * sizeof memory->chunks[0]);
    if (!memory)
        return imp_fail(&d->error, IMP_ERR_MEMORY, "device '%s': out of host memory", d->info.name);
    *memory = (imp_memory){.cl = cl, .bytes = bytes};
    imp_status status = IMP_OK;
    while (memory->count < count && status == IMP_OK) {
        const size_t i = memory->count;
        status = ocl_buffer(cl, &memory->chunks[i], chunk_bytes(memory, i), NULL);
        memory->count += status == IMP_OK;
    }
    if (status == IMP_OK)
        *out = memory;
    else
        ocl_release(d, memory);
    return status;
}

void ocl_release(imp_device *d, imp_memory *memory) {
    if (!memory)
        return;
    clFinish(((ocl_device *)d)->queue);
    for (size_t i = 0; i < memory->count; i++)
        ocl_buffer_release(memory->cl, memory->chunks[i], chunk_bytes(memory, i));
    free(memory);
}

/* ---- tensors ---- */

static size_t block_of(const ocl_device *cl, const imp_tensor *t) {
    return t->layout == IMP_MAPS ? cl->block : 1;
}

size_t ocl_units(const ocl_device *cl, const imp_tensor *t) {
    const size_t block = block_of(cl, t);
    return (t->c + block - 1) / block;
}

size_t ocl_unit_floats(const ocl_device *cl, const imp_tensor *t) {
    return t->h * t->w * block_of(cl, t);
}

/* The first address >= at from which `bytes` bytes lie in one piece. */
static size_t fit(const ocl_device *cl, size_t at, size_t bytes) {
    const size_t rest = cl->chunk - at % cl->chunk;
    return bytes <= rest ? at : at + rest;
}

/* The address of unit i if unit 0 lies at `at`, where it fits. */
static size_t unit_address(const ocl_device *cl, size_t at, size_t bytes, size_t i) {
    const size_t here = (cl->chunk - at % cl->chunk) / bytes; /* units in the first chunk */
    if (i < here)
        return at + i * bytes;
    const size_t whole = cl->chunk / bytes; /* units in each later one */
    return (at / cl->chunk + 1 + (i - here) / whole) * cl->chunk + (i - here) % whole * bytes;
}

size_t ocl_place(const imp_device *d, imp_tensor *t, size_t cursor) {
    const ocl_device *cl = (const ocl_device *)d;
    const size_t units = ocl_units(cl, t);
    const size_t bytes = ocl_unit_floats(cl, t) * sizeof(cl_float);
    if (cursor == SIZE_MAX || bytes > cl->chunk)
        return SIZE_MAX;
    t->at = (cursor + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (units == 0 || bytes == 0)
        return t->at;
    const bool whole = block_of(cl, t) > 1 && units * bytes <= cl->chunk;
    t->at = fit(cl, t->at, whole ? units * bytes : bytes);
    return unit_address(cl, t->at, bytes, units - 1) + bytes;
}

ocl_span ocl_unit(const imp_tensor *t, size_t i) {
    const ocl_device *cl = t->memory->cl;
    const size_t bytes = ocl_unit_floats(cl, t) * sizeof(cl_float), units = ocl_units(cl, t);
    const size_t address = unit_address(cl, t->at, bytes, i), offset = address % cl->chunk;
    const size_t whole = (cl->chunk - offset) / bytes, rest = units - i;
    assert(i < units && address + bytes <= t->memory->bytes);
    return (ocl_span){t->memory->chunks[address / cl->chunk], offset / sizeof(cl_float),
                      rest < whole ? rest : whole};
}

bool ocl_next(ocl_run *run, size_t n, const imp_tensor *tensors) {
    const ocl_device *cl = tensors[0].memory->cl;
    const size_t units = ocl_units(cl, &tensors[0]), unit = run->unit + run->units;
    assert(n >= 1 && n <= OCL_RUN_TENSORS);
    if (unit >= units || ocl_unit_floats(cl, &tensors[0]) == 0)
        return false;
    *run = (ocl_run){.unit = unit, .units = units - unit, .first = unit == 0};
    for (size_t i = 0; i < n; i++) {
        assert(ocl_units(cl, &tensors[i]) == units);
        run->span[i] = ocl_unit(&tensors[i], unit);
        if (run->span[i].units < run->units)
            run->units = run->span[i].units;
    }
    run->floats = run->units * ocl_unit_floats(cl, &tensors[0]);
    run->last = unit + run->units == units;
    return true;
}

/* ---- between host and device ---- */

/* The host interleaves the channels of a block, a strip of positions at a time. */
enum { STRIP = 4096 };

/* wide[p * block + c] = planes[c * stride + p] for c < channels, p < n; 0 for the other c. */
static void interleave(float *wide, const float *planes, size_t block, size_t channels,
                       size_t stride, size_t n) {
    for (size_t p = 0; p < n; p++)
        for (size_t c = 0; c < block; c++)
            wide[p * block + c] = c < channels ? planes[c * stride + p] : 0;
}

static void separate(float *planes, const float *wide, size_t block, size_t channels, size_t stride,
                     size_t n) {
    for (size_t c = 0; c < channels; c++)
        for (size_t p = 0; p < n; p++)
            planes[c * stride + p] = wide[p * block + c];
}

/* Transfers a tensor of interleaved units from `in` to the device, or, where in is NULL, from the
 * device to `out`. */
static imp_status move_blocks(ocl_device *cl, const imp_tensor *t, const float *in, float *out) {
    const size_t m = t->h * t->w, block = cl->block;
    float *strip = malloc(STRIP * block * sizeof *strip);
    imp_status status = IMP_OK;
    if (!strip)
        return imp_fail(&cl->base.error, IMP_ERR_MEMORY, "device '%s': out of host memory",
                        cl->base.info.name);
    for (size_t u = 0; u < ocl_units(cl, t) && status == IMP_OK; u++) {
        const size_t rest = t->c - u * block, channels = rest < block ? rest : block;
        ocl_span span = ocl_unit(t, u);
        for (size_t p = 0; p < m && status == IMP_OK; p += STRIP, span.at += STRIP * block) {
            const size_t n = m - p < STRIP ? m - p : STRIP, at = u * block * m + p;
            if (in) {
                interleave(strip, in + at, block, channels, m, n);
                status = transfer_in(cl, span, strip, n * block);
            } else if ((status = transfer_out(cl, strip, span, n * block)) == IMP_OK)
                separate(out + at, strip, block, channels, m, n);
        }
    }
    free(strip);
    return status;
}

imp_status ocl_write(imp_device *d, imp_tensor dst, const float *src) {
    ocl_device *cl = ocl_enter(d, write);
    const size_t unit = ocl_unit_floats(cl, &dst);
    d->counters.writes++;
    if (block_of(cl, &dst) > 1)
        return move_blocks(cl, &dst, src, NULL);
    ocl_run run = {0};
    while (ocl_next(&run, 1, &dst))
        TRY(transfer_in(cl, run.span[0], src + run.unit * unit, run.floats));
    return IMP_OK;
}

imp_status ocl_read(imp_device *d, float *dst, imp_tensor src) {
    ocl_device *cl = ocl_enter(d, read);
    const size_t unit = ocl_unit_floats(cl, &src);
    d->counters.reads++;
    if (block_of(cl, &src) > 1)
        TRY(move_blocks(cl, &src, NULL, dst));
    else {
        ocl_run run = {0};
        while (ocl_next(&run, 1, &src))
            TRY(transfer_out(cl, dst + run.unit * unit, run.span[0], run.floats));
    }
    return ocl_finish(cl);
}

imp_status ocl_sync(imp_device *d) {
    return ocl_finish((ocl_device *)d);
}
