/*
 * cloister_metric.h - what a metric plugin for Cloister offers.
 *
 * A plugin is a shared library named lib<name>.so (or lib<name>.<anything>.so,
 * for a newer copy beside an older one) that exports one function,
 *
 *     CLOISTER_METRIC_ENTRY(<name>) { return &my_static_descriptor; }
 *
 * and keeps everything else to itself. Build it with, for instance,
 *
 *     cc -std=c11 -O3 -fPIC -shared -fvisibility=hidden -o libchebyshev.so chebyshev.c -lm
 *
 * A COST is what a row adds to the inertia of a clustering when it belongs to a
 * centre: the squared distance for Euclid, the distance itself for Manhattan.
 * Costs are finite and at least zero; the cost of a row at a centre equal to it
 * is zero; exchanging row and centre does not change it.
 *
 * What both functions promise
 *   - They may be called from several threads at once.
 *   - The cost of a row depends on that row and that centre alone, to the last
 *     bit: not on the row's place in the batch, the batch's size or the thread.
 *     assign and distances give the same cost for the same pair.
 *   - They write nothing but the outputs, keep no pointer after they return,
 *     and never exit, throw, longjmp, or start threads.
 *   - A value that is not finite, or a cost that would not be, gives
 *     CLOISTER_METRIC_NOT_FINITE; the outputs then mean nothing.
 *
 * What the host promises
 *   - Pointers are aligned and valid for the sizes below, outputs overlap
 *     nothing, sizes do not overflow, row_count, dim and centre_count are at
 *     least 1, and centre_count fits 32 bits.
 *   - It checks every result. A plugin that breaks a promise is not called again.
 *   - It never unloads a plugin.
 *
 * To replace a plugin, put the new file under a new name and reload, or restart
 * the service. Never write over a file in use.
 */
#ifndef CLOISTER_METRIC_H
#define CLOISTER_METRIC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes "CLSTRMET" as a little-endian number. */
#define CLOISTER_METRIC_MAGIC UINT64_C(0x54454D5254534C43)

/* A host refuses another major number; a higher minor one appends fields. */
#define CLOISTER_METRIC_ABI_MAJOR 1
#define CLOISTER_METRIC_ABI_MINOR 0

/* Longest name and version in bytes, without the terminating zero. */
#define CLOISTER_METRIC_NAME_MAX 32
#define CLOISTER_METRIC_VERSION_MAX 32

/* What the functions return. */
#define CLOISTER_METRIC_OK 0
#define CLOISTER_METRIC_SHAPE 1      /* this dim or centre_count is not for this metric */
#define CLOISTER_METRIC_NOT_FINITE 2 /* a value is not finite, or a cost would not be */
#define CLOISTER_METRIC_INTERNAL 3   /* anything else; the host stops using the plugin */

/* Bits of flags; those not named here must be zero. */
#define CLOISTER_METRIC_COSTS_ARE_SQUARES 1u /* the root of a cost is a distance in the data's unit */

/*
 * Values of secure_form: may the sealed protocol compute this cost on hidden
 * data, and how. The host compares the plugin with the formula before it believes it.
 */
#define CLOISTER_METRIC_SECURE_NONE 0u
#define CLOISTER_METRIC_SECURE_SQUARED_EUCLIDEAN 1u /* sum of (x - c)^2 */
#define CLOISTER_METRIC_SECURE_MANHATTAN 2u         /* sum of |x - c|   */

/*
 * The descriptor. It and its text live as long as the process and never change.
 * The first four fields keep their place in every version.
 */
typedef struct cloister_metric {
  uint64_t magic;       /* CLOISTER_METRIC_MAGIC */
  uint16_t abi_major;   /* CLOISTER_METRIC_ABI_MAJOR */
  uint16_t abi_minor;   /* CLOISTER_METRIC_ABI_MINOR */
  uint32_t struct_size; /* sizeof(cloister_metric) */
  uint32_t flags;
  uint32_t secure_form;
  const char *name;    /* [a-z0-9_], 1 to 32 bytes; as in the file's name and the entry's */
  const char *version; /* 1 to 32 printable ASCII characters, no spaces */

  /*
   * For each of row_count rows, write the index of the centre with the least
   * cost, the lowest index among equals, to labels, and that cost to costs.
   * rows:    row_count * dim values, row after row
   * centres: centre_count * dim values, centre after centre
   * labels, costs: room for row_count values
   */
  int32_t (*assign)(const double *rows, size_t row_count, size_t dim,
                    const double *centres, size_t centre_count,
                    uint32_t *labels, double *costs);

  /* Write the cost of each row at one centre (dim values) to costs. */
  int32_t (*distances)(const double *rows, size_t row_count, size_t dim,
                       const double *centre, double *costs);
} cloister_metric;

#if defined(__GNUC__) || defined(__clang__)
#define CLOISTER_METRIC_EXPORT __attribute__((visibility("default")))
#else
#define CLOISTER_METRIC_EXPORT
#endif

#ifdef __cplusplus
#define CLOISTER_METRIC_LINKAGE extern "C"
#else
#define CLOISTER_METRIC_LINKAGE extern
#endif

/* Declares, then begins the definition of, the one exported function. */
#define CLOISTER_METRIC_ENTRY(name)                                                       \
  CLOISTER_METRIC_LINKAGE CLOISTER_METRIC_EXPORT const cloister_metric *                  \
      cloister_metric_##name(void);                                                       \
  const cloister_metric *cloister_metric_##name(void)

#ifdef __cplusplus
}
#endif

#endif /* CLOISTER_METRIC_H */
