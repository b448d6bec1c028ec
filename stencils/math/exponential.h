/* The core of exp, exp2, expm1, cosh and expit: exp(x) = 2**(n/4) (1 + p).

   Method (Tang, "Table-driven implementation of the exponential function in IEEE floating-point
   arithmetic", ACM TOMS 15 (1989), with a table of 4 instead of 32):  n = rint(x / (ln 2 / 4)),
   r = x - n ln 2 / 4, |r| <= ln 2 / 8.  The head x - n (ln 2 / 4)_head is exact in one FMA: it is
   a multiple of min(ulp(x), ulp((ln 2 / 4)_head)) and smaller than 1/8.

   The table holds 2**(j/4), j = n mod 4, rounded, and t, what that misses relative to itself:
   2**(n/4) = s (1 + t), |t| < 2**-53 (float32: 2**-24), and exp(x) = s (1 + r + (t + r**2 P(r))).
   In advance, j / 4 is subtracted from the exponent of the table's first part, so that adding n / 4
   to it gives s:  with n = 4 k + j,  n << 50 = (k << 52) + (j << 50).

   Four entries are as many as all ISA levels pick in a few instructions, without memory.  Without
   a table P has 3 more terms, each of which is a load, and p is so large that its rounding has to
   be made up for: exp in float64 took 0.85 ns an element so, and takes 0.73 (Zen 4, x86-64-v4).

   Coefficients: exponential.sollya. */

#ifndef CPNUM_EXPONENTIAL_H
#define CPNUM_EXPONENTIAL_H

#include "double_double.h"
#include "fma.h"
#include "halves.h"

/* Up to +-EXP_NORMAL 2**(n/4) is a normal number, beyond +-EXP_FINITE exp x is inf or 0. */
#define EXP_NORMAL_f64 ((vf64)708.0)
#define EXP_NORMAL_f32 ((vf32)87.0f)
#define EXP_FINITE_f64 ((vf64)746.0)
#define EXP_FINITE_f32 ((vf32)104.0f)
/* What the slow path multiplies by, or its reciprocal. */
#define EXP_FACTOR_f64 ((vf64)0x1p128)
#define EXP_FACTOR_f32 ((vf32)0x1p64f)

/* 2**(j/4), j / 4 taken from the exponent, and what that misses. */
#define QUARTERS_f64 1.0, 0x1.f06fe0a31b715p-1, 0x1.ea09e667f3bcdp-1, 0x1.ee89f995ad3adp-1
#define QUARTERS_f32 1.0f, 0x1.f06fe0p-1f, 0x1.ea09e6p-1f, 0x1.ee89fap-1f
#define QUARTERS_LOW_f64 0.0, 0x1.34d754db0abb6p-55, -0x1.3b3efbf5e2228p-54, 0x1.c1a7792cb3387p-55
#define QUARTERS_LOW_f32 0.0f, 0x1.125002p-25f, 0x1.26055cp-26f, -0x1.f9c304p-27f

/* ln 2 / 4 in two parts, and its reciprocal. */
#define QUARTER_LN2_f64 ((vf64)0x1.62e42fefa39efp-3)
#define QUARTER_LN2_f32 ((vf32)0x1.62e430p-3f)
#define QUARTER_LN2_TAIL_f64 ((vf64)0x1.abc9e3b39803fp-58)
#define QUARTER_LN2_TAIL_f32 ((vf32)-0x1.05c610p-31f)
#define QUARTERS_OF_LN2_f64 ((vf64)0x1.71547652b82fep+2)
#define QUARTERS_OF_LN2_f32 ((vf32)0x1.715476p+2f)

/* Element n mod 4 of {t0, t1, t2, t3}. */
#if LANE == 8
#if X86_512
/* vpermpd takes the low 3 bits of each index. */
INLINE vf64 of_four_f64(vi64 n, double t0, double t1, double t2, double t3) {
    return __builtin_ia32_permvardf512((vf64){t0, t1, t2, t3, t0, t1, t2, t3}, n);
}
#elif X86_256
INLINE vf64 of_four_f64(vi64 n, double t0, double t1, double t2, double t3) {
    typedef VECTOR_OF(8, float) half_elements;
    vf64 table = {t0, t1, t2, t3};
    return AS(vf64, __builtin_ia32_permvarsf256(AS(half_elements, table), halves_of(n)));
}
#endif
#endif

#if LANE > 1
#if X86_512 && LANE == 4
INLINE vf32 of_four_f32(vi32 n, float t0, float t1, float t2, float t3) {
    vf32 table = {t0, t1, t2, t3, t0, t1, t2, t3, t0, t1, t2, t3, t0, t1, t2, t3};
    return __builtin_ia32_permvarsf512(table, n);
}
#elif X86_512 || (X86_256 && LANE == 4)
INLINE vf32 of_four_f32(vi32 n, float t0, float t1, float t2, float t3) {
    return __builtin_ia32_permvarsf256((vf32){t0, t1, t2, t3, t0, t1, t2, t3}, n);
}
#elif X86_256
INLINE vf32 of_four_f32(vi32 n, float t0, float t1, float t2, float t3) {
    return __builtin_ia32_vpermilvarps((vf32){t0, t1, t2, t3}, n);
}
#endif
#endif

/* P(r) of exp(r) = 1 + r + r**2 P(r). */
#if LANE == 8
INLINE vf64 exp_series_f64(vf64 r) {
    vf64 square = r * r;
    vf64 even = fma_f64(square, 0x1.a05217bc07a1ep-16, 0x1.6c16bec507671p-10);
    vf64 odd = fma_f64(square, 0x1.a030c6f8235f6p-13, 0x1.111110a185a63p-7);
    even = fma_f64(square, even, 0x1.555555556c935p-5);
    odd = fma_f64(square, odd, 0x1.5555555557e7p-3);
    even = fma_f64(square, even, 0x1.ffffffffffffp-2);
    return fma_f64(r, odd, even);
}
#endif

INLINE vf32 exp_series_f32(vf32 r) {
    vf32 square = r * r;
    return fma_f32(r, 0x1.5571d8p-3f, fma_f32(square, 0x1.558fcep-5f, 0x1.fffff8p-2f));
}

#define TEMPLATE "exponential.h"
#include "real.h"

#if LANE == 8
/* s (1 + head + tail) as high + low, |s head| <= s / 8. */
INLINE dd scaled_power_f64(vf64 s, vf64 head, vf64 tail) {
    vf64 high = fma_f64(s, head, s);
    return (dd){high, fma_f64(s, tail, fma_f64(s, head, s - high))};
}
#endif

#elif defined(REAL)

#if NEON
INLINE V NAME(of_four)(I n, ELEMENT t0, ELEMENT t1, ELEMENT t2, ELEMENT t3) {
    I odd = (n << SIGN_BIT) < 0, upper = (n << (SIGN_BIT - 1)) < 0;
    return upper ? (odd ? (V)t3 : (V)t2) : (odd ? (V)t1 : (V)t0);
}
#endif

typedef struct {
    V s, t; /* 2**(n/4) = s (1 + t) */
} NAME(quarter_power);

/* 2**(n/4 + offset / 2**DIGITS) for the low bits of n, as long as that is a normal number. */
INLINE NAME(quarter_power) NAME(quarter_power_of)(I n, I offset) {
    V bits = NAME(of_four)(n, NAME(QUARTERS)), t = NAME(of_four)(n, NAME(QUARTERS_LOW));
    return (NAME(quarter_power)){AS(V, AS(I, bits) + (n << (DIGITS - 2)) + offset), t};
}

/* r = x - n ln 2 / 4, rounded, and as head + minus * QUARTER_LN2_TAIL, with minus = -n. */
typedef struct {
    I n; /* in the low bits */
    V r, head, minus;
} NAME(quarter_reduced);

INLINE NAME(quarter_reduced) NAME(reduce_quarter_ln2)(V x) {
    V shifted = FMA(x, NAME(QUARTERS_OF_LN2), (V)SHIFT);
    V minus = SHIFT - shifted;
    V head = FMA(minus, NAME(QUARTER_LN2), x);
    V r = FMA(minus, NAME(QUARTER_LN2_TAIL), head);
    return (NAME(quarter_reduced)){AS(I, shifted), r, head, minus};
}

/* A series of r by its odd and its even powers: cosh.h, sinh.h. */
typedef struct {
    V odd, even;
} NAME(series);

/* exp(x) * 2**(offset / 2**DIGITS), if that and 2**(n/4 + offset / 2**DIGITS) are normal
   numbers. */
INLINE V NAME(exp_scaled)(V x, I offset) {
    NAME(quarter_reduced) x_ = NAME(reduce_quarter_ln2)(x);
    NAME(quarter_power) q = NAME(quarter_power_of)(x_.n, offset);
    V r = x_.r, p = r + FMA(r * r, NAME(exp_series)(r), q.t);
    return FMA(q.s, p, q.s);
}

/* exp(x) * 2**(offset / 2**DIGITS) for x >= EXP_NORMAL, in two steps, of which the second may
   overflow; x for inf and nan. */
INLINE V NAME(exp_large)(V x, WORD offset) {
    const I FINITE = AS(I, NAME(EXP_FINITE)), FACTOR = AS(I, NAME(EXP_FACTOR)) - ONE;
    I bits = AS(I, x);
    V bounded = bits >= INFINITE ? NAME(EXP_NORMAL) : bits > FINITE ? NAME(EXP_FINITE) : x;
    V product = NAME(exp_scaled)(bounded, (I){} + offset - FACTOR) * NAME(EXP_FACTOR);
    return bits >= INFINITE ? x : product;
}

#endif
