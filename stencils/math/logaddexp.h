/* logaddexp(a, b) = log(exp(a) + exp(b)), and logaddexp2, the same with powers of 2.

   With M the larger and m the smaller one, and d = M - m, it is M + L, L = log1p(exp(-d)).  This
   vanishes on a curve through (-ln 2, -ln 2), where the error of L shows.

   float64: d is a sum of two.  exp(-d) = 2**(n/8) exp(r) as in exponential.h, from a table of 8,
   and with c near 1 / (1 + exp(-d)), one of 8, L = -log c + log(1 + r), 1 + r = c (1 + exp(-d)).
   Both series are summed without loss up to r**2.  Where exp(-d) is small c is 1, so that the error
   of L is relative, 2**-61, and the sum M + L is right to 1 ULP where it is more than L / 64.
   Otherwise a branch computes

       log1p((exp(M) - 1) + exp(m))

   with both terms from the same table, and their series in double-double up to r**5: each has an
   error of 2**-85.  So the result is right to 1 ULP while it is more than 2**-30 of L; nearer to
   the curve it has an error of 2**-85 L.  The same branch takes what would overflow on the way, or
   is infinite, or nan: the result is M, or nan; and where |M| is no larger than an exp(-d) that may
   be subnormal: M + exp(-d).

   float32 is computed in float64, which needs no such branch: L is right to 2**-50, and the result
   to 1 ULP while it is more than 2**-23 of L.

   Tables and coefficients: logaddexp.sollya.

   Measured (10**7 pairs each, a third of them near the curve, and climbing): float64 0.665 ULP,
   logaddexp2 0.831; float32 0.508 and 0.500 where the result is more than 2**-22 L (10**8). */

#ifndef CPNUM_LOGADDEXP_H
#define CPNUM_LOGADDEXP_H

#include "double_double.h"
#include "logarithm.h"
#include "lookup.h"

#if LANE == 8
/* 2**(j / 8) = s (1 + t), j / 8 taken from the exponent of s; c; -log c in two parts. */
TABLE(double, logaddexp_table_f64, 5) = {
    {0x1p0, 0x1.f72b83c7d517bp-1, 0x1.f06fe0a31b715p-1, 0x1.ebfdad5362a27p-1, 0x1.ea09e667f3bcdp-1,
     0x1.eace5422aa0dbp-1, 0x1.ee89f995ad3adp-1, 0x1.f5818dcfba487p-1},
    {0.0, -0x1.01b15eaa59348p-55, 0x1.34d754db0abb6p-55, 0x1.690cebb7aafbp-56,
     -0x1.3b3efbf5e2228p-54, 0x1.db72fc1f0eab4p-55, 0x1.c1a7792cb3387p-55, 0x1.4a385a63d07a7p-56},
    {0x1p0, 0x1.cp-1, 0x1.8ep-1, 0x1.66p-1, 0x1.46p-1, 0x1.2ap-1, 0x1.14p-1, 0x1p-1},
    {0.0, 0x1.1178e8227e47cp-3, 0x1.01eae5626c691p-2, 0x1.6e60ee6af1972p-2, 0x1.ce42f18064743p-2,
     0x1.151c3f6f29612p-1, 0x1.3c6080c36bfb5p-1, 0x1.62e42fefa39efp-1},
    {0.0, -0x1.0e63a5f01c691p-58, -0x1.18290bd2932e2p-59, 0x1.657c222d868cdp-58,
     0x1.0798270b29f39p-56, 0x1.342eb628dba17p-56, 0x1.1930603d87b6ep-56, 0x1.abc9e3b39803fp-56},
};

/* exp(r) = 1 + r + r**2 / 2 + r**3 Q(r), |r| <= ln(2) / 16. */
INLINE vf64 exp_beyond_square_f64(vf64 r, vf64 r2) {
    vf64 p = fma_f64(r, 0x1.a01e769c45524p-16, 0x1.a01e2f7f5467bp-13);
    p = fma_f64(r2, p, fma_f64(r, 0x1.6c16c166fccf9p-10, 0x1.1111110e0ba12p-7));
    return fma_f64(r2, p, fma_f64(r, 0x1.5555555555587p-5, 0x1.555555555556ap-3));
}

/* log(1 + r) = r - r**2 / 2 + r**3 Q(r), -1/16 <= r <= 1/14. */
INLINE vf64 log_beyond_square_f64(vf64 r, vf64 r2) {
    vf64 even = fma_f64(r2, 0x1.34b3b0b426919p-4, 0x1.746ebc98b0e14p-4);
    vf64 odd = fma_f64(r2, -0x1.58bc849c6c0b2p-4, -0x1.9995dd877be92p-4);
    even = fma_f64(r2, even, 0x1.c71c651f49a29p-4);
    odd = fma_f64(r2, odd, -0x1.000000e9b5db9p-3);
    even = fma_f64(r2, even, 0x1.24924925979e5p-3);
    odd = fma_f64(r2, odd, -0x1.5555555525ce5p-3);
    even = fma_f64(r2, even, 0x1.9999999999da1p-3);
    odd = fma_f64(r2, odd, -0x1.0000000000016p-2);
    even = fma_f64(r2, even, 0x1.5555555555555p-2);
    return fma_f64(r, odd, even);
}

/* base**x = 2**(n / 8) exp(head + low), n in the lowest bits; |head| <= ln(2) / 16. */
typedef struct {
    vi64 n;
    vf64 head, low;
} eighth_reduced_f64;

INLINE eighth_reduced_f64 reduce_eighth_f64(vf64 x, int base) {
    vf64 shift = 0x1.8p52;
    vf64 shifted = fma_f64(x, base == 2 ? 8.0 : 0x1.71547652b82fep+3, shift);
    vf64 multiple = shifted - shift;
    if (base == 2) {
        vf64 left = fma_f64(multiple, -0.125, x); /* exact */
        vf64 head = left * 0x1.62e42fefa39efp-1;
        vf64 low = fma_f64(left, 0x1.62e42fefa39efp-1, -head);
        return (eighth_reduced_f64){AS(vi64, shifted), head,
                                    fma_f64(left, 0x1.abc9e3b39803fp-56, low)};
    }
    vf64 head = fma_f64(multiple, -0x1.62e42fefa39efp-4, x); /* exact */
    return (eighth_reduced_f64){AS(vi64, shifted), head, multiple * -0x1.abc9e3b39803fp-59};
}

INLINE dd in_base_f64(dd log, int base) {
    if (base != 2) return log;
    vf64 product = log.high * 0x1.71547652b82fep+0;
    vf64 low = fma_f64(log.high, 0x1.71547652b82fep+0, -product);
    low = fma_f64(log.high, 0x1.777d0ffda0d24p-56, low);
    return (dd){product, fma_f64(log.low, 0x1.71547652b82fep+0, low)};
}

/* log(1 + base**-(d + d_low)) in that base, where base**-d is normal. */
INLINE dd log1p_of_power_f64(vf64 d, vf64 d_low, int base) {
    eighth_reduced_f64 x = reduce_eighth_f64(-d, base);
    x.low -= base == 2 ? d_low * 0x1.62e42fefa39efp-1 : d_low;
    vf64 r = x.head + x.low, r_low = (x.head - r) + x.low;
    vf64 r2 = r * r, half = r * 0.5, square = half * r, square_low = FMA(half, r, -square);
    columns_f64 columns = choose_f64(x.n, ADDRESS(logaddexp_table_f64));
    vf64 s = AS(vf64, AS(vi64, lookup_f64(columns, 0)) + (x.n << 49)), t = lookup_f64(columns, 1);
    vf64 sum = r + square, low = FMA(r_low, r, r_low + square_low) + ((r - sum) + square);
    low = FMA(r * r2, exp_beyond_square_f64(r, r2), low);
    vf64 p = sum + low, p_low = ((sum - p) + low) + FMA(t, p, t);
    vf64 e = FMA(s, p, s), e_low = FMA(s, p_low, FMA(s, p, s - e));

    NEW_BLOCK;
    columns = choose_f64(AS(vi64, fma_f64(e, 7.0, (vf64)0x1.8p52)), ADDRESS(logaddexp_table_f64));
    vf64 c = lookup_f64(columns, 2), product = c * e, product_low = FMA(c, e, -product);
    r = (c - 1.0) + product; /* exact */
    r_low = FMA(c, e_low, product_low);
    r2 = r * r, half = r * 0.5, square = half * r, square_low = FMA(half, r, -square);
    vf64 table = lookup_f64(columns, 3), first = table + r, first_low = (table - first) + r;
    vf64 second = first - square, second_low = (first - second) - square;
    low = FMA(r_low, r2 - r, r_low) - square_low + lookup_f64(columns, 4);
    low = FMA(r * r2, log_beyond_square_f64(r, r2), low) + (first_low + second_low);
    return in_base_f64((dd){second, low}, base);
}

/* sum + base**x, and base**x rounded, which may be subnormal; where that is `slight`, the sum has
   no meaning. */
INLINE dd add_power_f64(dd sum, vf64 x, int base, vi64 slight, vf64 *rounded) {
    eighth_reduced_f64 part = reduce_eighth_f64(x, base);
    dd r = fast_two_sum(part.head, part.low);
    vf64 p = fma_f64(r.high, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26);
    p = fma_f64(p, r.high, 0x1.27e4fb7789f5cp-22);
    p = fma_f64(p, r.high, 0x1.71de3a556c734p-19);
    p = fma_f64(p, r.high, 0x1.a01a01a01a01ap-16);
    p = fma_f64(p, r.high, 0x1.a01a01a01a01ap-13);
    p = fma_f64(p, r.high, 0x1.6c16c16c16c17p-10);
    dd q = fast_dd_add((dd){0x1.1111111111111p-7, 0x1.1111111111111p-63}, two_product(p, r.high));
    q = fast_dd_add((dd){0x1.5555555555555p-5, 0x1.5555555555555p-59}, dd_multiply(q, r));
    q = fast_dd_add((dd){0x1.5555555555555p-3, 0x1.5555555555555p-57}, dd_multiply(q, r));
    q = fast_dd_add((dd){0.5, 0.0}, dd_multiply(q, r));
    q = dd_multiply(q, dd_multiply(r, r));
    q = fast_dd_add(r, q);
    columns_f64 columns = choose_f64(part.n, ADDRESS(logaddexp_table_f64));
    vi64 bits = AS(vi64, lookup_f64(columns, 0));
    vf64 t = lookup_f64(columns, 1);
    vf64 raised = AS(vf64, bits + (part.n << 49) + (200L << 52));
    *rounded = FMA(q.high, raised, raised) * 0x1p-200;
    vf64 s = AS(vf64, bits + (slight ? 0 : part.n << 49));
    q.low += FMA(q.high, t, t);
    sum = dd_add(sum, (dd){s, (vf64){}});
    return dd_add(sum, (dd){q.high * s, FMA(q.high, s, -(q.high * s)) + q.low * s});
}

INLINE vf64 log_of_sum_f64(vf64 a, vf64 b, int base) {
    const vi64 infinite = 0x7ff0000000000000, large = 0x7e70000000000000; /* 2**1000 */
    vi64 bits_a = AS(vi64, a) & 0x7fffffffffffffff, bits_b = AS(vi64, b) & 0x7fffffffffffffff;
    vi64 special = (bits_a >= large) | (bits_b >= large);
    vf64 x = a, y = b;
    if (UNLIKELY(any(special))) {
        x = special ? 0.0 : a;
        y = special ? 0.0 : b;
    }
    vi64 swapped = LESS(x, y);
    vf64 most = swapped ? y : x, least = swapped ? x : y;
    dd d = two_sum(most, -least);
    vf64 limit = base == 2 ? 1021.0 : 708.0; /* base**-limit is normal */
    vi64 far = LESS(limit, d.high);
    dd log = log1p_of_power_f64(far ? limit : d.high, far ? 0.0 : d.low, base);
    dd sum = two_sum(most, log.high);
    vf64 result = sum.high + (sum.low + log.low);

    vi64 slight = far & ((AS(vi64, most) & 0x7fffffffffffffff) < 0x07b0000000000000); /* 2**-900 */
    vi64 near = LESS(ABS(result), log.high * 0x1p-6) & ~slight;
    if (UNLIKELY(any(near | slight | special))) {
        vf64 nothing = base == 2 ? -1090.0 : -755.0; /* base**nothing is 0 */
        vf64 far_power = LESS(nothing, -d.high) ? -d.high : nothing;
        vf64 other = slight ? far_power : near ? least : -1.0, tiny;
        dd rest = {-1.0, (vf64){}};
        rest = add_power_f64(rest, near ? most : -1.0, base, (vi64){} != 0, &tiny);
        rest = add_power_f64(rest, other, base, slight, &tiny);
        log = in_base_f64(log1p_of_two_f64(rest), base);
        vf64 beyond = base == 2 ? tiny * 0x1.71547652b82fep+0 : tiny;
        result = near ? log.high + log.low : slight ? most + beyond : result;
        vi64 nan = (bits_a > infinite) | (bits_b > infinite);
        vf64 greater = LESS(nan ? 0.0 : a, nan ? 0.0 : b) ? b : a;
        result = special ? nan ? bits_a > infinite ? a : b : greater : result;
    }
    return result;
}
#endif

#if LANE > 1
/* For the bases e and 2, lowest degree first: (base**r - 1) / r, |r| <= 1/2 in units of log 2; and
   the logarithm of (1 + s) / (1 - s), divided by s, in powers of s**2 <= 1/9. */
static const double logaddexp_exp[2][10] = {
    {0x1.0000000000006p0, 0x1.0000000000009p-1, 0x1.5555555550bd5p-3, 0x1.55555555504f4p-5,
     0x1.11111123f2e67p-7, 0x1.6c16c185cbff2p-10, 0x1.a0199435ed781p-13, 0x1.a0199439d2dc1p-16,
     0x1.72e19182112eap-19, 0x1.28b39d877cc35p-22},
    {0x1.62e42fefa39f7p-1, 0x1.ebfbdff82c5ap-3, 0x1.c6b08d70440a1p-5, 0x1.3b2ab6fba0424p-7,
     0x1.5d87fe909d2dfp-10, 0x1.4309130f409c9p-13, 0x1.ffcb7653fa373p-17, 0x1.62bfc4e9e6946p-20,
     0x1.b6573e96b35e6p-24, 0x1.e621f2cb75605p-28},
};
static const double logaddexp_log[2][10] = {
    {0x1p1, 0x1.5555555555959p-1, 0x1.99999998e81a9p-2, 0x1.2492497962842p-2, 0x1.c71c4a06b3dafp-3,
     0x1.74625998cce0ep-3, 0x1.3aa89e54bd4e5p-3, 0x1.1643f3489c0dbp-3, 0x1.957523a42260cp-4,
     0x1.6b772c7332396p-3},
    {0x1.71547652b82fep1, 0x1.ec709dc3a0a8ep-1, 0x1.2776c50e720cdp-1, 0x1.a61763265b0fdp-2,
     0x1.484af682748c9p-2, 0x1.0c9e5edebbc3cp-2, 0x1.c5f33a3f1f0efp-3, 0x1.918139b864b99p-3,
     0x1.243d1f9373f3dp-3, 0x1.0668e7013107ep-2},
};

INLINE vf64 degree_nine_f64(vf64 x, const double *coefficients) {
    vf64 square = x * x, even = coefficients[8], odd = coefficients[9];
    UNROLLED
    for (int i = 6; i >= 0; i -= 2) {
        even = fma_f64(even, square, coefficients[i]);
        odd = fma_f64(odd, square, coefficients[i + 1]);
    }
    return FMA(odd, x, even);
}

INLINE vf32 log_of_sum_f32(vf32 a, vf32 b, int base) {
    vi32 bits_a = AS(vi32, a) & 0x7fffffff, bits_b = AS(vi32, b) & 0x7fffffff;
    vi32 special = (bits_a >= 0x7f800000) | (bits_b >= 0x7f800000);
    vf32 x = a, y = b;
    if (UNLIKELY(any(special))) {
        x = special ? 0.0f : a;
        y = special ? 0.0f : b;
    }
    vi32 swapped = LESS(x, y);
    vf64 most = CONVERT(vf64, swapped ? y : x), least = CONVERT(vf64, swapped ? x : y);
    vf64 minus = least - most, bound = -200.0, shift = 0x1.8p52;
    minus = LESS(minus, bound) ? bound : minus;

    vf64 shifted = fma_f64(minus, base == 2 ? 1.0 : 0x1.71547652b82fep+0, shift);
    vf64 r = fma_f64(shifted - shift, base == 2 ? -1.0 : -0x1.62e42fefa39efp-1, minus);
    vf64 power = AS(vf64, (AS(vi64, shifted) << 52) + 0x3ff0000000000000);
    vf64 e = FMA(power, r * degree_nine_f64(r, logaddexp_exp[base == 2]), power), s = e / (e + 2.0);
    vf32 result = CONVERT(vf32, most + s * degree_nine_f64(s * s, logaddexp_log[base == 2]));
    if (UNLIKELY(any(special))) {
        vi32 nan = (bits_a > 0x7f800000) | (bits_b > 0x7f800000);
        vf32 greater = LESS(nan ? 0.0f : a, nan ? 0.0f : b) ? b : a;
        result = special ? nan ? bits_a > 0x7f800000 ? a : b : greater : result;
    }
    return result;
}
#endif

#define TEMPLATE "logaddexp.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(logaddexp)(V a, V b) { return NAME(log_of_sum)(a, b, 0); }

#endif
