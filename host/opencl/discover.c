/* SPDX-License-Identifier: MIT
 *
 * The OpenCL devices of this computer, and what their drivers report about them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "opencl/ocl.h"
#include "opencl/opencl.h"

/* A string property of a device without surrounding blanks; "" if the query fails. */
static void device_text(char *out, size_t size, cl_device_id id, cl_device_info what) {
    char text[1024] = "";
    if (clGetDeviceInfo(id, what, sizeof text - 1, text, NULL) != CL_SUCCESS)
        text[0] = 0;
    const char *begin = text;
    while (isspace((unsigned char)*begin))
        begin++;
    size_t length = strlen(begin);
    while (length > 0 && isspace((unsigned char)begin[length - 1]))
        length--;
    snprintf(out, size, "%.*s", (int)length, begin);
}

/* A numeric property, of 4 or 8 bytes, of a device; 0 if the query fails. */
static uint64_t device_number(cl_device_id id, cl_device_info what) {
    union {
        cl_uint narrow;
        cl_ulong wide;
    } value = {.wide = 0};
    size_t size = 0;
    if (clGetDeviceInfo(id, what, sizeof value, &value, &size) != CL_SUCCESS)
        return 0;
    return size == sizeof value.narrow ? value.narrow : value.wide;
}

uint64_t ocl_allocation_limit(cl_device_id id) {
    const uint64_t limit = device_number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    const char *text = getenv("IMPASTO_MAX_ALLOC");
    if (!text || !*text)
        return limit;
    char *end = NULL;
    errno = 0;
    const unsigned long long lowered = strtoull(text, &end, 10);
    return errno == 0 && *end == 0 && lowered < limit ? lowered : limit;
}

/* "OpenCL 1.2 ..." gives 102; 0 if the text is not a version. */
static int version_of(cl_device_id id) {
    char text[128];
    int major = 0, minor = 0;
    device_text(text, sizeof text, id, CL_DEVICE_VERSION);
    if (sscanf(text, "OpenCL %d.%d", &major, &minor) != 2)
        return 0;
    return 100 * major + minor;
}

/* Why a device cannot be used, or NULL. */
static const char *obstacle(const imp_device_info *info, cl_device_id id) {
    if (version_of(id) < 102)
        return "its OpenCL is older than 1.2";
    if (!device_number(id, CL_DEVICE_AVAILABLE))
        return "its driver says that it is not available";
    if (!device_number(id, CL_DEVICE_COMPILER_AVAILABLE))
        return "its driver has no compiler";
    if (!device_number(id, CL_DEVICE_ENDIAN_LITTLE))
        return "it is big-endian";
    if (ocl_allocation_limit(id) < 4096)
        return "it allows no allocation of 4096 bytes";
    if (!info->name[0] || !info->driver[0] || !info->memory_bytes || !info->max_group ||
        !info->units)
        return "its driver does not describe it";
    return NULL;
}

/* A device that works in the host's memory is under the host's limits, of which drivers know
 * nothing. */
static uint64_t memory_of(cl_device_id id) {
    const uint64_t own = device_number(id, CL_DEVICE_GLOBAL_MEM_SIZE);
    const uint64_t host =
        device_number(id, CL_DEVICE_HOST_UNIFIED_MEMORY) ? imp_memory_bytes() : UINT64_MAX;
    return own < host ? own : host;
}

static void describe(imp_device_info *info, cl_platform_id platform, cl_device_id id, int index) {
    *info = imp_backend_info(&imp_opencl_backend, index);
    if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof info->platform - 1, info->platform,
                          NULL) != CL_SUCCESS)
        snprintf(info->platform, sizeof info->platform, "unknown");
    device_text(info->vendor, sizeof info->vendor, id, CL_DEVICE_VENDOR);
    device_text(info->name, sizeof info->name, id, CL_DEVICE_NAME);
    device_text(info->driver, sizeof info->driver, id, CL_DRIVER_VERSION);
    info->memory_bytes = memory_of(id);
    info->max_alloc_bytes = ocl_allocation_limit(id);
    info->local_bytes = device_number(id, CL_DEVICE_LOCAL_MEM_SIZE);
    info->units = (unsigned)device_number(id, CL_DEVICE_MAX_COMPUTE_UNITS);
    info->max_group = (unsigned)device_number(id, CL_DEVICE_MAX_WORK_GROUP_SIZE);
    const char *reason = obstacle(info, id);
    info->usable = !reason;
    if (reason)
        snprintf(info->reason, sizeof info->reason, "%s", reason);
}

/* The platforms, or the devices of one, which the caller frees. Any error means none: the loader
 * returns -1001 without a driver, a platform -1 without a device. */
static cl_platform_id *platforms(cl_uint *count) {
    *count = 0;
    if (clGetPlatformIDs(0, NULL, count) != CL_SUCCESS)
        *count = 0;
    cl_platform_id *list = calloc(*count + 1, sizeof *list);
    if (!list || (*count && clGetPlatformIDs(*count, list, NULL) != CL_SUCCESS))
        *count = 0;
    return list;
}

static cl_device_id *devices(cl_platform_id platform, cl_uint *count) {
    *count = 0;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, count) != CL_SUCCESS)
        *count = 0;
    cl_device_id *list = calloc(*count + 1, sizeof *list);
    if (!list ||
        (*count && clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, *count, list, NULL) != CL_SUCCESS))
        *count = 0;
    return list;
}

/* Calls visit for every device in order, until it returns false. */
typedef bool (*visitor)(void *user, cl_platform_id platform, cl_device_id id, int index);
static void each_device(visitor visit, void *user) {
    cl_uint platform_count = 0;
    cl_platform_id *platform = platforms(&platform_count);
    bool more = true;
    int index = 0;
    for (cl_uint p = 0; p < platform_count && more; p++) {
        cl_uint device_count = 0;
        cl_device_id *device = devices(platform[p], &device_count);
        for (cl_uint i = 0; i < device_count && more; i++)
            more = visit(user, platform[p], device[i], index++);
        free(device);
    }
    free(platform);
}

/* ---- listing and finding ---- */

struct listing {
    imp_device_info *out;
    size_t cap, count;
};

static bool add_to_listing(void *user, cl_platform_id platform, cl_device_id id, int index) {
    struct listing *listing = user;
    if (listing->count < listing->cap)
        describe(&listing->out[listing->count], platform, id, index);
    listing->count++;
    return true;
}

size_t imp_opencl_list(imp_device_info *out, size_t cap) {
    struct listing listing = {out, cap, 0};
    each_device(add_to_listing, &listing);
    return listing.count;
}

struct search {
    size_t index;
    cl_device_id *id;
    imp_device_info *info;
    bool found;
};

static bool compare_index(void *user, cl_platform_id platform, cl_device_id id, int index) {
    struct search *search = user;
    if ((size_t)index != search->index)
        return true;
    *search->id = id;
    describe(search->info, platform, id, index);
    search->found = true;
    return false;
}

bool ocl_find(cl_device_id *id, imp_device_info *info, size_t index) {
    struct search search = {index, id, info, false};
    each_device(compare_index, &search);
    return search.found;
}
