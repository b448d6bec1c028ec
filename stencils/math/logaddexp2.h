/* logaddexp2(a, b) = log2(2**a + 2**b): logaddexp.h. */

#ifndef CPNUM_LOGADDEXP2_H
#define CPNUM_LOGADDEXP2_H

#include "logaddexp.h"

#define TEMPLATE "logaddexp2.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(logaddexp2)(V a, V b) { return NAME(log_of_sum)(a, b, 2); }

#endif
