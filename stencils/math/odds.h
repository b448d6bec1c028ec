/* What arctanh and logit share: log((1 + x) / (1 - x)) for 0 <= x < 1, with one division.

   With w = 1 - x the quotient is (2 - w) / w.  For its power of two 2**k the factor E = 2**k - 1
   gives

       s = ((1 + x) - 2**k w) / ((1 + x) + 2**k w) = (2 x - E w) / (2 + E w),
       log((1 + x) / (1 - x)) = k ln 2 + 2 s + s**3 P(s**2),

   P as in logarithm.h.  k comes from a polynomial that is w / (2 - w) within 2 %; any k would be
   right, a near one keeps s small.  2 x - E w is exact but for the rounding of E w, which is kept:
   for k = 0 E is 0 and s = x, and later 2 x and E w are within a factor of 2, or their difference
   is below 1/2 with no bit below those of x, in [1/8, 1/4).  s is the sum of two floats, by the
   remainder of the division; what rounds is the last addition and the cubic term, at most 1 % of
   the result.

   The code has all of the quotient halved: E / 2, x - (E / 2) w and 1 + (E / 2) w.  x and w are
   taken with what they miss: one of the two is exact. */

#ifndef CPNUM_ODDS_H
#define CPNUM_ODDS_H

#include "logarithm.h"

#define TEMPLATE "odds.h"
#include "real.h"

#elif defined(REAL)

/* log((1 + x) / (1 - x)), x + *x_low = 1 - (w + *w_low); one of the two may be 0. */
INLINE V NAME(log_of_ratio)(V x, const V *x_low, V w, const V *w_low) {
    V odds = w * FMA(w, FMA(w, R(0.3125), R(0.1875)), R(0.5));
    NAME(split) part = NAME(split_of)(odds);
    V factor = AS(V, ONE - NORMAL - part.power) - R(0.5); /* E / 2 */
    V product = factor * w, product_low = FMA(factor, w, -product);
    if (w_low)
        product_low = FMA(factor, *w_low, product_low);
    V difference = x - product, difference_low = x_low ? product_low - *x_low : product_low;
    V numerator = difference - difference_low, denominator = product + R(1.0);
    V denominator_low = (R(1.0) - denominator) + product + product_low;
    V reciprocal = R(1.0) / denominator, s = numerator * reciprocal;
    V remainder = FMA(-s, denominator, difference) - FMA(s, denominator_low, difference_low);
    V z = s * s, head = s + s;
    V multiple = part.k * NAME(LN2_HIGH), sum = head - multiple, sum_low = head - (sum + multiple);
    V rest = FMA(reciprocal + reciprocal, remainder, FMA(part.k, -NAME(LN2_LOW), sum_low));
    return sum + FMA(s * z, NAME(log_polynomial)(z), rest);
}

#endif
