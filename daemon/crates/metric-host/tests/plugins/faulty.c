/*
 * The Chebyshev metric with one fault, chosen by FAULT. The tests compile it once for each.
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloister_metric.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/* The compiler folds this; only the chosen fault is left in the library. */
static bool is(const char *fault) { return strcmp(fault, TEXT(FAULT)) == 0; }

static volatile int never = 0;

static void loop(void) {
  while (!never) {
  }
}

static void crash(void) { *(volatile int *)(size_t)never = 1; }

__attribute__((constructor)) static void construct(void) {
  if (is("constructor_loops")) loop();
  if (is("constructor_crashes")) crash();
  if (is("constructor_exits")) _exit(0);
  if (is("constructor_prints")) {
    for (int i = 0; i < 100000; i++) puts("a plugin that talks too much");
    fflush(stdout);
  }
  if (is("rounds_up")) fesetround(FE_UPWARD);
#ifdef __x86_64__
  if (is("drops_subnormals")) __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
  if (is("constructor_forks") && fork() == 0) {
    for (;;) pause(); /* holds the pipe of its parent's output */
  }
}

static double cost(const double *row, const double *centre, size_t dim) {
  double largest = 0.0;
  for (size_t d = 0; d < dim; d++) {
    double difference = fabs(row[d] - centre[d]);
    if (!isfinite(difference)) return INFINITY;
    if (is("asymmetric") && row[d] < centre[d]) difference *= 1.5;
    largest = fmax(largest, difference);
  }
  if (is("cost_at_self")) largest += 1e-6;
  if (is("negative_cost")) largest = -largest;
  if (is("nan_cost") && largest > 6.0) largest = NAN;
  return largest;
}

static int32_t distances(const double *rows, size_t row_count, size_t dim, const double *centre,
                         double *costs) {
  if (is("call_loops")) loop();
  if (is("call_crashes")) crash();
  if (is("status_internal")) return CLOISTER_METRIC_INTERNAL;
  if (is("status_unknown")) return 77;
  if (is("no_dimension")) return CLOISTER_METRIC_SHAPE;
  for (size_t i = 0; i < row_count; i++) {
    costs[i] = cost(rows + i * dim, centre, dim);
    if (isinf(costs[i])) return is("takes_infinity") ? CLOISTER_METRIC_OK : CLOISTER_METRIC_NOT_FINITE;
    if (is("depends_on_place")) costs[i] *= 1.0 + 1e-15 * (double)(i % 4);
  }
  if (is("writes_beyond")) costs[row_count] = 0.0;
  if (is("leaves_out") && row_count > 8) costs[row_count - 1] = NAN;
  return CLOISTER_METRIC_OK;
}

static int32_t assign(const double *rows, size_t row_count, size_t dim, const double *centres,
                      size_t centre_count, uint32_t *labels, double *costs) {
  for (size_t i = 0; i < row_count; i++) {
    costs[i] = INFINITY;
    for (size_t j = 0; j < centre_count; j++) {
      double candidate = cost(rows + i * dim, centres + j * dim, dim);
      if (isinf(candidate)) return CLOISTER_METRIC_NOT_FINITE;
      if (candidate < costs[i] || (is("last_among_equals") && candidate == costs[i])) {
        costs[i] = candidate;
        labels[i] = (uint32_t)j;
      }
    }
    if (is("label_out_of_range") && i == 7) labels[i] = (uint32_t)centre_count;
    if (is("assign_costs_otherwise")) costs[i] *= 1.0 + 1e-12;
    /* Not met in the conformance suite. */
    if (is("breaks_later") && rows[i * dim] == 424242.0) labels[i] = (uint32_t)centre_count;
    if (is("breaks_later") && rows[i * dim] == 434343.0) costs[i] = -1.0;
    if (is("breaks_later") && rows[i * dim] == 444444.0) return 77;
  }
  return CLOISTER_METRIC_OK;
}

static cloister_metric metric = {
    .magic = CLOISTER_METRIC_MAGIC,
    .abi_major = CLOISTER_METRIC_ABI_MAJOR,
    .abi_minor = CLOISTER_METRIC_ABI_MINOR,
    .struct_size = sizeof(cloister_metric),
    .flags = 0,
    .secure_form = CLOISTER_METRIC_SECURE_NONE,
    .name = "faulty",
    .version = "1.0.0",
    .assign = assign,
    .distances = distances,
};

static const cloister_metric *describe(void) {
  if (is("null_descriptor")) return NULL;
  if (is("misaligned_descriptor")) return (const cloister_metric *)((const char *)&metric + 1);
  if (is("wrong_magic")) metric.magic ^= 1;
  if (is("constructor_forks")) metric.magic ^= 1;
  if (is("wrong_major")) metric.abi_major = 2;
  if (is("newer_minor")) metric.abi_minor = 9;
  if (is("short_struct")) metric.struct_size = 48;
  if (is("unknown_flag")) metric.flags = 1u << 31;
  if (is("unknown_form")) metric.secure_form = 3;
  if (is("false_form")) metric.secure_form = CLOISTER_METRIC_SECURE_MANHATTAN;
  if (is("form_without_flag")) metric.secure_form = CLOISTER_METRIC_SECURE_SQUARED_EUCLIDEAN;
  if (is("null_name")) metric.name = NULL;
  if (is("empty_name")) metric.name = "";
  if (is("bad_name")) metric.name = "Faulty!";
  if (is("long_name")) metric.name = "a_name_of_thirty_three_bytes_long";
  if (is("other_name")) metric.name = "euclidean";
  if (is("bad_version")) metric.version = "1.0 \n";
  if (is("null_assign")) metric.assign = NULL;
  if (is("null_distances")) metric.distances = NULL;
  return &metric;
}

#ifdef NO_ENTRY
const cloister_metric *something_else(void);
const cloister_metric *something_else(void) { return describe(); }
#else
CLOISTER_METRIC_ENTRY(faulty) { return describe(); }
#endif
