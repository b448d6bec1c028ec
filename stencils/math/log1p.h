/* log1p x = log(1 + x + 0): log1p_of in logarithm.h.

   The special values are those of log for 1 + x; the sign is that of x, for the zeros' sake.

   Measured: float64 0.888 ULP (2 10**6 random points and a search around the worst), float32
   0.902 (the same). */

#ifndef CPNUM_LOG1P_H
#define CPNUM_LOG1P_H

#include "logarithm.h"

#define TEMPLATE "log1p.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(log1p)(V x) {
    V above = x + R(1.0);
    if (UNLIKELY(NAME(log_any_special)(above))) {
        I is = (AS(I, above) > 0) & (AS(I, above) < INFINITE);
        return is ? COPYSIGN(NAME(log1p_of)(is ? x : (V){}), x) : NAME(log_special)(above);
    }
    return COPYSIGN(NAME(log1p_of)(x), x);
}

#endif
