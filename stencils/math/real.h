/* Includes the file TEMPLATE once for each floating type that has a place in these lanes, so that a
   function whose operations are the same in both types is written once.  REAL is the type's name;
   from it follow

       NAME(f)                  f_f64 or f_f32
       V, I, U                  its vector, and its bits as signed and unsigned integers
       ELEMENT, WORD            the types of one element and of its bits
       R(x)                     a constant
       ONE, SIGN, INFINITE      the bits of 1.0, -0.0 and infinity
       NORMAL                   the bits of the least normal number
       LARGE                    the bits of a number with a finite square, above 2 / epsilon
       TOP                      the bits of 2**DIGITS; with a smaller integer in them, of their sum
       LEAST_EXPONENT           the least number is 2**-LEAST_EXPONENT
       DIGITS, SIGN_BIT         how many bits are below the exponent, and below the sign
       SHIFT                    1.5 * 2**DIGITS, a scalar: the sum with it is rounded to an integer
       OUTSIDE(bits, least, most)    bits < least or bits >= most, of positive least and most */

#ifndef CPNUM_REAL_H
#define CPNUM_REAL_H

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(name) JOIN(name##_, REAL)

#define V JOIN(v, REAL)
#define I NAME(select)
#define U NAME(UNSIGNED)
#define R(x) NAME(CONSTANT)(x)
#define ONE NAME(ONE)
#define SIGN NAME(SIGN)
#define INFINITE NAME(INFINITE)
#define NORMAL NAME(NORMAL)
#define LARGE NAME(LARGE)
#define TOP NAME(TOP)
#define LEAST_EXPONENT NAME(LEAST_EXPONENT)
#define ELEMENT NAME(ELEMENT)
#define WORD NAME(WORD)
#define DIGITS NAME(DIGITS)
#define SIGN_BIT NAME(SIGN_BIT)
#define SHIFT NAME(SHIFT)

#define OUTSIDE NAME(OUTSIDE)

#define UNSIGNED_f64 vu64
#define UNSIGNED_f32 vu32
#define ELEMENT_f64 double
#define ELEMENT_f32 float
#define WORD_f64 long
#define WORD_f32 int
#define CONSTANT_f64(x) ((vf64)x)
#define CONSTANT_f32(x) ((vf32)x##f)
#define ONE_f64 (vi64)0x3ff0000000000000
#define ONE_f32 (vi32)0x3f800000
#define SIGN_f64 (vi64)~0x7fffffffffffffff
#define SIGN_f32 (vi32)~0x7fffffff
#define INFINITE_f64 (vi64)0x7ff0000000000000
#define INFINITE_f32 (vi32)0x7f800000
#define NORMAL_f64 (vi64)0x0010000000000000
#define NORMAL_f32 (vi32)0x00800000
#define LARGE_f64 (vi64)0x5f30000000000000 /* 2**500 */
#define LARGE_f32 (vi32)0x53800000         /* 2**40 */
#define TOP_f64 (vi64)0x4330000000000000
#define TOP_f32 (vi32)0x4b000000
#define LEAST_EXPONENT_f64 ((vf64)1074.0)
#define LEAST_EXPONENT_f32 ((vf32)149.0f)
#define DIGITS_f64 52
#define DIGITS_f32 23
#define SIGN_BIT_f64 63
#define SIGN_BIT_f32 31
#define SHIFT_f64 0x1.8p52
#define SHIFT_f32 0x1.8p23f

/* One comparison of bits - least as unsigned numbers; AVX2 compares signed ones only, hence the
   sign. */
#define OUTSIDE_BY(sign, bits, least, most) ((bits) - (least) + sign >= sign + ((most) - (least)))
#define OUTSIDE_f64(bits, least, most) OUTSIDE_BY(SIGN_f64, bits, least, most)
#define OUTSIDE_f32(bits, least, most) OUTSIDE_BY(SIGN_f32, bits, least, most)

#endif

#if LANE == 8
#define REAL f64
#include TEMPLATE
#undef REAL
#endif
#if LANE > 1
#define REAL f32
#include TEMPLATE
#undef REAL
#endif
#undef TEMPLATE
