/* Floor division of integers by one divisor that all lanes share.  Its reciprocal is computed once
   a call (`divisor`), so that a quotient is a product (`floor_divide_by`).  A divisor of 0 raises
   divide, and all quotients are 0; the lowest integer by -1 is itself, and raises overflow.

   The reciprocal r is a float64 nearly everywhere.  (x + 0.5) / d for d > 0, and (x - 0.5) / d for
   d < 0, have the floor of x / d, and miss each whole number by 0.5 / |d| or more.  x r + 0.5 |r|
   errs by less, 2**-21 / |d| for int32, so that its floor is the right one.

   int64 needs two steps.  The nearest integer to x r misses x / d by up to 0.5 + |x / d| 2**-51, so
   the rest that it leaves is below 0.5 |d| + 2**12.  If |d| is below 2**51, the rest is a float64,
   and its quotient errs by less than 0.26 / |d|.  For other divisors that quotient lies between
   -0.6 and 0.6, and rounding keeps its sign.

   AVX2 does not convert between int64 and float64, so that r has 64 bits there, as an integer:
   A. D. Robison, "N-bit unsigned division via N-bit multiply-add", ARITH-17, 2005.  With D = |d|,
   2**s <= D < 2**(s + 1) and m = floor((2**(64 + s) - 1) / D), the floor of y / D is that of
   (y + 1) m / 2**(64 + s) for 0 <= y <= 2**63.  For a negative y it is ~floor(~y / D). */

#ifndef CPNUM_INTEGER_DIVISOR_H
#define CPNUM_INTEGER_DIVISOR_H

#include "integer_division.h"

/* What quotients need of a divisor, each part the same in all lanes or pairs of lanes. */
#define DIVISOR_TYPE(T)                                                                            \
    typedef struct {                                                                               \
        v##T first, second, third;                                                                 \
    } divisor_##T;

DIVISOR_TYPE(i32)

/* Two lanes of int32 hold the bits of one float64, the same in each pair of lanes. */
#if LANES == 2
INLINE vi32 in_pairs(vf64 x) { return AS(vi32, x[0]); }
INLINE vf64 of_pairs(vi32 x) { return (vf64)AS(double, x); }
#else
INLINE vi32 in_pairs(vf64 x) { return AS(vi32, x.lo); }
INLINE vf64 of_pairs(vi32 x) {
    vf64 both;
    both.lo = AS(VECTOR_OF(LANES / 2, double), x);
    both.hi = both.lo;
    return both;
}
#endif

OVERLOADED divisor_i32 integer_divisor(vi32 d) {
    FLAGS_MATTER
    vf64 floating = CONVERT(vf64, d);
    vf64 reciprocal = 1.0 / floating;
    reciprocal = floating == 0.0 ? (vf64){} : reciprocal;
    return (divisor_i32){in_pairs(reciprocal), in_pairs(0.5 * ABS(reciprocal) - 0.5), d};
}

/* The nearest integer to the quotient less 0.5 is its floor.  A large float64 that is added moves
   it into the lower 32 bits.  2**31, the quotient of the lowest integer by -1, and no other one,
   overflows: the lowest integer itself stays above -2**1024 + 2**991. */
OVERLOADED vi32 integer_floor_by(vi32 x, vi32 reciprocal, vi32 offset, vi32 d) {
    FLAGS_MATTER
    vf64 quotient = FMA(CONVERT(vf64, x), of_pairs(reciprocal), of_pairs(offset));
    vf64 overflowing = FMA(quotient, (vf64)0x1p993, (vf64)0x1p991);
#if LANE == 4
    RAISE(overflowing.lo);
    RAISE(overflowing.hi);
#else
    RAISE(overflowing);
#endif
    return AS(VECTOR_OF(2 * LANES, int), quotient + 0x1.8p52).even;
}

#if LANE == 8
DIVISOR_TYPE(i64)
#define LOWEST ((vi64)1 << 63)

INLINE void raise_overflow(vi64 where) {
    FLAGS_MATTER
    vf64 large = (vf64)0x1p1000;
    RAISE(large * (where ? large : (vf64)1.0));
}

#if X86_256

OVERLOADED divisor_i64 integer_divisor(vi64 d) {
    FLAGS_MATTER
    vi64 zero = d == 0, size = zero ? (vi64)1 : (d < 0 ? -d : d);
    RAISE(1.0 / rounded(d));
    vf64 floating = ABS(rounded(size)), reciprocal = 0x1p32 / floating;
    vi64 exponent = (AS(vi64, floating) >> 52) - 1023;
    exponent += size - ((vi64)1 << exponent) < 0; /* it was rounded to a power of two */
    /* 2**(64 + s) by D, 32 bits at a time: the rest is at most 0.51 D on either side. */
    vi64 rest = ((vi64)1 << exponent) - size, factor = {};
    UNROLLED
    for (int half = 0; half < 2; half++) {
        vi64 digits = nearest_of_52_bits(rounded(rest) * reciprocal);
        rest = (rest << 32) - digits * size;
        factor = (factor << 32) + digits;
    }
    factor += rest < 1;
    return (divisor_i64){zero ? (vi64){} : factor, exponent, zero ? LOWEST : -(d < 0)};
}

/* The upper 64 bits of a product, of numbers without a sign; a is at most 2**63 + 1. */
INLINE vi64 upper_half(vi64 a, vi64 b) {
    const vu64 LOWER = (vu64)0xffffffff;
    vu64 a_lower = AS(vu64, a) & LOWER, a_upper = AS(vu64, a) >> 32;
    vu64 b_lower = AS(vu64, b) & LOWER, b_upper = AS(vu64, b) >> 32;
    vu64 middle = a_upper * b_lower + (a_lower * b_lower >> 32);
    __asm__("" : "+v"(middle)); /* clang would see the product, and multiply lane by lane */
    vu64 other = a_lower * b_upper + (middle & LOWER);
    return AS(vi64, a_upper *b_upper + (middle >> 32) + (other >> 32));
}

/* `negative` is 1 for a negative divisor, else 0: a quotient by -D is that of x - 1 by D, inverted.
   For d = 0 it is the lowest integer, which is above no x. */
OVERLOADED vi64 integer_floor_by(vi64 x, vi64 factor, vi64 exponent, vi64 negative) {
    FLAGS_MATTER
    vi64 below = x < negative, one = (vi64)1;
    __asm__("" : "+v"(one)); /* clang would compute -1 */
    vi64 product = upper_half(((x - negative) ^ below) + one, factor);
    vi64 quotient = AS(vi64, AS(vu64, product) >> AS(vu64, exponent));
    if (UNLIKELY(__builtin_ia32_movmskpd256(AS(vf64, quotient)))) raise_overflow(quotient < 0);
    return quotient ^ below ^ (negative > 0);
}

#else

#if X86_512
/* By _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC. */
INLINE vi64 lower(vf64 x) { return __builtin_ia32_cvtpd2qq512_mask(x, (vi64){}, -1, 9); }
#else
INLINE vf64 rounded(vi64 x) { return CONVERT(vf64, x); }
INLINE vi64 nearest(vf64 x) {
    x = x < 0x1p63 ? x : (vf64)0x1.fffffffffffffp62; /* or it would raise invalid */
    return CONVERT(vi64, RINT(x));
}
INLINE vi64 lower(vf64 x) { return CONVERT(vi64, FLOOR(x)); }
#endif

OVERLOADED divisor_i64 integer_divisor(vi64 d) {
    FLAGS_MATTER
    vf64 reciprocal = 1.0 / rounded(d);
    reciprocal = d == 0 ? (vf64){} : reciprocal;
    return (divisor_i64){AS(vi64, reciprocal), AS(vi64, 0.5 * ABS(reciprocal)), d};
}
OVERLOADED vi64 integer_floor_by(vi64 x, vi64 reciprocal, vi64 offset, vi64 d) {
    FLAGS_MATTER
    vi64 near = nearest(rounded(x) * AS(vf64, reciprocal)), rest = x - near * d;
    if (UNLIKELY(any(x == LOWEST))) raise_overflow(d == -1);
    return near + lower(FMA(rounded(rest), AS(vf64, reciprocal), AS(vf64, offset)));
}
#endif
#undef LOWEST
#endif

#endif
