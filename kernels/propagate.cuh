/* Propagation of spikes through weights: one text for GPU and host.

     current_j = sum_i spike_i * used_ij        (used weights lie on the grid 2^-12)

   Every partial sum is exact, so the order of the terms cannot change a bit. GPU: one block is one
   individual and a thread owns its columns, so no atomics are needed and the order is fixed. Silent
   rows are skipped: their weights are never read.

   spikes [individuals, pre], used [individuals, pre, post] (`stride` elements apart; 0 where all
   individuals share one matrix), current [individuals, post]; all of BISNN_REAL (float or double). */

#ifndef BISNN_REAL
#define BISNN_REAL float
#endif

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define BISNN_ON_DEVICE 1
#define BISNN_INLINE static __device__ __forceinline__
#else
#define BISNN_INLINE static inline
#endif

/* The current into column `j` of one individual. */
BISNN_INLINE BISNN_REAL bisnn_current(const BISNN_REAL *spikes, const BISNN_REAL *used, int pre, int post, int j)
{
    BISNN_REAL sum = (BISNN_REAL)0;
    for (int i = 0; i < pre; ++i) {
        const BISNN_REAL spike = spikes[i];
        if (spike != (BISNN_REAL)0) sum += spike * used[(long long)i * post + j];
    }
    return sum;
}

#ifdef BISNN_ON_DEVICE

extern "C" __global__ void propagate(const BISNN_REAL *spikes, const BISNN_REAL *used, BISNN_REAL *current,
                                     int pre, int post, long long stride)
{
    const long long individual = blockIdx.x;
    for (int j = threadIdx.x; j < post; j += blockDim.x)
        current[individual * post + j] =
            bisnn_current(spikes + individual * pre, used + individual * stride, pre, post, j);
}

#else

extern "C" void propagate_host(const BISNN_REAL *spikes, const BISNN_REAL *used, BISNN_REAL *current,
                               long long individuals, int pre, int post, long long stride)
{
    for (long long individual = 0; individual < individuals; ++individual)
        for (int j = 0; j < post; ++j)
            current[individual * post + j] =
                bisnn_current(spikes + individual * pre, used + individual * stride, pre, post, j);
}

#endif
