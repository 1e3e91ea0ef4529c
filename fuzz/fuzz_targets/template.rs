//! See `ktk_fuzz::template`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ktk_fuzz::template(data));
