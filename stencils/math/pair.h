/* A value as the unevaluated sum of two: |low| is an ulp of high, or little more. */

#ifndef CPNUM_PAIR_H
#define CPNUM_PAIR_H

#include "../vector.h"

#define TEMPLATE "pair.h"
#include "real.h"

#elif defined(REAL)

typedef struct {
    V high, low;
} NAME(pair);

#endif
