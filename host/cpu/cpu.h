/* SPDX-License-Identifier: MIT
 *
 * The two backends that run on the processor: the oracle, which defines what every operation
 * computes, and cpu, which is made for speed.
 */
#ifndef IMP_CPU_H
#define IMP_CPU_H

#include "backend/backend.h"

extern const imp_backend imp_oracle_backend, imp_cpu_backend;

/* Opens the device; options may be NULL. It is closed by imp_device_close. IMP_ERR_MEMORY.
 * cpu uses the best instruction set of the processor. IMPASTO_ISA=base|avx2|avx512 in the
 * environment forces one; IMP_ERR_UNSUPPORTED if the processor lacks it. */
imp_status imp_oracle_open(imp_device **out, const imp_device_options *options, imp_error *err);
imp_status imp_cpu_open(imp_device **out, const imp_device_options *options, imp_error *err);

/* Measures the roofs of a device that imp_cpu_open opened, in about 0.2 seconds: multiply-adds of
 * floats (2 operations each) in GFLOP/s by all its threads, and bytes read and written by a copy in
 * GB/s. IMP_ERR_MEMORY. */
imp_status imp_cpu_measure(imp_device *device, double *gflops, double *gbs);

/* Plain loops and double sums; one thread; every tensor is stored as planes. */
extern const imp_ops imp_oracle_ops;

#endif
