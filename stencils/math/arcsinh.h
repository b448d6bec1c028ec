/* arcsinh x = log(x + r), r = sqrt(x**2 + 1), for x >= 0, and odd.

   As log(1 + h) with h = x + (r - 1), where nothing cancels: r as the sum of its rounded value and
   what that misses, by the remainder (x**2 + 1) - r**2, in which x**2 + 1 is the sum of two floats.
   h is the sum of two floats then, with a relative error near 2**-100, and log1p_of in logarithm.h
   does the rest.  r - 1 is exact for r <= 2**53; beyond, neither that nor what x**2 + 1 misses
   counts beside a result above 36 (float32: r <= 2**24, 17).

   From 2**500 (float32: 2**40) on x**2 may overflow, and arcsinh x = log x + ln 2.

   Measured: float64 0.715 ULP (2 10**6 random points and a search around the worst), float32
   0.706 (the same). */

#ifndef CPNUM_ARCSINH_H
#define CPNUM_ARCSINH_H

#include "logarithm_fast.h"

#define TEMPLATE "arcsinh.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(arcsinh_of)(V t) {
    V square = t * t, sum = square + R(1.0);
    V sum_low = (square - (sum - R(1.0))) + FMA(t, t, -square);
    V root = SQRT(sum), root_low = (FMA(-root, root, sum) + sum_low) * (R(0.5) / root);
    V above = root - R(1.0), high = t + above;
    NAME(two) log = NAME(log1p_of_two)((NAME(two)){high, (above - (high - t)) + root_low});
    return log.high + log.low;
}

/* r - 1 = x**2 / (r + 1), and h as a single float, which log1p makes no less accurate: 1.5 ULP, and
   log1p_fast_of's in logarithm_fast.h.

   Measured: float64 3.32 ULP (6 10**5 points and climbing), float32 3.02. */
INLINE V NAME(arcsinh_fast_of)(V t) {
    V root = SQRT(FMA(t, t, R(1.0)));
    return NAME(log1p_fast_of)(t + t * t / (root + R(1.0)), 0);
}

INLINE V NAME(arcsinh_by)(V x, V (*of)(V)) {
    I bits = AS(I, x) & ~SIGN;
    V t = AS(V, bits);
    if (UNLIKELY(any(bits >= LARGE))) {
        I large = bits >= LARGE, finite = bits < INFINITE;
        NAME(split) part = NAME(split_of)(large & finite ? t : R(1.0));
        V log_2t = NAME(log_of)(part.k + R(1.0), part.f, part.above);
        V result = of(large ? R(1.0) : t);
        return COPYSIGN(finite ? large ? log_2t : result : t, x);
    }
    return COPYSIGN(of(t), x);
}

INLINE V NAME(arcsinh)(V x) { return NAME(arcsinh_by)(x, NAME(arcsinh_of)); }
INLINE V NAME(arcsinh_fast)(V x) { return NAME(arcsinh_by)(x, NAME(arcsinh_fast_of)); }

#endif
