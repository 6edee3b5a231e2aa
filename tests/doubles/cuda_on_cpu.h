// Just enough CUDA for a C++ compiler to build the kernels for the CPU: every thread of a launch
// runs after the other. Compile with -ffp-contract=off, the counterpart of nvcc's -fmad=false.
#pragma once

#include <cmath>
#include <cstring>

#define __global__
#define __device__
#define __grid_constant__
#define __forceinline__ inline
#define __launch_bounds__(threads, blocks)

struct dim3 {
    unsigned x, y, z;
};
static dim3 threadIdx, blockIdx, blockDim, gridDim;

struct __half {
    unsigned short bits;
};

static inline float __half2float(__half half) {
    const int exponent = half.bits >> 10 & 31, fraction = half.bits & 1023;
    float value = exponent == 31  ? (fraction ? NAN : INFINITY)
                  : exponent == 0 ? std::ldexp((float)fraction, -24)
                                  : std::ldexp((float)(1024 + fraction), exponent - 25);
    return half.bits >> 15 ? -value : value;
}

// Rounds to nearest, ties to even, for finite values of at most 65504, which is all kernels make.
static inline __half __float2half_rn(float value) {
    const unsigned short sign = std::signbit(value) ? 0x8000 : 0;
    int exponent;
    std::frexp(std::fabs(value), &exponent);  // |value| in [2^(exponent-1), 2^exponent)
    if (value == 0 || exponent < -13) exponent = -13;  // subnormals share the least exponent
    const int steps = (int)std::nearbyint(std::ldexp(std::fabs(value), 11 - exponent));
    // A carry out of the fraction becomes the next exponent by itself.
    return __half{(unsigned short)(sign | (steps + (exponent + 13) * 1024))};
}

template <class Argument>
static void launch_on_cpu(
    void (*kernel)(Argument), const void* argument, const unsigned* grid, const unsigned* block) {
    Argument a;
    std::memcpy(&a, argument, sizeof a);
    gridDim = {grid[0], grid[1], grid[2]}, blockDim = {block[0], block[1], block[2]};
    for (blockIdx.z = 0; blockIdx.z < grid[2]; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < grid[1]; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < grid[0]; blockIdx.x++)
                for (threadIdx.y = 0; threadIdx.y < block[1]; threadIdx.y++)
                    for (threadIdx.x = 0; threadIdx.x < block[0]; threadIdx.x++) kernel(a);
}
