/* What the logarithms and the inverse hyperbolic functions share.

   x = 2**k m with sqrt(1/2) <= m < sqrt(2), by integer arithmetic on the bits of x; f = m - 1 is
   exact, and log x = k ln 2 + log(1 + f) has no cancellation, for |log m| <= ln(2) / 2.

   With s = f / (2 + f) and z = s * s, the series log(1 + f) = 2 atanh(s) = 2 s + s z P(z) is
   rearranged, by 2 s = f - s f = f - f**2 / 2 + s f**2 / 2, into

       log(1 + f) = (f - f**2 / 2) + s (f**2 / 2 + z P(z)),

   the form of K. C. Ng's log in FreeBSD msun: the rounding errors of s, z and P reach the result in
   the second term only, at most 0.081 of it.  k LN2_HIGH is exact, and what its sum with f loses
   is added (Fast2Sum; for k != 0 it is the larger one).  In ulp of the result, at the worst, where
   f is near sqrt(1/2) - 1 or sqrt(2) - 1: 1/2 for the last addition, 1/8 each for the two FMAs that
   sum what is added to f, at most 0.0676, 0.1 for the second term, P 0.03 (float32: 0.02).

   log1p has 1 + x in place of x: rounded and split, and what was missed, exact unless the sum is
   above 2**53, brought to the scale of f; for k = 0 f becomes x itself.  log1p_of_two and the
   logarithms to other bases, in float64, keep f - f**2 / 2 as a sum of two floats, which spares
   the two FMAs' 1/4; in float32 they are those of logarithm_f32.h. */

#ifndef CPNUM_LOGARITHM_H
#define CPNUM_LOGARITHM_H

#include "../vector.h"
#include "fma.h"
#include "pair.h"

#if LANE > 1
/* One instruction of v4 tells all but normal positive numbers. */
#if X86_512
#define FPCLASS_f64(x) __builtin_ia32_fpclasspd512_mask(x, 0xff, -1)
#if LANE == 8
#define FPCLASS_f32(x) __builtin_ia32_fpclassps256_mask(x, 0xff, -1)
#else
#define FPCLASS_f32(x) __builtin_ia32_fpclassps512_mask(x, 0xff, -1)
#endif
#endif

#define SQRT_HALF_f64 (vi64)0x3fe6a09e667f3bcd
#define SQRT_HALF_f32 (vi32)0x3f3504f3

/* P(z) = log((1 + s) / (1 - s)) / (s z) - 2 / z, z = s**2. */
#if LANE == 8
INLINE vf64 log_polynomial_f64(vf64 z) {
    vf64 z2 = z * z;
    vf64 p = fma_f64(0x1.325905c36f71p-3, z, 0x1.394d1b4b0175ap-3);
    p = fma_f64(p, z, 0x1.746984351ad42p-3);
    p = fma_f64(p, z2, fma_f64(0x1.c71c42378c5bdp-3, z, 0x1.2492495522be2p-2));
    return fma_f64(p, z2, fma_f64(0x1.999999996aa64p-2, z, 0x1.55555555555dp-1));
}
#define LN2_HIGH_f64 ((vf64)0x1.62e42fefa38p-1) /* 42 bits: k LN2_HIGH is exact */
#define LN2_LOW_f64 ((vf64)0x1.ef35793c7673p-45)
#endif
INLINE vf32 log_polynomial_f32(vf32 z) {
    return fma_f32(fma_f32(0x1.335e9cp-2f, z, 0x1.9950ecp-2f), z, 0x1.555588p-1f);
}
#define LN2_HIGH_f32 ((vf32)0x1.62e4p-1f) /* 16 bits */
#define LN2_LOW_f32 ((vf32)0x1.7f7d1cp-20f)

/* The number with these bits, or 0. */
#if LANE == 8
INLINE vf64 not_negative_f64(vi64 bits) {
    typedef int words __attribute__((ext_vector_type(2 * LANES)));
    return AS(vf64, __builtin_elementwise_max(AS(words, bits), (words){})); /* low words are 0 */
}
#endif
INLINE vf32 not_negative_f32(vi32 bits) {
    return AS(vf32, __builtin_elementwise_max(bits, (vi32){}));
}

#define TEMPLATE "logarithm.h"
#include "real.h"
#endif

#if LANE == 8
/* log(1 + f) = head + low + s q, head + low = f - f**2 / 2 exactly, for s = f / (2 + f). */
typedef struct {
    vf64 head, low, q;
} parts_f64;

INLINE parts_f64 log_parts_f64(vf64 f, vf64 s) {
    vf64 z = s * s, half = f * 0.5, head = FMA(-half, f, f), low = FMA(-half, f, f - head);
    return (parts_f64){head, low, FMA(z, log_polynomial_f64(z), half * f)};
}

/* log(1 + x.high + x.low), as log1p_of, but with the head of log_parts. */
INLINE pair_f64 log1p_of_two_f64(pair_f64 x) {
    sum_split_f64 part = split_of_sum_f64(x.high);
    vf64 s = part.s, multiple = part.k * LN2_HIGH_f64;
    parts_f64 log = log_parts_f64(part.f, s);
    vf64 sum = multiple + log.head;
    /* 1 / (1 + f) = 1 - 2 s + 2 s**2 - ... */
    vf64 f_low = FMA(x.low, part.scale, part.f_low);
    f_low = FMA(FMA(s, s, -s), f_low + f_low, f_low);
    vf64 rest = FMA(part.k, LN2_LOW_f64, log.low) + (((multiple - sum) + log.head) + f_low);
    return (pair_f64){sum, FMA(s, log.q, rest)};
}
#endif

#elif defined(REAL)

typedef struct {
    V k, f, above;
    I power; /* k in place of the exponent */
} NAME(split);

/* x = 2**k (1 + f) for a normal positive x, sqrt(1/2) <= 1 + f < sqrt(2): f is exact, above is
   2 + f.  The bits of sqrt(1/2) taken from those of x leave k in the exponent field. */
INLINE NAME(split) NAME(split_of)(V x) {
#if X86_256 && DIGITS == 52
    /* AVX2 neither shifts nor converts signed numbers of 64 bits.  With the sign bit k + 2048 is
       positive, and in the bits of 2**52 it is a float64; the significand becomes negative. */
    I shifted = AS(I, x) - (NAME(SQRT_HALF) + SIGN);
    I exponent = AS(I, AS(U, shifted) >> DIGITS), power = exponent << DIGITS;
    V minus = AS(V, AS(I, x) - power);
    V k = AS(V, exponent | TOP) - (0x1p52 + 2048.0);
    return (NAME(split)){k, R(-1.0) - minus, R(1.0) - minus, power ^ SIGN};
#else
    I exponent = (AS(I, x) - NAME(SQRT_HALF)) >> DIGITS, power = exponent << DIGITS;
    V m = AS(V, AS(I, x) - power);
    return (NAME(split)){CONVERT(V, exponent), m - R(1.0), m + R(1.0), power};
#endif
}

/* Whether any x is no normal positive number. */
INLINE int NAME(log_any_special)(V x) {
#if X86_512
    return NAME(FPCLASS)(x) != 0;
#else
    return any(OUTSIDE(AS(I, x), NORMAL, INFINITE));
#endif
}

/* log x for an x that has no finite one: -inf and divide for zero, nan and invalid for a negative
   x, inf and nan as they are. */
INLINE V NAME(log_special)(V x) {
    FLAGS_MATTER
    I bits = AS(I, x), zero = (bits & ~SIGN) == 0;
    V pole = R(-1.0) / (zero ? ABS(x) : R(1.0));
    V root = SQRT(bits < 0 ? x : R(1.0));
    return bits >= INFINITE ? x : zero ? pole : root;
}

/* For the special path: where x is positive and finite, and x as a normal number times 2**-k. */
typedef struct {
    I is;
    V x, k;
} NAME(positive);

INLINE NAME(positive) NAME(positive_of)(V x) {
    I bits = AS(I, x), subnormal = bits < NORMAL;
    /* A subnormal number is its significand times the least; as an integer it survives
       flush-to-zero. */
    V significand = AS(V, (bits & (NORMAL - 1)) | TOP) - AS(V, TOP);
    I is = (bits > 0) & (bits < INFINITE);
    return (NAME(positive)){
        .is = is,
        .x = is ? subnormal ? significand : x : R(1.0),
        .k = is & subnormal ? LEAST_EXPONENT : R(0.0),
    };
}

/* log(2**k (1 + f)) */
INLINE V NAME(log_of)(V k, V f, V above) {
    V s = f / above, z = s * s, half = f * R(0.5);
    V multiple = k * NAME(LN2_HIGH), sum = multiple + f, sum_low = (multiple - sum) + f;
    V rest = FMA(-half, f, FMA(k, NAME(LN2_LOW), sum_low));
    return sum + FMA(s, FMA(z, NAME(log_polynomial)(z), half * f), rest);
}

/* Any x: of(k, f, 2 + f) for x = 2**k (1 + f), and the special values of logarithms. */
INLINE V NAME(logarithm)(V x, V (*of)(V k, V f, V above)) {
    if (UNLIKELY(NAME(log_any_special)(x))) {
        NAME(positive) p = NAME(positive_of)(x);
        NAME(split) part = NAME(split_of)(p.x);
        return p.is ? of(part.k - p.k, part.f, part.above) : NAME(log_special)(x);
    }
    NAME(split) part = NAME(split_of)(x);
    return of(part.k, part.f, part.above);
}

/* 1 + x = 2**k (1 + f + f_low): the split of the rounded sum, and what was missed. */
typedef struct {
    V k, f, f_low, s, scale; /* s = f / (2 + f), scale = 2**-k */
} NAME(sum_split);

INLINE NAME(sum_split) NAME(split_of_sum)(V x) {
    V u = x + R(1.0), missed = x - (u - R(1.0));
    NAME(split) part = NAME(split_of)(u);
    V scale = NAME(not_negative)(ONE - part.power); /* or 0 where nothing was missed */
    missed *= scale;
    V f = part.f + missed, f_low = (part.f - f) + missed;
    /* What was missed makes no difference to s. */
    return (NAME(sum_split)){part.k, f, f_low, part.f / part.above, scale};
}

/* log(1 + x), 1 + x a normal number. */
INLINE V NAME(log1p_of)(V x) {
    NAME(sum_split) part = NAME(split_of_sum)(x);
    V f = part.f, s = part.s, z = s * s, half = f * R(0.5);
    V multiple = part.k * NAME(LN2_HIGH), sum = multiple + f, sum_low = (multiple - sum) + f;
    /* 1 / (1 + f) = (1 - s) / (1 + s) = 1 - 2 s + ... */
    V f_low = FMA(-s, part.f_low + part.f_low, part.f_low);
    V rest = FMA(-half, f, FMA(part.k, NAME(LN2_LOW), sum_low + f_low));
    return sum + FMA(s, FMA(z, NAME(log_polynomial)(z), half * f), rest);
}

#endif
