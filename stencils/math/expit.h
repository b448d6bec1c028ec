/* expit(x) = 1 / (1 + exp(-x)), float64 and float32.

   exp(-x) = high + low as in expm1.h; 1 + high = sum + lost exactly (2Sum), and the quotient
   1 / (sum + low) is corrected by its remainder 1 - quotient (sum + low): one FMA each for the two
   parts, and a last one that rounds.  In ulp: 1/2, and the relative error of exp(-x), below 2**-56.

   The slow path: 1 for large x; exp(x) in two steps for large -x, where 1 + exp(x) is 1.

   Measured maximum: float64 0.583 ulp (0.813 of a subnormal result) in 3 million points and
   climbing from the worst; float32 0.643 (subnormal 0.814) in all of them. */

#ifndef CPNUM_EXPIT_H
#define CPNUM_EXPIT_H

#include "exponential.h"

#define TEMPLATE "expit.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(expit_reduced)(V x) {
    V y = -x;
    NAME(quarter_reduced) y_ = NAME(reduce_quarter_ln2)(y);
    NAME(quarter_power) q = NAME(quarter_power_of)(y_.n, (I){});
    V tail = FMA(y_.minus, NAME(QUARTER_LN2_TAIL), q.t);
    tail = FMA(y_.r * y_.r, NAME(exp_series)(y_.r), tail);
    V high = FMA(q.s, y_.head, q.s), low = FMA(q.s, y_.head, q.s - high);
    V sum = R(1.0) + high, part = sum - high;
    low = FMA(q.s, tail, low) + ((high - (sum - part)) + (R(1.0) - part));
    V quotient = R(1.0) / (sum + low);
    V remainder = FMA(-quotient, low, NAME(fma)(-quotient, sum, R(1.0)));
    return FMA(quotient, remainder, quotient);
}

INLINE V NAME(expit)(V x) {
    const I MOST = AS(I, NAME(EXP_NORMAL)), FINITE = AS(I, NAME(EXP_FINITE));
    if (UNLIKELY(any((AS(U, x) << 1) > (AS(U, MOST) << 1)))) { /* |x| > 708 (87), or nan */
        I magnitude = AS(I, x) & ~SIGN;
        I main = magnitude <= MOST, number = magnitude <= INFINITE;
        I negative = AS(I, x) < 0;
        V result = NAME(expit_reduced)(main ? x : R(0.0));
        V bounded = magnitude > FINITE ? -NAME(EXP_FINITE) : x;
        bounded = negative & ~main ? bounded : -NAME(EXP_NORMAL);
        I offset = AS(I, NAME(EXP_FACTOR)) - ONE;
        V least = NAME(exp_scaled)(bounded, offset) * (R(1.0) / NAME(EXP_FACTOR));
        return main ? result : negative & number ? least : number ? R(1.0) : x;
    }
    return NAME(expit_reduced)(x);
}

#endif
