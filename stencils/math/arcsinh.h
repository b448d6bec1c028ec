/* arcsinh x = log(x + r), r = sqrt(x**2 + 1), for x >= 0, and odd.

   As log(1 + h) with h = x + (r - 1), where nothing cancels: r as the sum of its rounded value and
   what that misses, by the remainder (x**2 + 1) - r**2, in which x**2 + 1 is the sum of two floats.
   h is the sum of two floats then, with a relative error near 2**-100, and log1p_of in logarithm.h
   does the rest.  r - 1 is exact for r <= 2**53; beyond, neither that nor what x**2 + 1 misses
   counts beside a result above 36 (float32: r <= 2**24, 17).

   From 2**500 (float32: 2**40) on x**2 may overflow, and arcsinh x = log x + ln 2.

   Measured: float64 0.715 ULP (2 10**6 random points and a search around the worst), float32
   0.787 (all numbers). */

#ifndef CPNUM_ARCSINH_H
#define CPNUM_ARCSINH_H

#include "logarithm_f32.h"
#include "logarithm_fast.h"

#if LANE == 8
INLINE vf64 arcsinh_of_f64(vf64 t) {
    vf64 square = t * t, sum = square + 1.0;
    vf64 sum_low = (square - (sum - 1.0)) + FMA(t, t, -square);
    vf64 root = SQRT(sum), root_low = (FMA(-root, root, sum) + sum_low) * (0.5 / root);
    vf64 above = root - 1.0, high = t + above;
    pair_f64 log = log1p_of_two_f64((pair_f64){high, (above - (high - t)) + root_low});
    return log.high + log.low;
}
#endif

#if LANE > 1
/* What the root misses is remainder / (2 r), with 1 / (2 r) from the bits of r, within 1/8, and the
   better the nearer r is to 1: there it counts more. */
INLINE vf32 arcsinh_of_f32(vf32 t) {
    vf32 sum = fma_f32(t, t, 1.0f), root = SQRT(sum);
    vf32 remainder = FMA(-root, root, sum) + fma_f32(t, t, 1.0f - sum);
    vf32 half_reciprocal = AS(vf32, 0x7e800000 - AS(vi32, root));
    vf32 above = root - 1.0f, high = t + above;
    return log1p_by_table_f32(high, FMA(remainder, half_reciprocal, above - (high - t)));
}
#endif

#define TEMPLATE "arcsinh.h"
#include "real.h"

#if LANE == 8
/* r - 1 = x**2 / (r + 1), and h as a single float, which log1p makes no less accurate: 1.5 ULP, and
   log1p_fast_of's in logarithm_fast.h.

   Measured: float64 3.32 ULP (6 10**5 points and climbing). */
INLINE vf64 arcsinh_fast_of_f64(vf64 t) {
    vf64 root = SQRT(fma_f64(t, t, 1.0));
    return log1p_fast_of_f64(t + t * t / (root + 1.0), 0);
}

INLINE vf64 arcsinh_fast_f64(vf64 x) { return arcsinh_by_f64(x, arcsinh_fast_of_f64); }
#endif

#elif defined(REAL)

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

#endif
