/* gammaln, float64 and float32.

   Method.  For x > 0, with log x as a sum of two (log_pair.h),

       log gamma(x) = a log x - b + z Q,

           x < 1        a = -1         b = 0    y = x        z = y (y - 1)    Q(y)
           1 <= x < 4   a = 0          b = 0    y = x - 1    z = y (y - 1)    Q(y)
           4 <= x       a = x - 1/2    b = x    r = 1 / x    z = 1            Q(r)

   where z Q is log gamma(1 + y), whose zeros at 1 and 2 z has exactly, or what Stirling's formula
   lacks.  Q is a polynomial in each of six pieces of y and two of r, whose coefficients lookup.h
   picks; its constant term, z and all sums are kept as sums of two.  In ulp: 1/2 for the last
   addition and 0.3 for the parts rounded before.

   All other arguments take the branch, which comes in two parts, before and after that: for x < 0

       log |gamma(x)| = -log(S gamma(1 + |x|)),    S = |sin(pi x)| / pi (sine_of_pi.h),

   1 + |x| in two parts, of which the second one enters by the derivative digamma.  There gammaln
   has zeros between the poles from -2 on, at which the two logarithms cancel: 1 ULP holds outside
   their neighbourhoods, and inside an absolute error of 2**-53 (float32: 2**-24).  A negative
   |x| < 2**-60 (float32: 2**-30) and subnormal numbers give -log |x|; numbers from 2**900 (2**100)
   on give x (log x - 1), scaled.  At the poles and beyond the last x whose value is finite it is
   inf.  Like SciPy's functions it raises no flag but underflow.

   Coefficients: gamma.py.  Measured maximum for x > 0: float64 0.783 ulp in 400000
   points and climbing from the worst, float32 0.822 ulp in all of them. */

#ifndef CPNUM_GAMMALN_H
#define CPNUM_GAMMALN_H

#include "horner.h"
#include "log_pair.h"
#include "sine_of_pi.h"

/* From HUGE on x is multiplied by SCALE; beyond LAST, given as bits, the value overflows. */
#define GAMMALN_HUGE_f64 ((vf64)0x1p900)
#define GAMMALN_HUGE_f32 ((vf32)0x1p100f)
#define GAMMALN_SCALE_f64 ((vf64)0x1p-100)
#define GAMMALN_SCALE_f32 ((vf32)0x1p-30f)
#define GAMMALN_LAST_f64 0x7f5754d9278b51a7
#define GAMMALN_LAST_f32 0x7c44af8d

/* Coefficients, the highest first, and the constant term in two parts. */
#define GAMMALN_TERMS_f64 18
#define GAMMALN_TERMS_f32 9

#if LANE == 8
TABLE(double, gammaln_table_f64, GAMMALN_TERMS_f64) = {
    {0x1.e22b68bcae7cbp-27, 0x1.f98b9e72b500cp-35, 0x1.0f91019877f08p-40, 0x1.4e167fdfc5cfap-45,
     0x1.633c57c84ad3cp-49, 0x1.16b7f7e7ec178p-52, 0x1.b7f9133930e02p-54, 0x1.eb795c0c7f9a8p-60},
    {-0x1.3eeef4eadb456p-25, -0x1.d37773f875e6ep-33, -0x1.426d4cc4e3114p-38, -0x1.e44c590312fd3p-43,
     -0x1.300ee0d1c20edp-46, -0x1.131df972aceacp-49, 0x1.c63258fd42adp-52, -0x1.9866838696ab7p-54},
    {0x1.6755695536c14p-24, 0x1.901e99a0086c8p-31, 0x1.6e06bea50ba0ap-36, 0x1.5511d525df0fbp-40,
     0x1.fe695ddc7d982p-44, 0x1.0bd456421b04bp-46, -0x1.43983b0b8f68bp-49, 0x1.141c2caf5deb8p-51},
    {-0x1.df7b7c8dcb08ap-23, -0x1.74d4c371fa69p-29, -0x1.b5c45bab3896ep-34, -0x1.f1fc94939bde6p-38,
     -0x1.b8060ecfb7ee4p-41, -0x1.0a476074a3d3bp-43, -0x1.1d7fb2a17bf99p-49,
     -0x1.146609e0219e2p-51},
    {0x1.44e1d6520afcdp-21, 0x1.5ddb2852886f8p-27, 0x1.072bd79f06291p-31, 0x1.6d4982e4338ap-35,
     0x1.7d17b26808114p-38, 0x1.09f1a4a65e742p-40, 0x1.8e47b509ef35bp-45, -0x1.8533307dd75b6p-47},
    {-0x1.b5c21815c59eep-20, -0x1.491b660598863p-25, -0x1.3dbc01f951p-29, -0x1.0d36523b91d15p-32,
     -0x1.4bb1e099d15c2p-35, -0x1.0af74e3b792ffp-37, -0x1.02472672f8bf1p-44, 0x1.733e511cf3c1p-44},
    {0x1.28abf8639f74cp-18, 0x1.37765f53056e9p-23, 0x1.81f17a30a89e3p-27, 0x1.8f3fc29e56582p-30,
     0x1.227d5ab0cb307p-32, 0x1.0da9fb8ec2403p-34, -0x1.0c59705c8ca07p-40, -0x1.20fbfdb2ea6f5p-43},
    {-0x1.954521c43b61ap-17, -0x1.28f25f46cebb8p-21, -0x1.d84442990a79fp-25, -0x1.2a42b63aaf202p-27,
     -0x1.0051713ffb929p-29, -0x1.127267c1b2ea6p-31, 0x1.1218450a3316fp-38, -0x1.74d8f3b9becp-39},
    {0x1.1759df544285ep-15, 0x1.1daed5bb4d2a9p-19, 0x1.239986a53c69cp-22, 0x1.c1c234d975ccep-25,
     0x1.c88a22036ccbdp-27, 0x1.19e9926f0745fp-28, 0x1.c4df5e1c058dbp-36, 0x1.a79ed12c0fdd3p-36},
    {-0x1.858dc67c49c09p-14, -0x1.16056279b24e8p-17, -0x1.6c4b7adb9871ap-20, -0x1.5715465cdece7p-22,
     -0x1.9b5a63641e67p-24, -0x1.24f6a75f63214p-25, -0x1.0c4058a8daf3p-32, -0x1.23265ad6699a7p-38},
    {0x1.13b466d35a91ap-12, 0x1.12aa72f79a449p-15, 0x1.ce0fe413a4649p-18, 0x1.09b50a20da77bp-19,
     0x1.784472288f9ddp-21, 0x1.3505eddf91aa9p-22, -0x1.0df933de87cdep-30, -0x1.f88dd83cb016p-30},
    {-0x1.8e4684a8434f1p-11, -0x1.14f7c58ea8137p-13, -0x1.2b1a505b5c05bp-15, -0x1.a405795ed0b6ap-17,
     -0x1.5f26c76ac1da7p-18, -0x1.4c75cfd9cd8bap-19, 0x1.9694880364c66p-26, 0x1.ece1e129404cp-27},
    {0x1.28367ed88c3a9p-9, 0x1.1f9587fa1dab7p-11, 0x1.8e9b025b9811ap-13, 0x1.558c905fc2cbdp-14,
     0x1.50f30d78c09a1p-15, 0x1.6f8430f2e145ap-16, 0x1.08f10c30109b5p-24, 0x1.551a22c3d4302p-23},
    {-0x1.ccfde37c04686p-8, -0x1.382e176f60b21p-9, -0x1.155963451c854p-10, -0x1.21a2b60f1649p-11,
     -0x1.50baf74ade677p-12, -0x1.a697bbce79957p-13, -0x1.709321f003cep-18, -0x1.51ea0674132bep-18},
    {0x1.83575d02c83bep-6, 0x1.6cb6251711902p-7, 0x1.9dff298b209a6p-8, 0x1.06a6ddd8fb035p-8,
     0x1.66e19eabbf748p-9, 0x1.027e5ea2e7682p-9, -0x1.16849d0d3efbep-17, -0x1.95d4531d48a1p-16},
    {-0x1.79f9bf0adea8dp-4, -0x1.e96586307946ep-5, -0x1.5fc498795de96p-5, -0x1.0d3a377b6e721p-5,
     -0x1.adcea6e1f2543p-6, -0x1.619ba2ea4372bp-6, 0x1.57e27ebe1bfeap-7, 0x1.56d0056e63c33p-7},
    {0x1.0c58fe25dca2cp-1, 0x1.ccf151e09cde8p-2, 0x1.992dfc9539d9bp-2, 0x1.72c2097ce3928p-2,
     0x1.54b70fd4d44ecp-2, 0x1.3c5d0bbb36d3ap-2, 0x1.d92f100116d28p-1, 0x1.de8cce00c459dp-1},
    {-0x1.7408ca896d44fp-55, 0x1.040bdfa1f2a11p-56, 0x1.ca5968df2610bp-58, 0x1.544994c4013cfp-56,
     0x1.c27f93d5fb02cp-57, -0x1.10ea4eff3dccfp-56, 0x1.a756cd8699e22p-56, -0x1.e08b38df84cb9p-55},
};

#endif

TABLE(float, gammaln_table_f32, GAMMALN_TERMS_f32) = {
    {-0x1.a01bc8p-14f, -0x1.1f86bcp-17f, -0x1.73c834p-20f, -0x1.5bc9fcp-22f, -0x1.9f62d4p-24f,
     -0x1.271e6ep-25f, -0x1.0a1ef6p-32f, -0x1.7f5dd2p-38f},
    {0x1.25fe8ep-12f, 0x1.1bce94p-15f, 0x1.d74e48p-18f, 0x1.0d4136p-19f, 0x1.7bdbcep-21f,
     0x1.373caap-22f, -0x1.0a7ad6p-30f, -0x1.f54032p-30f},
    {-0x1.8dbfdp-11f, -0x1.14dfd6p-13f, -0x1.2b10eap-15f, -0x1.a3ff92p-17f, -0x1.5f244p-18f,
     -0x1.4c7476p-19f, 0x1.969334p-26f, 0x1.ece3acp-27f},
    {0x1.27d9bep-9f, 0x1.1f7e84p-11f, 0x1.8e8f68p-13f, 0x1.55881ep-14f, 0x1.50f0cep-15f,
     0x1.6f82cep-16f, 0x1.08eeep-24f, 0x1.55191ap-23f},
    {-0x1.ccfebcp-8f, -0x1.382e2ap-9f, -0x1.155968p-10f, -0x1.21a2b8p-11f, -0x1.50baf8p-12f,
     -0x1.a697bcp-13f, -0x1.709322p-18f, -0x1.51ea06p-18f},
    {0x1.8357f2p-6f, 0x1.6cb638p-7f, 0x1.9dff2ep-8f, 0x1.06a6dep-8f, 0x1.66e1ap-9f, 0x1.027e5ep-9f,
     -0x1.16849cp-17f, -0x1.95d454p-16f},
    {-0x1.79f9bep-4f, -0x1.e96586p-5f, -0x1.5fc498p-5f, -0x1.0d3a38p-5f, -0x1.adcea6p-6f,
     -0x1.619ba2p-6f, 0x1.57e27ep-7f, 0x1.56d006p-7f},
    {0x1.0c58fep-1f, 0x1.ccf152p-2f, 0x1.992dfcp-2f, 0x1.72c20ap-2f, 0x1.54b71p-2f, 0x1.3c5d0cp-2f,
     0x1.d92f1p-1f, 0x1.de8ccep-1f},
    {0x1.c8636ap-29f, -0x1.04564cp-29f, 0x1.2a2946p-27f, -0x1.06471cp-27f, -0x1.596bf2p-29f,
     -0x1.1326eap-28f, 0x1.16d214p-33f, 0x1.88b2bep-34f},
};

#define TEMPLATE "gammaln.h"
#include "real.h"

#if LANE == 8
/* Without the low parts: up to 4 ULP.  For x >= 4 it is (x - 1/2) (log x - 1) - 1/2 + Q, where
   nothing cancels; 1 is taken from log x before that is rounded.  Measured maximum: 3.24 ulp, near
   0.905 (10**8 points and climbing). */
INLINE vf64 gammaln_fast_of_f64(vf64 x) {
    FLAGS_MATTER
    vi64 bits = AS(vi64, x), big = bits >= 0x4010000000000000, below = bits < 0x3ff0000000000000;

    vu64 moved = AS(vu64, bits) + ((1024L << 52) - LOG_PAIR_LEAST_f64);
    vf64 m = AS(vf64, (moved & 0x000fffffffffffff) + LOG_PAIR_LEAST_f64);
    vf64 k = AS(vf64, (moved >> 52) | 0x4330000000000000) - LOG_PAIR_BIAS_f64;
    columns_f64 of_log = choose_f64(AS(vi64, moved >> 49), ADDRESS(log_pair_table_f64));
    vf64 step = fma_f64(m, lookup_f64(of_log, 0), (vf64){} - 1.0);
    vf64 s = step / (step + 2.0), z = s * s, zz = z * z;
    vf64 p = fma_f64(z, 0x1.752248fe8afb2p-3, 0x1.c71c469f6494fp-3);
    p = fma_f64(zz, p, fma_f64(z, 0x1.249249267f959p-2, 0x1.99999999998a3p-2));
    p = fma_f64(z, p, 0x1.5555555555555p-1);
    vf64 head = fma_f64(k, LN2_HIGH_f64, lookup_f64(of_log, 1));
    head -= big ? (vf64)1.0 : (vf64)0.0;
    vf64 log = fma_f64(k, LN2_LOW_f64, lookup_f64(of_log, 2));
    log = head + (step + FMA(s, FMA(z, p, -step), log)); /* 2 s = step - s step */

    NEW_BLOCK;
    vf64 r = 1.0 / (big ? x : 1.0), close = big ? 1.0 : x;
    vf64 y = below ? close : close - 1.0;
    vf64 start = big ? fma_f64(r, 7.9375, 5.5) : fma_f64(y, 2.0, -0.5);
    vf64 shift = 0x1.8p52, shifted = start + shift, d = start - (shifted - shift), dd = d * d;
    columns_f64 columns = choose_f64(AS(vi64, shifted), ADDRESS(gammaln_table_f64));
    vf64 q = FMA(d, HORNER_f64(columns, 16, d, dd), lookup_f64(columns, 16));
    vf64 zeros = big ? (vf64)1.0 : y * (y - 1.0);
    vf64 factor = big ? x - 0.5 : below ? (vf64)-1.0 : (vf64)0.0;
    return FMA(factor, log, FMA(zeros, q, big ? (vf64)-0.5 : (vf64)0.0));
}

INLINE vf64 gammaln_fast_f64(vf64 x) {
    FLAGS_MATTER
    vi64 special = (AS(vi64, x) < 0x0010000000000000) | (AS(vi64, x) >= 0x7830000000000000);
    if (UNLIKELY(any(special))) {
        vf64 usual = gammaln_fast_of_f64(special ? 1.0 : x);
        return special ? gammaln_f64(x) : usual;
    }
    return gammaln_fast_of_f64(x);
}
#endif

#elif defined(REAL)

/* log gamma(x), x > 0, given the logarithm. */
INLINE NAME(pair) NAME(gammaln_pair)(V x, NAME(pair) log) {
    FLAGS_MATTER
    I big = AS(I, x) >= AS(I, R(4.0)), below = AS(I, x) < ONE;
    V r = R(1.0) / (big ? x : R(1.0)), close = big ? R(1.0) : x;
    V y = below ? close : close - R(1.0);
    V start = big ? NAME(fma)(r, R(7.9375), R(5.5)) : NAME(fma)(y, R(2.0), R(-0.5));
    V shifted = start + SHIFT, d = start - (shifted - SHIFT);
    NEW_BLOCK;
    NAME(columns) columns = NAME(choose)(AS(I, shifted), ADDRESS(NAME(gammaln_table)));
    V p = NAME(HORNER)(columns, NAME(GAMMALN_TERMS) - 2, d, d * d);
    NEW_BLOCK;
    V high = NAME(lookup)(columns, NAME(GAMMALN_TERMS) - 2);
    V low = FMA(d, p, NAME(lookup)(columns, NAME(GAMMALN_TERMS) - 1));
    V less = y - R(1.0), zeros = y * less, zeros_low = FMA(y, less, -zeros);
    zeros = big ? R(1.0) : zeros;
    zeros_low = big ? R(0.0) : zeros_low;
    V part = zeros * high, part_low = FMA(zeros, high, -part);
    part_low += FMA(zeros, low, zeros_low * high);

    NEW_BLOCK;
    V factor = big ? x - R(0.5) : below ? R(-1.0) : R(0.0), minus = big ? x : R(0.0);
    V product = factor * log.high, product_low = FMA(factor, log.high, -product);
    V head = product - minus, head_low = (product - head) - minus;
    V factor_low = big ? (x - factor) - R(0.5) : R(0.0);
    head_low += FMA(factor, log.low, FMA(factor_low, log.high, product_low));

    V sum = head + part, taken = sum - head;
    V rest = (head - (sum - taken)) + (part - taken);
    return (NAME(pair)){sum, rest + (head_low + part_low)};
}

INLINE V NAME(gammaln)(V x) {
    FLAGS_MATTER
    I bits = AS(I, x), magnitude = bits & ~SIGN, huge_bits = AS(I, NAME(GAMMALN_HUGE));
    I special = (bits < NORMAL) | (bits >= huge_bits);
    V w = x, w_low = (V){}, bias = NAME(LOG_PAIR_BIAS);
    I of_log = bits, reflected = (I){};
    int rare = any(special);
    if (UNLIKELY(rare)) {
        I tiny = special & (magnitude < AS(I, NAME(TINY)));
        I subnormal = magnitude < NORMAL;
        reflected = (bits < 0) & ~tiny; /* also beyond all that are no poles */
        V y = AS(V, magnitude < huge_bits ? magnitude : ONE);
        V next = y + R(1.0), part = next - y;
        w = reflected ? next : tiny ? NAME(TINY) : y;
        w_low = reflected ? (y - (next - part)) + (R(1.0) - part) : R(0.0);
        /* A subnormal number is its significand times the least; as an integer it survives
           flush-to-zero. */
        V integer = AS(V, (bits & (NORMAL - 1)) | TOP) - AS(V, TOP);
        of_log = magnitude < INFINITE ? magnitude : ONE;
        of_log = reflected ? AS(I, next) : of_log;
        of_log = magnitude == 0 ? ONE : subnormal ? AS(I, integer) : of_log;
        bias = subnormal ? bias + LEAST_EXPONENT : bias;
    }
    NAME(pair) log = NAME(log_pair)(of_log, bias);
    NEW_BLOCK;
    NAME(pair) value = NAME(gammaln_pair)(w, log);
    V result = value.high + value.low;
    if (UNLIKELY(rare)) {
        I tiny = special & (magnitude < AS(I, NAME(TINY)));
        I huge = (bits >= huge_bits) & (bits <= NAME(GAMMALN_LAST));
        /* x (log x - 1), scaled: it may overflow only at the end. */
        V scaled = (huge ? x : R(1.0)) * NAME(GAMMALN_SCALE), product = scaled * log.high;
        V large = product - scaled, large_low = (product - large) - scaled;
        large_low += FMA(scaled, log.low, FMA(scaled, log.high, -product));
        large = (large + large_low) * (R(1.0) / NAME(GAMMALN_SCALE));

        /* |x| to the nearest integer; from LIMIT on all are integers, and so is nan. */
        NEW_BLOCK;
        const I LIMIT = TOP + NORMAL; /* 2**53 (2**24) */
        V y = AS(V, magnitude < LIMIT ? magnitude : LIMIT);
        V f = ABS(y - RINT(y));
        I pole = (bits < 0) & (f == R(0.0));
        NAME(pair) sine = NAME(sine_of_pi)(reflected & ~pole ? f : R(0.25));
        V r = R(1.0) / (reflected ? w : R(1.0));
        V psi = log.high - r * NAME(fma)(r, NAME(TWELFTH), R(0.5));
        value.low = FMA(psi, w_low, value.low);
        NEW_BLOCK;
        NAME(pair) minus = NAME(log_pair)(AS(I, sine.high), NAME(LOG_PAIR_BIAS));
        V sum = minus.high + value.high, taken = sum - minus.high;
        V rest = (minus.high - (sum - taken)) + (value.high - taken);
        rest += (minus.low + value.low) + sine.low / sine.high;
        result = reflected ? -(sum + rest) : result;
        result = tiny ? -(log.high + log.low) : huge ? large : result;
        I infinite = pole | (magnitude == 0) | (bits > NAME(GAMMALN_LAST));
        result = infinite ? AS(V, INFINITE) : result;
        result = magnitude >= INFINITE ? x : result;
    }
    return result;
}

#endif
