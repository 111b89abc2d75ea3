/* SPDX-License-Identifier: MIT
 *
 * The kernels of a device, compiled from the embedded sources or loaded from the cache. An entry of
 * the cache is named by the SHA-256 of everything that the binary depends on, and begins with the
 * SHA-256 of the binary. An entry with any fault is dropped and made again. Where the driver keeps
 * compiled programs itself, there are no entries.
 */
#include <locale.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "cl_sources.h"
#include "opencl/ocl.h"
#include "opencl/opencl.h"

enum { SOURCES_MAX = 64, DIGEST = 32, PATH_BYTES = 4096 };

/* ---- sources ---- */

typedef struct sources {
    size_t count;
    const char *text[SOURCES_MAX];
    size_t size[SOURCES_MAX];
    char *owned[SOURCES_MAX]; /* texts read from a folder, else NULL */
    char fault[128];
    char options[256];
} sources;

static void sources_finish(sources *s) {
    for (size_t i = 0; i < s->count; i++)
        free(s->owned[i]);
}

static void sources_add(sources *s, const char *text, size_t size, char *owned) {
    s->text[s->count] = text;
    s->size[s->count] = size;
    s->owned[s->count++] = owned;
}

/* The text of the file folder/name, after a #line that names it; NULL if it cannot be read. */
static char *read_source(const char *folder, const char *name, size_t *size) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long length = -1;
    if (file && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0) {
        text = malloc((size_t)length + strlen(name) + 16);
        rewind(file);
    }
    if (text) {
        const size_t head = (size_t)sprintf(text, "#line 1 \"%s\"\n", name);
        *size = head + fread(text + head, 1, (size_t)length, file);
    }
    if (file)
        fclose(file);
    return text;
}

static imp_status sources_init(sources *s, ocl_device *cl) {
    const char *folder = getenv("IMPASTO_CL_DIR");
    *s = (sources){0};
    for (size_t i = 0; i < imp_cl_source_count && i < SOURCES_MAX - 1; i++) {
        const imp_cl_source *embedded = &imp_cl_sources[i];
        size_t size = embedded->size;
        char *owned = folder && *folder ? read_source(folder, embedded->name, &size) : NULL;
        if (folder && *folder && !owned)
            return imp_fail(&cl->base.error, IMP_ERR_IO,
                            "%s/%s: cannot be read: unset or correct IMPASTO_CL_DIR", folder,
                            embedded->name);
        sources_add(s, owned ? owned : embedded->text, size, owned);
    }
    for (size_t k = 0; k < OCL_KERNELS; k++)
        if (ocl_fault(cl, "build", ocl_kernel_name(k)))
            sources_add(s, s->fault,
                        (size_t)snprintf(s->fault, sizeof s->fault,
                                         "#line 1 \"%s\"\n#error IMPASTO_FAULT asks for it\n",
                                         ocl_kernel_name(k)),
                        NULL);
    snprintf(s->options, sizeof s->options, "-cl-std=CL1.2 -cl-mad-enable -cl-no-signed-zeros %s",
             cl->options);
    return IMP_OK;
}

/* ---- the cache ---- */

/* Whether the driver keeps compiled programs itself. PoCL does, unless POCL_KERNEL_CACHE is 0.
 * Asked for a binary, for processors it compiles every kernel for groups of any size, which no
 * launch uses; that would take half of a first start. */
static bool keeps_programs(const ocl_device *cl) {
    const char *told = getenv("POCL_KERNEL_CACHE");
    return strcmp(cl->base.info.platform, "Portable Computing Language") == 0 &&
           cl->class == OCL_WIDE && !(told && strcmp(told, "0") == 0) &&
           !ocl_fault(cl, "forget", "programs");
}

static void add_text(EVP_MD_CTX *digest, const char *text) {
    EVP_DigestUpdate(digest, text, strlen(text) + 1);
}

static void add_device_text(EVP_MD_CTX *digest, cl_device_id id, cl_device_info what) {
    char text[1024] = "";
    clGetDeviceInfo(id, what, sizeof text - 1, text, NULL);
    add_text(digest, text);
}

static void add_platform_text(EVP_MD_CTX *digest, cl_device_id id, cl_platform_info what) {
    char text[1024] = "";
    cl_platform_id platform = NULL;
    clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    clGetPlatformInfo(platform, what, sizeof text - 1, text, NULL);
    add_text(digest, text);
}

/* "cl-" and 32 hexadecimal digits; callers add ".bin" and ".log". "" if libcrypto fails. */
static void entry_name(char name[64], const ocl_device *cl, const sources *s) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    name[0] = 0;
    if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL)) {
        for (size_t i = 0; i < s->count; i++)
            EVP_DigestUpdate(context, s->text[i], s->size[i]);
        add_text(context, s->options);
        add_text(context, imp_version());
        add_platform_text(context, cl->id, CL_PLATFORM_NAME);
        add_platform_text(context, cl->id, CL_PLATFORM_VERSION);
        add_device_text(context, cl->id, CL_DEVICE_NAME);
        add_device_text(context, cl->id, CL_DEVICE_VERSION);
        add_device_text(context, cl->id, CL_DRIVER_VERSION);
        EVP_DigestUpdate(context, &(unsigned char){sizeof(void *)}, 1);
        EVP_DigestFinal_ex(context, digest, NULL);
        int n = sprintf(name, "cl-");
        for (size_t i = 0; i < DIGEST / 2; i++)
            n += sprintf(name + n, "%02x", digest[i]);
    }
    EVP_MD_CTX_free(context);
}

static void store_entry(const ocl_device *cl, const char *name) {
    size_t size = 0;
    unsigned char *entry = NULL, *binary = NULL;
    if (clGetProgramInfo(cl->program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) !=
            CL_SUCCESS ||
        size == 0 || !(entry = malloc(DIGEST + size)))
        return;
    binary = entry + DIGEST;
    if (clGetProgramInfo(cl->program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) ==
            CL_SUCCESS &&
        EVP_Digest(binary, size, entry, NULL, EVP_sha256(), NULL))
        imp_cache_store(name, entry, DIGEST + size);
    free(entry);
}

/* Sets cl->program from the entry and builds it. False if there is no entry or it has any fault. */
static bool load_entry(ocl_device *cl, const char *name, const char *options) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t size = 0;
    cl_int code = CL_SUCCESS, loaded = CL_SUCCESS;
    unsigned char *entry = imp_cache_load(name, &size);
    const bool sound =
        entry && size > DIGEST &&
        EVP_Digest(entry + DIGEST, size - DIGEST, digest, NULL, EVP_sha256(), NULL) &&
        memcmp(digest, entry, DIGEST) == 0;
    if (sound) {
        const unsigned char *binary = entry + DIGEST;
        size -= DIGEST;
        cl->program =
            clCreateProgramWithBinary(cl->context, 1, &cl->id, &size, &binary, &loaded, &code);
    }
    free(entry);
    return cl->program && code == CL_SUCCESS && loaded == CL_SUCCESS &&
           clBuildProgram(cl->program, 1, &cl->id, options, NULL, NULL) == CL_SUCCESS;
}

/* ---- compiling ---- */

/* The first line of a build log that contains "error", else its first line; cut to size. */
static void first_error(char *line, size_t size, const char *log) {
    const char *error = strstr(log, "error");
    const char *begin = error ? error : log;
    while (begin > log && begin[-1] != '\n')
        begin--;
    snprintf(line, size, "%.*s", (int)strcspn(begin, "\r\n"), begin);
}

static imp_status build_failure(ocl_device *cl, cl_int code, const char *name) {
    char path[PATH_BYTES] = "", line[160], file[80];
    size_t size = 0;
    clGetProgramBuildInfo(cl->program, cl->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = calloc(1, size + 1);
    if (!log)
        return ocl_check(cl, CL_OUT_OF_HOST_MEMORY, "building the kernels");
    clGetProgramBuildInfo(cl->program, cl->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    first_error(line, sizeof line, log);
    snprintf(file, sizeof file, "%s.log", name);
    if (!imp_cache_store(file, log, strlen(log)) || !imp_cache_path(path, sizeof path, file))
        snprintf(path, sizeof path, "no file: the cache folder cannot be written");
    free(log);
    return imp_fail(&cl->base.error, IMP_ERR_DEVICE,
                    "device '%s': kernels failed to build: %s (log saved to %.200s): %s (%d): "
                    "update its driver or choose another device",
                    cl->base.info.name, line, path, ocl_error_name(code), (int)code);
}

/* Builds the program under locale C: some drivers' compilers read numbers in the caller's locale,
 * which may write 0,5. */
static cl_int build_in_plain_locale(ocl_device *cl, const char *options) {
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t before = plain ? uselocale(plain) : (locale_t)0;
    const cl_int code = clBuildProgram(cl->program, 1, &cl->id, options, NULL, NULL);
    if (plain) {
        uselocale(before);
        freelocale(plain);
    }
    return code;
}

static imp_status compile(ocl_device *cl, const sources *s, const char *name) {
    cl_int code = CL_SUCCESS;
    cl->program = clCreateProgramWithSource(cl->context, (cl_uint)s->count, (const char **)s->text,
                                            s->size, &code);
    TRY(ocl_check(cl, code, "reading the kernels"));
    cl->base.counters.builds++;
    code = build_in_plain_locale(cl, s->options);
    return code == CL_SUCCESS ? IMP_OK : build_failure(cl, code, name);
}

/* ---- kernels ---- */

/* Creates kernel k and checks it against kernels.def and the device's limits. Its group size is
 * fixed (reqd_work_group_size), so CL_KERNEL_WORK_GROUP_SIZE does not matter; Mesa's rusticl
 * reports the width of a sub-group there, 32, and runs groups of 256 well. */
static imp_status make_kernel(ocl_device *cl, ocl_kernel k) {
    const imp_device_info *info = &cl->base.info;
    const char *name = ocl_kernel_name(k);
    cl_int code = CL_SUCCESS;
    cl_uint arguments = 0;
    cl_ulong local_bytes = 0;
    cl_kernel kernel = clCreateKernel(cl->program, name, &code);
    TRY(ocl_check(cl, code, name));
    cl->kernels[k] = kernel;
    code = clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof arguments, &arguments, NULL);
    TRY(ocl_check(cl, code, name));
    if (arguments != ocl_kernel_arguments(k))
        return imp_fail(&cl->base.error, IMP_ERR_DEVICE,
                        "device '%s': kernel %s has %u parameters, kernels.def says %u",
                        cl->base.info.name, name, arguments, ocl_kernel_arguments(k));
    code = clGetKernelWorkGroupInfo(kernel, cl->id, CL_KERNEL_COMPILE_WORK_GROUP_SIZE,
                                    sizeof cl->local[k], cl->local[k], NULL);
    TRY(ocl_check(cl, code, name));
    code = clGetKernelWorkGroupInfo(kernel, cl->id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local_bytes,
                                    &local_bytes, NULL);
    TRY(ocl_check(cl, code, name));
    const size_t needed = cl->local[k][0] * cl->local[k][1] * cl->local[k][2];
    if (needed == 0 || needed > info->max_group || local_bytes > info->local_bytes)
        return imp_fail(&cl->base.error, IMP_ERR_DEVICE,
                        "device '%s': kernel %s needs %zu work-items in a group and %llu bytes of "
                        "local memory, but at most %u and %llu are allowed: choose another device",
                        info->name, name, needed, (unsigned long long)local_bytes, info->max_group,
                        (unsigned long long)info->local_bytes);
    return IMP_OK;
}

static imp_status make_kernels(ocl_device *cl) {
    for (size_t k = 0; k < OCL_KERNELS; k++)
        if (ocl_kernel_in(k, cl->class))
            TRY(make_kernel(cl, k));
    return IMP_OK;
}

const char *imp_opencl_digest(void) {
    return imp_cl_digest;
}

void ocl_program_close(ocl_device *cl) {
    for (size_t k = 0; k < OCL_KERNELS; k++)
        if (cl->kernels[k])
            clReleaseKernel(cl->kernels[k]);
    if (cl->program)
        clReleaseProgram(cl->program);
    memset(cl->kernels, 0, sizeof cl->kernels);
    cl->program = NULL;
}

imp_status ocl_program_open(ocl_device *cl) {
    const bool kept = keeps_programs(cl);
    char name[64], file[80];
    sources s;
    imp_status status = sources_init(&s, cl);
    if (status != IMP_OK)
        goto done;
    entry_name(name, cl, &s);
    snprintf(file, sizeof file, "%s.bin", name);
    if (!kept && load_entry(cl, file, s.options) && make_kernels(cl) == IMP_OK)
        goto done;

    imp_cache_drop(file);
    ocl_program_close(cl);
    cl->base.error = (imp_error){0};
    status = compile(cl, &s, name);
    if (status == IMP_OK)
        status = make_kernels(cl);
    if (status == IMP_OK && !kept)
        store_entry(cl, file);
done:
    sources_finish(&s);
    return status;
}
