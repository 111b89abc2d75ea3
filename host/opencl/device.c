/* SPDX-License-Identifier: MIT
 *
 * Opening and closing a device, its class and variant, and the driver's errors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/profile.h"
#include "opencl/ocl.h"
#include "opencl/opencl.h"

enum { WORK_BYTES = 16 << 20, STAGING_BYTES = 4 << 20, UNITS_MAX = 64, CHUNK_STEP = 4096 };

/* ---- errors ---- */

/* OpenCL 1.2's codes from 0 downwards, and from -30 downwards. */
static const char *const run_errors[] = {
    "CL_SUCCESS",
    "CL_DEVICE_NOT_FOUND",
    "CL_DEVICE_NOT_AVAILABLE",
    "CL_COMPILER_NOT_AVAILABLE",
    "CL_MEM_OBJECT_ALLOCATION_FAILURE",
    "CL_OUT_OF_RESOURCES",
    "CL_OUT_OF_HOST_MEMORY",
    "CL_PROFILING_INFO_NOT_AVAILABLE",
    "CL_MEM_COPY_OVERLAP",
    "CL_IMAGE_FORMAT_MISMATCH",
    "CL_IMAGE_FORMAT_NOT_SUPPORTED",
    "CL_BUILD_PROGRAM_FAILURE",
    "CL_MAP_FAILURE",
    "CL_MISALIGNED_SUB_BUFFER_OFFSET",
    "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
    "CL_COMPILE_PROGRAM_FAILURE",
    "CL_LINKER_NOT_AVAILABLE",
    "CL_LINK_PROGRAM_FAILURE",
    "CL_DEVICE_PARTITION_FAILED",
    "CL_KERNEL_ARG_INFO_NOT_AVAILABLE",
};
static const char *const use_errors[] = {
    "CL_INVALID_VALUE",
    "CL_INVALID_DEVICE_TYPE",
    "CL_INVALID_PLATFORM",
    "CL_INVALID_DEVICE",
    "CL_INVALID_CONTEXT",
    "CL_INVALID_QUEUE_PROPERTIES",
    "CL_INVALID_COMMAND_QUEUE",
    "CL_INVALID_HOST_PTR",
    "CL_INVALID_MEM_OBJECT",
    "CL_INVALID_IMAGE_FORMAT_DESCRIPTOR",
    "CL_INVALID_IMAGE_SIZE",
    "CL_INVALID_SAMPLER",
    "CL_INVALID_BINARY",
    "CL_INVALID_BUILD_OPTIONS",
    "CL_INVALID_PROGRAM",
    "CL_INVALID_PROGRAM_EXECUTABLE",
    "CL_INVALID_KERNEL_NAME",
    "CL_INVALID_KERNEL_DEFINITION",
    "CL_INVALID_KERNEL",
    "CL_INVALID_ARG_INDEX",
    "CL_INVALID_ARG_VALUE",
    "CL_INVALID_ARG_SIZE",
    "CL_INVALID_KERNEL_ARGS",
    "CL_INVALID_WORK_DIMENSION",
    "CL_INVALID_WORK_GROUP_SIZE",
    "CL_INVALID_WORK_ITEM_SIZE",
    "CL_INVALID_GLOBAL_OFFSET",
    "CL_INVALID_EVENT_WAIT_LIST",
    "CL_INVALID_EVENT",
    "CL_INVALID_OPERATION",
    "CL_INVALID_GL_OBJECT",
    "CL_INVALID_BUFFER_SIZE",
    "CL_INVALID_MIP_LEVEL",
    "CL_INVALID_GLOBAL_WORK_SIZE",
    "CL_INVALID_PROPERTY",
    "CL_INVALID_IMAGE_DESCRIPTOR",
    "CL_INVALID_COMPILER_OPTIONS",
    "CL_INVALID_LINKER_OPTIONS",
    "CL_INVALID_DEVICE_PARTITION_COUNT",
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const char *ocl_error_name(cl_int code) {
    const long long run = -(long long)code, use = run - 30;
    if (run >= 0 && run < (long long)COUNT(run_errors))
        return run_errors[run];
    if (use >= 0 && use < (long long)COUNT(use_errors))
        return use_errors[use];
    return "unknown error";
}

imp_status ocl_check(ocl_device *cl, cl_int code, const char *what) {
    switch (code) {
    case CL_SUCCESS:
        return IMP_OK;
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_HOST_MEMORY:
        return imp_fail(&cl->base.error, IMP_ERR_MEMORY,
                        "device '%s': %s: %s (%d), with %zu MiB in use: choose a smaller size or "
                        "another device",
                        cl->base.info.name, what, ocl_error_name(code), (int)code,
                        cl->in_use >> 20);
    default:
        return imp_fail(&cl->base.error, IMP_ERR_DEVICE,
                        "device '%s': %s: %s (%d): update its driver or choose another device",
                        cl->base.info.name, what, ocl_error_name(code), (int)code);
    }
}

bool ocl_fault(const ocl_device *cl, const char *what, const char *name) {
    const size_t length = strlen(what);
    return strncmp(cl->fault, what, length) == 0 && cl->fault[length] == ':' &&
           strcmp(cl->fault + length + 1, name) == 0;
}

/* ---- class and variant ---- */

typedef struct variant {
    const char *name;
    ocl_class class;
    cl_uint vector;
    const char *device; /* part of the name */
    const char *options;
} variant;

#define V(name, class, vector, device, options) {#name, class, vector, device, options},
static const variant variants[] = {
#include "tiles.def"
};
#undef V

/* A processor whose driver makes vectors from work-items, as llvmpipe does, reports vectors of
 * width 1. On it a group of one work-item would waste a register. */
static ocl_class class_of(cl_device_type type, cl_uint vector) {
    const char *forced = getenv("IMPASTO_CLASS");
    if (forced && strcmp(forced, "wide") == 0)
        return OCL_WIDE;
    if (forced && strcmp(forced, "simt") == 0)
        return OCL_SIMT;
    return type & CL_DEVICE_TYPE_CPU && vector > 1 ? OCL_WIDE : OCL_SIMT;
}

/* Mesa's llvmpipe silently ends all loops of a work-item after 65535 iterations in total. SIZE_MAX:
 * no limit. */
static size_t turns_of(const imp_device_info *info) {
    return strncmp(info->name, "llvmpipe", strlen("llvmpipe")) == 0 ? 65535 : SIZE_MAX;
}

static imp_status choose_variant(ocl_device *cl) {
    cl_device_type type = 0;
    cl_uint vector = 0;
    cl_int code = clGetDeviceInfo(cl->id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    TRY(ocl_check(cl, code, "asking for its kind"));
    code =
        clGetDeviceInfo(cl->id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof vector, &vector, NULL);
    TRY(ocl_check(cl, code, "asking for its vectors"));
    cl->class = class_of(type, vector);
    cl->block = cl->class == OCL_WIDE ? 16 : 1;
    cl->turns = turns_of(&cl->base.info);
    for (size_t i = 0; i < COUNT(variants) && !cl->variant; i++)
        if (variants[i].class == cl->class && variants[i].vector <= vector &&
            (strstr(cl->base.info.name, variants[i].device) ||
             strstr(cl->base.info.platform, variants[i].device))) {
            cl->variant = variants[i].name;
            cl->options = variants[i].options;
        }
    return IMP_OK;
}

/* ---- open and close ---- */

void ocl_close(imp_device *d) {
    if (!d)
        return;
    ocl_device *cl = (ocl_device *)d;
    if (cl->queue)
        ocl_finish(cl);
    ocl_gemm_close(cl);
    ocl_program_close(cl);
    ocl_buffer_release(cl, cl->work, cl->work_floats * sizeof(cl_float));
    ocl_buffer_release(cl, cl->staging, cl->staging_floats * sizeof(cl_float));
    if (cl->queue)
        clReleaseCommandQueue(cl->queue);
    if (cl->context)
        clReleaseContext(cl->context);
    imp_profile_close(d->profile);
    free(cl->events);
    free(cl);
}

static imp_status open_queue(ocl_device *cl) {
    cl_int code = CL_SUCCESS;
    const bool profile = cl->base.options.profile;
    cl->context = clCreateContext(NULL, 1, &cl->id, NULL, NULL, &code);
    TRY(ocl_check(cl, code, "opening it"));
    cl->queue =
        clCreateCommandQueue(cl->context, cl->id, profile ? CL_QUEUE_PROFILING_ENABLE : 0, &code);
    TRY(ocl_check(cl, code, "opening its queue"));
    if (!profile)
        return IMP_OK;
    cl->base.profile = imp_profile_open();
    cl->events = calloc(OCL_EVENTS, sizeof *cl->events);
    return cl->base.profile && cl->events
               ? IMP_OK
               : ocl_check(cl, CL_OUT_OF_HOST_MEMORY, "opening its profile");
}

/* A buffer of the wanted size, but at most a chunk. */
static imp_status open_buffer(ocl_device *cl, cl_mem *out, size_t *floats, size_t wanted) {
    const size_t bytes = cl->chunk < wanted ? cl->chunk : wanted;
    TRY(ocl_buffer(cl, out, bytes, NULL));
    *floats = bytes / sizeof(cl_float);
    return IMP_OK;
}

/* A processor needs a part for each core; parts that are never touched take no memory. Other
 * devices make long strips in it (winograd_simt.c). */
static size_t work_bytes(const ocl_device *cl) {
    const size_t units = cl->class == OCL_WIDE ? cl->base.info.units : 3;
    return (units < UNITS_MAX ? units + 1 : UNITS_MAX) * WORK_BYTES;
}

static imp_status open_memory(ocl_device *cl) {
    const uint64_t limit = cl->base.info.max_alloc_bytes;
    cl->chunk = (size_t)(limit < SIZE_MAX ? limit : SIZE_MAX) / CHUNK_STEP * CHUNK_STEP;
    TRY(open_buffer(cl, &cl->work, &cl->work_floats, work_bytes(cl)));
    return open_buffer(cl, &cl->staging, &cl->staging_floats, STAGING_BYTES);
}

static imp_status open_all(ocl_device *cl, size_t index) {
    imp_device_info *info = &cl->base.info;
    if (!ocl_find(&cl->id, info, index))
        return imp_fail(&cl->base.error, IMP_ERR_ARGUMENT,
                        "there is no OpenCL device %zu: `impasto devices` lists them", index);
    if (!info->usable)
        return imp_fail(&cl->base.error, IMP_ERR_UNSUPPORTED,
                        "device '%s' cannot be used: %s: choose another device", info->name,
                        info->reason);
    TRY(choose_variant(cl));
    TRY(open_queue(cl));
    TRY(open_memory(cl));
    return ocl_program_open(cl);
}

imp_status imp_opencl_open(imp_device **out, size_t index, const imp_device_options *options,
                           imp_error *err) {
    const char *fault = getenv("IMPASTO_FAULT");
    ocl_device *cl = calloc(1, sizeof *cl);
    *out = NULL;
    if (!cl)
        return imp_fail(err, IMP_ERR_MEMORY, "OpenCL device %zu: out of host memory", index);
    cl->base.ops = &ocl_table;
    cl->base.backend = &imp_opencl_backend;
    if (options)
        cl->base.options = *options;
    snprintf(cl->fault, sizeof cl->fault, "%s", fault ? fault : "");
    const imp_status status = open_all(cl, index);
    if (status == IMP_OK)
        *out = &cl->base;
    else {
        imp_fail_device(err, &cl->base);
        ocl_close(&cl->base);
    }
    return status;
}
