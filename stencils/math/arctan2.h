/* arctan2(y, x): the reduction and polynomial of arctangent.h with n = |y| and d = |x|, then the
   quadrant: for a set sign of x, pi - (k pi/4 + arctan(q)), so k becomes 4 - k and q changes its
   sign; the sign of y goes to the result.

   q is the double-double q + low, or its rounding would count up to 1 ULP where the result is q
   itself: with the reciprocal of the denominator, low = (numerator - q denominator) reciprocal,
   the bracket exact in an FMA; one division.  It enters as low arctan'(q) = low / (1 + z), for
   which 1 - 3/4 z is near enough (0.02 of at most 1.5 ULP).  The rest of the error is arctan's,
   with n + d as the only other inexact step of the reduction.

   That needs |x| and |y| where neither the reciprocal nor the bracket underflows: 2**-900 to
   2**1000 (float32: 2**-95 to 2**120).  If any lane is outside (or 0, inf, NaN), the branch scales
   both by the power of two that takes the longer to 2**1000 (2**120) or as near as it can; the
   shorter then loses bits only if the quotient underflows.  The same branch replaces what 0 / 0
   and inf / inf would raise a flag for: infinities become 1, finite values beside them 0, and
   (0, 0) becomes (0, 1).

   No flag but inexact and underflow.  Measured: float64 0.809 ULP (2 10**6 points against
   MPFR, with a search around the worst), float32 0.776 ULP (10**8 points). */

#ifndef CPNUM_ARCTAN2_H
#define CPNUM_ARCTAN2_H

#include "arctangent.h"

/* The extreme ones are those below the first or not below the second. */
#define LEAST_LEG_f64 ((vf64)0x1p-900)
#define LEAST_LEG_f32 ((vf32)0x1p-95f)
#define MOST_LEG_f64 ((vf64)0x1p1000)
#define MOST_LEG_f32 ((vf32)0x1p120f)

#define TEMPLATE "arctan2.h"
#include "real.h"

#elif defined(REAL)

typedef struct {
    V rise, run;
} NAME(legs);

/* |y| and |x|, if any are extreme scaled and replaced. */
INLINE NAME(legs) NAME(legs_of)(V y, V x) {
    V rise = ABS(y), run = ABS(x), infinity = AS(V, INFINITE);
    I least = AS(I, NAME(LEAST_LEG)), most = AS(I, NAME(MOST_LEG));
    I extreme = OUTSIDE(AS(I, rise), least, most) | OUTSIDE(AS(I, run), least, most);
    if (UNLIKELY(any(extreme))) {
        V longer = magnitude_less(rise, run) ? run : rise; /* NaN if either is */
        I infinite = longer == infinity;
        rise = (infinite & (rise != infinity)) ? R(0.0) : rise;
        run = (infinite & (run != infinity)) ? R(0.0) : run;
        I exponent = (ONE >> DIGITS) + (most >> DIGITS) - (AS(I, longer) >> DIGITS);
        I greatest = (INFINITE >> DIGITS) - 1;
        V scale = AS(V, (exponent > greatest ? greatest : exponent) << DIGITS);
        rise *= scale;
        run *= scale;
        rise = rise == infinity ? R(1.0) : rise;
        run = ((run == infinity) | (longer == R(0.0))) ? R(1.0) : run;
    }
    return (NAME(legs)){rise, run};
}

/* n / d of arctangent.h, and for a set sign of x pi less its angle. */
INLINE NAME(fraction) NAME(fraction_to)(NAME(legs) legs, V x, I small, I large) {
    NAME(fraction) of = NAME(fraction_of)(legs.rise, legs.run, small, large);
    of.numerator = AS(V, AS(I, of.numerator) ^ (AS(I, x) & SIGN));
    of.k = AS(I, x) < 0 ? R(4.0) - of.k : of.k;
    return of;
}

INLINE V NAME(arctan2)(V y, V x) {
    NAME(legs) legs = NAME(legs_of)(y, x);
    I small = magnitude_less(legs.rise, legs.run * ARCTANGENT_LEAST);
    I large = magnitude_less(legs.run, legs.rise * R(0.5));
    NAME(fraction) of = NAME(fraction_to)(legs, x, small, large);
    V reciprocal = R(1.0) / of.denominator, q = of.numerator * reciprocal, z = q * q;
    V low = FMA(-q, of.denominator, of.numerator) * reciprocal;
    V derivative = FMA(z, R(-0.75), R(1.0));
    V sum = FMA(of.k, NAME(QUARTER_PI), q);
    V missed = FMA(low, derivative, NAME(arctangent_missed)(of.k, q, sum));
    V value = sum + FMA(q * z, NAME(arctangent_polynomial)(z), missed);
    return AS(V, AS(U, value) | (AS(U, y) ^ AS(U, ABS(y))));
}

/* As arctan_fast.  Measured: float64 2.7 ULP, float32 2.9. */
INLINE V NAME(arctan2_fast)(V y, V x) {
    NAME(legs) legs = NAME(legs_of)(y, x);
    I small = magnitude_less(legs.rise, legs.run * ARCTANGENT_FAST_LEAST);
    I large = magnitude_less(legs.run * ARCTANGENT_FAST_MOST, legs.rise);
    NAME(fraction) of = NAME(fraction_to)(legs, x, small, large);
    V q = of.numerator / of.denominator, z = q * q;
    V value = FMA(of.k, NAME(QUARTER_PI), FMA(q * z, NAME(arctangent_fast)(z), q));
    return AS(V, AS(U, value) | (AS(U, y) ^ AS(U, ABS(y))));
}

#endif
