/* Double-double arithmetic: a value as the unevaluated sum of two float64, |low| <= ulp(high) / 2.

   The error bounds are those of Joldes, Muller and Popescu, "Tight and rigorous error bounds for
   basic building blocks of double-word arithmetic", ACM TOMS 44 (2017).  Every operation here is
   branch-free and uses the FMA, which all three ISA levels have. */

#ifndef CPNUM_DOUBLE_DOUBLE_H
#define CPNUM_DOUBLE_DOUBLE_H

#include "pair.h"

#if LANE == 8
typedef pair_f64 dd;

/* a + b exactly, when |a| >= |b| or a == 0 (Fast2Sum, Dekker 1971). */
INLINE dd fast_two_sum(vf64 a, vf64 b) {
    vf64 sum = a + b;
    return (dd){sum, b - (sum - a)};
}

/* a + b exactly, whatever their order (2Sum, Knuth, TAOCP vol. 2, 4.2.2, theorem B). */
INLINE dd two_sum(vf64 a, vf64 b) {
    vf64 sum = a + b, part = sum - a;
    return (dd){sum, (a - (sum - part)) + (b - part)};
}

/* a * b exactly, unless the error underflows. */
INLINE dd two_product(vf64 a, vf64 b) {
    vf64 product = a * b;
    return (dd){product, FMA(a, b, -product)};
}

/* x + y for a float64 y: relative error <= 2**-105 (DWPlusFP). */
INLINE dd dd_add_f64(dd x, vf64 y) {
    dd sum = two_sum(x.high, y);
    return fast_two_sum(sum.high, x.low + sum.low);
}

/* x + y with an error of 2**-104 of the larger one (SloppyDWPlusDW). */
INLINE dd dd_add(dd x, dd y) {
    dd sum = two_sum(x.high, y.high);
    return fast_two_sum(sum.high, sum.low + (x.low + y.low));
}

/* The same, when |x| >= |y|. */
INLINE dd fast_dd_add(dd x, dd y) {
    dd sum = fast_two_sum(x.high, y.high);
    return fast_two_sum(sum.high, sum.low + (x.low + y.low));
}

/* x * y for a float64 y: relative error <= 2**-105 (DWTimesFP3). */
INLINE dd dd_multiply_f64(dd x, vf64 y) {
    dd product = two_product(x.high, y);
    return fast_two_sum(product.high, FMA(x.low, y, product.low));
}

/* x * y: relative error <= 2**-103 (DWTimesDW3, without the low-by-low term 2**-102.4). */
INLINE dd dd_multiply(dd x, dd y) {
    dd product = two_product(x.high, y.high);
    return fast_two_sum(product.high, FMA(x.high, y.low, FMA(x.low, y.high, product.low)));
}

/* a / b: quotient rounded to nearest, and what it misses, to about 2**-105 of the quotient. */
INLINE dd dd_divide_f64(vf64 a, vf64 b) {
    vf64 quotient = a / b;
    return (dd){quotient, FMA(-quotient, b, a) / b};
}

#endif

#endif
