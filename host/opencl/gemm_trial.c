/* SPDX-License-Identifier: MIT
 *
 * Which provider makes a matrix product, CLBlast or the project's own kernel. Each class of shapes
 * is tried once on a device; the verdict is kept in the cache folder (gemm.json).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/clock.h"
#include "base/random.h"
#include "opencl/gemm.h"
#include "opencl/opencl.h"

static const char entry[] = "gemm.json";
static const char *const product_names[OCL_PRODUCTS] = {"gram", "style_grad"};

enum { REPEATS = 3, KEY_BYTES = 512, NAME_BYTES = 64 };

/* ---- classes ---- */

static ocl_trial class_of(ocl_product product, const imp_tensor *f) {
    const size_t m = imp_next_power(f->h * f->w);
    return (ocl_trial){.product = product,
                       .c = imp_next_power(f->c),
                       .m = m < OCL_TRIAL_POSITIONS ? m : OCL_TRIAL_POSITIONS};
}

static bool same_class(const ocl_trial *a, const ocl_trial *b) {
    return a->product == b->product && a->c == b->c && a->m == b->m;
}

static const ocl_trial *known(const ocl_gemm *gemm, const ocl_trial *class) {
    for (size_t i = 0; i < gemm->count; i++)
        if (same_class(&gemm->trials[i], class))
            return &gemm->trials[i];
    return NULL;
}

/* ---- the trial ---- */

typedef struct trial_run {
    imp_memory *memory;    /* owned */
    imp_tensor f, d, a, b; /* a: our kernel's result, b: CLBlast's */
    float *first, *second; /* owned; the results on the host */
    size_t count;          /* of a result */
} trial_run;

static void close_run(ocl_device *cl, trial_run *run) {
    ocl_release(&cl->base, run->memory);
    free(run->first);
    free(run->second);
}

static imp_status open_run(ocl_device *cl, trial_run *run, const ocl_trial *t) {
    const bool gram = t->product == OCL_PRODUCT_GRAM;
    const imp_tensor maps = {.c = t->c, .h = 1, .w = t->m, .layout = IMP_MAPS};
    const imp_tensor matrix = {.c = 1, .h = t->c, .w = t->c, .layout = IMP_PLANES};
    imp_tensor *all[] = {&run->f, &run->d, &run->a, &run->b};
    *run =
        (trial_run){.f = maps, .d = matrix, .a = gram ? matrix : maps, .b = gram ? matrix : maps};
    run->count = gram ? t->c * t->c : t->c * t->m;
    size_t end = 0;
    for (size_t i = 0; i < 4; i++)
        end = ocl_place(&cl->base, all[i], end);
    if (end == SIZE_MAX)
        return imp_fail(&cl->base.error, IMP_ERR_MEMORY, "no memory for a trial");
    TRY(ocl_alloc(&cl->base, &run->memory, end));
    for (size_t i = 0; i < 4; i++)
        all[i]->memory = run->memory;
    run->first = malloc(sizeof(float) * t->c * (t->m > t->c ? t->m : t->c));
    run->second = malloc(sizeof(float) * run->count);
    return run->first && run->second ? IMP_OK
                                     : ocl_check(cl, CL_OUT_OF_HOST_MEMORY, "a trial of CLBlast");
}

/* n numbers in (0, 1], always the same. */
static void fill_numbers(float *x, size_t n) {
    uint64_t state = 1;
    for (size_t i = 0; i < n; i++)
        x[i] = (float)imp_random_positive(&state);
}

static imp_status make(ocl_device *cl, const trial_run *run, ocl_product product, bool blas) {
    const imp_tensor out = blas ? run->b : run->a;
    if (product == OCL_PRODUCT_GRAM)
        return blas ? ocl_blas_gram(cl, out, run->f, false) : ocl_own_gram(cl, out, run->f, false);
    return blas ? ocl_blas_style_grad(cl, out, run->d, run->f)
                : ocl_own_style_grad(cl, out, run->d, run->f);
}

/* The shortest of several times; the first run compiles and is not timed. */
static imp_status time_product(ocl_device *cl, const trial_run *run, ocl_product product, bool blas,
                               double *seconds) {
    *seconds = INFINITY;
    for (size_t i = 0; i <= REPEATS; i++) {
        TRY(ocl_finish(cl));
        const double begin = imp_now();
        TRY(make(cl, run, product, blas));
        TRY(ocl_finish(cl));
        if (i > 0)
            *seconds = fmin(*seconds, imp_now() - begin);
    }
    return IMP_OK;
}

/* Both results are sums of n positive terms, each with an error of at most 4 sqrt(n) roundings. */
static bool agree(const trial_run *run, size_t terms) {
    const double bound = 8 * sqrt((double)terms) * 0x1p-24;
    for (size_t i = 0; i < run->count; i++)
        if (!(fabs((double)run->first[i] - run->second[i]) <= bound * fabs(run->first[i])))
            return false;
    return true;
}

static imp_status compare(ocl_device *cl, trial_run *run, ocl_trial *t) {
    const bool gram = t->product == OCL_PRODUCT_GRAM;
    TRY(ocl_fill(&cl->base, run->a, 0));
    TRY(ocl_fill(&cl->base, run->b, 0));
    TRY(make(cl, run, t->product, false));
    TRY(make(cl, run, t->product, true));
    TRY(ocl_read(&cl->base, run->first, run->a));
    TRY(ocl_read(&cl->base, run->second, run->b));
    t->right = agree(run, gram ? t->m : t->c);
    return IMP_OK;
}

static imp_status try_both(ocl_device *cl, trial_run *run, ocl_trial *t) {
    TRY(open_run(cl, run, t));
    fill_numbers(run->first, t->c * t->m);
    TRY(ocl_write(&cl->base, run->f, run->first));
    fill_numbers(run->first, t->c * t->c);
    for (size_t i = 0; i < t->c; i++) /* makes D symmetric */
        for (size_t j = 0; j < i; j++)
            run->first[i * t->c + j] = run->first[j * t->c + i];
    TRY(ocl_write(&cl->base, run->d, run->first));
    TRY(ocl_fill(&cl->base, run->a, 0));
    TRY(ocl_fill(&cl->base, run->b, 0));
    TRY(time_product(cl, run, t->product, false, &t->own));
    TRY(time_product(cl, run, t->product, true, &t->blas));
    return compare(cl, run, t);
}

/* A failure here counts against CLBlast and is not an error of the caller. */
static void run_trial(ocl_device *cl, ocl_trial *t) {
    const ocl_operation operation = cl->operation;
    const imp_error before = cl->base.error;
    trial_run run = {0};
    if (try_both(cl, &run, t) != IMP_OK)
        t->right = false;
    close_run(cl, &run);
    cl->base.error = before;
    cl->operation = operation;
}

/* ---- remembered verdicts ---- */

static void key_of(char key[KEY_BYTES], const ocl_device *cl) {
    const imp_device_info *info = &cl->base.info;
    snprintf(key, KEY_BYTES, "%s|%s|%s|%s|%s", info->platform, info->name, info->driver,
             cl->variant, imp_version());
}

static void name_of(char name[NAME_BYTES], const ocl_trial *t) {
    snprintf(name, NAME_BYTES, "%s %zu x %zu", product_names[t->product], t->c, t->m);
}

static bool recall(const ocl_device *cl, ocl_trial *t) {
    char key[KEY_BYTES], name[NAME_BYTES];
    json_t *all = imp_cache_load_json(entry);
    key_of(key, cl);
    name_of(name, t);
    const json_t *v = json_object_get(json_object_get(all, key), name);
    const bool found = json_is_object(v);
    t->right = json_is_true(json_object_get(v, "right"));
    t->blas = json_number_value(json_object_get(v, "clblast"));
    t->own = json_number_value(json_object_get(v, "own"));
    json_decref(all);
    return found;
}

static void remember(const ocl_device *cl, const ocl_trial *t) {
    char key[KEY_BYTES], name[NAME_BYTES];
    json_t *all = imp_cache_load_json(entry);
    key_of(key, cl);
    name_of(name, t);
    if (!json_object_get(all, key))
        json_object_set_new(all, key, json_object());
    json_t *v = json_pack("{sb sf sf}", "right", t->right, "clblast", t->right ? t->blas : 0.0,
                          "own", t->own);
    if (v && json_object_set_new(json_object_get(all, key), name, v) == 0)
        imp_cache_store_json(entry, all);
    json_decref(all);
}

/* ---- the choice ---- */

static void tell_line(const ocl_device *cl, const char *line) {
    imp_device_say(&cl->base.options, IMP_LOG_DEBUG, "%s", line);
}

static void tell_trial(const ocl_device *cl, const ocl_trial *t) {
    char name[NAME_BYTES], line[256];
    name_of(name, t);
    if (t->right)
        snprintf(line, sizeof line,
                 "%s: CLBlast %.3g ms, own kernel %.3g ms: %s, %.2f times as fast", name,
                 1e3 * t->blas, 1e3 * t->own, t->blas < t->own ? "CLBlast" : "own kernel",
                 fmax(t->blas, t->own) / fmin(t->blas, t->own));
    else
        snprintf(line, sizeof line, "%s: CLBlast is wrong or fails here: own kernel", name);
    tell_line(cl, line);
}

static void tell_choice(ocl_device *cl) {
    const imp_gemm provider = cl->base.options.gemm;
    if (!cl->gemm->told)
        tell_line(cl, provider == IMP_GEMM_CLBLAST ? "matrix products: CLBlast, as set"
                      : provider == IMP_GEMM_OWN   ? "matrix products: own kernels, as set"
                                                   : "matrix products: own kernels (CLBlast is "
                                                     "many times slower on a processor)");
    cl->gemm->told = true;
}

static bool is_processor(const ocl_device *cl) {
    cl_device_type type = 0;
    clGetDeviceInfo(cl->id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    return type & CL_DEVICE_TYPE_CPU;
}

imp_status ocl_blas_takes(ocl_device *cl, bool *takes, ocl_product product, const imp_tensor *f) {
    const imp_gemm provider = cl->base.options.gemm;
    *takes = provider == IMP_GEMM_CLBLAST;
    TRY(ocl_gemm_open(cl));
    /* on processors CLBlast is untuned, and its first call compiles for many seconds */
    if (provider != IMP_GEMM_AUTO || is_processor(cl)) {
        tell_choice(cl);
        return IMP_OK;
    }
    ocl_trial class = class_of(product, f);
    const ocl_trial *t = known(cl->gemm, &class);
    if (!t) {
        if (!recall(cl, &class)) {
            run_trial(cl, &class);
            remember(cl, &class);
        }
        tell_trial(cl, &class);
        if (cl->gemm->count < OCL_TRIALS)
            cl->gemm->trials[cl->gemm->count++] = class;
        t = &class;
    }
    *takes = t->right && t->blas < t->own;
    return IMP_OK;
}

imp_status imp_opencl_compare_products(imp_device *device, bool back, size_t c, size_t m,
                                       imp_products *out) {
    ocl_device *cl = ocl_enter(device, gram);
    ocl_trial t = {.product = back ? OCL_PRODUCT_STYLE_GRAD : OCL_PRODUCT_GRAM, .c = c, .m = m};
    if (t.m > OCL_TRIAL_POSITIONS)
        t.m = OCL_TRIAL_POSITIONS;
    TRY(ocl_gemm_open(cl));
    run_trial(cl, &t);
    *out = (imp_products){t.right, t.blas, t.own};
    return IMP_OK;
}
