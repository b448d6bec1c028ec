/* modf: the part after the point, and the whole part, both with the sign of x. */

#ifndef CPNUM_MODF_H
#define CPNUM_MODF_H

#include "../vector.h"

#define TEMPLATE "modf.h"
#include "real.h"

#elif defined(REAL)

typedef struct {
    V first, second;
} NAME(parts_of);

INLINE NAME(parts_of) NAME(modf)(V x) {
    FLAGS_MATTER
    I infinite = (AS(I, x) & ~SIGN) == INFINITE;
    V number = infinite ? (V){} : x, whole = TRUNC(number), rest = number - whole;
    return (NAME(parts_of)){COPYSIGN(rest, x), infinite ? x : whole};
}

#endif
