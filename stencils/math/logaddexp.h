/* logaddexp(a, b) = log(exp(a) + exp(b)), and logaddexp2, the same with powers of 2.

   With M the larger and m the smaller one, and d = M - m as the sum of two floats, it is M + L,
   L = log1p(exp(-d)).  exp(-d) is reduced as in exp.h; its terms 1 + r + r**2 / 2 are summed
   without loss, so that it is the sum of two floats with an error of 2**-57, and log1p_of_two in
   logarithm.h gives L as the sum of two floats too, to which M is added without loss.

   M + L vanishes on a curve through (-ln 2, -ln 2).  Where it is less than 3/4 of L's head in
   magnitude, the error of L would show (1.13 ULP at half of it, in base 2), and a branch computes

       log1p((exp(M) - 1) + exp(m))

   with both terms as sums of two floats: r / 8 by its series, and (1 + e)**2 - 1 = e (2 + e) three
   times.  Their errors are 2**-80 (float32: 2**-44) of the terms.  So the result is right to 1 ULP
   while it is more than 2**-27 (float32: 2**-20) of L; nearer to the curve it has an error of
   2**-80 L (2**-44 L), which is 2**-27 (2**-20) times what the rounding of M in its last place
   makes.

   The same branch takes what would overflow on the way, or is infinite, or nan: the result is M, or
   nan; and where |M| is no larger than an exp(-d) that may be subnormal: M + exp(-d).

   Measured, where the result is more than 2**-25 L (float32: 2**-18 L): float64 0.911 ULP, float32
   0.897; logaddexp2 0.852, 0.870 (10**6 pairs each, half of them near the curve, and climbing). */

#ifndef CPNUM_LOGADDEXP_H
#define CPNUM_LOGADDEXP_H

#include "logarithm.h"

/* Neither x nor y is used before both are known: clang would otherwise compute more at a time than
   there are registers for. */
#ifdef __aarch64__
#define IN_ORDER(x, y) __asm__("" : "+w"(x), "+w"(y))
#else
#define IN_ORDER(x, y) __asm__("" : "+v"(x), "+v"(y))
#endif

#if LANE == 8
/* exp(r) = 1 + r + r**2 / 2 + r**3 Q(r), |r| <= ln(2) / 2. */
INLINE vf64 exp_beyond_f64(vf64 r, vf64 r2) {
    vf64 p0 = fma_f64(0x1.555555555555ap-5, r, 0x1.555555555555bp-3);
    vf64 p2 = fma_f64(0x1.6c16c16c141fdp-10, r, 0x1.111111110ed96p-7);
    vf64 p4 = fma_f64(0x1.a01a01b1ca844p-16, r, 0x1.a01a01b323cffp-13);
    vf64 p6 = fma_f64(0x1.27e4c32a9e396p-22, r, 0x1.71ddf0d13070ep-19);
    vf64 p8 = fma_f64(0x1.1f9922aecc6bcp-29, r, 0x1.af6af032c42aep-26);
    p6 = fma_f64(p8, r2, p6);
    p4 = fma_f64(p6, r2, p4);
    p2 = fma_f64(p4, r2, p2);
    return fma_f64(p2, r2, p0);
}
#define LN2_f64 ((vf64)0x1.62e42fefa39efp-1)
#define LN2_MISSED_f64 ((vf64)0x1.abc9e3b39803fp-56)
#define LOG2_E_f64 ((vf64)0x1.71547652b82fep+0)
#define LOG2_E_MISSED_f64 ((vf64)0x1.777d0ffda0d24p-56)
#define ROUNDER_f64 ((vf64)0x1.8p52)
#define HUGE_f64 (vi64)0x7e70000000000000  /* 2**1000 */
#define SLIGHT_f64 (vi64)0x07b0000000000000 /* 2**-900 */
#define FAR_f64(base) ((vf64)(base == 2 ? 1021.0 : 708.0)) /* base**-FAR is normal */
#define NOTHING_f64(base) ((vf64)(base == 2 ? 1090.0 : 755.0)) /* base**-NOTHING is 0 */
#define RAISE_f64 200
#define LOWER_f64 ((vf64)0x1p-200)
#define EXPONENT_f64 52
#define SIXTH_LOW_f64 ((vf64)0x1.5555555555555p-57)
#define TWENTYFOURTH_LOW_f64 ((vf64)0x1.5555555555555p-59)
#define HUNDREDTWENTIETH_LOW_f64 ((vf64)0x1.1111111111111p-63)
#endif
#if LANE > 1
INLINE vf32 exp_beyond_f32(vf32 r, vf32 r2) {
    vf32 p0 = fma_f32(0x1.5554e6p-5f, r, 0x1.555556p-3f);
    vf32 p2 = fma_f32(0x1.6d4f1p-10f, r, 0x1.110fe8p-7f);
    p2 = fma_f32(0x1.a2819ap-13f, r2, p2);
    return fma_f32(p2, r2, p0);
}
#define LN2_f32 ((vf32)0x1.62e430p-1f)
#define LN2_MISSED_f32 ((vf32)-0x1.05c610p-29f)
#define LOG2_E_f32 ((vf32)0x1.715476p+0f)
#define LOG2_E_MISSED_f32 ((vf32)0x1.4ae0cp-26f)
#define ROUNDER_f32 ((vf32)0x1.8p23f)
#define HUGE_f32 (vi32)0x71800000   /* 2**100 */
#define SLIGHT_f32 (vi32)0x12800000 /* 2**-90 */
#define FAR_f32(base) ((vf32)(base == 2 ? 125.0f : 86.0f))
#define NOTHING_f32(base) ((vf32)(base == 2 ? 160.0f : 110.0f))
#define RAISE_f32 64
#define LOWER_f32 ((vf32)0x1p-64f)
#define EXPONENT_f32 23
#define SIXTH_LOW_f32 ((vf32)-0x1.555556p-28f)
#define TWENTYFOURTH_LOW_f32 ((vf32)-0x1.555556p-30f)
#define HUNDREDTWENTIETH_LOW_f32 ((vf32)-0x1.dddddep-32f)

#define TEMPLATE "logaddexp.h"
#include "real.h"
#endif

#elif defined(REAL)

INLINE NAME(two) NAME(two_sum_of)(V a, V b) { /* 2Sum: exact */
    V sum = a + b, part = sum - a;
    return (NAME(two)){sum, (a - (sum - part)) + (b - part)};
}

INLINE NAME(two) NAME(two_add)(NAME(two) a, NAME(two) b) {
    NAME(two) sum = NAME(two_sum_of)(a.high, b.high);
    V low = sum.low + (a.low + b.low), high = sum.high + low;
    return (NAME(two)){high, low - (high - sum.high)};
}

INLINE NAME(two) NAME(two_multiply)(NAME(two) a, NAME(two) b) {
    V product = a.high * b.high, low = FMA(a.high, b.high, -product);
    low = FMA(a.high, b.low, FMA(a.low, b.high, low));
    V high = product + low;
    return (NAME(two)){high, low - (high - product)};
}

/* base**x = 2**n (1 + the result). */
INLINE NAME(two) NAME(exp_of_two)(V x, int base, I *n) {
    V shifted = (base == 2 ? x : x * NAME(LOG2_E)) + NAME(ROUNDER);
    V multiple = shifted - NAME(ROUNDER);
    *n = AS(I, shifted);
    NAME(two) r;
    if (base == 2) {
        V left = x - multiple; /* exact */
        V product = left * NAME(LN2);
        r = (NAME(two)){product, FMA(left, NAME(LN2_MISSED), FMA(left, NAME(LN2), -product))};
    } else {
        V product = multiple * NAME(LN2_MISSED);
        r = NAME(two_sum_of)(FMA(-multiple, NAME(LN2), x), -product);
        r.low -= FMA(multiple, NAME(LN2_MISSED), -product);
    }
    r.high *= R(0.125);
    r.low *= R(0.125);
    V tail = FMA(R(0x1.1eed8eff8d898p-29), r.high, R(0x1.ae64567f544e4p-26));
    tail = FMA(tail, r.high, R(0x1.27e4fb7789f5cp-22));
    tail = FMA(tail, r.high, R(0x1.71de3a556c734p-19));
    tail = FMA(tail, r.high, R(0x1.a01a01a01a01ap-16));
    tail = FMA(tail, r.high, R(0x1.a01a01a01a01ap-13));
    tail = FMA(tail, r.high, R(0x1.6c16c16c16c17p-10));
    NAME(two) sum = NAME(two_multiply)((NAME(two)){tail, (V){}}, r);
    sum = NAME(two_add)((NAME(two)){R(0x1.1111111111111p-7), NAME(HUNDREDTWENTIETH_LOW)}, sum);
    sum = NAME(two_multiply)(sum, r);
    sum = NAME(two_add)((NAME(two)){R(0x1.5555555555555p-5), NAME(TWENTYFOURTH_LOW)}, sum);
    sum = NAME(two_multiply)(sum, r);
    sum = NAME(two_add)((NAME(two)){R(0x1.5555555555555p-3), NAME(SIXTH_LOW)}, sum);
    sum = NAME(two_multiply)(sum, r);
    sum = NAME(two_add)((NAME(two)){R(0.5), (V){}}, sum);
    sum = NAME(two_multiply)(sum, NAME(two_multiply)(r, r));
    sum = NAME(two_add)(r, sum);
    for (int i = 0; i < 3; i++) {
        IN_ORDER(sum.high, sum.low);
        sum = NAME(two_multiply)(sum, NAME(two_add)((NAME(two)){R(2.0), (V){}}, sum));
    }
    return sum;
}

/* sum + base**x, and base**x rounded, which may be subnormal; where that is `slight`, the sum has
   no meaning. */
INLINE NAME(two) NAME(add_power)(NAME(two) sum, V x, int base, I slight, V *rounded) {
    I n;
    NAME(two) e = NAME(exp_of_two)(x, base, &n);
    I raised = (n << NAME(EXPONENT)) + ONE + ((I){} + NAME(RAISE) << NAME(EXPONENT));
    *rounded = (e.high + R(1.0)) * AS(V, raised) * NAME(LOWER);
    V power = AS(V, ((slight ? (I){} : n) << NAME(EXPONENT)) + ONE);
    sum = NAME(two_add)(sum, (NAME(two)){power, (V){}});
    return NAME(two_add)(sum, (NAME(two)){e.high * power, e.low * power});
}

/* sum + low in units of ln(base) */
INLINE NAME(two) NAME(in_base)(NAME(two) log, int base) {
    if (base != 2)
        return log;
    V product = log.high * NAME(LOG2_E), low = FMA(log.high, NAME(LOG2_E), -product);
    low = FMA(log.high, NAME(LOG2_E_MISSED), low);
    return (NAME(two)){product, FMA(log.low, NAME(LOG2_E), low)};
}

INLINE V NAME(log_of_sum)(V a, V b, int base) {
    I bits_a = AS(I, a) & ~SIGN, bits_b = AS(I, b) & ~SIGN;
    I special = (bits_a >= NAME(HUGE)) | (bits_b >= NAME(HUGE));
    V x = a, y = b;
    if (UNLIKELY(any(special))) {
        x = special ? (V){} : a;
        y = special ? (V){} : b;
    }
    I swapped = LESS(x, y);
    V most = swapped ? y : x, least = swapped ? x : y;
    NAME(two) distance = NAME(two_sum_of)(most, -least);
    I far = LESS(NAME(FAR)(base), distance.high);
    V d = far ? NAME(FAR)(base) : distance.high, d_low = far ? (V){} : distance.low;

    /* exp(-d) = 2**n exp(r + r_low) */
    V shifted = (base == 2 ? -d : FMA(-d, NAME(LOG2_E), NAME(ROUNDER)));
    if (base == 2)
        shifted += NAME(ROUNDER);
    V multiple = shifted - NAME(ROUNDER), head, head_low;
    if (base == 2) {
        V left = -d - multiple; /* exact */
        head = left * NAME(LN2);
        head_low = FMA(left, NAME(LN2_MISSED), FMA(left, NAME(LN2), -head)) - d_low * NAME(LN2);
    } else {
        head = FMA(-multiple, NAME(LN2), -d); /* exact */
        head_low = FMA(-multiple, NAME(LN2_MISSED), -d_low);
    }
    V r = head + head_low, r_low = (head - r) + head_low;
    V r2 = r * r, half = r * R(0.5), square = half * r, square_low = FMA(half, r, -square);
    V first = R(1.0) + r, first_low = (R(1.0) - first) + r;
    V second = first + square, second_low = (first - second) + square;
    V low = FMA(r * r2, NAME(exp_beyond)(r, r2), FMA(r_low, first, square_low));
    low += first_low + second_low;
    V power = AS(V, (AS(I, shifted) << NAME(EXPONENT)) + ONE), e = second + low;
    NAME(two) term = {e * power, ((second - e) + low) * power};
    NAME(two) log = NAME(in_base)(NAME(log1p_of_two)(term), base);
    NAME(two) sum = NAME(two_sum_of)(most, log.high);
    V result = sum.high + (sum.low + log.low);

    I slight = far & ((AS(I, most) & ~SIGN) < NAME(SLIGHT));
    I near = LESS(ABS(result), log.high * R(0.75)) & ~slight;
    if (UNLIKELY(any(near | slight | special))) {
        /* exp(M) - 1 + exp(m); one after the other, or there would be too few registers. */
        V nothing = -NAME(NOTHING)(base), power_of = near ? most : R(-1.0);
        V far_power = LESS(distance.high, -nothing) ? -distance.high : nothing;
        V other = slight ? far_power : near ? least : R(-1.0), tiny = (V){};
        NAME(two) rest = {R(-1.0), (V){}};
        rest = NAME(add_power)(rest, power_of, base, (I){} != 0, &tiny);
        IN_ORDER(rest.high, other);
        rest = NAME(add_power)(rest, other, base, slight, &tiny);
        log = NAME(in_base)(NAME(log1p_of_two)(rest), base);
        V beyond = base == 2 ? tiny * NAME(LOG2_E) : tiny;
        result = near ? log.high + log.low : slight ? most + beyond : result;
        I nan = (bits_a > INFINITE) | (bits_b > INFINITE);
        V greater = LESS(nan ? (V){} : a, nan ? (V){} : b) ? b : a;
        result = special ? nan ? (nan & (bits_a > INFINITE)) ? a : b : greater : result;
    }
    return result;
}

INLINE V NAME(logaddexp)(V a, V b) { return NAME(log_of_sum)(a, b, 0); }
INLINE V NAME(logaddexp2)(V a, V b) { return NAME(log_of_sum)(a, b, 2); }

#endif
