//! What becomes of memory that a decoder has freed.
//!
//! The C library gives large pieces back to the system at once, and the next image pays for every page of them again:
//! a fifth of the time of a progressive JPEG of one megapixel. A worker keeps them while it has work, and gives them
//! back when it has none. Elsewhere than with glibc nothing is done.

/// Freed memory that is kept for the next image; an allocator keeps so much for each thread that decodes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_BYTES: i32 = 128 << 20;

/// Has freed memory kept for the next image, from now on, in the whole process.
#[allow(unsafe_code, reason = "the C library's settings have no other door")]
pub fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes numbers only, and may be called at any time.
    unsafe {
        // Up to 32 MiB (the most that it takes) is cut from what is kept, more is mapped each time.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES);
    }
}

/// Gives what is kept back to the system. Takes milliseconds.
#[allow(unsafe_code, reason = "the C library's settings have no other door")]
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim has no conditions.
    unsafe {
        libc::malloc_trim(0);
    }
}
