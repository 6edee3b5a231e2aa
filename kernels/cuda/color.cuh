// What both colour kernels share: their arguments, and reading and writing samples.
//
// The arithmetic is that of reference.py, step by step in float32. Compile with -fmad=false: a
// multiplication and an addition are then rounded apart, and fused only where fmaf says so, which
// is where torch fuses them (add with alpha). Of 360,000 16-bit codes none then differs from the
// reference on the CPU; with every pair fused, or none, 2 to 4 in 10,000 do. And only so does a C++
// compiler for the CPU, which the tests use, give the bits that a GPU gives.
//
// All strides are in BYTES, as in numpy. Offsets have 64 bits: a batch of 8K planes passes 2^31.
#pragma once

#ifdef __CUDACC__
#include <cuda_fp16.h>
#endif

typedef long long int64;

// Samples of one component. `sample` is the distance to the next one across: the width of a code,
// or twice that in a plane that interleaves Cb and Cr (nv12, p010).
struct Plane {
    char* data;
    int64 picture, row, sample;
};

// Floats [N, C, H, W] in any order of axes.
struct Tensor {
    char* data;
    int64 picture, channel, row, pixel;
};

// level = offset + span * value; `shift` bits below the code stay empty (p010: 6).
struct Levels {
    float luma_offset, luma_span, chroma_offset, chroma_span, peak;
    int shift;
};

// Pixels across that one thread computes: 8 halves, or 8 codes of 16 bits, are 16 bytes.
constexpr int RUN = 8;

// Threads of a block, and blocks that a multiprocessor shall hold: at most 80 registers a thread.
constexpr int THREADS = 256, BLOCKS = 3;

template <class T>
struct alignas(sizeof(T) * RUN < 16 ? sizeof(T) * RUN : 16) Pack {
    T values[RUN];
};

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(__half value) { return __half2float(value); }

__device__ __forceinline__ void from_float(float value, float& target) { target = value; }
__device__ __forceinline__ void from_float(float value, __half& target) {
    target = __float2half_rn(value);
}

template <class T>
__device__ __forceinline__ bool is_aligned(const char* address) {
    return reinterpret_cast<unsigned long long>(address) % alignof(Pack<T>) == 0;
}

__device__ __forceinline__ int clamp_index(int index, int size) {
    return index < 0 ? 0 : index < size ? index : size - 1;
}

__device__ __forceinline__ float clamp_unit(float value) {
    return fminf(fmaxf(value, 0.0f), 1.0f);
}

__device__ __forceinline__ char* row_of(const Plane& plane, int64 picture, int y) {
    return plane.data + picture * plane.picture + y * plane.row;
}

template <class S>
__device__ __forceinline__ float code_at(const Plane& plane, const char* row, int x, int shift) {
    const S code = *reinterpret_cast<const S*>(row + x * plane.sample);
    return static_cast<float>(code >> shift);
}

// Halves are rounded up; nothing is negative after the clamp, so that the cast is a floor.
template <class S>
__device__ __forceinline__ S quantize(float value, float span, float offset, const Levels& levels) {
    const float level = value * span + (offset + 0.5f);
    const float inside = fminf(fmaxf(level, 0.0f), levels.peak + 0.5f);
    return static_cast<S>(static_cast<unsigned>(inside) << levels.shift);
}
