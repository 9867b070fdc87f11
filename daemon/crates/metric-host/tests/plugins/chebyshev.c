/* The largest difference of any attribute: a whole plugin, as a third party would write it. */
#include <math.h>

#include "cloister_metric.h"

static double cost(const double *row, const double *centre, size_t dim) {
  double largest = 0.0;
  for (size_t d = 0; d < dim; d++) {
    double difference = fabs(row[d] - centre[d]);
    if (!isfinite(difference)) return INFINITY; /* fmax would drop a NaN */
    largest = fmax(largest, difference);
  }
  return largest;
}

static int32_t distances(const double *rows, size_t row_count, size_t dim, const double *centre,
                         double *costs) {
  for (size_t i = 0; i < row_count; i++) {
    costs[i] = cost(rows + i * dim, centre, dim);
    if (!isfinite(costs[i])) return CLOISTER_METRIC_NOT_FINITE;
  }
  return CLOISTER_METRIC_OK;
}

static int32_t assign(const double *rows, size_t row_count, size_t dim, const double *centres,
                      size_t centre_count, uint32_t *labels, double *costs) {
  for (size_t i = 0; i < row_count; i++) {
    costs[i] = INFINITY;
    for (size_t j = 0; j < centre_count; j++) {
      double candidate = cost(rows + i * dim, centres + j * dim, dim);
      if (!isfinite(candidate)) return CLOISTER_METRIC_NOT_FINITE;
      if (candidate < costs[i]) {
        costs[i] = candidate;
        labels[i] = (uint32_t)j;
      }
    }
  }
  return CLOISTER_METRIC_OK;
}

static const cloister_metric metric = {
    .magic = CLOISTER_METRIC_MAGIC,
    .abi_major = CLOISTER_METRIC_ABI_MAJOR,
    .abi_minor = CLOISTER_METRIC_ABI_MINOR,
    .struct_size = sizeof(cloister_metric),
    .flags = 0,
    .secure_form = CLOISTER_METRIC_SECURE_NONE,
    .name = "chebyshev",
    .version = "1.0.0",
    .assign = assign,
    .distances = distances,
};

CLOISTER_METRIC_ENTRY(chebyshev) { return &metric; }
