/* The next number of the dtype: spacing, the distance to the one of larger magnitude, and
   nextafter.  The bits of numbers of one sign are in the numbers' order, so the next one is 1 away.
   The step from the largest number to infinity raises overflow, as NumPy's does: a real operation
   raises it here, the doubling of this number. */

#ifndef CPNUM_NEIGHBOURS_H
#define CPNUM_NEIGHBOURS_H

#include "../vector.h"

#define TEMPLATE "neighbours.h"
#include "real.h"

#elif defined(REAL)

/* NumPy has nan for infinity, with no report, and a positive distance for -0.0. */
INLINE V NAME(spacing)(V x) {
    FLAGS_MATTER
    const I QUIET = NORMAL >> 1;
    I size = AS(I, x) & ~SIGN, largest = size == INFINITE - 1;
    I bits = ((size > 0) & (size < INFINITE)) ? AS(I, x) : (I){};
    V doubled = AS(V, largest ? bits : (I){}) * R(2.0);
    bits = largest ? (I){} : bits;
    V distance = AS(V, bits + 1) - AS(V, bits);
    distance = largest ? doubled : distance;
    return size < INFINITE ? distance : AS(V, AS(I, x) | QUIET);
}

INLINE V NAME(nextafter)(V x, V y) {
    FLAGS_MATTER
    I x_size = AS(I, x) & ~SIGN, y_size = AS(I, y) & ~SIGN, sign = AS(I, x) & SIGN;
    I nan = (x_size > INFINITE) | (y_size > INFINITE);
    I equal = (AS(I, x) == AS(I, y)) | ((x_size | y_size) == 0);
    /* Towards a y of the same sign and larger size; towards any y from 0, with its sign. */
    I away = ((AS(I, x) ^ AS(I, y)) >= 0) & (y_size > x_size);
    I next = sign | (x_size + (away ? (I){} + 1 : (I){} - 1));
    next = x_size == 0 ? (AS(I, y) & SIGN) | 1 : next;
    I over = away & ~nan & (x_size == INFINITE - 1);
    V doubled = AS(V, over ? AS(I, x) : (I){}) * R(2.0);
    V value = over ? doubled : AS(V, next);
    value = equal ? y : value;
    return nan ? (x_size > INFINITE ? x : y) : value;
}

#endif
