//! See `ktk_fuzz::change`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ktk_fuzz::change(data));
