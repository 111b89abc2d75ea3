/* SPDX-License-Identifier: MIT
 *
 * Launches of kernels, and the profile of the time they take.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/profile.h"
#include "opencl/ocl.h"
#include "opencl/opencl.h"

/* Launches between flushes of the queue; a driver may hold work back until then. */
enum { FLUSH_AFTER = 32 };

#define K(name, arguments) #name,
static const char *const kernel_names[] = {
#include "kernels.def"
};
#undef K
#define K(name, arguments) arguments,
static const cl_uint kernel_arguments[] = {
#include "kernels.def"
};
#undef K
#define K(name, arguments)      -1,
#define K_WIDE(name, arguments) OCL_WIDE,
#define K_SIMT(name, arguments) OCL_SIMT,
static const int kernel_classes[] = {
#include "kernels.def"
};
#undef K
#define SLOT(type, name, device, parameters) #name,
static const char *const operation_names[] = {
#include "backend/operations.def"
    "measure"};

const char *ocl_kernel_name(ocl_kernel kernel) {
    return kernel_names[kernel];
}

unsigned ocl_kernel_arguments(ocl_kernel kernel) {
    return kernel_arguments[kernel];
}

bool ocl_kernel_in(ocl_kernel kernel, ocl_class class) {
    return kernel_classes[kernel] < 0 || kernel_classes[kernel] == (int)class;
}

uint64_t imp_opencl_launches(const imp_device *device, const char *operation) {
    for (size_t i = 0; i < OCL_OPERATIONS; i++)
        if (strcmp(operation_names[i], operation) == 0)
            return ((const ocl_device *)device)->launches[i];
    return 0;
}

/* ---- events ---- */

cl_event *ocl_event_place(ocl_device *cl) {
    return cl->events ? &cl->events[cl->events_used].event : NULL;
}

static void collect_event(ocl_device *cl, const ocl_event *e) {
    cl_ulong begin = 0, end = 0;
    if (clGetEventProfilingInfo(e->event, CL_PROFILING_COMMAND_START, sizeof begin, &begin, NULL) ==
            CL_SUCCESS &&
        clGetEventProfilingInfo(e->event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL) ==
            CL_SUCCESS &&
        end >= begin)
        imp_profile_add(cl->base.profile, operation_names[e->operation],
                        1e-9 * (double)(end - begin));
    clReleaseEvent(e->event);
}

imp_status ocl_finish(ocl_device *cl) {
    const cl_int code = clFinish(cl->queue);
    for (size_t i = 0; i < cl->events_used; i++)
        collect_event(cl, &cl->events[i]);
    cl->events_used = 0;
    cl->unflushed = 0;
    return ocl_check(cl, code, "waiting for the device");
}

imp_status ocl_enqueued(ocl_device *cl) {
    if (cl->events) {
        cl->events[cl->events_used++].operation = cl->operation;
        if (cl->events_used == OCL_EVENTS)
            return ocl_finish(cl);
    }
    if (++cl->unflushed < FLUSH_AFTER)
        return IMP_OK;
    cl->unflushed = 0;
    return ocl_check(cl, clFlush(cl->queue), "starting work");
}

/* ---- launches ---- */

imp_status ocl_launched(ocl_device *cl) {
    cl->launches[cl->operation]++;
    cl->base.counters.launches++;
    return ocl_enqueued(cl);
}

ocl_grid ocl_each(const ocl_device *cl, size_t floats) {
    if (cl->class == OCL_SIMT)
        return grid1(floats < (1 << 20) ? floats : 1 << 20);
    const size_t items = (floats + 4095) / 4096; /* 16 KiB of each tensor for a work-group */
    return grid1(items < 1024 ? items : 1024);
}

/* Sets the parameters of a kernel. *index: the number of parameters set, after a failure too. */
static cl_int set_arguments(cl_kernel kernel, const ocl_arg *arguments, size_t count,
                            cl_uint *index) {
    cl_int code = CL_SUCCESS;
    for (size_t i = 0; i < count && code == CL_SUCCESS; i++) {
        const ocl_arg *a = &arguments[i];
        if (a->kind == OCL_SPAN) {
            code = clSetKernelArg(kernel, (*index)++, sizeof a->span.memory, &a->span.memory);
            if (code == CL_SUCCESS)
                code = clSetKernelArg(kernel, (*index)++, sizeof a->span.at, &a->span.at);
        } else
            code = clSetKernelArg(kernel, (*index)++, a->size, &a->u);
    }
    return code;
}

/* Appends "OPERATION KERNEL GROUPS GROUPS GROUPS ITEMS" and the arguments to the file that
 * IMPASTO_LAUNCHES names: tensors as @BUFFER+OFFSET in floats, values as integers, floats by
 * their bits. tools/kernel-table reads it. */
static void list_launch(const ocl_device *cl, ocl_kernel kernel, const size_t *global,
                        const ocl_arg *arguments, size_t count) {
    const char *path = getenv("IMPASTO_LAUNCHES");
    const size_t *local = cl->local[kernel];
    FILE *file = path && *path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%s %s %zu %zu %zu %zu", operation_names[cl->operation], kernel_names[kernel],
            global[0] / local[0], global[1] / local[1], global[2] / local[2],
            local[0] * local[1] * local[2]);
    for (const ocl_arg *a = arguments; a < arguments + count; a++)
        if (a->kind == OCL_SPAN)
            fprintf(file, " @%" PRIxPTR "+%" PRIu64, (uintptr_t)a->span.memory,
                    (uint64_t)a->span.at);
        else if (a->size == sizeof(cl_int))
            fprintf(file, " %" PRId32, (int32_t)a->i);
        else
            fprintf(file, " %" PRIu64, (uint64_t)a->l);
    fputc('\n', file);
    fclose(file);
}

imp_status ocl_enqueue(ocl_device *cl, ocl_kernel kernel, ocl_grid grid, const ocl_arg *arguments,
                       size_t count) {
    const char *name = kernel_names[kernel];
    const size_t *local = cl->local[kernel];
    size_t global[3];
    cl_uint set = 0;
    for (size_t k = 0; k < 3; k++) {
        const size_t groups = grid.groups ? grid.n[k] : (grid.n[k] + local[k] - 1) / local[k];
        if (groups == 0)
            return IMP_OK;
        global[k] = groups * local[k];
    }
    if (ocl_fault(cl, "launch", name) || ocl_fault(cl, "launch", operation_names[cl->operation]))
        return ocl_check(cl, CL_OUT_OF_RESOURCES, name);
    list_launch(cl, kernel, global, arguments, count);
    TRY(ocl_check(cl, set_arguments(cl->kernels[kernel], arguments, count, &set), name));
    assert(set == kernel_arguments[kernel]);
    TRY(ocl_check(cl,
                  clEnqueueNDRangeKernel(cl->queue, cl->kernels[kernel], 3, NULL, global, local, 0,
                                         NULL, ocl_event_place(cl)),
                  name));
    return ocl_launched(cl);
}
