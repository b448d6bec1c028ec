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

#if LANE == 8
typedef struct {
    vf64 s, t; /* 2**(n/4) = s (1 + t) */
} quarter_power_f64;

/* Element n mod 4 of {t0, t1, t2, t3}. */
#if X86_512
/* vpermpd takes the low 3 bits of each index. */
INLINE vf64 of_four_f64(vi64 n, double t0, double t1, double t2, double t3) {
    return __builtin_ia32_permvardf512((vf64){t0, t1, t2, t3, t0, t1, t2, t3}, n);
}
#elif X86_256
/* vpermps moves half an element: of the low bits of n, halves 2 n and 2 n + 1 (modulo 8). */
INLINE vf64 of_four_f64(vi64 n, double t0, double t1, double t2, double t3) {
    typedef __attribute__((ext_vector_type(8))) int halves;
    typedef __attribute__((ext_vector_type(8))) float half_elements;
    halves low = __builtin_shufflevector(AS(halves, n), AS(halves, n), 0, 0, 2, 2, 4, 4, 6, 6);
    halves at = (low + low) | (halves){0, 1, 0, 1, 0, 1, 0, 1};
    vf64 table = {t0, t1, t2, t3};
    return AS(vf64, __builtin_ia32_permvarsf256(AS(half_elements, table), at));
}
#else
INLINE vf64 of_four_f64(vi64 n, double t0, double t1, double t2, double t3) {
    vi64 odd = (n << 63) < 0, upper = (n << 62) < 0;
    return upper ? (odd ? (vf64)t3 : (vf64)t2) : (odd ? (vf64)t1 : (vf64)t0);
}
#endif

/* 2**(n/4 + offset / 2**52) for the low bits of n, as long as that is a normal number. */
INLINE quarter_power_f64 quarter_power_of_f64(vi64 n, vi64 offset) {
    vf64 bits = of_four_f64(n, 1.0, 0x1.f06fe0a31b715p-1, 0x1.ea09e667f3bcdp-1,
                            0x1.ee89f995ad3adp-1);
    vf64 t = of_four_f64(n, 0.0, 0x1.34d754db0abb6p-55, -0x1.3b3efbf5e2228p-54,
                         0x1.c1a7792cb3387p-55);
    return (quarter_power_f64){AS(vf64, AS(vi64, bits) + (n << 50) + offset), t};
}

/* r = x - n ln 2 / 4, rounded, and as head + minus * QUARTER_LN2_TAIL, with minus = -n. */
typedef struct {
    vi64 n; /* in the low bits */
    vf64 r, head, minus;
} quarter_reduced_f64;

#define QUARTER_LN2_TAIL 0x1.abc9e3b39803fp-58

INLINE quarter_reduced_f64 reduce_quarter_ln2_f64(vf64 x) {
    vf64 shifted = fma_f64(x, 0x1.71547652b82fep+2, 0x1.8p52);
    vf64 minus = 0x1.8p52 - shifted;
    vf64 head = fma_f64(minus, 0x1.62e42fefa39efp-3, x);
    vf64 r = fma_f64(minus, QUARTER_LN2_TAIL, head);
    return (quarter_reduced_f64){AS(vi64, shifted), r, head, minus};
}

/* P(r) of exp(r) = 1 + r + r**2 P(r). */
INLINE vf64 exp_series_f64(vf64 r) {
    vf64 square = r * r;
    vf64 even = fma_f64(square, 0x1.a05217bc07a1ep-16, 0x1.6c16bec507671p-10);
    vf64 odd = fma_f64(square, 0x1.a030c6f8235f6p-13, 0x1.111110a185a63p-7);
    even = fma_f64(square, even, 0x1.555555556c935p-5);
    odd = fma_f64(square, odd, 0x1.5555555557e7p-3);
    even = fma_f64(square, even, 0x1.ffffffffffffp-2);
    return fma_f64(r, odd, even);
}

/* exp(x) * 2**(offset / 2**52), if that and 2**(n/4 + offset / 2**52) are normal numbers. */
INLINE vf64 exp_scaled_f64(vf64 x, vi64 offset) {
    quarter_reduced_f64 x_ = reduce_quarter_ln2_f64(x);
    quarter_power_f64 q = quarter_power_of_f64(x_.n, offset);
    vf64 r = x_.r, p = r + fma_f64(r * r, exp_series_f64(r), q.t);
    return fma_f64(q.s, p, q.s);
}

/* exp(x) * 2**(offset / 2**52) for x >= 708, in two steps, of which the second may overflow; x for
   inf and nan. */
INLINE vf64 exp_large_f64(vf64 x, long offset) {
    vi64 bits = AS(vi64, x);
    vf64 bounded = bits >= 0x7ff0000000000000 ? 708.0 : bits > 0x4087500000000000 ? 746.0 : x;
    vf64 product = exp_scaled_f64(bounded, (vi64){} + offset - (128l << 52)) * 0x1p128;
    return bits >= 0x7ff0000000000000 ? x : product;
}

/* s (1 + head + tail) as high + low, |s head| <= s / 8. */
INLINE dd scaled_power_f64(vf64 s, vf64 head, vf64 tail) {
    vf64 high = fma_f64(s, head, s);
    return (dd){high, fma_f64(s, tail, fma_f64(s, head, s - high))};
}
#endif

#if LANE > 1
/* The same in float32. */
typedef struct {
    vf32 s, t;
} quarter_power_f32;

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
#else
INLINE vf32 of_four_f32(vi32 n, float t0, float t1, float t2, float t3) {
    vi32 odd = (n << 31) < 0, upper = (n << 30) < 0;
    return upper ? (odd ? (vf32)t3 : (vf32)t2) : (odd ? (vf32)t1 : (vf32)t0);
}
#endif

INLINE quarter_power_f32 quarter_power_of_f32(vi32 n, vi32 offset) {
    vf32 bits = of_four_f32(n, 1.0f, 0x1.f06fe0p-1f, 0x1.ea09e6p-1f, 0x1.ee89fap-1f);
    vf32 t = of_four_f32(n, 0.0f, 0x1.125002p-25f, 0x1.26055cp-26f, -0x1.f9c304p-27f);
    return (quarter_power_f32){AS(vf32, AS(vi32, bits) + (n << 21) + offset), t};
}

typedef struct {
    vi32 n;
    vf32 r, head, minus;
} quarter_reduced_f32;

#define QUARTER_LN2_TAIL_F32 -0x1.05c610p-31f

INLINE quarter_reduced_f32 reduce_quarter_ln2_f32(vf32 x) {
    vf32 shifted = fma_f32(x, 0x1.715476p+2f, 0x1.8p23f);
    vf32 minus = 0x1.8p23f - shifted;
    vf32 head = fma_f32(minus, 0x1.62e430p-3f, x);
    vf32 r = fma_f32(minus, QUARTER_LN2_TAIL_F32, head);
    return (quarter_reduced_f32){AS(vi32, shifted), r, head, minus};
}

INLINE vf32 exp_series_f32(vf32 r) {
    vf32 square = r * r;
    return fma_f32(r, 0x1.5571d8p-3f, fma_f32(square, 0x1.558fcep-5f, 0x1.fffff8p-2f));
}

INLINE vf32 exp_scaled_f32(vf32 x, vi32 offset) {
    quarter_reduced_f32 x_ = reduce_quarter_ln2_f32(x);
    quarter_power_f32 q = quarter_power_of_f32(x_.n, offset);
    vf32 r = x_.r, p = r + fma_f32(r * r, exp_series_f32(r), q.t);
    return fma_f32(q.s, p, q.s);
}

INLINE vf32 exp_large_f32(vf32 x, int offset) {
    vi32 bits = AS(vi32, x);
    vf32 bounded = bits >= 0x7f800000 ? 87.0f : bits > 0x42d00000 ? 104.0f : x;
    vf32 product = exp_scaled_f32(bounded, (vi32){} + offset - (64 << 23)) * 0x1p64f;
    return bits >= 0x7f800000 ? x : product;
}
#endif

#endif
