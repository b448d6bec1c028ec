/* erf, float64 and float32.

   Method.  |x| lies in one of eight pieces of equal width, 3/4 (float32: 1/2); their polynomials
   differ in their coefficients only, which lookup.h picks (piecewise minimax after a reduction to
   the nearest centre, as in Tang's table-driven functions, ACM TOMS 15 (1989), with the register
   file for the table).  With c the centre of the piece, |x| = c + d,

       erf |x| = high + (low + d P(d)),    high + low = erf c to twice the precision.

   In the first piece, where the relative error counts, erf |x| = |x| + |x| Q(x**2): the same form
   with high = |x|, low = 0, and |x| and x**2 in place of d.  |Q| <= 0.129.

   In ulp: 1/2 for the last addition.  In the first piece the second term is <= 1/8 of the result,
   and the roundings of Q's last coefficient, of Q and of the product are half an ulp of that each
   and the approximation another (2**-56.2): 0.25.  At the left end of the second piece d P(d) is
   0.34 of the result, with two roundings and an approximation of 2**-58.9: 0.3; less beyond.

   Above 6 - 1/16 (float32: 4 - 1/16) erf rounds to 1, and so does the last piece: such |x|, inf
   and nan are replaced, so that nothing raises a flag, and nan put back.  No branch.

   Coefficients: erf.sollya.  Measured maximum: float64 0.846 ulp (a result near the
   least normal number) in 10**6 points, float32 0.768 in all of them. */

#ifndef CPNUM_ERF_H
#define CPNUM_ERF_H

#include "fma.h"
#include "horner.h"

/* From here on erf is 1; and the pieces' width and its reciprocal. */
#define ERF_BOUND_f64 ((vf64)5.9375)
#define ERF_BOUND_f32 ((vf32)3.9375f)
#define ERF_WIDTH_f64 ((vf64)0.75)
#define ERF_WIDTH_f32 ((vf32)0.5f)
#define ERF_RECIPROCAL_f64 ((vf64)0x1.5555555555555p+0)
#define ERF_RECIPROCAL_f32 ((vf32)2.0f)

/* Coefficients, the highest first, high and low. */
#define ERF_TERMS_f64 17
#define ERF_TERMS_f32 9

#if LANE == 8
TABLE(double, erf_table_f64, ERF_TERMS_f64) = {
    {0.0, -0x1.e41ab6f69c3a3p-18, 0x1.33ff2079cf8e1p-19, -0x1.37b6cc76025ecp-22,
     0x1.90144362262b3p-26, -0x1.42a7810625e84p-29, 0x1.5d739e6159e71p-33, 0x1.8fb0daef1f92cp-40},
    {0.0, 0x1.64181fcab1addp-17, 0x1.f86a74db4de7dp-22, -0x1.39beca49724afp-21,
     0x1.33e297df95205p-24, -0x1.7166cb94dc0fbp-33, -0x1.e73c723ba93d3p-32, -0x1.72da1c0f93b64p-39},
    {0.0, 0x1.9dc9594f8b2a9p-15, -0x1.5caf5ce49972cp-16, 0x1.17308a8681d3ep-18,
     -0x1.efe62d9042c77p-22, 0x1.696510aba935bp-26, 0x1.06115dd6d4448p-30, 0x1.037a4e26bbf35p-38},
    {0.0, -0x1.28d12e3421663p-13, 0x1.2f41648bb78d8p-15, -0x1.c23279209f5cap-18,
     0x1.1eb9713959f88p-20, -0x1.77f17dff884c3p-24, -0x1.00624d13960afp-29, -0x1.7cadbd4fe6044p-38},
    {0x1.91aea81d0d2ebp-27, -0x1.7310eaf55de79p-13, 0x1.353bc7af688d6p-14, -0x1.5a81c917d4efcp-17,
     -0x1.5f844b11464fbp-21, 0x1.0671fac9f54fep-22, 0x1.b52a233c1cf4p-29, 0x1.fd1a235ed1756p-38},
    {-0x1.57b0f7052f3c1p-23, 0x1.2e524365bc937p-10, -0x1.991e83639293ep-12, 0x1.36346bf093866p-14,
     -0x1.34f4be72782f5p-18, -0x1.1dd15fe3ab71bp-21, -0x1.438127ddab595p-28,
     -0x1.2a948d73d409ap-37},
    {0x1.b946a8baf39b5p-20, -0x1.79b0a4b884554p-12, 0x1.7bda89bc71498p-12, -0x1.4006b6e91f946p-13,
     0x1.64c527bac76ffp-16, 0x1.fc1a24614cb63p-21, 0x1.a05e152a7b6eep-28, 0x1.35c1be7bc6088p-37},
    {-0x1.f4cacef7e21cap-17, -0x1.8b43c36cb28e9p-8, 0x1.76ff619cacadap-10, 0x1.229e9bb653c69p-15,
     -0x1.cc156f5c98422p-15, -0x1.7710ca3ef35c4p-20, -0x1.d00f3ea2f6394p-28,
     -0x1.1aaee4a1b0299p-37},
    {0x1.f9a2f425b5c01p-14, 0x1.3acc785fa08f7p-7, -0x1.42fcbab48a129p-8, 0x1.64f891a39e696p-11,
     0x1.ac9997f6ac711p-14, 0x1.cd9e0d1919db7p-20, 0x1.bc2ac6a5ca113p-28, 0x1.c087e2b0d9187p-38},
    {-0x1.c02db379ebc88p-11, 0x1.fd1c6c0e4d5d6p-7, 0x1.0d099c65ccad2p-8, -0x1.267f3bb8410eap-9,
     -0x1.330aab8c6a163p-13, -0x1.d73aa4332eb13p-20, -0x1.68934df526673p-28,
     -0x1.30e4401d14a3dp-38},
    {0x1.565bcd103fe3bp-8, -0x1.f65d15f1f8d57p-5, 0x1.779b1e572b2a7p-7, 0x1.146c4b3e32b0fp-8,
     0x1.5775778812923p-13, 0x1.89ca7748a8de6p-20, 0x1.e7ba5743e5814p-29, 0x1.5c5edf19c04e4p-39},
    {-0x1.b82ce312abf0fp-6, 0x1.ca50831681cp-6, -0x1.5a316520ad029p-5, -0x1.62d4c6d4b4c47p-8,
     -0x1.298f8d45a07fbp-13, -0x1.07600ca9c5493p-20, -0x1.0bc6ecbfdca2fp-29,
     -0x1.459c7aebfa9dap-40},
    {0x1.ce2f21a0437e7p-4, 0x1.4cb3cf0aa0d1dp-3, 0x1.143d1c6f4efafp-4, 0x1.407fbd18f105ap-8,
     0x1.84522fe882f0ap-14, 0x1.0fdac559a8671p-21, 0x1.cb2a2e57b0b36p-31, 0x1.de74c143d6fddp-42},
    {-0x1.812746b037ap-2, -0x1.6ea6cf452e843p-2, -0x1.01a1c847fa284p-4, -0x1.8af14828bfb6p-9,
     -0x1.690585ca93dd8p-15, -0x1.976564c739b6ap-23, -0x1.20a2ae967f582p-32, -0x1.034613c40005p-43},
    {0x1.06eba8214db69p-3, 0x1.45e99bcbb7915p-2, 0x1.12ceb37ff9bc5p-5, 0x1.2ce8988092453p-10,
     0x1.abe09e9144ad2p-17, 0x1.8b0cfce0583f2p-25, 0x1.d9a880f2f6e0ep-35, 0x1.70beaf98019a3p-46},
    {0.0, 0x1.c6dad2829ec62p-1, 0x1.fbe61eef4cf6ap-1, 0x1.ffe514bbdc197p-1, 0x1.ffffc316d9edp-1,
     0x1.ffffffd169d0cp-1, 0x1.fffffffff4188p-1, 0x1.ffffffffffffp-1},
    {0.0, -0x1.ab76d4cba3d05p-57, 0x1.15ded88667618p-55, -0x1.cd963345b5c6dp-58,
     -0x1.8b32f44f46b3bp-55, 0x1.70a2bfb068e6fp-55, 0x1.7a2cb3d056eacp-55, -0x1.20ef3618f2d54p-56},
};
#endif

TABLE(float, erf_table_f32, ERF_TERMS_f32) = {
    {0.0f, 0x1.2eb93ap-6f, 0x1.079eb8p-8f, -0x1.848c42p-8f, -0x1.82a1c6p-11f, 0x1.4d17c4p-11f,
     0x1.6ca97ap-13f, 0x1.20e5fap-16f},
    {0.0f, -0x1.b39194p-6f, 0x1.52001cp-6f, 0x1.286d82p-7f, -0x1.6d0772p-9f, -0x1.b51af8p-10f,
     -0x1.1ea1b4p-12f, -0x1.5a3516p-16f},
    {0x1.35681ep-8f, -0x1.b489d8p-5f, -0x1.82d2c6p-5f, 0x1.b1b9f6p-8f, 0x1.5d5e7cp-7f,
     0x1.694736p-9f, 0x1.48d554p-12f, 0x1.336642p-16f},
    {-0x1.b66b44p-6f, 0x1.34959ep-3f, -0x1.921798p-8f, -0x1.8a13dep-5f, -0x1.38bb8ap-6f,
     -0x1.ab0026p-9f, -0x1.2c1dcp-12f, -0x1.cec46ap-17f},
    {0x1.ce2554p-4f, 0x1.b6f166p-6f, 0x1.571daep-3f, 0x1.7148ep-4f, 0x1.63eef2p-6f, 0x1.69cef8p-9f,
     0x1.9aa684p-13f, 0x1.0b725ep-17f},
    {-0x1.812734p-2f, -0x1.edc55cp-2f, -0x1.2ebf4ep-2f, -0x1.7a4a82p-4f, -0x1.074b32p-6f,
     -0x1.a6a558p-10f, -0x1.8de7bep-14f, -0x1.bbb552p-19f},
    {0x1.06eba8p-3f, 0x1.492e42p-1f, 0x1.e4652ep-3f, 0x1.b0553p-5f, 0x1.d4143ep-8f, 0x1.3360cep-11f,
     0x1.e9b5d6p-16f, 0x1.d93684p-21f},
    {0.0f, 0x1.6c1c98p-1f, 0x1.d8865ep-1f, 0x1.f92d08p-1f, 0x1.ff4048p-1f, 0x1.fff2dp-1f,
     0x1.ffff7p-1f, 0x1.fffffcp-1f},
    {0.0f, -0x1.4c5e34p-26f, -0x1.9d508p-27f, -0x1.00e552p-26f, -0x1.3f9ccap-26f, -0x1.3eeb0ap-27f,
     -0x1.82606ap-27f, 0x1.78b8f2p-28f},
};

#define TEMPLATE "erf.h"
#include "real.h"

#elif defined(REAL)

INLINE V NAME(erf)(V x) {
    const I BOUND = AS(I, NAME(ERF_BOUND));
    I magnitude = AS(I, x) & ~SIGN, within = magnitude < BOUND; /* and no nan */
    V y = AS(V, within ? magnitude : BOUND);
    V start = y - NAME(ERF_WIDTH) * R(0.5);
    V shifted = NAME(fma)(start, NAME(ERF_RECIPROCAL), (V)SHIFT), piece = shifted - SHIFT;
    NAME(columns) columns = NAME(choose)(AS(I, shifted), ADDRESS(NAME(erf_table)));
    V d = NAME(fma)(piece, -NAME(ERF_WIDTH), start);
    I first = piece == R(0.0);
    V factor = first ? y : d, u = first ? y * y : d, square = u * u;
    V p = NAME(HORNER)(columns, NAME(ERF_TERMS) - 2, u, square);
    V high = first ? y : NAME(lookup)(columns, NAME(ERF_TERMS) - 2);
    V low = NAME(lookup)(columns, NAME(ERF_TERMS) - 1);
    V result = COPYSIGN(high + FMA(factor, p, low), x);
    return x == x ? result : x;
}

#endif
