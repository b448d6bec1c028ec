/* What float64's arctanh and logit share: log((1 + x) / (1 - x)), 0 <= x < 1, with one division.

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

#if LANE == 8
/* log((1 + x) / (1 - x)), x + *x_low = 1 - (w + *w_low); one of the two may be 0. */
INLINE vf64 log_of_ratio_f64(vf64 x, const vf64 *x_low, vf64 w, const vf64 *w_low) {
    vf64 odds = w * fma_f64(w, fma_f64(w, 0.3125, 0.1875), 0.5);
    split_f64 part = split_of_f64(odds);
    vf64 factor = AS(vf64, 0x3fe0000000000000 - part.power) - 0.5; /* E / 2 */
    vf64 product = factor * w, product_low = FMA(factor, w, -product);
    if (w_low) product_low = FMA(factor, *w_low, product_low);
    vf64 difference = x - product, difference_low = x_low ? product_low - *x_low : product_low;
    vf64 numerator = difference - difference_low, denominator = product + 1.0;
    vf64 denominator_low = (1.0 - denominator) + product + product_low;
    vf64 reciprocal = 1.0 / denominator, s = numerator * reciprocal;
    vf64 remainder = FMA(-s, denominator, difference) - FMA(s, denominator_low, difference_low);
    vf64 z = s * s, head = s + s;
    vf64 multiple = part.k * LN2_HIGH_f64, sum = head - multiple, sum_low = head - (sum + multiple);
    vf64 rest = FMA(reciprocal + reciprocal, remainder, FMA(part.k, -LN2_LOW_f64, sum_low));
    return sum + FMA(s * z, log_polynomial_f64(z), rest);
}
#endif

#endif
