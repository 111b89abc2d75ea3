/* SPDX-License-Identifier: MIT
 *
 * A double of OpenCL drivers, preloaded into the program (LD_PRELOAD): calls pass through to the
 * drivers, but the N-th of a kind fails in a chosen way. IMPASTO_TEST_DRIVER=KIND:N:HOW
 *
 * KIND: discovery, query, build, transfer, launch, finish, close: see the functions below.
 * HOW: error (CL_OUT_OF_RESOURCES), memory (CL_MEM_OBJECT_ALLOCATION_FAILURE), abort, crash, exit,
 * hang; or wrong: from that call on, what is read from the device is not what it computed.
 * IMPASTO_TEST_REACHED: a file that is made when it comes to that.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <CL/cl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC visibility push(default) /* all is hidden elsewhere */

/* How many calls of the chosen kind there were. */
static unsigned long calls;

/* Whether this call is the N-th of the kind that is meant, or a later one. *how: in which way. */
static int is_meant(const char *kind, const char **how) {
    const char *text = getenv("IMPASTO_TEST_DRIVER");
    const size_t length = strlen(kind);
    char *end = NULL;
    if (!text || strncmp(text, kind, length) != 0 || text[length] != ':')
        return 0;
    const unsigned long n = strtoul(text + length + 1, &end, 10);
    *how = *end ? end + 1 : end;
    const char *reached = getenv("IMPASTO_TEST_REACHED");
    calls++;
    if (calls == n && reached)
        close(open(reached, O_CREAT | O_WRONLY, 0600));
    return calls == n || (calls > n && strcmp(*how, "wrong") == 0);
}

/* What a call of this kind gives instead of being passed on; CL_SUCCESS: it is. */
static cl_int fail(const char *kind) {
    const char *how = "";
    if (!is_meant(kind, &how))
        return CL_SUCCESS;
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "crash") == 0) {
        signal(SIGSEGV, SIG_DFL); /* PoCL catches it */
        raise(SIGSEGV);
    }
    if (strcmp(how, "exit") == 0)
        exit(1);
    while (strcmp(how, "hang") == 0)
        pause();
    if (strcmp(how, "memory") == 0)
        return CL_MEM_OBJECT_ALLOCATION_FAILURE;
    return strcmp(how, "error") == 0 ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
}

/* A function of the double: the driver's of the same name, unless the call is to fail. */
#define PASS(kind, name, parameters, arguments)                                                    \
    CL_API_ENTRY cl_int CL_API_CALL name parameters {                                              \
        typedef cl_int(CL_API_CALL *function) parameters;                                          \
        const cl_int code = fail(#kind);                                                           \
        function next;                                                                             \
        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                 \
        return code == CL_SUCCESS ? next arguments : code;                                         \
    }

/* The same for one that makes an object and gives its error by a pointer. */
#define MAKE(kind, type, name, parameters, arguments)                                              \
    CL_API_ENTRY type CL_API_CALL name parameters {                                                \
        typedef type(CL_API_CALL *function) parameters;                                            \
        const cl_int code = fail(#kind);                                                           \
        function next;                                                                             \
        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                 \
        if (code == CL_SUCCESS)                                                                    \
            return next arguments;                                                                 \
        if (error)                                                                                 \
            *error = code;                                                                         \
        return NULL;                                                                               \
    }

/* ---- discovery: platforms and devices; query: their properties ---- */

PASS(discovery, clGetPlatformIDs, (cl_uint n, cl_platform_id *list, cl_uint *count),
     (n, list, count))
PASS(discovery, clGetDeviceIDs,
     (cl_platform_id p, cl_device_type type, cl_uint n, cl_device_id *list, cl_uint *count),
     (p, type, n, list, count))
PASS(query, clGetPlatformInfo,
     (cl_platform_id p, cl_platform_info what, size_t size, void *value, size_t *got),
     (p, what, size, value, got))
PASS(query, clGetDeviceInfo,
     (cl_device_id d, cl_device_info what, size_t size, void *value, size_t *got),
     (d, what, size, value, got))
PASS(query, clGetKernelInfo,
     (cl_kernel k, cl_kernel_info what, size_t size, void *value, size_t *got),
     (k, what, size, value, got))
PASS(query, clGetKernelWorkGroupInfo,
     (cl_kernel k, cl_device_id d, cl_kernel_work_group_info what, size_t size, void *value,
      size_t *got),
     (k, d, what, size, value, got))

/* ---- build: contexts, queues, programs, kernels ---- */

typedef void(CL_CALLBACK *told)(const char *text, const void *data, size_t size, void *user);
typedef void(CL_CALLBACK *built)(cl_program program, void *user);

MAKE(build, cl_context, clCreateContext,
     (const cl_context_properties *p, cl_uint n, const cl_device_id *d, told tell, void *user,
      cl_int *error),
     (p, n, d, tell, user, error))
MAKE(build, cl_command_queue, clCreateCommandQueue,
     (cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *error), (c, d, p, error))
MAKE(build, cl_program, clCreateProgramWithSource,
     (cl_context c, cl_uint n, const char **texts, const size_t *sizes, cl_int *error),
     (c, n, texts, sizes, error))
MAKE(build, cl_kernel, clCreateKernel, (cl_program p, const char *name, cl_int *error),
     (p, name, error))
PASS(build, clBuildProgram,
     (cl_program p, cl_uint n, const cl_device_id *d, const char *options, built tell, void *user),
     (p, n, d, options, tell, user))

/* ---- transfer: buffers, to and from the device ---- */

MAKE(transfer, cl_mem, clCreateBuffer,
     (cl_context c, cl_mem_flags flags, size_t size, void *host, cl_int *error),
     (c, flags, size, host, error))
PASS(transfer, clEnqueueWriteBuffer,
     (cl_command_queue q, cl_mem m, cl_bool wait, size_t at, size_t size, const void *from,
      cl_uint n, const cl_event *before, cl_event *event),
     (q, m, wait, at, size, from, n, before, event))

CL_API_ENTRY cl_int CL_API_CALL clEnqueueReadBuffer(cl_command_queue q, cl_mem m, cl_bool wait,
                                                    size_t at, size_t size, void *to, cl_uint n,
                                                    const cl_event *before, cl_event *event) {
    typedef cl_int(CL_API_CALL * function)(cl_command_queue, cl_mem, cl_bool, size_t, size_t,
                                           void *, cl_uint, const cl_event *, cl_event *);
    const char *text = getenv("IMPASTO_TEST_DRIVER");
    const unsigned long before_this = calls;
    const cl_int code = fail("transfer");
    function next;
    *(void **)&next = dlsym(RTLD_NEXT, "clEnqueueReadBuffer");
    if (code != CL_SUCCESS)
        return code;
    const cl_int got = next(q, m, wait, at, size, to, n, before, event);
    if (text && strstr(text, ":wrong") && calls > before_this && wait && got == CL_SUCCESS)
        memset(to, 0x3f, size);
    return got;
}

/* ---- launch, finish, close ---- */

PASS(launch, clEnqueueNDRangeKernel,
     (cl_command_queue q, cl_kernel k, cl_uint dimensions, const size_t *offset,
      const size_t *global, const size_t *local, cl_uint n, const cl_event *before,
      cl_event *event),
     (q, k, dimensions, offset, global, local, n, before, event))
PASS(finish, clFlush, (cl_command_queue q), (q))
PASS(finish, clFinish, (cl_command_queue q), (q))
PASS(close, clReleaseCommandQueue, (cl_command_queue q), (q))
PASS(close, clReleaseContext, (cl_context c), (c))
