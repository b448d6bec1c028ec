/* exp, float64 and float32: the core of exponential.h and nothing more.

   exp(x) = s (1 + p), p = r + (t + r**2 P(r)), |p| < 0.0905, by one last FMA.  In ulp of the
   result: 1/2 for that FMA; 0.0625 at most for each of the roundings of r and p, which are below
   1/8 and count s times, s < 2; 0.036 for the approximation (float32: 0.05): 0.67.  A subnormal
   result is rounded once more, and then at most half of the error before counts: 0.84.

   2**(n/4) is a normal number as long as the result is.  The slow path takes |x| above the last
   round number for which that is certain, inf and nan; it splits the power into two factors and
   lets the multiplication by the second one round, overflow or underflow.

   Measured maximum: float64 0.669 ulp (0.813 of a subnormal result) in 6 million points and
   climbing from the worst; float32 0.714 (subnormal 0.814) in all of them. */

#ifndef CPNUM_EXP_H
#define CPNUM_EXP_H

#include "exponential.h"

#define TEMPLATE "exp.h"
#include "real.h"

#elif defined(REAL)

/* Any x, for scaled(x, offset), which is the power with offset added to its bits, and its limits
   as above. */
INLINE V NAME(exponential_by)(V x, V normal, V finite, V (*scaled)(V x, I offset)) {
    if (UNLIKELY(any((AS(U, x) << 1) > (AS(U, normal) << 1)))) { /* |x| > normal, or nan */
        I magnitude = AS(I, x) & ~SIGN, negative = AS(I, x) < 0;
        I number = magnitude < INFINITE;
        V bounded = magnitude > AS(I, finite) ? COPYSIGN(finite, x) : x;
        /* The multiplication rounds, overflows or underflows; inf and nan would raise invalid. */
        I offset = AS(I, NAME(EXP_FACTOR)) - ONE;
        V part = scaled(number ? bounded : R(0.0), negative ? offset : -offset);
        V product = part * (negative ? AS(V, ONE - offset) : NAME(EXP_FACTOR));
        return number ? product : x == AS(V, INFINITE | SIGN) ? R(0.0) : x;
    }
    return scaled(x, (I){});
}

INLINE V NAME(exp)(V x) {
    return NAME(exponential_by)(x, NAME(EXP_NORMAL), NAME(EXP_FINITE), NAME(exp_scaled));
}

#endif
