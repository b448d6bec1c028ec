/* arctan(x): the reduction and polynomial of arctangent.h with n = |x| and d = 1; one division,
   no branch.

   Error: 1/2 ULP for the last rounding, and what went before it where it weighs most:
   k = 0, result just below 1/2: q is exact; the cubic term, 0.038 there, brings the roundings of
   z, q z, P and its own, below 0.35 ULP.  k = 1, result in [1/2, 1), |q| <= 1/4: q 0.125 ULP,
   n + d 0.17, the cubic term and what Fast2Sum leaves 0.03.  Together below 0.86 ULP.

   Special values follow from the arithmetic: k = 2 and q = -1 / inf for infinities, NaN for NaN,
   x itself for zeros and subnormals.  No flag but inexact and underflow.

   Measured: float64 0.822 ULP (3 10**6 points against MPFR, with a search around the worst),
   float32 0.780 ULP (every float32). */

#ifndef CPNUM_ARCTAN_H
#define CPNUM_ARCTAN_H

#include "arctangent.h"

#define TEMPLATE "arctan.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(arctan)(V x) {
    V t = ABS(x);
    I small = magnitude_less(t, ARCTANGENT_LEAST), large = magnitude_less(R(2.0), t);
    NAME(fraction) of = NAME(fraction_of)(t, R(1.0), small, large);
    V q = of.numerator / of.denominator, z = q * q;
    V sum = FMA(of.k, NAME(QUARTER_PI), q);
    V missed = NAME(arctangent_missed)(of.k, q, sum);
    V value = sum + FMA(q * z, NAME(arctangent_polynomial)(z), missed);
    return AS(V, AS(U, value) | (AS(U, x) ^ AS(U, t)));
}

/* Two roundings each of q and of the sum.  Measured: float64 2.6 ULP, float32 2.8. */
INLINE V NAME(arctan_fast)(V x) {
    V t = ABS(x);
    I small = magnitude_less(t, ARCTANGENT_FAST_LEAST);
    I large = magnitude_less(ARCTANGENT_FAST_MOST, t);
    NAME(fraction) of = NAME(fraction_of)(t, R(1.0), small, large);
    V base = large ? NAME(QUARTER_PI) * R(2.0) : small ? R(0.0) : NAME(QUARTER_PI);
    V q = of.numerator / of.denominator, z = q * q;
    V value = base + FMA(q * z, NAME(arctangent_fast)(z), q);
    return AS(V, AS(U, value) | (AS(U, x) ^ AS(U, t)));
}

#endif
