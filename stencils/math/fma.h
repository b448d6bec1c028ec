/* a * b + c, rounded once, where constants may stand for vectors (FMA takes vectors only). */

#ifndef CPNUM_FMA_H
#define CPNUM_FMA_H

#include "../vector.h"

#define FMA_OF(T, ...)                                                                             \
    INLINE v##T fma_##T(v##T a, v##T b, v##T c) { return FMA(a, b, c); }
FLOAT_DTYPES(FMA_OF)

#endif
